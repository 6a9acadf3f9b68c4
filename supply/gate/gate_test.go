package gate_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela/supply"
	"github.com/tutela-health/tutela/supply/gate"
)

func today() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC) }

// found is a report with a finding of each kind that policies tell apart.
func found() *supply.Report {
	return &supply.Report{Findings: []supply.Finding{
		{Class: supply.Secrets, Rule: supply.Rule{ID: "secret.key"}, Severity: supply.Low, Place: supply.Place{Path: "a/b/.env"}, Fingerprint: "f1"},
		{Class: supply.Dependencies, Rule: supply.Rule{ID: "GO-1"}, Severity: supply.Medium, Place: supply.Place{Path: "go.mod"}, Fingerprint: "f2",
			Component: &supply.Component{Name: "golang.org/x/net"}, Aliases: []string{"CVE-2026-1"}, Waiver: &supply.Waiver{From: "osv-scanner.toml"}},
		{Class: supply.Source, Rule: supply.Rule{ID: "G401"}, Severity: supply.High, Place: supply.Place{Path: "x.go", Line: 3}, Fingerprint: "f3"},
	}}
}

func parse(t *testing.T, text string) gate.Policy {
	t.Helper()
	p, err := gate.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

const good = "reason: the value is public, owner: ann, approver: bea, expires: 2027-01-10"

// A waiver holds with a reason, an owner, a second person and an end within 180 days, for what it names.
func TestWaivers(t *testing.T) {
	for name, tc := range map[string]struct {
		waiver string
		fault  string
		waived string // fingerprints
	}{
		"finding":           {"{finding: f1, " + good + "}", "", "f1"},
		"rule":              {"{rule: G401, " + good + "}", "", "f3"},
		"alias":             {"{rule: CVE-2026-1, " + good + "}", "", "f2"},
		"component":         {"{component: golang.org/x/net, " + good + "}", "", "f2"},
		"rule elsewhere":    {"{rule: G401, path: y/, " + good + "}", "", ""},
		"rule here":         {"{rule: secret.key, path: 'a/**', " + good + "}", "", "f1"},
		"other tool's file": {"{ignores: osv-scanner.toml, " + good + "}", "", "f2"},
		"path alone":        {"{path: a/, " + good + "}", "excuses whatever is found there", ""},
		"nothing":           {"{" + good + "}", "says nothing of what it excuses", ""},
		"no reason":         {"{finding: f1, owner: ann, approver: bea, expires: 2027-01-10}", "has no reason", ""},
		"no owner":          {"{finding: f1, reason: the value is public, approver: bea, expires: 2027-01-10}", "has no owner", ""},
		"no approver":       {"{finding: f1, reason: the value is public, owner: ann, expires: 2027-01-10}", "has no approver", ""},
		"one person":        {"{finding: f1, reason: the value is public, owner: ann, approver: ' Ann', expires: 2027-01-10}", "was approved by its owner", ""},
		"no end":            {"{finding: f1, reason: the value is public, owner: ann, approver: bea}", "has no end", ""},
		"ended":             {"{finding: f1, reason: the value is public, owner: ann, approver: bea, expires: 2026-11-22}", "has ended on 2026-11-22", ""},
		"too long":          {"{finding: f1, reason: the value is public, owner: ann, approver: bea, expires: 2027-06-01}", "ends later than in 180 days", ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := found()
			faulty := strings.Join(parse(t, "waivers: ["+tc.waiver+"]").Waive(r, today()), "; ")
			if (faulty == "") != (tc.fault == "") || !strings.Contains(faulty, tc.fault) {
				t.Errorf("fault %q, want %q", faulty, tc.fault)
			}
			waived := ""
			for _, f := range r.Findings {
				if !f.Counts() {
					waived += f.Fingerprint
				}
			}
			if waived != tc.waived {
				t.Errorf("waived %q, want %q", waived, tc.waived)
			}
		})
	}
}

// Looking leaves out what other tools' files leave out; judging does not.
func TestOtherToolsIgnoresCountUntilAdopted(t *testing.T) {
	shown, judged := found(), found()
	gate.Default().Show(shown, today())
	gate.Default().Waive(judged, today())
	if len(shown.Counting()) != 2 || len(judged.Counting()) != 3 {
		t.Errorf("%d shown, %d judged", len(shown.Counting()), len(judged.Counting()))
	}
}

func TestVerdict(t *testing.T) {
	half := 50.0
	for name, tc := range map[string]struct {
		policy string
		change func(r *supply.Report)
		tests  gate.Outcome
		want   []string
	}{
		"defaults":            {want: []string{"2 findings fail"}},
		"lenient":             {policy: "fail: {all: critical, secrets: medium}"},
		"by class":            {policy: "fail: {all: critical, secrets: medium, deps: medium}", want: []string{"1 findings fail"}},
		"exploited":           {policy: "fail: {all: critical, secrets: medium}", change: func(r *supply.Report) { r.Findings[1].Exploited = true }, want: []string{"1 findings fail"}},
		"exploited, accepted": {policy: "{exploited: false, fail: {all: critical, secrets: medium}}", change: func(r *supply.Report) { r.Findings[1].Exploited = true }},
		"waiver that ended": {policy: "{fail: {all: critical, secrets: medium}, waivers: [{finding: gone, reason: the value is public, owner: a, approver: b, expires: 2026-01-01}]}",
			want: []string{"the waiver of finding gone has ended on 2026-01-01"}},
		"blind": {policy: "fail: {all: critical, secrets: medium}", change: func(r *supply.Report) {
			r.Checked = []supply.Checked{{Class: supply.Dependencies, Blind: "no advisories"}, {Class: supply.SourceControl, Blind: "no token"}}
		}, want: []string{"deps could not be checked: no advisories"}},
		"missed": {policy: "{fail: {all: critical, secrets: medium}, mayMiss: ['big/*']}", change: func(r *supply.Report) {
			r.Checked = []supply.Checked{{Class: supply.Secrets, Failed: []string{"big/a: too large", "b: too large"}}}
		}, want: []string{"secrets could not check b: too large (mayMiss lets it pass)"}},
		"no tests":      {policy: "{fail: {all: critical, secrets: medium}, tests: {required: true}}", want: []string{"no test results are there, and the policy asks for them (tests.required)"}},
		"failed tests":  {policy: "fail: {all: critical, secrets: medium}", tests: gate.Outcome{Results: &gate.TestResults{Passed: 1, Failed: 1, Names: []string{"x"}}}, want: []string{"1 tests failed: x"}},
		"no test":       {policy: "fail: {all: critical, secrets: medium}", tests: gate.Outcome{Results: &gate.TestResults{}}, want: []string{"test results are there, and no test passed"}},
		"little reach":  {policy: "{fail: {all: critical, secrets: medium}, tests: {minimum: 80}}", tests: gate.Outcome{Coverage: &half}, want: []string{"tests reach 50.0 % and 80.0 % are asked for"}},
		"no reach":      {policy: "{fail: {all: critical, secrets: medium}, tests: {minimum: 80}}", want: []string{"no coverage is there, and the policy asks for it (tests.minimum)"}},
		"broken result": {policy: "fail: {all: critical, secrets: medium}", tests: gate.Outcome{Broken: []string{"a.xml: not XML"}}, want: []string{"test results cannot be read: a.xml: not XML"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := found()
			if tc.change != nil {
				tc.change(r)
			}
			v := parse(t, tc.policy).Judge(r, tc.tests, today())
			if d := cmp.Diff(tc.want, v.Reasons); d != "" || v.Passed != (tc.want == nil) {
				t.Errorf("passed %v, reasons (-want +got):\n%s", v.Passed, d)
			}
		})
	}
}

// What is left out is not looked at, is said, and takes all that a waiver takes; what lacks it is looked at.
func TestLeavingOut(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a/samples/x", "b"} {
		if err := errors.Join(os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o700), os.WriteFile(filepath.Join(dir, name), nil, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	for name, tc := range map[string]struct {
		entry, fault string
		files        int
	}{
		"whole":     {"{path: '**/samples/', " + good + "}", "", 1},
		"lacking":   {"{path: '**/samples/', reason: these are samples, owner: ann, expires: 2027-01-10}", "leaving out path **/samples/ has no approver", 2},
		"misplaced": {"{path: '**/samples/', rule: x, " + good + "}", "takes a path, and nothing else", 2},
	} {
		t.Run(name, func(t *testing.T) {
			tree, err := supply.OpenTree(dir)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = tree.Close() }()
			p := parse(t, "leaveOut: ["+tc.entry+"]")
			p.Prune(tree, today())
			if len(tree.Files) != tc.files || len(tree.Left) != 2-tc.files {
				t.Errorf("%d files, left out %q", len(tree.Files), tree.Left)
			}
			if faulty := strings.Join(p.Waive(&supply.Report{}, today()), ""); !strings.Contains(faulty, tc.fault) || (faulty == "") != (tc.fault == "") {
				t.Errorf("fault %q", faulty)
			}
		})
	}
}

func TestPoliciesThatAreWrongAreRefused(t *testing.T) {
	for name, text := range map[string]string{
		"unknown key": "waiver: []", "unknown class": "fail: {everything: low}", "unknown severity": "fail: {all: awful}", "pattern": "mayMiss: ['[']",
		"share": "tests: {minimum: 101}", "twice": "exploited: true\nexploited: false", "huge": strings.Repeat("#", 2<<20), "blind": "mayBeBlind: [all]",
		"bomb": "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: [*b,*b,*b,*b,*b,*b,*b,*b]",
	} {
		if _, err := gate.Parse([]byte(text)); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	if p, err := gate.Load(fstest.MapFS{}); err != nil || !cmp.Equal(p, gate.Default()) {
		t.Errorf("without a policy: %v", err)
	}
}

// results puts files into a tree and reads them as results.
func results(t *testing.T, p gate.Policy, files map[string]string) gate.Outcome {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	tree, err := supply.OpenTree(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tree.Close() }()
	return p.ReadTests(tree)
}

func TestResultsOfTests(t *testing.T) {
	p := parse(t, `tests: {junit: ["out/**/*.xml"], go: ["*.json"], coverage: ["cover/*"]}`)
	o := results(t, p, map[string]string{
		"out/a/junit.xml": `<testsuites><testsuite><testcase classname="A" name="good"/><testcase classname="A" name="bad"><failure>no</failure></testcase><testcase name="later"><skipped/></testcase></testsuite></testsuites>`,
		"test.json":       "{\"Action\":\"pass\",\"Package\":\"p\",\"Test\":\"T\"}\n{\"Action\":\"pass\",\"Package\":\"p\"}\n{\"Action\":\"fail\",\"Package\":\"q\",\"Test\":\"U\"}\n{\"Action\":\"fail\",\"Package\":\"q\"}\n{\"Action\":\"fail\",\"Package\":\"unbuilt\"}\n",
		"cover/go.out":    "mode: set\na.go:1.2,3.4 3 1\na.go:5.1,6.2 1 0\na.go:5.1,6.2 1 1\nb.go:1.1,2.2 4 0\n",
		"cover/c.xml":     `<coverage><packages><package><classes><class filename="c.py"><lines><line number="1" hits="1"/><line number="2" hits="0"/></lines></class></classes></package></packages></coverage>`,
		"cover/lcov.info": "TN:\nSF:d.ts\nDA:1,5\nDA:2,0\nend_of_record\n",
		"elsewhere.xml":   "not read",
	})
	want := &gate.TestResults{Passed: 2, Failed: 3, Skipped: 1, Names: []string{"A.bad", "q.U", "unbuilt"}}
	if d := cmp.Diff(want.Names, o.Results.Names); o.Results.Passed != 2 || o.Results.Failed != 3 || o.Results.Skipped != 1 || len(o.Broken) != 0 {
		t.Errorf("%+v, broken %v; names (-want +got):\n%s", o.Results, o.Broken, d)
	}
	if o.Coverage == nil || *o.Coverage != 50 { // 3+1 of 8 statements, 1 of 2 lines, 1 of 2 lines
		t.Errorf("coverage %v", *o.Coverage)
	}
}

// What cannot be read is not a pass, and does not stop the rest from being read.
func TestBrokenResultsAreNamed(t *testing.T) {
	p := parse(t, `tests: {junit: ["*.xml"], go: ["*.json"], coverage: ["*.out"]}`)
	o := results(t, p, map[string]string{
		"a.xml": "<testsuite><testcase", "b.xml": "plain", "c.xml": strings.Repeat("<a>", 1000), "entity.xml": `<!DOCTYPE x [<!ENTITY a "b">]><x>&a;`,
		"a.json": "{", "b.json": "", "a.out": "mode: set\nnonsense", "b.out": "nothing",
	})
	if len(o.Broken) != 8 {
		t.Errorf("broken: %q", o.Broken)
	}
}

// A tree whose names hold line breaks cannot give the runner commands of its own.
func TestAnnotationsCannotBeForged(t *testing.T) {
	evil := "a\n::set-env name=PATH::/evil%0A::stop-commands::x"
	v := gate.Verdict{Failing: []supply.Finding{{Rule: supply.Rule{ID: evil}, Place: supply.Place{Path: evil + ":,"}, Message: evil}}, Reasons: []string{evil}, Ending: []string{evil}}
	var b, told, page bytes.Buffer
	gate.GitHub(&b, v)
	for line := range strings.Lines(b.String()) {
		if !strings.HasPrefix(line, "::error ") && !strings.HasPrefix(line, "::warning ") {
			t.Errorf("a line of its own: %q", line)
		}
	}
	if n := strings.Count(b.String(), "\n"); n != 3 {
		t.Errorf("%d lines, want 3", n)
	}
	r := &supply.Report{Findings: v.Failing}
	gate.Tell(&told, r, v)
	if strings.Contains(told.String(), "\n::") {
		t.Errorf("the text holds a command: %q", told.String())
	}
	gate.Markdown(&page, r, gate.Verdict{Reasons: []string{"<img src=x> [a](javascript:b) | c"}})
	if strings.Contains(page.String(), "<img") || strings.Contains(page.String(), "](j") {
		t.Errorf("the summary takes HTML: %q", page.String())
	}
}

func FuzzResults(f *testing.F) {
	f.Add("<testsuite><testcase name='a'/></testsuite>")
	f.Add("{\"Action\":\"pass\",\"Test\":\"x\"}")
	f.Add("mode: set\na.go:1.2,3.4 3 1")
	f.Add("SF:a\nDA:1,2")
	f.Add("waivers: [{finding: a}]")
	f.Fuzz(func(t *testing.T, text string) {
		_, _ = gate.Parse([]byte(text))
		p := parse(t, `tests: {junit: ["f"], go: ["f"], coverage: ["f"]}`)
		if o := results(t, p, map[string]string{"f": text}); o.Coverage != nil && (*o.Coverage < 0 || *o.Coverage > 100) {
			t.Errorf("coverage of %v per cent", *o.Coverage)
		}
	})
}
