package source_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela/supply/source"
)

// Every line of the samples that is marked is found with its rule, and no other.
func TestTemplateSamples(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "templates", "*"))
	if err != nil || len(files) < 7 {
		t.Fatalf("%d samples, %v", len(files), err)
	}
	faults := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Base(file)
		if !(source.Templates{}).Wants(name, int64(len(text))) {
			t.Errorf("%s is not looked into", name)
		}
		found, err := source.Templates{}.File(t.Context(), name, text)
		if err != nil {
			t.Error(err)
		}
		want, got := map[string]bool{}, map[string]bool{}
		for i, line := range strings.Split(string(text), "\n") {
			if _, rule, ok := strings.Cut(line, "WANT "); ok {
				want[fmt.Sprintf("%s:%d %s", name, i+1, strings.Fields(rule)[0])] = true
			}
		}
		for _, f := range found {
			got[fmt.Sprintf("%s:%d %s", name, f.Place.Line, f.Rule.ID)] = true
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("findings (-want +got):\n%s", d)
		}
		faults += len(want)
	}
	t.Logf("%d faults", faults)
}

// A page that Go makes with text/template is found; other texts, and html/template, are not.
func TestPagesByTextTemplate(t *testing.T) {
	page := func(imported, to string) string {
		return "package p\n\nimport (\n\t\"net/http\"\n\t\"" + imported + "\"\n)\n\nfunc f(w http.ResponseWriter, t *template.Template, file *os.File) {\n\tt.Execute(" + to + ", nil)\n}\n"
	}
	for text, want := range map[string]int{page("text/template", "w"): 1, page("html/template", "w"): 0, page("text/template", "file"): 0} {
		found, err := source.Templates{}.File(t.Context(), "a.go", []byte(text))
		if err != nil || len(found) != want {
			t.Errorf("%d found, want %d, %v in:\n%s", len(found), want, err, text)
		}
	}
}

func FuzzTemplates(f *testing.F) {
	f.Add("a.ejs", []byte("<%- x %>"))
	f.Add("a.hbs", []byte("{{{x}}}{{&y}}"))
	f.Add("a.pug", []byte("p!= x\np !{y}"))
	f.Add("a.html", []byte("{{ x|safe }}{% autoescape off %}"))
	f.Add("a.go", []byte("import \"text/template\"\nimport \"net/http\"\nhttp.ResponseWriter\nt.Execute(w, x)"))
	f.Fuzz(func(t *testing.T, name string, text []byte) {
		if !(source.Templates{}).Wants(name, int64(len(text))) {
			return
		}
		if _, err := (source.Templates{}).File(t.Context(), name, text); err != nil {
			t.Error(err)
		}
	})
}
