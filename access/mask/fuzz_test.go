package mask_test

import (
	"strings"
	"testing"

	"github.com/tutela-health/tutela/access/mask"
	"github.com/tutela-health/tutela/r4"
)

// FuzzApply masks any resource by any spec that can be read: it shows no more than there was, and the same
// when masked again.
func FuzzApply(f *testing.F) {
	for _, res := range corpus(f) {
		f.Add("show Patient: name, birthDate\nhide *: note, contained\nhide Observation: value[x]", res.JSON())
	}
	f.Add("hide QuestionnaireResponse: item.answer.item.text", []byte(`{"resourceType":"QuestionnaireResponse","status":"completed"}`))
	f.Fuzz(func(t *testing.T, spec string, text []byte) {
		res, err := r4.Parse(text)
		if err != nil {
			return
		}
		m, err := mask.Parse(spec)
		if err != nil {
			return
		}
		out := m.Apply(res.Type(), res.JSON())
		if extra := missing(leaves(t, out), leaves(t, res.JSON())); len(extra) > 0 {
			t.Errorf("grown by %v", extra)
		}
		if again := m.Apply(res.Type(), out); string(again) != string(out) {
			t.Errorf("%s, masked again %s", out, again)
		}
	})
}

// BenchmarkApply masks an Observation of 2 KB.
func BenchmarkApply(b *testing.B) {
	m := parse(b, "hide *: note, contained\nhide Observation: value[x], interpretation, referenceRange, component.value[x]")
	in := observation(b)
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	for b.Loop() {
		m.Apply("Observation", in)
	}
}

// observation is one of ten components.
func observation(b *testing.B) []byte {
	component := `{"code":{"coding":[{"system":"http://loinc.org","code":"8480-6","display":"Systolic blood pressure"}]},"valueQuantity":{"value":120,"unit":"mm[Hg]"}}`
	res, err := r4.Parse([]byte(`{"resourceType":"Observation","id":"o","meta":{"versionId":"1","lastUpdated":"2026-01-01T00:00:00Z"},"status":"final",
		"category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"vital-signs"}]}],
		"code":{"coding":[{"system":"http://loinc.org","code":"85354-9","display":"Blood pressure panel"}]},
		"subject":{"reference":"Patient/p"},"encounter":{"reference":"Encounter/e"},"effectiveDateTime":"2026-01-01T00:00:00Z",
		"component":[` + strings.Repeat(component+",", 9) + component + `]}`))
	if err != nil {
		b.Fatal(err)
	}
	return res.JSON()
}

func BenchmarkUnion(b *testing.B) {
	m := parse(b, "hide *: note, contained\nhide Observation: value[x], component, interpretation, referenceRange")
	n := parse(b, "show Patient: name, birthDate, gender\nshow Observation: code, status")
	b.ReportAllocs()
	for b.Loop() {
		mask.Union(m, n)
	}
}
