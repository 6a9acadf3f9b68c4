package records

import (
	"encoding/json"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/tutela-health/tutela"
)

// sectionBody is the personal part of a record entry.
type sectionBody struct {
	Query string   `json:"query,omitempty"`
	Refs  []string `json:"refs,omitempty"`
}

// Touched gathers whom an answer or a write concerns, for its ledger entry.
type Touched struct {
	Patients []tutela.Touched
	refs     map[tutela.Bucket][]string
	basis    map[string]bool // policies that let the caller have them
	broken   map[string]bool // emergencies under which the caller has them
}

// FlagEmergency marks a patient in an entry for whom the caller broke the glass.
const FlagEmergency = "emergency"

// Mark writes into an entry whom it concerns, and under which emergencies: then emergency treatment
// is its purpose.
func (t Touched) Mark(e *tutela.Entry) {
	e.Patients = t.Patients
	if len(t.broken) > 0 {
		e.BreakGlass = strings.Join(slices.Sorted(maps.Keys(t.broken)), " ")
		e.Purpose = tutela.PurposeEmergency
	}
}

// Touch counts records by patient and type.
func Touch(list ...*Record) Touched {
	t := Touched{refs: map[tutela.Bucket][]string{}, basis: map[string]bool{}, broken: map[string]bool{}}
	at := map[tutela.Bucket]int{}
	for _, rec := range list {
		for _, policy := range rec.Basis {
			t.basis[policy] = true
		}
		for _, id := range rec.Emergencies {
			t.broken[id] = true
		}
		whom := rec.Patients
		if len(whom) == 0 {
			t.refs[tutela.BucketGeneral] = append(t.refs[tutela.BucketGeneral], rec.Ref.String())
		}
		for n, b := range whom {
			i, ok := at[b]
			if !ok {
				i = len(t.Patients)
				at[b] = i
				t.Patients = append(t.Patients, tutela.Touched{Patient: b, Counts: map[string]int{}})
			}
			if len(rec.Emergencies) > 0 && !slices.Contains(t.Patients[i].Flags, FlagEmergency) {
				t.Patients[i].Flags = append(t.Patients[i].Flags, FlagEmergency)
			}
			if rec.stands != nil {
				t.stand(i, rec.stands[n])
			}
			t.Patients[i].Counts[rec.Ref.Type]++
			t.refs[b] = append(t.refs[b], rec.Ref.String())
		}
	}
	return t
}

// stand adds how a patient stands to the caller.
func (t Touched) stand(i int, s standing) {
	p := &t.Patients[i]
	for _, name := range s.names() {
		if !slices.Contains(p.Flags, name) {
			p.Flags = append(p.Flags, name)
		}
	}
}

// Sections are the personal parts: what was asked and which resources, under each patient's key;
// under the general key where no patient is concerned.
func (t Touched) Sections(query string) []tutela.Section { return t.sections(query, math.MaxInt) }

func (t Touched) sections(query string, maxRefs int) []tutela.Section {
	var sections []tutela.Section
	add := func(b tutela.Bucket, refs []string) {
		if len(refs) > maxRefs {
			refs = nil
		}
		text, err := json.Marshal(sectionBody{Query: query, Refs: refs})
		if err == nil { // strings always encode
			sections = append(sections, tutela.Section{Patient: b, Body: text})
		}
	}
	for _, p := range t.Patients {
		add(p.Patient, t.refs[p.Patient])
	}
	if refs := t.refs[tutela.BucketGeneral]; len(refs) > 0 || len(t.Patients) == 0 && query != "" {
		add(tutela.BucketGeneral, refs)
	}
	return sections
}

// Basis names the policies that let the caller have the records; nil without any.
func (t Touched) Basis() *tutela.Basis {
	if len(t.basis) == 0 {
		return nil
	}
	return &tutela.Basis{Policies: slices.Sorted(maps.Keys(t.basis))}
}
