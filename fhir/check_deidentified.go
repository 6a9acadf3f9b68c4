package fhir

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/access"
	"github.com/tutela-health/tutela/records"
)

// The day of what is planted for those who see nobody, and the code that finds it among all others.
const (
	plantedDay  = "2021-03-07"
	plantedCode = "http://terminology.hl7.org/CodeSystem/v3-ObservationValue|PSEUDED"
)

// seesNobody has researchers and developers find an invented patient's observation by its code, and go
// on from there by every way: nothing that tells who the patient is may come.
func seesNobody(ctx context.Context, s *stage) (wrong []string, told string, err error) {
	if err := s.plantPatients(ctx, ours); err != nil {
		return nil, "", err
	}
	if err := s.plant(ctx, permission(ours), s.identified(ours)); err != nil {
		return nil, "", err
	}
	asked := 0
	for _, role := range []access.Role{access.RoleResearcher, access.RoleDeveloper} {
		who := caller(role, "user/*.rs")
		found := s.ask(ctx, who, read("Observation?code="+plantedCode))
		all, ok := waysOn(found.body)
		if s.known(found) {
			wrong = append(wrong, fmt.Sprintf("a search shows a %s whose an observation is", role))
			continue
		}
		if !ok {
			return nil, "", fmt.Errorf("a %s is answered %d and shown no observation, so that nothing is proved", role, found.status)
		}
		for name, q := range all {
			asked++
			if s.known(s.ask(ctx, who, q)) {
				wrong = append(wrong, fmt.Sprintf("%s shows a %s whose an observation is", name, role))
			}
		}
	}
	return wrong, fmt.Sprintf("researchers and developers found an observation; %d requests from there showed neither name nor number, text, id or day", asked), nil
}

// permission is a patient's consent to research and to work on the system, which have to be named.
func permission(patient string) map[string]any {
	c := agreement(patient, "active", "OPTIN", "permit")
	c["id"] = patient + "-permission"
	var purposes []any
	for _, p := range []tutela.Purpose{tutela.PurposeResearch, tutela.PurposeSystem} {
		purposes = append(purposes, map[string]any{"system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": string(p)})
	}
	c["provision"] = map[string]any{"type": "permit", "purpose": purposes}
	return c
}

// identified is an observation that says in many places whose it is.
func (s *stage) identified(patient string) map[string]any {
	o := s.observation(patient, patient)
	system, code, _ := strings.Cut(plantedCode, "|")
	o["code"] = map[string]any{"coding": []any{map[string]any{"system": system, "code": code, "display": s.mark}}, "text": s.mark}
	o["identifier"] = []any{map[string]any{"value": s.mark}}
	o["note"] = []any{map[string]any{"text": s.mark, "authorString": s.mark}}
	o["extension"] = []any{map[string]any{"url": "http://tutela.test/" + s.mark, "valueString": s.mark}}
	o["effectiveDateTime"] = plantedDay
	o["text"] = map[string]any{"status": "generated", "div": `<div xmlns="http://www.w3.org/1999/xhtml">` + s.mark + `</div>`}
	return o
}

// known reports whether an answer tells whose the planted observation is.
func (s *stage) known(a reply) bool {
	return s.marked(a) || strings.Contains(a.body, records.CanaryID) || strings.Contains(a.body, plantedDay)
}

// waysOn are the requests that lead on from a search's first match; false where it has none.
func waysOn(body string) (map[string]request, bool) {
	var page struct {
		Entry []struct {
			Resource struct {
				ID      string
				Subject struct{ Reference string }
			}
		}
	}
	if json.Unmarshal([]byte(body), &page) != nil || len(page.Entry) == 0 {
		return nil, false
	}
	id, patient := page.Entry[0].Resource.ID, page.Entry[0].Resource.Subject.Reference
	batch, _ := json.Marshal(map[string]any{"resourceType": "Bundle", "type": "batch", "entry": []any{ // strings alone
		map[string]any{"request": map[string]any{"method": "GET", "url": "Observation/" + id}},
	}})
	return map[string]request{
		"a read":                                  read("Observation/" + id),
		"a read of a version":                     read("Observation/" + id + "/_history/1"),
		"a history":                               read("Observation/" + id + "/_history"),
		"a read of the patient":                   read(patient),
		"a history of the patient":                read(patient + "/_history"),
		"a search by patient":                     read("Observation?_total=accurate&subject=" + patient),
		"an include of the patient":               read("Observation?_include=Observation:subject&_id=" + id),
		"a search for what refers to the patient": read("Patient?_revinclude=Observation:subject&_id=" + strings.TrimPrefix(patient, "Patient/")),
		"a batch":                                 {method: http.MethodPost, body: string(batch)},
		"a transaction":                           {method: http.MethodPost, body: string(bytes.Replace(batch, []byte(`"batch"`), []byte(`"transaction"`), 1))},
	}, true
}
