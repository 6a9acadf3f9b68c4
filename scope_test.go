package tutela

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestParseScope(t *testing.T) {
	for text, want := range map[string]Scope{
		"system/*.cruds":       {"system", "*", "cruds", ""},
		"user/Observation.rs":  {"user", "Observation", "rs", ""},
		"patient/Patient.read": {"patient", "Patient", "rs", ""},
		"user/Condition.write": {"user", "Condition", "cud", ""},
		"user/*.*":             {"user", "*", "cruds", ""},
		"patient/Observation.rs?category=http://terminology.hl7.org/CodeSystem/observation-category|laboratory": {
			"patient", "Observation", "rs", "category=http://terminology.hl7.org/CodeSystem/observation-category|laboratory"},
		"user/Observation.sr":       {},
		"user/Observation.rr":       {},
		"user/Observation.":         {},
		"user/.rs":                  {},
		"user/Observation":          {},
		"user/observation.rs":       {},
		"user/Observation/1.rs":     {},
		"user/Obs*.rs":              {},
		"root/Observation.rs":       {},
		"/Observation.rs":           {},
		"openid":                    {},
		"launch/patient":            {},
		"user/*.rs?a=b":             {},
		"user/Observation.rs?":      {},
		"user/Observation.rs?a=%zz": {},
		"user/Observation.rs?a=\"":  {},
		"user/Observation.rs ?a=b":  {},
		"user/Observation.rs?a=b\n": {},
	} {
		got, ok := ParseScope(text)
		if got != want || ok != (want != Scope{}) {
			t.Errorf("ParseScope(%q) = %+v, %v", text, got, ok)
		}
	}
}

func FuzzParseScope(f *testing.F) {
	for _, s := range []string{"user/*.cruds", "patient/Observation.rs?category=a&code=b", "openid", "user/*.read"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, ok := ParseScope(text)
		if !ok {
			if s != (Scope{}) {
				t.Errorf("%q is refused and yet %+v", text, s)
			}
			return
		}
		if again, ok := ParseScope(s.String()); !ok || again != s {
			t.Errorf("%q is read as %+v, its v2 form as %+v, %v", text, s, again, ok)
		}
	})
}

func anyScope(t *rapid.T, label string) Scope {
	s := Scope{
		Context: rapid.SampledFrom([]string{"patient", "user"}).Draw(t, label+" context"),
		Type:    rapid.SampledFrom([]string{"*", "Patient", "Observation"}).Draw(t, label+" type"),
	}
	for _, c := range "cruds" {
		if rapid.Bool().Draw(t, label+string(c)) {
			s.Letters += string(c)
		}
	}
	if s.Letters == "" {
		s.Letters = "r"
	}
	if s.Type != "*" {
		s.Query = rapid.SampledFrom([]string{"", "a=1", "b=2"}).Draw(t, label+" query")
	}
	return s
}

// What an intersection allows, both allow; and nothing that both allow is lost.
func TestIntersectionIsTheMost(t *testing.T) {
	actions := []Action{ActionCreate, ActionRead, ActionUpdate, ActionDelete, ActionSearch}
	rapid.Check(t, func(t *rapid.T) {
		a, b := anyScope(t, "a"), anyScope(t, "b")
		both, ok := a.Intersect(b)
		for _, action := range actions {
			for _, typ := range []string{"Patient", "Observation", "Claim"} {
				want := a.Allows(action, typ) && b.Allows(action, typ)
				if got := ok && both.Allows(action, typ); got != want {
					t.Fatalf("%s and %s give %s (%v): %s on %s is %v, want %v", a, b, both, ok, action, typ, got, want)
				}
			}
		}
		for _, s := range []Scope{a, b} {
			if ok && !strings.Contains("&"+both.Query, s.Query) {
				t.Fatalf("%s and %s give %s: a parameter is lost", a, b, both)
			}
		}
		a.Context, both.Context = b.Context, b.Context
		if ok && (!a.Covers(both) && both.Query == "" || !both.Covers(both)) {
			t.Fatalf("%s does not cover its part %s", a, both)
		}
	})
}
