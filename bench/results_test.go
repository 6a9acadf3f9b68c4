package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMediansAreJudgedByTheirMarks(t *testing.T) {
	for _, c := range []struct {
		figure   string
		values   []float64
		postgres bool
		want     string
	}{
		{"disk", []float64{0.9, 0.69, 0.1}, false, "holds"},
		{"disk", []float64{0.9, 0.71, 0.1}, false, "misses"},
		{"disk", []float64{0.9}, true, "holds"},
		{"import", []float64{9000, 3999, 1000}, false, "misses"},
		{"read, share of the floor", []float64{0.2}, false, "misses"},
		{"read, share of the floor", []float64{0.2}, true, "holds"},
		{"create, share of the engine", nil, true, "unmeasured"}, // it holds nothing, and misses nothing
	} {
		r := &results{}
		for _, v := range c.values {
			r.add(c.figure, v)
		}
		var b strings.Builder
		r.judge(&b, c.postgres)
		if got := verdictOn(b.String(), c.figure); got != c.want {
			t.Errorf("%s of %v on PostgreSQL %v: %q, want %q", c.figure, c.values, c.postgres, got, c.want)
		}
	}
}

func verdictOn(text, figure string) string {
	for line := range strings.Lines(text) {
		if verdict, rest, _ := strings.Cut(strings.TrimSpace(line), " "); strings.HasPrefix(strings.TrimSpace(rest), figure+" ") {
			return verdict
		}
	}
	return "absent"
}

func TestBenchmarkLinesBecomeFigures(t *testing.T) {
	r := &results{}
	for _, line := range []string{
		"goos: linux",
		"BenchmarkAppend/sqlite/64-2   \t   20000\t     40000 ns/op\t     25000 entries/s",
		"BenchmarkAppend/sqlite/64-2   \t   20000\t     50000 ns/op\t     20000 entries/s",
		"PASS",
	} {
		r.addBenchmark(line)
	}
	want := map[string][]float64{"Append/sqlite/64, ns/op": {40000, 50000}, "Append/sqlite/64, entries/s": {25000, 20000}}
	if diff := cmp.Diff(want, r.values); diff != "" {
		t.Errorf("figures (-want +got):\n%s", diff)
	}
}
