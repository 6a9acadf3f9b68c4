package fhir

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/access"
)

// written is an observation whose every character matters: a precision, a code, a text in another script.
func (s *stage) written(id, precise string) string {
	return `{"resourceType":"Observation","id":"` + id + `","status":"registered","subject":{"reference":"Patient/` + ours + `"},` +
		`"code":{"text":"` + s.mark + ` Ω≈ç 漢字"},"valueQuantity":{"value":` + precise + `,"unit":"mmol/L"}}`
}

// send writes a text as it is, to be deleted in the end.
func (s *stage) send(ctx context.Context, ref, body string) reply {
	a := s.ask(ctx, keeper(), request{method: http.MethodPut, path: ref, body: body})
	if a.status < http.StatusBadRequest && !slices.Contains(s.planted, ref) {
		s.planted = append(s.planted, ref)
	}
	return a
}

// same reports whether two texts are one resource, but for what the server says of its versions. Numbers are compared as they are
// written: 5.10 is measured more exactly than 5.1.
func same(x, y string) bool {
	read := func(text string) (m map[string]any) {
		d := json.NewDecoder(strings.NewReader(text))
		d.UseNumber()
		if d.Decode(&m) != nil {
			return nil
		}
		delete(m, "meta")
		return m
	}
	a, b := read(x), read(y)
	return a != nil && reflect.DeepEqual(a, b)
}

// keptAsWritten writes a resource twice, and reads it and its first version back.
func keptAsWritten(ctx context.Context, s *stage) (wrong []string, told string, err error) {
	if err := s.plantPatients(ctx, ours); err != nil {
		return nil, "", err
	}
	const ref = "Observation/" + ours
	first, second := s.written(ours, "5.10"), s.written(ours, "0.0070")
	made := s.send(ctx, ref, first)
	if made.status >= http.StatusBadRequest {
		return nil, "", fmt.Errorf("%s could not be written: status %d", ref, made.status)
	}
	if got := s.ask(ctx, keeper(), read(ref)); got.status != http.StatusOK || !same(got.body, first) {
		wrong = append(wrong, fmt.Sprintf("what was written is not what is read (%d)", got.status))
	}
	s.send(ctx, ref, second)
	version := strings.Trim(strings.TrimPrefix(made.etag, "W/"), `"`)
	if got := s.ask(ctx, keeper(), read(ref)); !same(got.body, second) {
		wrong = append(wrong, "what was written again is not what is read")
	}
	if got := s.ask(ctx, keeper(), read(ref+"/_history/"+version)); !same(got.body, first) {
		wrong = append(wrong, fmt.Sprintf("the version before an amendment is not what it was (%d)", got.status))
	}
	return wrong, "a resource was read back as it was written, to the digit, and so was the version before its amendment", nil
}

// noLostUpdate amends a resource by somebody who has not seen the newest version of it.
func noLostUpdate(ctx context.Context, s *stage) (wrong []string, told string, err error) {
	if err := s.plantPatients(ctx, ours); err != nil {
		return nil, "", err
	}
	const ref = "Observation/" + ours
	first := s.send(ctx, ref, s.written(ours, "1"))
	second := s.send(ctx, ref, s.written(ours, "2"))
	amend := func(etag, value string) reply {
		return s.ask(ctx, keeper(), request{method: http.MethodPut, path: ref, body: s.written(ours, value), ifMatch: etag})
	}
	if a := amend(second.etag, "3"); a.status != http.StatusOK {
		return nil, "", fmt.Errorf("an amendment of the newest version is answered %d, so that a refusal would prove nothing", a.status)
	}
	for what, etag := range map[string]string{"an older version": first.etag, "the version before": second.etag} {
		a := amend(etag, "4")
		if now := s.ask(ctx, keeper(), read(ref)); a.status != http.StatusPreconditionFailed || !same(now.body, s.written(ours, "3")) {
			wrong = append(wrong, fmt.Sprintf("an amendment of %s is answered %d, and overwrites what it has not seen", what, a.status))
			break
		}
	}
	return wrong, "amendments of versions that were not the newest were refused with 412, and changed nothing", nil
}

// wholeTransactions sends a transaction of which one part cannot be done.
func wholeTransactions(ctx context.Context, s *stage) (wrong []string, told string, err error) {
	if err := s.plantPatients(ctx, ours); err != nil {
		return nil, "", err
	}
	const good = ours + "-good"
	entry := func(id, ifMatch string) map[string]any {
		put := map[string]any{"method": "PUT", "url": "Observation/" + id}
		if ifMatch != "" {
			put["ifMatch"] = ifMatch
		}
		return map[string]any{"resource": json.RawMessage(s.written(id, "1")), "request": put}
	}
	send := func(entries ...any) reply {
		body, _ := json.Marshal(map[string]any{"resourceType": "Bundle", "type": "transaction", "entry": entries}) // strings and numbers alone
		return s.ask(ctx, keeper(), request{method: http.MethodPost, body: string(body)})
	}
	s.planted = append(s.planted, "Observation/"+good)
	s.ask(ctx, keeper(), request{method: http.MethodDelete, path: "Observation/" + good}) // what an assessment that was cut off left
	broken := send(entry(good, ""), entry(good+"-bad", `W/"7"`))
	if got := s.ask(ctx, keeper(), read("Observation/"+good)); broken.status < http.StatusBadRequest || got.status == http.StatusOK {
		wrong = append(wrong, fmt.Sprintf("a transaction with a part that cannot be done is answered %d, and left the other part behind", broken.status))
	}
	if a := send(entry(good, "")); a.status != http.StatusOK {
		return wrong, "", fmt.Errorf("a transaction that can be done is answered %d, so that a refusal proves nothing", a.status)
	}
	return wrong, "a transaction of which one part could not be done left nothing behind, and without that part it was done", nil
}

// indexFollows changes what a resource is found by, and deletes it.
func indexFollows(ctx context.Context, s *stage) (wrong []string, told string, err error) {
	patient := func(number, family string) map[string]any {
		return map[string]any{
			"resourceType": "Patient", "id": ours, "active": false, "identifier": []any{map[string]any{"system": "urn:tutela:canary", "value": number}},
			"name": []any{map[string]any{"family": family}}, "birthDate": "1902-03-04",
		}
	}
	find := func(number, family string) (found int) {
		for _, q := range []string{"identifier=urn:tutela:canary|" + number, "family=" + family + "&birthdate=1902-03-04", "_id=" + ours + "&family:exact=" + family} {
			if strings.Contains(s.ask(ctx, keeper(), read("Patient?"+strings.ReplaceAll(q, "|", "%7C"))).body, called(ours)) {
				found++
			}
		}
		return found
	}
	before, after := s.mark+"a", s.mark+"b"
	if err := s.plant(ctx, patient("n-"+before, before)); err != nil {
		return nil, "", err
	}
	if n := find("n-"+before, before); n != 3 {
		return []string{fmt.Sprintf("by %d of 3 searches what was just written is not found", 3-n)}, "", nil
	}
	if err := s.plant(ctx, patient("n-"+after, after)); err != nil {
		return nil, "", err
	}
	if n := find("n-"+before, before); n > 0 {
		wrong = append(wrong, fmt.Sprintf("%d searches find a patient by what he is no longer called", n))
	}
	if n := find("n-"+after, after); n != 3 {
		wrong = append(wrong, fmt.Sprintf("by %d of 3 searches what was just amended is not found", 3-n))
	}
	if err := s.clear(ctx); err != nil {
		return nil, "", err
	}
	if n := find("n-"+after, after); n > 0 {
		wrong = append(wrong, fmt.Sprintf("%d searches find what was deleted", n))
	}
	return wrong, "an invented patient was found by number, name and birth date as he was written, not as he had been before, and not when he was deleted", nil
}

// conformanceTold holds what the capability statement says to what is done.
func conformanceTold(ctx context.Context, s *stage) (wrong []string, told string, err error) {
	var statement struct {
		FHIRVersion string `json:"fhirVersion"`
		Rest        []struct {
			Resource []struct {
				Type        string                        `json:"type"`
				Interaction []struct{ Code string }       `json:"interaction"`
				SearchParam []struct{ Name, Type string } `json:"searchParam"`
			} `json:"resource"`
		} `json:"rest"`
	}
	if a := s.ask(ctx, keeper(), read("Patient?_id="+nobodys)); a.status != http.StatusOK {
		return nil, "", fmt.Errorf("a plain search is answered %d, so that what other searches are answered would prove nothing", a.status)
	}
	got := s.ask(ctx, keeper(), read("metadata"))
	if err := json.Unmarshal([]byte(got.body), &statement); err != nil || len(statement.Rest) != 1 {
		return []string{fmt.Sprintf("the capability statement cannot be read (%d)", got.status)}, "", nil
	}
	if !strings.HasPrefix(statement.FHIRVersion, "4.0.") {
		wrong = append(wrong, "the capability statement is of FHIR "+statement.FHIRVersion)
	}
	asked := 0
	for _, r := range statement.Rest[0].Resource {
		if !slices.Contains(clinical(), r.Type) {
			continue
		}
		for _, p := range r.SearchParam[:min(len(r.SearchParam), 3)] {
			asked++
			q := r.Type + "?_id=" + nobodys + "&" + url.QueryEscape(p.Name) + ":missing=true"
			if a := s.ask(ctx, keeper(), read(q)); a.status != http.StatusOK || !strings.Contains(a.body, `"searchset"`) {
				wrong = append(wrong, fmt.Sprintf("%s cannot be searched by %s, which the statement says (%d)", r.Type, p.Name, a.status))
			}
		}
	}
	if asked == 0 {
		return []string{"the capability statement names none of the types that charts are made of"}, "", nil
	}
	return wrong, fmt.Sprintf("the statement is of FHIR %s; %d searches that it names work", statement.FHIRVersion, asked), nil
}

// clinical are types that every chart has.
func clinical() []string {
	return []string{"Patient", "Observation", "Condition", "MedicationRequest", "AllergyIntolerance", "Encounter", "Procedure", "Immunization", "DiagnosticReport", "CarePlan"}
}

// refusedInput writes what is no resource, or not the one that it says it is.
func refusedInput(ctx context.Context, s *stage) (wrong []string, told string, err error) {
	if err := s.plantPatients(ctx, ours); err != nil {
		return nil, "", err
	}
	sound := s.written(ours, "1")
	if a := s.send(ctx, "Observation/"+ours, sound); a.status >= http.StatusBadRequest {
		return nil, "", fmt.Errorf("a sound resource is answered %d, so that a refusal would prove nothing", a.status)
	}
	all := s.unsound(sound)
	for _, name := range slices.Sorted(func(yield func(string) bool) {
		for k := range all {
			if !yield(k) {
				return
			}
		}
	}) {
		a := s.send(ctx, "Observation/"+ours, all[name])
		switch {
		case a.status < http.StatusBadRequest || a.status >= http.StatusInternalServerError:
			wrong = append(wrong, fmt.Sprintf("a resource with %s is answered %d", name, a.status))
		case s.marked(a):
			wrong = append(wrong, fmt.Sprintf("the refusal of a resource with %s repeats what it holds", name))
		}
	}
	if now := s.ask(ctx, keeper(), read("Observation/"+ours)); !same(now.body, sound) {
		wrong = append(wrong, "what was refused has changed what is stored")
	}
	return wrong, fmt.Sprintf("%d malformed resources were refused without a word of what they hold, and changed nothing", len(all)), nil
}

// unsound are texts that are almost a sound one.
func (s *stage) unsound(sound string) map[string]string {
	put := func(old, now string) string { return strings.Replace(sound, old, now, 1) }
	const deep = 20_000
	return map[string]string{
		"an element twice":              put(`"status":"registered"`, `"status":"registered","status":"final"`),
		"an element that is none":       put(`"status":`, `"canary`+s.mark+`":"`+s.mark+`","status":`),
		"a number for a text":           put(`"status":"registered"`, `"status":7`),
		"a code that is none":           put(`"registered"`, `"`+s.mark+`"`),
		"another type":                  put(`"Observation"`, `"Condition"`),
		"another id":                    put(`"id":"`+ours+`"`, `"id":"`+ours+`-x"`),
		"no end":                        sound[:len(sound)-1],
		"a second resource behind":      sound + sound,
		"bytes that are no text":        put("registered", "registered\xff"),
		"a million levels of extension": put(`"status":`, `"extension":`+strings.Repeat(`[{"url":"u","extension":`, deep)+"[]"+strings.Repeat("}]", deep)+`,"status":`),
		"a list for a resource":         "[" + sound + "]",
		"nothing":                       " ",
		"a number out of all bounds":    put(`"value":1`, `"value":1e99999`),
	}
}

// inertSearches searches by what would mean something to a database or a browser.
func inertSearches(ctx context.Context, s *stage) (wrong []string, told string, err error) {
	if err := s.plantPatients(ctx, ours); err != nil {
		return nil, "", err
	}
	if a := s.ask(ctx, keeper(), read("Patient?_id="+ours+"&family="+s.mark)); !strings.Contains(a.body, called(ours)) {
		return nil, "", errors.New("a sound search does not find what was planted, so that silence would prove nothing")
	}
	asked := 0
	for _, text := range []string{"x' OR '1'='1", `x" OR ""="`, "x'); DROP TABLE versions;--", "%", "_%", "x\x00y", "*", "${7*7}", "{{7*7}}", "<script>alert(1)</script>", "../../etc/passwd", strings.Repeat("A", 5000)} {
		for _, parameter := range []string{"family", "identifier", "_id", "birthdate"} {
			asked++
			a := s.ask(ctx, keeper(), read("Patient?_id="+ours+"&"+parameter+"="+url.QueryEscape(text)))
			if parameter == "_id" {
				a = s.ask(ctx, keeper(), read("Patient?_id="+url.QueryEscape(text)))
			}
			switch {
			case a.status >= http.StatusInternalServerError:
				wrong = append(wrong, fmt.Sprintf("a search by %s for %.20q is answered %d", parameter, text, a.status))
			case strings.Contains(a.body, called(ours)):
				wrong = append(wrong, fmt.Sprintf("a search by %s for %.20q finds a patient", parameter, text))
			case bytes.Contains([]byte(a.body), []byte("<script>")):
				wrong = append(wrong, fmt.Sprintf("a search by %s is answered with the script that it asked for", parameter))
			}
		}
	}
	return wrong, fmt.Sprintf("%d searches for what a database or a browser might take for a command found nothing, and did nothing", asked), nil
}

// recorded has a clinician read one patient's record and ask for another's, and looks for both in the ledger.
func recorded(ctx context.Context, s *stage) (wrong []string, told string, err error) {
	if err := s.plantPatients(ctx, ours, theirs); err != nil {
		return nil, "", err
	}
	if err := s.plant(ctx, s.observation(ours, ours), s.observation(theirs, theirs), team(ours, "active")); err != nil {
		return nil, "", err
	}
	who := clinician(access.RolePhysician)
	who.ID += tutela.UserID("-" + strings.ToLower(s.mark))
	if a := s.ask(ctx, who, read("Observation/"+ours)); !s.marked(a) {
		return nil, "", fmt.Errorf("a physician is answered %d about a patient whom he treats, so that there is nothing to record", a.status)
	}
	s.ask(ctx, who, read("Observation?patient="+ours))
	s.ask(ctx, who, read("Observation/"+theirs))
	list, err := s.entries(ctx, who.ID)
	if err != nil {
		return nil, "", err
	}
	has := func(action tutela.Action, outcome tutela.Outcome, about bool) bool {
		return slices.ContainsFunc(list, func(e tutela.Entry) bool {
			return e.Action == action && (e.Outcome == tutela.OutcomeSuccess) == (outcome == tutela.OutcomeSuccess) && (!about || len(e.Patients) == 1 && e.Patients[0].Patient != tutela.BucketGeneral)
		})
	}
	if !has(tutela.ActionRead, tutela.OutcomeSuccess, true) {
		wrong = append(wrong, "the ledger does not tell of a read, or not whose record it was")
	}
	if !has(tutela.ActionSearch, tutela.OutcomeSuccess, true) {
		wrong = append(wrong, "the ledger does not tell of a search, or not whose record was shown")
	}
	if !has(tutela.ActionRead, tutela.OutcomeDenied, false) {
		wrong = append(wrong, "the ledger does not tell of a read that was refused")
	}
	return wrong, fmt.Sprintf("a read, a search and a refused read were in the ledger before the next request: %d entries", len(list)), nil
}
