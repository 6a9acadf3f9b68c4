package r4_test

import (
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tutela-health/tutela/r4"
)

// synthea calls f with Bundles of synthetic patients: at most limit of those in the folder that
// TUTELA_TESTDATA names, or a small one of our own.
func synthea(t *testing.T, limit int, f func(name string, data []byte)) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(os.Getenv("TUTELA_TESTDATA"), "synthea-r4", "*.json.gz"))
	if err != nil {
		t.Fatal(err)
	}
	if os.Getenv("TUTELA_TESTDATA") == "" || len(files) == 0 {
		t.Log("TUTELA_TESTDATA names no folder with Synthea data: falling back to testdata/bundle.json")
		data, err := os.ReadFile(filepath.Join("testdata", "bundle.json"))
		if err != nil {
			t.Fatal(err)
		}
		f("bundle.json", data)
		return
	}
	for _, file := range files[:min(limit, len(files))] {
		f(filepath.Base(file), gunzip(t, file))
	}
}

func gunzip(t *testing.T, file string) []byte {
	t.Helper()
	in, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	r, err := gzip.NewReader(in)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestSyntheaBundlesParse(t *testing.T) {
	t.Parallel()
	resources := 0
	synthea(t, 60, func(name string, data []byte) {
		bundle, err := r4.Parse(data)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			return
		}
		for entry := range bundle.Root().Child("entry").Items() {
			res := entry.Child("resource").Resource()
			alone, err := r4.Parse(res.JSON())
			if err != nil || !r4.Equal(res, alone) {
				t.Errorf("%s: %s does not parse on its own: %v", name, res.Type(), err)
			}
			resources++
		}
	})
	if resources == 0 {
		t.Error("no resource read")
	}
}

// TestEveryExtractedValueIsFound searches every resource for each value that it gives to its search
// parameters: what the index would hold must be what Match finds.
func TestEveryExtractedValueIsFound(t *testing.T) {
	t.Parallel()
	searched := map[r4.ParamType]int{}
	refused := refusedExamples(t)
	officialExamples(t, func(name string, data []byte) {
		if refused[name] != "" || len(data) > 100_000 {
			return
		}
		res, err := r4.Parse(data)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		findAll(t, name, res, searched)
	})
	synthea(t, 2, func(name string, data []byte) {
		bundle, err := r4.Parse(data)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for entry := range bundle.Root().Child("entry").Items() {
			findAll(t, name, entry.Child("resource").Resource(), searched)
		}
	})
	for kind := r4.ParamToken; kind <= r4.ParamURI; kind++ {
		if searched[kind] == 0 {
			t.Errorf("no %s was searched", kind)
		}
	}
	t.Logf("searches by type: %v", searched)
}

func findAll(t *testing.T, name string, res *r4.Resource, searched map[r4.ParamType]int) {
	t.Helper()
	for _, p := range r4.Params(res.Type()) {
		found := false
		for _, b := range p.Branches {
			for _, v := range r4.Extract(res, b, p.Type) {
				if !p.Keeps(&v) {
					continue
				}
				found = true
				for _, value := range searchesFor(v) {
					expectMatch(t, name, res, p.Name, value)
					searched[p.Type]++
				}
			}
		}
		if found {
			expectMatch(t, name, res, p.Name+":missing", "false")
		}
	}
}

func expectMatch(t *testing.T, name string, res *r4.Resource, param, value string) {
	t.Helper()
	q, err := r4.ParseQuery(res.Type(), [][2]string{{param, value}})
	if err != nil {
		t.Errorf("%s: %s=%s: %v", name, param, value, err)
		return
	}
	if !q.Match(res) {
		t.Errorf("%s: %s=%s does not match", name, param, value)
	}
}

// searchesFor writes searches that must find a value.
func searchesFor(v r4.Value) []string {
	escape := strings.NewReplacer(`\`, `\\`, `,`, `\,`, `|`, `\|`, `$`, `\$`).Replace
	switch v.Kind {
	case r4.ParamToken:
		if v.Token.Code == "" {
			return []string{escape(v.Token.System) + "|"}
		}
		out := []string{escape(v.Token.System) + "|" + escape(v.Token.Code)}
		return append(out, escape(v.Token.Code))
	case r4.ParamString:
		if v.Folded == "" || len(v.Text) > 1000 {
			return nil
		}
		return []string{escape(v.Text), strings.ToUpper(v.Folded)}
	case r4.ParamURI:
		return []string{escape(v.Text)}
	case r4.ParamReference:
		return referenceSearches(v.Reference)
	case r4.ParamDate:
		return dateSearches(v.Date)
	}
	return quantitySearches(v.Quantity)
}

func referenceSearches(ref r4.Reference) []string {
	switch {
	case ref.URL != "":
		return []string{strings.ReplaceAll(ref.URL, "|", `\|`)}
	case ref.ID != "":
		return []string{ref.ID, ref.Ref().String()}
	}
	return nil
}

func dateSearches(iv r4.Interval) []string {
	const format = "2006-01-02T15:04:05.000000000Z"
	var out []string
	if !iv.Low.IsZero() {
		out = append(out, "ge"+iv.Low.Format(format), "sa"+iv.Low.Add(-time.Nanosecond).Format(format))
	}
	if !iv.High.IsZero() {
		out = append(out, "lt"+iv.High.Format(format), "eb"+iv.High.Format(format))
	}
	return out
}

func quantitySearches(q r4.Quantity) []string {
	if q.Low == nil || q.High == nil || q.Low.Cmp(q.High) != 0 {
		return nil
	}
	exact, _ := q.Low.FloatPrec()
	if exact > 100 {
		return nil
	}
	value := q.Low.FloatString(exact)
	if len(value) > 100 {
		return nil
	}
	out := []string{value, "ge" + value, "le" + value}
	if q.System != "" && !strings.ContainsAny(q.System+q.Code, `,|$\`) {
		out = append(out, fmt.Sprintf("%s|%s|%s", value, q.System, q.Code))
	}
	return out
}
