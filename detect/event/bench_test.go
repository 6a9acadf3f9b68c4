package event_test

import (
	"os"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/tutela-health/tutela/detect/event"
)

// BenchmarkParse reads one access as the ledger renders it; half of what detection spends on it.
func BenchmarkParse(b *testing.B) {
	sample, err := os.ReadFile("../../audit/testdata/ocsf-read.json")
	if err != nil {
		b.Fatal(err)
	}
	line := jsontext.Value(sample)
	if err := line.Compact(); err != nil {
		b.Fatal(err)
	}
	p := event.NewParser()
	b.SetBytes(int64(len(line)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.Parse(line); err != nil {
			b.Fatal(err)
		}
	}
}
