package e2e_test

import (
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/tutela-health/tutela/internal/sample"
)

// testDataEnv names a folder that holds Synthea's patients in synthea-r4/*.json.gz.
const testDataEnv = "TUTELA_TESTDATA"

// charts gives a folder of patients' charts: Synthea's when they are there, else invented ones.
func charts(t testing.TB) string {
	t.Helper()
	dir := filepath.Join(os.Getenv(testDataEnv), "synthea-r4")
	if found, err := filepath.Glob(filepath.Join(dir, "*.json.gz")); err == nil && len(found) > 0 {
		return dir
	}
	t.Logf("%s names no Synthea patients: invented ones stand in", testDataEnv)
	return sampleCharts(t, 12)
}

// sampleCharts writes invented patients as one Bundle a file.
func sampleCharts(t testing.TB, n int) string {
	t.Helper()
	dir, i := t.TempDir(), 0
	for bundle := range sample.Patients(n, 7) {
		i++
		must(t, os.WriteFile(filepath.Join(dir, fmt.Sprintf("patient-%02d.json", i)), bundle, 0o600))
	}
	return dir
}

// person is the part of a Patient that says who it is.
type person struct {
	ID         string `json:"id"`
	Identifier []struct {
		Value string `json:"value"`
	} `json:"identifier"`
	Name []struct {
		Family string   `json:"family"`
		Given  []string `json:"given"`
	} `json:"name"`
	Telecom []struct {
		Value string `json:"value"`
	} `json:"telecom"`
	Address []struct {
		Line []string `json:"line"`
		City string   `json:"city"`
	} `json:"address"`
}

// needles are what must not be found of a person.
func (p person) needles() []needle {
	list := []needle{{"Patient.id", p.ID}}
	for _, i := range p.Identifier {
		list = append(list, needle{"identifier", i.Value})
	}
	for _, n := range p.Name {
		list = append(list, needle{"family", n.Family})
		for _, g := range n.Given {
			list = append(list, needle{"given", g})
		}
	}
	for _, c := range p.Telecom {
		list = append(list, needle{"telecom", c.Value})
	}
	for _, a := range p.Address {
		list = append(list, needle{"city", a.City})
		for _, l := range a.Line {
			list = append(list, needle{"street line", l})
		}
	}
	return list
}

// needlesOf gathers, once each, what must not be found of the patients in a folder of charts.
func needlesOf(t testing.TB, dir string) []needle {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.json*"))
	must(t, err)
	var list []needle
	seen := map[string]bool{}
	for _, path := range files {
		for _, p := range peopleIn(t, path) {
			for _, n := range p.needles() {
				if len(n.text) >= shortest && !seen[n.text] {
					seen[n.text] = true
					list = append(list, n)
				}
			}
		}
	}
	return list
}

func peopleIn(t testing.TB, path string) []person {
	t.Helper()
	var bundle struct {
		Entry []struct {
			Resource json.RawMessage `json:"resource"`
		} `json:"entry"`
	}
	must(t, json.Unmarshal(readChart(t, path), &bundle))
	var list []person
	for _, e := range bundle.Entry {
		var head document
		must(t, json.Unmarshal(e.Resource, &head))
		if head.ResourceType == "Patient" {
			var p person
			must(t, json.Unmarshal(e.Resource, &p))
			list = append(list, p)
		}
	}
	return list
}

func readChart(t testing.TB, path string) []byte {
	t.Helper()
	f, err := os.Open(path)
	must(t, err)
	r := io.Reader(f)
	if filepath.Ext(path) == ".gz" {
		r, err = gzip.NewReader(f)
		must(t, err)
	}
	text, err := io.ReadAll(r)
	must(t, errors.Join(err, f.Close()))
	return text
}
