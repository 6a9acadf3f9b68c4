package deid_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tutela-health/tutela/privacy/deid"
	"github.com/tutela-health/tutela/r4"
)

// people are Bundles of Synthea's, or the one of r4's tests where there are none.
func people(t *testing.T) []*r4.Resource {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(os.Getenv("TUTELA_TESTDATA"), "synthea-r4", "*.json.gz"))
	if err != nil {
		t.Fatal(err)
	}
	if os.Getenv("TUTELA_TESTDATA") == "" || len(files) == 0 {
		t.Log("TUTELA_TESTDATA names no folder with Synthea data: falling back to the bundle of r4's tests")
		files = []string{"../../r4/testdata/bundle.json"}
	}
	var list []*r4.Resource
	for _, file := range files[:min(len(files), 8)] {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(file, ".gz") {
			z, err := gzip.NewReader(bytes.NewReader(text))
			if err == nil {
				text, err = io.ReadAll(z)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		list = append(list, parsed(t, string(text)))
	}
	return list
}

// identifying are the values of a Patient's names, numbers, addresses and contacts that are long enough to
// be told from others.
func identifying(patient *r4.Resource) []string {
	var list []string
	for _, member := range []string{"name", "identifier", "telecom", "address"} {
		for _, name := range []string{"family", "given", "value", "line", "city"} {
			for item := range patient.Root().Child(member).Items() {
				for v := range item.Child(name).Items() {
					if len(v.Text()) >= 5 {
						list = append(list, v.Text())
					}
				}
			}
		}
	}
	return append(list, patient.Root().Child("birthDate").Text(), patient.ID())
}

// TestNobodyOfSyntheaIsNamed looks for what tells who a patient is in all that is shown of his chart, and for
// what is planted in each of its strings.
func TestNobodyOfSyntheaIsNamed(t *testing.T) {
	t.Parallel()
	d := opened(t, false)
	looked, all := 0, 0
	for _, bundle := range people(t) {
		var who []string
		for e := range bundle.Root().Child("entry").Items() {
			if res := e.Child("resource").Resource(); res.Type() == "Patient" {
				who = append(who, identifying(res)...)
			}
		}
		for e := range bundle.Root().Child("entry").Items() {
			res := e.Child("resource").Resource()
			all++
			for _, mode := range []deid.Mode{deid.SafeHarbor, deid.Pseudonyms} {
				out := shown(t, d, mode, res)
				for _, word := range who {
					if word != "" && strings.Contains(out, word) {
						t.Fatalf("a %s shows one of its patient's %d identifiers in mode %s", res.Type(), len(who), mode)
					}
				}
				if with, ok := plant(t, res, false); ok && strings.Contains(strings.ToLower(shown(t, d, mode, with)), planted) {
					t.Fatalf("a %s shows what was planted in it", res.Type())
				}
			}
			if len(who) > 0 && shown(t, d, deid.SafeHarbor, res) != "" {
				looked++
			}
		}
	}
	if looked == 0 || looked < all*9/10 {
		t.Errorf("%d of %d resources were shown and looked through", looked, all)
	}
	t.Logf("%d of %d resources were looked through", looked, all)
}
