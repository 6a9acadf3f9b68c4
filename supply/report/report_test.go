package report_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"
	"golang.org/x/net/html"

	"github.com/tutela-health/tutela/supply"
	"github.com/tutela-health/tutela/supply/report"
)

func day(d int) time.Time { return time.Date(2026, 11, d, 12, 0, 0, 0, time.UTC) }

// sample has one of everything, with text that a hostile tree might bring.
func sample() *supply.Report {
	rule := supply.Rule{ID: "secret.aws", Name: "AWS key", Help: "Rotate it.", CWE: []string{"CWE-798"}, OWASP: []string{"A07:2021"}, URL: "javascript:alert(1)"}
	return &supply.Report{
		Target: "tree", Tool: "tutela 1.0", Began: day(22), Took: 1.5, Files: 3,
		Findings: []supply.Finding{
			{Class: supply.Secrets, Rule: rule, Severity: supply.Critical, Message: "a key\x1b[2J\u202e", Place: supply.Place{Path: "a b/<script>.env", Line: 3, Column: 2}, Fingerprint: "f1"},
			{Class: supply.Dependencies, Rule: supply.Rule{ID: "GO-2026-1"}, Severity: supply.High, Message: "x is vulnerable", Fix: "upgrade to 2", Place: supply.Place{Path: "go.mod"}, Fingerprint: "f2", Exploited: true},
			{Class: supply.Source, Rule: supply.Rule{ID: "weak"}, Severity: supply.Low, Place: supply.Place{Path: "b.go", Line: 9, End: 11}, Fingerprint: "f3", Waiver: &supply.Waiver{Reason: "not used", Owner: "a", Approver: "b", Expires: day(30)}},
		},
		Checked: []supply.Checked{{Class: supply.Secrets, Files: 3, Failed: []string{"huge: larger than 8 MiB"}}, {Class: supply.Dependencies, Blind: "no advisories for npm: run tutela advisories import npm.zip"}},
		Data:    []supply.Data{{Name: "OSV Go", Entries: 4291, Newest: day(1)}},
	}
}

func written(t *testing.T, write func(io.Writer, *supply.Report) error, r *supply.Report) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := write(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// validSARIF holds a file to the OASIS schema, and to there being nothing in it that SARIF does not know.
func validSARIF(t *testing.T, text []byte) *sarif.Report {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(new(sarif.Report)); err != nil {
		t.Fatal(err)
	}
	log, err := sarif.FromBytes(text)
	if err == nil {
		for _, run := range log.Runs { // the library writes what is absent as empty, which is another thing
			run.Language, run.Tool.Driver.Language, run.NewlineSequences = "en", "en", []string{"\n"}
		}
		err = log.Validate()
	}
	if err != nil {
		t.Fatal(err)
	}
	return log
}

func TestSARIFFollowsTheSchema(t *testing.T) {
	log := validSARIF(t, written(t, report.SARIF, sample()))
	run := log.Runs[0]
	if len(run.Results) != 3 || len(run.Tool.Driver.Rules) != 3 || len(run.Results[2].Suppressions) != 1 {
		t.Errorf("%d results, %d rules", len(run.Results), len(run.Tool.Driver.Rules))
	}
	if run.Invocations[0].ExecutionSuccessful == nil || *run.Invocations[0].ExecutionSuccessful {
		t.Error("a scan that was blind is called a success")
	}
	if uri := *run.Results[0].Locations[0].PhysicalLocation.ArtifactLocation.URI; uri != "a%20b/%3Cscript%3E.env" {
		t.Errorf("uri %q", uri)
	}
	if log.Runs[0].Tool.Driver.Rules[0].HelpURI != nil {
		t.Error("an address that runs something is handed on")
	}
	validSARIF(t, written(t, report.SARIF, &supply.Report{Tool: "tutela devel"}))
}

// GitHub refuses files beyond its limits; the worst findings come first, and what is left out is said.
func TestSARIFKeepsGitHubsLimits(t *testing.T) {
	r := sample()
	var tags []string
	for i := range 40 {
		tags = append(tags, fmt.Sprint("t", i/2))
	}
	for i := range 30_000 {
		r.Findings = append(r.Findings, supply.Finding{Rule: supply.Rule{ID: fmt.Sprint("r", i), OWASP: tags}, Message: strings.Repeat("m", 9000)})
	}
	run := validSARIF(t, written(t, report.SARIF, r)).Runs[0]
	if len(run.Results) != 5000 || len(run.Tool.Driver.Rules) > 25_000 {
		t.Errorf("%d results, %d rules", len(run.Results), len(run.Tool.Driver.Rules))
	}
	if got := *run.Invocations[0].ToolExecutionNotifications[0].Message.Text; got != "25003 findings less severe than these are not in this file" {
		t.Error(got)
	}
	for _, rule := range run.Tool.Driver.Rules {
		if len(rule.Properties.Tags) > 20 {
			t.Fatalf("%d tags", len(rule.Properties.Tags))
		}
	}
}

// What moves a terminal's cursor or turns text around does not come through the table.
func TestTableIsPlainText(t *testing.T) {
	text := string(written(t, report.Table, sample()))
	if i := strings.IndexFunc(text, func(r rune) bool { return r != '\n' && r < ' ' || r == '\u202e' }); i >= 0 {
		t.Errorf("control character at %d: %q", i, text[i:])
	}
	for _, want := range []string{"a b/<script>.env:3", "x is vulnerable (known to be exploited); upgrade to 2", "BLIND    deps: no advisories for npm",
		"could not check huge", "4291 entries, the newest of 2026-11-01 (21 days old)", "found 1 critical, 1 high; 1 waived; 1 could not be checked; 1 of 2 kinds of check could not run at all"} {
		if !strings.Contains(text, want) {
			t.Errorf("the table does not say %q:\n%s", want, text)
		}
	}
}

func TestPageHoldsNothingThatRuns(t *testing.T) {
	text := written(t, report.HTML, sample())
	tokens := html.NewTokenizer(bytes.NewReader(text))
	for kind := tokens.Next(); kind != html.ErrorToken; kind = tokens.Next() {
		tok := tokens.Token()
		if tok.Data == "script" && kind == html.StartTagToken {
			t.Error("a file's name became a script")
		}
		for _, a := range tok.Attr {
			if strings.Contains(a.Val, "javascript") || strings.HasPrefix(a.Key, "on") {
				t.Errorf("attribute %s=%q", a.Key, a.Val)
			}
		}
	}
	if !bytes.Contains(text, []byte("a b/&lt;script&gt;.env:3")) {
		t.Error("the page does not show the place")
	}
}

func TestCodeQualityLeavesOutWhatIsWaived(t *testing.T) {
	var issues []map[string]any
	if err := json.Unmarshal(written(t, report.CodeQuality, sample()), &issues); err != nil {
		t.Fatal(err)
	}
	if len(issues) != 2 || issues[0]["severity"] != "blocker" {
		t.Errorf("%v", issues)
	}
}
