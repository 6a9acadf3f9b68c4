package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strconv"
)

// What a clinician searches among others' records: whom the panel holds, and how much of the same
// belongs to everybody else.
const (
	othersRows    = 100_000 // resources of patients whom the clinician does not treat
	rowsAPatient  = 20
	found         = 20 // what the clinician's search finds, in his first patients
	foundAPatient = 7
	panelCode     = "8867-4" // heart rate
)

// panels are how many patients the clinician treats, in one turn after the other.
func panels() []int { return []int{20, 300, 2000} }

// besidePanels searches as a clinician for what he finds 20 of among others' 10⁵ of the same, beside
// the loader's same search, with panels of different sizes.
func (r *round) besidePanels(ctx context.Context) error {
	if !r.panels {
		return nil
	}
	who, err := r.system.fhirUser(reader)
	if err != nil {
		return err
	}
	if err := r.system.load(ctx, "others", writeOthers); err != nil {
		return fmt.Errorf("load others' records: %w", err)
	}
	token, err := r.system.as(ctx, reader)
	if err != nil {
		return err
	}
	size := 0
	for _, next := range panels() {
		from := size
		size = next
		if err := r.system.load(ctx, "panel", func(w io.Writer) { writePanel(w, who, from, size) }); err != nil {
			return fmt.Errorf("load a panel of %d: %w", size, err)
		}
		for _, s := range searches() {
			if err := r.asClinician(ctx, token, size, s); err != nil {
				return fmt.Errorf("%s with a panel of %d: %w", s.name, size, err)
			}
		}
	}
	return nil
}

// panelSearch is what clinician and loader both ask.
type panelSearch struct {
	name, path string
	finds      int
}

func searches() []panelSearch {
	return []panelSearch{
		{"search among others", fhir + "/Observation?_count=20&code=" + url.QueryEscape("http://loinc.org|"+panelCode), found},
		{"search for one's patient", fhir + "/Patient?identifier=" + url.QueryEscape("http://panel.example|1"), 1},
	}
}

// asClinician has clinician and loader take turns at one search.
func (r *round) asClinician(ctx context.Context, token string, panel int, s panelSearch) error {
	as := *r.system
	as.token = token
	list, err := as.search(ctx, s.path[len(fhir)+1:])
	if err == nil && len(list) != s.finds {
		err = fmt.Errorf("the clinician finds %d, want %d", len(list), s.finds)
	}
	if err != nil {
		return err
	}
	var clinician, loader measured
	for range turns {
		for _, turn := range []struct {
			token string
			sum   *measured
		}{{r.system.token, &loader}, {token, &clinician}} {
			m, err := r.under(ctx, r.system.host(), r.system.pid(), gets([]string{s.path}, turn.token), turnFor)
			if err != nil {
				return err
			}
			turn.sum.add(m)
		}
	}
	name := s.name + ", of " + strconv.Itoa(panel)
	r.out.addLoad(name, clinician)
	r.out.addLoad(name+", as the loader", loader)
	r.out.add(name+", times the loader's", loader.perSecond()/clinician.perSecond())
	return nil
}

// load imports what write makes, as NDJSON.
func (s *system) load(ctx context.Context, name string, write func(io.Writer)) error {
	file := s.dir + "-" + name + ".ndjson"
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	write(w)
	if err := errors.Join(w.Flush(), f.Close()); err != nil {
		return err
	}
	_, err = s.importFiles(ctx, file)
	return errors.Join(err, os.Remove(file))
}

// writeOthers makes patients with the same observations, in nobody's care.
func writeOthers(w io.Writer) {
	for p := range othersRows / rowsAPatient {
		writePatient(w, fmt.Sprint("other-", p), "http://others.example", p)
		for i := range rowsAPatient {
			writeObservation(w, fmt.Sprintf("other-%d-%d", p, i), fmt.Sprint("other-", p), panelCode)
		}
	}
}

// writePanel makes a clinician's patients from one number up to another. The first have what he
// searches for, the others something else.
func writePanel(w io.Writer, clinician string, from, to int) {
	for p := from; p < to; p++ {
		patient := fmt.Sprint("mine-", p)
		writePatient(w, patient, "http://panel.example", p)
		fmt.Fprintf(w, `{"resourceType":"CareTeam","id":"team-%[1]s","status":"active","subject":{"reference":"Patient/%[1]s"},"participant":[{"member":{"reference":"%[2]s"}}]}`+"\n", patient, clinician)
		for i := range min(foundAPatient, max(0, found-p*foundAPatient)) {
			writeObservation(w, fmt.Sprintf("%s-%d", patient, i), patient, panelCode)
		}
		writeObservation(w, patient+"-else", patient, "8302-2")
	}
}

func writePatient(w io.Writer, id, system string, n int) {
	fmt.Fprintf(w, `{"resourceType":"Patient","id":"%s","identifier":[{"system":"%s","value":"%d"}],"name":[{"family":"Panel","given":["N%[3]d"]}],"gender":"unknown"}`+"\n", id, system, n)
}

func writeObservation(w io.Writer, id, patient, code string) {
	fmt.Fprintf(w, `{"resourceType":"Observation","id":"%s","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"%s"}]},"subject":{"reference":"Patient/%s"},"effectiveDateTime":"2024-05-06","valueQuantity":{"value":70,"unit":"beats/minute","system":"http://unitsofmeasure.org","code":"/min"}}`+"\n", id, code, patient)
}

// fhirUser is who a try-out identity is in the records.
func (s *system) fhirUser(name string) (string, error) {
	text, err := os.ReadFile(s.file("dev.json"))
	if err != nil {
		return "", err
	}
	var info struct {
		Identities map[string]struct{ FHIRUser string }
	}
	if err := json.Unmarshal(text, &info); err != nil {
		return "", err
	}
	if who := info.Identities[name].FHIRUser; who != "" {
		return who, nil
	}
	return "", fmt.Errorf("dev.json does not say who the %s is", name)
}
