package deid_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/privacy/deid"
	"github.com/tutela-health/tutela/r4"
)

// planted occurs in everything that planter puts into a resource, and in nothing else.
const planted = "zqxjane"

// words are what is planted as the value of a type, in a form that the type allows.
func words(typ string) (string, bool) {
	switch typ {
	case "string", "markdown":
		return "Zqxjane Doe 078-05-1120 zqxjane@doe.test +1 555 010 9999", true
	case "uri", "url", "canonical":
		return "http://zqxjane.test/Patient/MRN4711", true
	case "id", "code":
		return "Zqxjane-078-05-1120", true
	case "base64Binary":
		return "enF4amFuZSB6cXhqYW5lzqxjaneM", true
	case "xhtml":
		return `<div xmlns="http://www.w3.org/1999/xhtml">Zqxjane Doe</div>`, true
	}
	return "", false
}

// planter writes a resource with something planted in every string that may hold anything.
type planter struct {
	systems bool // also in the systems of codes, which makes the codes unknown
	count   int
}

func (p *planter) value(n r4.Node, name string) any {
	switch {
	case n.List():
		var list []any
		for c := range n.Items() {
			list = append(list, p.value(c, name))
		}
		return list
	case n.Object():
		return p.object(n)
	case n.Bound(), name == "system" && !p.systems, name == "reference", name == "comparator":
		return json.RawMessage(n.JSON())
	}
	if word, ok := words(n.Type()); ok && string(n.JSON()) != "null" {
		p.count++
		return word
	}
	return json.RawMessage(n.JSON())
}

func (p *planter) object(n r4.Node) map[string]any {
	out := map[string]any{}
	if n.Resource() != nil {
		out["resourceType"] = n.Type()
	}
	for name, c := range n.Members() {
		out[name] = p.value(c, name)
		if scalar := !c.List() && !c.Object(); scalar && name != "id" && name != "resourceType" && n.Resource() == nil {
			out["_"+name] = map[string]any{"id": planted, "extension": []any{map[string]any{"url": "http://" + planted + ".test", "valueString": planted}}}
		}
	}
	delete(out, "_url")
	delete(out, "_div")
	return out
}

// plant gives a resource with something planted; false where the specification does not allow it.
func plant(t *testing.T, res *r4.Resource, systems bool) (*r4.Resource, bool) {
	t.Helper()
	p := &planter{systems: systems}
	text, err := json.Marshal(p.object(res.Root()))
	if err != nil {
		t.Fatal(err)
	}
	out, err := r4.Parse(text)
	return out, err == nil && p.count > 0
}

// examples are the official FHIR R4 examples that are valid.
func examples(t *testing.T) map[string]*r4.Resource {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "../../scripts/fhir-examples.sh").Output()
	if err != nil {
		t.Fatalf("the official FHIR examples are needed: scripts/fhir-examples.sh fetches them with npm: %v", err)
	}
	return read(t, filepath.Join(strings.TrimSpace(string(out)), "*.json"))
}

// read gives the resources of files that are no larger than a megabyte.
func read(t *testing.T, pattern string) map[string]*r4.Resource {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	list := map[string]*r4.Resource{}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if len(text) > 1<<20 {
			continue
		}
		if res, err := r4.Parse(text); err == nil {
			list[filepath.Base(f)] = res
		}
	}
	return list
}

func now() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC) }

func opened(t *testing.T, text bool) *deid.Deidentifier {
	t.Helper()
	d, err := deid.New(deid.Config{Key: []byte("0123456789abcdef0123456789abcdef"), Now: now, Text: text})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// locate stands for the records' locators.
func locate(ref tutela.Ref) tutela.Locator {
	var l tutela.Locator
	for _, c := range []byte(ref.String()) {
		l = l*131 + tutela.Locator(c)
	}
	return l
}

func shown(t *testing.T, d *deid.Deidentifier, mode deid.Mode, res *r4.Resource) string {
	t.Helper()
	out, err := d.Show(string(mode), res, 7, func(ref tutela.Ref) string { return d.Name(string(mode), ref.Type, locate(ref)) })
	if err != nil {
		return ""
	}
	return string(out)
}

// TestNothingPlantedInAStringSurvives plants identifiers in every string of the official examples.
func TestNothingPlantedInAStringSurvives(t *testing.T) {
	t.Parallel()
	d := opened(t, false)
	all, tried, withheld := examples(t), 0, 0
	for file, res := range all {
		for _, systems := range []bool{false, true} {
			with, ok := plant(t, res, systems)
			if !ok {
				continue
			}
			tried++
			for _, mode := range []deid.Mode{deid.SafeHarbor, deid.Pseudonyms} {
				out := shown(t, d, mode, with)
				if out == "" {
					withheld++
				}
				if at := strings.Index(strings.ToLower(out), planted); at >= 0 {
					t.Fatalf("%s, %s: a planted identifier survives: …%s", file, mode, out[max(0, at-120):min(len(out), at+60)])
				}
				if strings.Contains(out, "078-05") || strings.Contains(out, "MRN4711") {
					t.Fatalf("%s, %s: a planted number survives", file, mode)
				}
				if _, err := r4.ParsePart([]byte(out)); out != "" && err != nil {
					t.Fatalf("%s, %s: what is shown is no FHIR: %v\n%s", file, mode, err, out)
				}
			}
		}
	}
	if tried < 2*len(all)*9/10 || withheld > tried/20 {
		t.Errorf("%d of %d were tried, %d of them withheld", tried, 2*len(all), withheld)
	}
	t.Logf("%d resources planted in two ways: %d tried, %d withheld", len(all), tried, withheld)
}
