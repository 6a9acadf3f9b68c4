package evidence

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela/supply"
	"github.com/tutela-health/tutela/supply/attest"
)

func noon() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC) }

// weighed is what a predicate proves, by check.
func weighed(t *testing.T, kind string, predicate any) map[string]string {
	t.Helper()
	text, err := json.Marshal(predicate)
	if err != nil {
		t.Fatal(err)
	}
	r := &report{statement: attest.Statement{Predicate: text}, said: Said{Predicate: kind, Repository: "git.example/p", Commit: strings.Repeat("a", 40)}}
	if err := New(Config{Clock: noon}).weigh(r); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, e := range r.evidence {
		got[e.Check] = e.Verdict.String()
	}
	return got
}

// Silence, doubt and words that nobody knows are no pass.
func TestVerdictsAreMappedHonestly(t *testing.T) {
	const pass, fail, unknown = "pass", "fail", "could-not-check"
	for name, c := range map[string]struct {
		result attest.TestResult
		want   map[string]string
	}{
		"passed":                {attest.TestResult{Result: "PASSED", Passed: []string{"secrets", "tests: 7 passed"}}, map[string]string{"supply.gate": pass, "supply.gate.secrets": pass, "supply.gate.tests": pass}},
		"warned":                {attest.TestResult{Result: "WARNED", Passed: []string{"sast"}, Warned: []string{"deps: not all could be checked"}}, map[string]string{"supply.gate": unknown, "supply.gate.sast": pass, "supply.gate.deps": unknown}},
		"failed":                {attest.TestResult{Result: "FAILED", Failed: []string{"sast: 2 findings fail", "2 findings fail"}}, map[string]string{"supply.gate": fail, "supply.gate.sast": fail}},
		"said twice":            {attest.TestResult{Result: "PASSED", Passed: []string{"iac"}, Failed: []string{"iac: 1"}}, map[string]string{"supply.gate": pass, "supply.gate.iac": fail}},
		"nothing said":          {attest.TestResult{}, map[string]string{"supply.gate": unknown}},
		"a word of its own":     {attest.TestResult{Result: "passed"}, map[string]string{"supply.gate": unknown}},
		"a test that nobody is": {attest.TestResult{Result: "PASSED", Passed: []string{"secretsandmore", "supply.gate"}}, map[string]string{"supply.gate": pass}},
	} {
		if d := cmp.Diff(c.want, weighed(t, attest.TypeTestResult, c.result)); d != "" {
			t.Errorf("%s:\n%s", name, d)
		}
	}
	checked := func(c supply.Checked) []supply.Checked { c.Class = supply.Source; return []supply.Checked{c} }
	none := map[string]int{}
	for name, c := range map[string]struct {
		scan attest.Scan
		want string
	}{
		"nothing found":                 {attest.Scan{Checked: checked(supply.Checked{Files: 9}), Classes: none}, pass},
		"found":                         {attest.Scan{Checked: checked(supply.Checked{}), Classes: map[string]int{"sast": 1}}, fail},
		"found of another class":        {attest.Scan{Checked: checked(supply.Checked{}), Classes: map[string]int{"deps": 1}}, pass},
		"found, and blind":              {attest.Scan{Checked: checked(supply.Checked{Blind: "no"}), Classes: map[string]int{"sast": 1}}, fail},
		"blind":                         {attest.Scan{Checked: checked(supply.Checked{Blind: "no"}), Classes: none}, unknown},
		"a file that could not be read": {attest.Scan{Checked: checked(supply.Checked{Failed: []string{"a"}}), Classes: none}, unknown},
		"a file that nobody could read": {attest.Scan{Checked: checked(supply.Checked{}), Failed: []string{"a"}, Classes: none}, unknown},
		"more than is listed":           {attest.Scan{Checked: checked(supply.Checked{}), Omitted: 1}, unknown},
	} {
		if d := cmp.Diff(map[string]string{"supply.scan.sast": c.want}, weighed(t, attest.TypeScan, c.scan)); d != "" {
			t.Errorf("%s:\n%s", name, d)
		}
	}
}

// What a pipeline writes moves no cursor, makes no link of another kind, and does not fill the ledger.
func TestWordsOfPipelinesAreHarmless(t *testing.T) {
	r := &report{said: Said{Predicate: attest.TypeTestResult}}
	text, err := json.Marshal(attest.TestResult{Result: "PASSED\x1b[2J\u202e" + strings.Repeat("x", 10_000), URL: "javascript:alert(1)", Failed: make([]string, 5000)})
	if err != nil {
		t.Fatal(err)
	}
	r.statement.Predicate = text
	if err := New(Config{Clock: noon}).weigh(r); err != nil {
		t.Fatal(err)
	}
	if s := r.said; strings.ContainsAny(s.Result, "\x1b\u202e") || len(s.Result) > 1000 || s.URL != "" || len(s.Reasons) > maxSaid {
		t.Errorf("%+v", r.said)
	}
}

func FuzzWeigh(f *testing.F) {
	f.Add(0, []byte(`{"result":"PASSED","passedTests":["secrets"],"configuration":[{"annotations":{"judgedOn":"2026-11-22T10:00:00Z"}}]}`))
	f.Add(1, []byte(`{"checked":[{"class":"sast","files":1}],"findings":[{"rule":"x","waiver":{"reason":"r"}}],"countsByClass":{}}`))
	f.Add(2, []byte(`{"bomFormat":"CycloneDX","components":[{"purl":"pkg:npm/a@1"}]}`))
	kinds := []string{attest.TypeTestResult, attest.TypeScan, attest.TypeCycloneDX}
	f.Fuzz(func(t *testing.T, kind int, text []byte) {
		if kind < 0 || kind >= len(kinds) {
			return
		}
		r := &report{statement: attest.Statement{Predicate: text}, said: Said{Predicate: kinds[kind]}}
		if New(Config{Clock: noon}).weigh(r) != nil {
			return
		}
		for _, e := range r.evidence {
			if e.At.After(noon().Add(ahead)) || !e.Expires.After(e.At) {
				t.Errorf("%+v", e)
			}
		}
	})
}
