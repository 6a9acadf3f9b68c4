package records

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tutela-health/tutela"
)

// TestSectionSaysWhatWasAsked reads sections as everybody does who opens them.
func TestSectionSaysWhatWasAsked(t *testing.T) {
	type body struct {
		Query string   `json:"query"`
		Refs  []string `json:"refs"`
	}
	rapid.Check(t, func(t *rapid.T) {
		asked := body{rapid.String().Draw(t, "query"), rapid.SliceOfN(rapid.String(), 0, 4).Draw(t, "refs")}
		if len(asked.Refs) == 0 {
			asked.Refs = nil
		}
		var got body
		if err := json.Unmarshal(sectionBody(asked.Query, asked.Refs), &got); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(asked, got); d != "" {
			t.Error(d)
		}
	})
	if got := string(sectionBody("a\xff=<&>", nil)); got != `{"query":"a`+"\uFFFD"+`=<&>"}` {
		t.Errorf("what is no text became %s", got)
	}
}

// TestTouchCountsEachPatient has records of one, several and no patients in mixed order.
func TestTouchCountsEachPatient(t *testing.T) {
	rec := func(typ, id string, policies []string, emergencies []string, whom ...tutela.Bucket) *Record {
		return &Record{Ref: tutela.Ref{Type: typ, ID: id}, Basis: policies, Emergencies: emergencies, Patients: whom}
	}
	got := Touch(
		rec("Patient", "a", []string{"p2"}, nil, 1), rec("Observation", "b", []string{"p1", "p2"}, nil, 1), rec("Patient", "c", nil, nil, 2),
		rec("Observation", "d", nil, []string{"e1"}, 1, 2), rec("Medication", "e", nil, nil), rec("Observation", "f", nil, []string{"e1", "e0"}, 3), rec("Observation", "g", nil, nil, 1),
	)
	want := []tutela.Touched{
		{Patient: 1, Counts: map[string]int{"Patient": 1, "Observation": 3}, Flags: []string{FlagEmergency}},
		{Patient: 2, Counts: map[string]int{"Patient": 1, "Observation": 1}, Flags: []string{FlagEmergency}},
		{Patient: 3, Counts: map[string]int{"Observation": 1}, Flags: []string{FlagEmergency}},
	}
	if d := cmp.Diff(want, got.Patients); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(&tutela.Basis{Policies: []string{"p1", "p2"}}, got.Basis()); d != "" {
		t.Error(d)
	}
	var e tutela.Entry
	if got.Mark(&e); e.BreakGlass != "e0 e1" || e.Purpose != tutela.PurposeEmergency {
		t.Errorf("marked with %q, for %s", e.BreakGlass, e.Purpose)
	}
	var sections []string
	for _, s := range got.Sections("") {
		sections = append(sections, string(s.Body))
	}
	if d := cmp.Diff([]string{
		`{"refs":["Patient/a","Observation/b","Observation/d","Observation/g"]}`, `{"refs":["Patient/c","Observation/d"]}`,
		`{"refs":["Observation/f"]}`, `{"refs":["Medication/e"]}`,
	}, sections); d != "" {
		t.Error(d)
	}
}
