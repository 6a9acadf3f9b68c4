package mask_test

import (
	"os"
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

func BenchmarkApply(b *testing.B) {
	text, err := os.ReadFile("../../r4/testdata/observation.json")
	if err != nil {
		b.Fatal(err)
	}
	res, err := r4.Parse(text)
	if err != nil {
		b.Fatal(err)
	}
	m := parse(b, "hide *: note, contained\nhide Observation: value[x], component, interpretation, referenceRange")
	in := res.JSON()
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	for b.Loop() {
		m.Apply("Observation", in)
	}
}

func BenchmarkUnion(b *testing.B) {
	m := parse(b, "hide *: note, contained\nhide Observation: value[x], component, interpretation, referenceRange")
	n := parse(b, "show Patient: name, birthDate, gender\nshow Observation: code, status")
	b.ReportAllocs()
	for b.Loop() {
		mask.Union(m, n)
	}
}
