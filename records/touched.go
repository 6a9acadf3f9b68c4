package records

import (
	"math"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/tutela-health/tutela"
)

// Touched gathers whom an answer or a write concerns, for its ledger entry.
type Touched struct {
	Patients []tutela.Touched
	refs     [][]string // of each of Patients
	general  []string   // of what concerns no patient
	basis    []string   // policies that let the caller have them, each once
	broken   []string   // emergencies under which the caller has them, each once
	at       map[tutela.Bucket]int
}

// FlagEmergency marks a patient in an entry for whom the caller broke the glass.
const FlagEmergency = "emergency"

// Mark writes into an entry whom it concerns, and under which emergencies: then emergency treatment
// is its purpose.
func (t Touched) Mark(e *tutela.Entry) {
	e.Patients = t.Patients
	if len(t.broken) > 0 {
		e.BreakGlass = strings.Join(slices.Sorted(slices.Values(t.broken)), " ")
		e.Purpose = tutela.PurposeEmergency
	}
}

// Touch counts records by patient and type.
func Touch(list ...*Record) Touched {
	var t Touched
	for _, rec := range list {
		t.basis = with(t.basis, rec.Basis)
		t.broken = with(t.broken, rec.Emergencies)
		ref := rec.Ref.String()
		if len(rec.Patients) == 0 {
			t.general = append(t.general, ref)
		}
		for n, b := range rec.Patients {
			i := t.patient(b)
			p := &t.Patients[i]
			if len(rec.Emergencies) > 0 {
				p.Flags = with(p.Flags, []string{FlagEmergency})
			}
			if rec.stands != nil {
				p.Flags = with(p.Flags, rec.stands[n].names())
			}
			p.Counts[rec.Ref.Type]++
			t.refs[i] = append(t.refs[i], ref)
		}
	}
	return t
}

// with adds to a set of a few names.
func with(set, more []string) []string {
	for _, name := range more {
		if !slices.Contains(set, name) {
			set = append(set, name)
		}
	}
	return set
}

// patient finds a patient's place in Patients, or makes one. Nearly all answers concern one patient:
// the map is made for the second.
func (t *Touched) patient(b tutela.Bucket) int {
	if n := len(t.Patients); n > 0 && t.Patients[n-1].Patient == b {
		return n - 1
	}
	if i, known := t.at[b]; known {
		return i
	}
	i := len(t.Patients)
	t.Patients = append(t.Patients, tutela.Touched{Patient: b, Counts: map[string]int{}})
	t.refs = append(t.refs, nil)
	if i == 1 {
		t.at = map[tutela.Bucket]int{t.Patients[0].Patient: 0}
	}
	if i > 0 {
		t.at[b] = i
	}
	return i
}

// Sections are the personal parts: what was asked and which resources, under each patient's key;
// under the general key where no patient is concerned.
func (t Touched) Sections(query string) []tutela.Section { return t.sections(query, math.MaxInt) }

func (t Touched) sections(query string, maxRefs int) []tutela.Section {
	sections := make([]tutela.Section, 0, len(t.Patients)+1)
	add := func(b tutela.Bucket, refs []string) {
		if len(refs) > maxRefs {
			refs = nil
		}
		sections = append(sections, tutela.Section{Patient: b, Body: sectionBody(query, refs)})
	}
	for i, p := range t.Patients {
		add(p.Patient, t.refs[i])
	}
	if len(t.general) > 0 || len(t.Patients) == 0 && query != "" {
		add(tutela.BucketGeneral, t.general)
	}
	return sections
}

// sectionBody is the JSON of the personal part of a record entry: {"query": …, "refs": […]}, without
// what is empty. Bytes that are no text are replaced (U+FFFD), as encoding/json does.
func sectionBody(query string, refs []string) []byte {
	b := make([]byte, 0, 64+len(query)+48*len(refs))
	b = append(b, '{')
	if query != "" {
		b = append(b, `"query":`...)
		b, _ = jsontext.AppendQuote(b, query)
	}
	for i, ref := range refs {
		switch {
		case i > 0:
			b = append(b, ',')
		case query != "":
			b = append(b, `,"refs":[`...)
		default:
			b = append(b, `"refs":[`...)
		}
		b, _ = jsontext.AppendQuote(b, ref)
	}
	if len(refs) > 0 {
		b = append(b, ']')
	}
	return append(b, '}')
}

// Basis names the policies that let the caller have the records; nil without any.
func (t Touched) Basis() *tutela.Basis {
	if len(t.basis) == 0 {
		return nil
	}
	return &tutela.Basis{Policies: slices.Sorted(slices.Values(t.basis))}
}
