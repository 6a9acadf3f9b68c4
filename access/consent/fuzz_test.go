package consent_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/tutela-health/tutela/access/consent"
	"github.com/tutela-health/tutela/r4"
)

// FuzzDecide reads any valid resource and asks it: nothing panics, revoked it says nothing, and what it
// permits it also permits when asked with fewer doubts.
func FuzzDecide(f *testing.F) {
	files, err := filepath.Glob("testdata/hl7/*.json")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	for _, s := range situations(f) {
		for _, c := range s.consents {
			text, err := json.Marshal(c)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(text)
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		res, err := r4.Parse(text)
		if err != nil {
			return
		}
		d, err := consent.Parse(res)
		if err != nil {
			return
		}
		known, vague := usual(), usual()
		known.Patient, vague.Patient = d.Patient, d.Patient
		vague.Complete, vague.Data = false, consent.About(res)
		vague.Data.Labels, vague.Data.Codes = nil, nil
		known.Data = consent.About(res)
		for _, regime := range []consent.Regime{consent.OptIn, consent.OptOut} {
			if consent.Decide([]consent.Directive{d}, vague, regime).Allowed && !consent.Decide([]consent.Directive{d}, known, regime).Allowed {
				t.Error("knowing less opened what was closed")
			}
			d := d
			d.Status = "inactive"
			if v := consent.Decide([]consent.Directive{d}, known, regime); v.Why == consent.WhyConsent {
				t.Error("a revoked Consent decided")
			}
		}
	})
}

func BenchmarkDecide(b *testing.B) {
	ds := []consent.Directive{example(b, "notOrg"), example(b, "pkb")}
	q := usual()
	q.Patient = "f001"
	b.ReportAllocs()
	for b.Loop() {
		consent.Decide(ds, q, consent.OptOut)
	}
}
