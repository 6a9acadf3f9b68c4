package sarif_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela/internal/checkout"
	"github.com/tutela-health/tutela/supply"
	"github.com/tutela-health/tutela/supply/sarif"
)

// tree is one with a file that results speak of.
func tree(t testing.TB) *supply.Tree {
	t.Helper()
	c := checkout.New(t)
	c.Write(map[string]string{"app/a.js": "// one\n  eval(req.query.x)\nkey = \"planted\"\n", "a/z": ""})
	opened, err := supply.OpenTree(c.Dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = opened.Close() })
	return opened
}

func taken(t *testing.T, text string) []supply.Finding {
	t.Helper()
	got, err := sarif.Import("x.sarif", []byte(text), tree(t))
	if err != nil {
		t.Fatal(err)
	}
	var list []supply.Finding
	for _, r := range got {
		list = append(list, r.Findings...)
	}
	return list
}

// semgrep, codeQL and trivy are written as these tools write: rules in the driver with tags in words; rules in
// an extension that results name by index, and addresses below %SRCROOT%; rules by id with scores.
const (
	semgrep = `{"version":"2.1.0","runs":[{"invocations":[{"executionSuccessful":true}],"tool":{"driver":{"name":"Semgrep OSS","semanticVersion":"1.100.0","rules":[
		{"id":"javascript.eval","name":"javascript.eval","shortDescription":{"text":"Semgrep Finding: javascript.eval"},"fullDescription":{"text":"eval runs what users send"},"helpUri":"https://semgrep.dev/r/javascript.eval",
		 "defaultConfiguration":{"level":"error"},"properties":{"precision":"very-high","tags":["CWE-95: Improper Neutralization of Directives","OWASP-A03:2021 - Injection","security"]}},
		{"id":"generic.key","shortDescription":{"text":"a key"},"defaultConfiguration":{"level":"warning"},"properties":{"tags":["CWE-798: Use of Hard-coded Credentials"]}}]}},
		"results":[{"ruleId":"javascript.eval","message":{"text":"eval"},"fingerprints":{"matchBasedId/v1":"x"},"locations":[{"physicalLocation":{"artifactLocation":{"uri":"app/a.js","uriBaseId":"%SRCROOT%"},"region":{"startLine":2,"startColumn":3,"endLine":2,"endColumn":9}}}]},
		{"ruleId":"generic.key","message":{"text":"found planted"},"locations":[{"physicalLocation":{"artifactLocation":{"uri":"app/a.js"},"region":{"startLine":3,"snippet":{"text":"key = planted"}}}}]},
		{"ruleId":"javascript.eval","message":{"text":"eval"},"suppressions":[{"kind":"inSource"}],"locations":[{"physicalLocation":{"artifactLocation":{"uri":"app/a.js"},"region":{"startLine":1}}}]}]}]}`
	codeQL = `{"version":"2.1.0","runs":[{"tool":{"driver":{"name":"CodeQL","semanticVersion":"2.20.0"},"extensions":[{"name":"codeql/javascript-queries","rules":[
		{"id":"js/code-injection","name":"js/code-injection","shortDescription":{"text":"Code injection"},"defaultConfiguration":{"enabled":true,"level":"error"},"properties":{"tags":["security","external/cwe/cwe-094"],"security-severity":"9.3","problem.severity":"error"}}]}]},
		"results":[{"ruleId":"js/code-injection","rule":{"id":"js/code-injection","index":0,"toolComponent":{"index":0}},"message":{"text":"This code depends on [a user](1)."},"locations":[{"physicalLocation":{"artifactLocation":{"uri":"app/a.js","uriBaseId":"%SRCROOT%","index":0},"region":{"startLine":2,"startColumn":8}}}]},
		{"ruleId":"js/code-injection","kind":"pass","message":{"text":"fine"}}]}]}`
	trivy = `{"version":"2.1.0","runs":[{"tool":{"driver":{"fullName":"Trivy Vulnerability Scanner","name":"Trivy","version":"0.60.0","rules":[
		{"id":"CVE-2021-23337","name":"LanguageSpecificPackageVulnerability","shortDescription":{"text":"lodash: command injection"},"defaultConfiguration":{"level":"error"},"properties":{"precision":"very-high","security-severity":"7.2","tags":["vulnerability","security","HIGH"]}},
		{"id":"AVD-DS-0002","name":"Misconfiguration","shortDescription":{"text":"root user"},"defaultConfiguration":{"level":"note"},"properties":{"security-severity":"2.0","tags":["misconfiguration","security","LOW"]}},
		{"id":"generic-api-key","name":"Secret","shortDescription":{"text":"Generic API key"},"defaultConfiguration":{"level":"error"},"properties":{"security-severity":"9.5","tags":["secret","security","CRITICAL"]}}]}},
		"results":[{"ruleId":"CVE-2021-23337","ruleIndex":0,"level":"error","message":{"text":"Package: lodash"},"locations":[{"physicalLocation":{"artifactLocation":{"uri":"package-lock.json","uriBaseId":"ROOTPATH"},"region":{"startLine":7}}}]},
		{"ruleId":"AVD-DS-0002","ruleIndex":1,"level":"note","message":{"text":"Artifact: Dockerfile"},"locations":[{"physicalLocation":{"artifactLocation":{"uri":"Dockerfile"},"region":{"startLine":1}}}]},
		{"ruleId":"generic-api-key","ruleIndex":2,"message":{"text":"Match: planted"},"locations":[{"physicalLocation":{"artifactLocation":{"uri":"app/a.js"},"region":{"startLine":3}}}]}]}]}`
)

// What other tools found becomes findings of our classes and severities, and no secret comes with them.
func TestOtherToolsResultsBecomeFindings(t *testing.T) {
	type short struct {
		Class    supply.Class
		Rule     string
		Severity string
		CWE      string
		At       string
		Excerpt  string
		From     string
	}
	for name, tc := range map[string]struct {
		text string
		want []short
	}{
		"semgrep": {semgrep, []short{
			{supply.Secrets, "semgrep.generic.key", "medium", "CWE-798", "app/a.js:3", "", ""},
			{supply.Source, "semgrep.javascript.eval", "high", "CWE-95", "app/a.js:2", "eval(req.query.x)", ""},
			{supply.Source, "semgrep.javascript.eval", "high", "CWE-95", "app/a.js:1", "// one", "sarif:semgrep"},
		}},
		"codeql": {codeQL, []short{{supply.Source, "codeql.js/code-injection", "critical", "CWE-94", "app/a.js:2", "eval(req.query.x)", ""}}},
		"trivy": {trivy, []short{
			{supply.Secrets, "trivy.generic-api-key", "critical", "", "app/a.js:3", "", ""},
			{supply.Dependencies, "trivy.CVE-2021-23337", "high", "", "package-lock.json:7", "", ""},
			{supply.Infrastructure, "trivy.AVD-DS-0002", "low", "", "Dockerfile:1", "", ""},
		}},
	} {
		var got []short
		for _, f := range taken(t, tc.text) {
			s := short{f.Class, f.Rule.ID, f.Severity.String(), strings.Join(f.Rule.CWE, " "), fmt.Sprintf("%s:%d", f.Place.Path, f.Place.Line), f.Excerpt, ""}
			if f.Waiver != nil {
				s.From = f.Waiver.From
			}
			got = append(got, s)
			if text, err := json.Marshal(f); err != nil || strings.Contains(string(text), "planted") {
				t.Errorf("%s: %v, a secret came with %s", name, err, f.Rule.ID)
			}
		}
		if d := cmp.Diff(tc.want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}

// A file that cannot be read is an error; a tool that did not finish could not check; places stay in the tree.
func TestHostileResults(t *testing.T) {
	for _, text := range []string{"", "{}", `{"version":"2.0.0","runs":[]}`, `{"version":"2.1.0"}`, `[`, strings.Repeat("[", 100_000),
		`{"version":"2.1.0","runs":[` + strings.Repeat("{},", 100) + `{}]}`, `{"version":"2.1.0","runs":[{"results":[` + strings.Repeat("{},", 100_001) + `{}]}]}`} {
		if _, err := sarif.Import("x", []byte(text), tree(t)); err == nil {
			t.Errorf("%.40q is taken", text)
		}
	}
	got, err := sarif.Import("x", []byte(`{"version":"2.1.0","runs":[{"tool":{"driver":{"name":"\u001b[2J"}},"invocations":[{"executionSuccessful":false}],"results":[]}]}`), tree(t))
	if err != nil || len(got) != 1 || len(got[0].Checked.Failed) != 1 {
		t.Errorf("%v, %+v", err, got)
	}
	for uri, want := range map[string]string{"../../etc/passwd": "etc/passwd", "file:///etc/passwd": "etc/passwd", "a%20b/c": "a b/c", "a\u0000b": "a?b", "": ""} {
		text, err := json.Marshal(map[string]any{"version": "2.1.0", "runs": []any{map[string]any{"results": []any{map[string]any{"ruleIndex": -1,
			"locations": []any{map[string]any{"physicalLocation": map[string]any{"artifactLocation": map[string]any{"uri": uri}, "region": map[string]any{"startLine": -5}}}}}}}}})
		if err != nil {
			t.Fatal(err)
		}
		if f := taken(t, string(text)); len(f) != 1 || f[0].Place.Path != want || f[0].Excerpt != "" || f[0].Severity != supply.Medium {
			t.Errorf("%q: %+v, want %q", uri, f, want)
		}
	}
}

func FuzzImport(f *testing.F) {
	for _, seed := range []string{semgrep, codeQL, trivy, `{"version":"2.1.0","runs":[{"results":[{"rule":{"index":9,"toolComponent":{"index":-1}}}]}]}`} {
		f.Add([]byte(seed))
	}
	at := tree(f)
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := sarif.Import("x", text, at)
		if err != nil {
			return
		}
		for _, r := range got {
			for _, one := range r.Findings {
				if one.Rule.ID == "" || strings.HasPrefix(one.Place.Path, "/") || strings.HasPrefix(one.Place.Path, "../") || one.Class == supply.Secrets && one.Excerpt != "" {
					t.Errorf("%+v", one)
				}
			}
		}
	})
}
