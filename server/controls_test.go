package server_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/assure/control"
	"github.com/tutela-health/tutela/assure/oscal"
	"github.com/tutela-health/tutela/internal/rig"
)

// saying is the body by which somebody gives his word.
func saying(t *testing.T, edit ...func(*control.Attestation)) string {
	t.Helper()
	a := control.Attestation{Known: control.Attested, Statement: "It is so", Expires: time.Now().Add(time.Hour)}
	for _, f := range edit {
		f(&a)
	}
	text, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func (s *site) sayOf(t *testing.T, as, method, id, body string) rig.Answer {
	t.Helper()
	header := map[string]string{"Content-Type": "application/json"}
	return s.Do(t, rig.Call{As: as, Method: method, Path: "/api/v1/controls/" + id + "/attestation", Body: body, Header: header})
}

// A word on a control is given, shown as described, replaced by who read it, and taken back; each is one entry.
func TestControlsAreAttested(t *testing.T) {
	s := newSite(t, nil)
	d := s.description(t)
	const id = "45-cfr-164.310-b"
	expect(t, s.sayOf(t, "privacy", http.MethodPut, id, saying(t, func(a *control.Attestation) { a.File = &control.File{Name: "a.txt", Data: []byte("seen")} })), 200)
	expect(t, s.sayOf(t, admin, http.MethodPut, id, saying(t)), 409)
	shown := s.look(t, auditor, "/api/v1/controls/"+id)
	for _, p := range d.differences(&schema{Ref: "#/components/schemas/ControlShown"}, decode[any](t, shown.Body), "") {
		t.Error(p)
	}
	if c := decode[control.Shown](t, shown.Body); c.Known != control.Attested || c.Standing != control.Green || c.Revision != 1 {
		t.Errorf("%s", shown.Body)
	}
	said := s.look(t, auditor, "/api/v1/controls/"+id+"/attestation")
	for _, p := range d.differences(&schema{Ref: "#/components/schemas/Attestation"}, decode[any](t, said.Body), "") {
		t.Error(p)
	}
	if a := decode[control.Attestation](t, said.Body); string(a.File.Data) != "seen" {
		t.Errorf("%s", said.Body)
	}
	expect(t, s.sayOf(t, admin, http.MethodPut, id, saying(t, func(a *control.Attestation) { a.Revision = 1 })), 200)
	expect(t, s.sayOf(t, admin, http.MethodDelete, id, ""), 200)
	expect(t, s.look(t, auditor, "/api/v1/controls/"+id+"/attestation"), 404)
	var kept []string
	for _, e := range s.entries(t, tutela.ActionControlAttest) {
		if e.Outcome == tutela.OutcomeSuccess {
			kept = append(kept, e.Subject.Kind+" "+e.Subject.ID+" "+strings.Split(e.Subject.Detail, ";")[0])
		}
	}
	if fmt.Sprint(kept) != fmt.Sprintf("[attestation-file %[1]s file attestation %[1]s attested attestation %[1]s attested attestation %[1]s withdrawn]", id) {
		t.Errorf("the ledger has %q", kept)
	}
}

func (s *site) look(t *testing.T, as, path string) rig.Answer {
	t.Helper()
	return s.Do(t, rig.Call{As: as, Method: http.MethodGet, Path: path})
}

// Every model of OSCAL is there for an auditor, and names its language.
func TestControlsAreThereInOSCAL(t *testing.T) {
	s := newSite(t, nil)
	for _, m := range oscal.Models() {
		a := s.look(t, auditor, "/api/v1/oscal/"+string(m))
		expect(t, a, 200)
		if !strings.Contains(string(a.Body), `"oscal-version":"1.1.3"`) || !strings.HasPrefix(string(a.Body), `{"`+string(m)+`":`) {
			t.Errorf("%s: %.200s", m, a.Body)
		}
	}
}

// Whoever is not to answer for the house says nothing of it, and learns nothing: not whether there is such a control.
func TestControlsAreForThoseWhoAnswerForThem(t *testing.T) {
	s := newSite(t, nil)
	for _, as := range []string{"physician", "nurse", "registration", "billing", "researcher", "developer", rig.Loader} {
		for _, path := range []string{"/api/v1/controls", "/api/v1/controls/p01", "/api/v1/controls/p99", "/api/v1/controls/p01/attestation"} {
			expect(t, s.look(t, as, path), 403)
		}
	}
	for _, as := range []string{"physician", auditor, "developer", rig.Loader} {
		expect(t, s.sayOf(t, as, http.MethodPut, "p01", saying(t)), 403)
		expect(t, s.sayOf(t, as, http.MethodDelete, "p01", ""), 403)
	}
	for name, body := range map[string]string{
		"no JSON": "so", "an unknown member": `{"known":"attested","statement":"a","expires":"2027-01-01T00:00:00Z","sure":true}`,
		"for ever":   saying(t, func(a *control.Attestation) { a.Expires = a.Expires.AddDate(2, 0, 0) }),
		"by a probe": saying(t, func(a *control.Attestation) { a.Known = control.Probed }),
	} {
		if a := s.sayOf(t, "privacy", http.MethodPut, "45-cfr-164.310-b", body); a.Status != http.StatusBadRequest {
			t.Errorf("%s: %d %s", name, a.Status, a.Body)
		}
	}
	expect(t, s.sayOf(t, "privacy", http.MethodPut, "p16", saying(t)), 422)
	expect(t, s.sayOf(t, "privacy", http.MethodPut, "..%2Fp01", saying(t)), 404)
}
