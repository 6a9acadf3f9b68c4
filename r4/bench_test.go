package r4_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tutela-health/tutela/r4"
)

// bench is an Observation of 884 bytes, the size of the median Synthea resource.
func benchResource(b *testing.B) []byte {
	b.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "observation.json"))
	if err != nil {
		b.Fatal(err)
	}
	return data
}

func BenchmarkParse(b *testing.B) {
	data := benchResource(b)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r4.Parse(data); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkMatch(b *testing.B) {
	res, err := r4.Parse(benchResource(b))
	if err != nil {
		b.Fatal(err)
	}
	for _, query := range []string{
		"patient=Patient/p1&code=http://loinc.org|4548-4",
		"date=ge2019-01-01&date=lt2021",
		"value-quantity=gt6.5|http://unitsofmeasure.org|%",
	} {
		q, err := r4.ParseQuery("Observation", pairs(query))
		if err != nil {
			b.Fatal(err)
		}
		b.Run(strings.ReplaceAll(query, "/", "_"), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if !q.Match(res) {
					b.Fatal("no match")
				}
			}
		})
	}
}

func BenchmarkExtractAll(b *testing.B) {
	res, err := r4.Parse(benchResource(b))
	if err != nil {
		b.Fatal(err)
	}
	params := r4.Params("Observation")
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		for _, p := range params {
			for _, br := range p.Branches {
				n += len(r4.Extract(res, br, p.Type))
			}
		}
		if n == 0 {
			b.Fatal("nothing extracted")
		}
	}
}

// pairs cuts a query at & and =, without unescaping.
func pairs(query string) [][2]string {
	var out [][2]string
	for p := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(p, "=")
		out = append(out, [2]string{name, value})
	}
	return out
}
