package attest

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tutela-health/tutela/supply"
	"github.com/tutela-health/tutela/supply/gate"
	"github.com/tutela-health/tutela/supply/report"
)

// Scan is the predicate of a scan: what was looked at, what could not be, and what was found. It has no
// line of any file.
type Scan struct {
	Scanner  Resource         `json:"scanner"`
	Started  time.Time        `json:"scanStartedOn"`
	Finished time.Time        `json:"scanFinishedOn"`
	Result   string           `json:"result"` // CLEAN, FOUND or COULD_NOT_CHECK
	Checked  []supply.Checked `json:"checked"`
	Failed   []string         `json:"couldNotCheck,omitempty"`
	LeftOut  []string         `json:"leftOut,omitempty"`
	Data     []supply.Data    `json:"data,omitempty"`
	Counts   map[string]int   `json:"counts"` // by severity, of those that nobody excused
	Classes  map[string]int   `json:"countsByClass"`
	Waived   int              `json:"waived"`
	Findings []Finding        `json:"findings"`
	Omitted  int              `json:"findingsOmitted,omitempty"` // beyond the worst thousand
}

// Finding is one fault, without what the file says there.
type Finding struct {
	Class       supply.Class    `json:"class,omitempty"`
	Rule        string          `json:"rule"`
	Severity    supply.Severity `json:"severity"`
	Place       supply.Place    `json:"place"`
	Component   string          `json:"component,omitempty"`
	Fingerprint string          `json:"fingerprint"`
	Waiver      *supply.Waiver  `json:"waiver,omitempty"`
}

// maxFindings is how many findings a predicate lists, and maxLines how many lines of each kind of remark.
const (
	maxFindings = 1000
	maxLines    = 100
)

// OfReport is the statement that a scan was made, with its result.
func OfReport(r *supply.Report, subject Resource) (Statement, error) {
	name, version, _ := strings.Cut(r.Tool, " ")
	p := Scan{
		Scanner: Resource{Name: name, URI: "https://github.com/tutela-health/tutela", Annotations: map[string]any{"version": version}},
		Started: r.Began.UTC(), Finished: r.Began.Add(time.Duration(r.Took * float64(time.Second))).UTC(),
		Result: result(r), Failed: first(r.Failed), LeftOut: first(r.LeftOut), Data: r.Data, Counts: map[string]int{}, Classes: map[string]int{}, Findings: []Finding{},
	}
	for _, c := range r.Checked {
		c.Failed = first(c.Failed)
		p.Checked = append(p.Checked, c)
	}
	for _, f := range r.Findings {
		if f.Counts() {
			p.Counts[f.Severity.String()]++
			p.Classes[string(f.Class)]++
		} else {
			p.Waived++
		}
		if len(p.Findings) < maxFindings {
			p.Findings = append(p.Findings, finding(f))
		}
	}
	p.Omitted = len(r.Findings) - len(p.Findings)
	return NewStatement(TypeScan, p, subject)
}

func finding(f supply.Finding) Finding {
	short := Finding{Class: f.Class, Rule: f.Rule.ID, Severity: f.Severity, Place: f.Place, Fingerprint: f.Fingerprint, Waiver: f.Waiver}
	if f.Component != nil {
		short.Component = f.Component.PURL
	}
	return short
}

func result(r *supply.Report) string {
	missed := len(r.Failed) > 0 || slices.ContainsFunc(r.Checked, func(c supply.Checked) bool { return c.Blind != "" || len(c.Failed) > 0 })
	switch {
	case len(r.Counting()) > 0:
		return "FOUND"
	case missed:
		return "COULD_NOT_CHECK"
	}
	return "CLEAN"
}

// first cuts a list off, and says so.
func first(list []string) []string {
	if len(list) <= maxLines {
		return list
	}
	return append(slices.Clone(list[:maxLines]), fmt.Sprintf("and %d more", len(list)-maxLines))
}

// TestResult is in-toto's predicate of a test run, version 0.1.
type TestResult struct {
	Result        string     `json:"result"` // PASSED, WARNED or FAILED
	Configuration []Resource `json:"configuration"`
	URL           string     `json:"url,omitempty"`
	Passed        []string   `json:"passedTests,omitempty"`
	Warned        []string   `json:"warnedTests,omitempty"`
	Failed        []string   `json:"failedTests,omitempty"`
}

// OfVerdict is the statement of what the gate said: a test for each class of check, one for the tests,
// and one for each reason that kept the tree back. The policy is named by its digest, and url is the
// run's own page, if it has one. The predicate has no place for a time: the policy's annotation judgedOn is when.
func OfVerdict(r *supply.Report, v gate.Verdict, policy Resource, url string, subject Resource) (Statement, error) {
	policy.Annotations = map[string]any{judgedOn: r.Began.Add(time.Duration(r.Took * float64(time.Second))).UTC().Format(time.RFC3339)}
	p := TestResult{Result: "PASSED", Configuration: []Resource{policy}, URL: url}
	failing := map[supply.Class]int{}
	for _, f := range v.Failing {
		failing[f.Class]++
	}
	for _, c := range r.Checked {
		switch {
		case failing[c.Class] > 0:
			p.Failed = append(p.Failed, fmt.Sprintf("%s: %d findings fail", c.Class, failing[c.Class]))
			delete(failing, c.Class)
		case c.Blind != "" || len(c.Failed) > 0:
			p.Warned = append(p.Warned, fmt.Sprintf("%s: not all could be checked", c.Class))
		default:
			p.Passed = append(p.Passed, string(c.Class))
		}
	}
	for _, class := range slices.Sorted(maps.Keys(failing)) {
		p.Failed = append(p.Failed, fmt.Sprintf("%s: %d findings fail", class, failing[class]))
	}
	if t := v.Tests; t != nil {
		p.Passed = append(p.Passed, fmt.Sprintf("tests: %d passed", t.Passed))
	}
	switch {
	case !v.Passed:
		p.Result = "FAILED"
		p.Failed = append(p.Failed, first(v.Reasons)...)
	case len(p.Warned) > 0:
		p.Result = "WARNED"
	}
	return NewStatement(TypeTestResult, p, subject)
}

// judgedOn annotates the policy that judged with the time when it did.
const judgedOn = "judgedOn"

// Judged is when the gate judged; zero where it does not say.
func (r TestResult) Judged() time.Time {
	for _, c := range r.Configuration {
		text, _ := c.Annotations[judgedOn].(string)
		if at, err := time.Parse(time.RFC3339, text); err == nil {
			return at
		}
	}
	return time.Time{}
}

// OfBill is the statement of what a tree is made of, as CycloneDX.
func OfBill(r *supply.Report, subject Resource) (Statement, error) {
	var b bytes.Buffer
	if err := report.CycloneDX(&b, r); err != nil {
		return Statement{}, fmt.Errorf("write the bill of materials: %w", err)
	}
	return NewStatement(TypeCycloneDX, json.RawMessage(b.Bytes()), subject)
}

// Summary is a statement in a line, for people: its type's own words where we know them.
func (s Statement) Summary() string {
	switch s.PredicateType {
	case TypeScan:
		var p Scan
		if json.Unmarshal(s.Predicate, &p) != nil {
			return "a scan that cannot be read"
		}
		return fmt.Sprintf("scan: %s, %d critical, %d high, %d waived", cmp.Or(p.Result, "no result"), p.Counts["critical"], p.Counts["high"], p.Waived)
	case TypeTestResult:
		var p TestResult
		if json.Unmarshal(s.Predicate, &p) != nil {
			return "a result that cannot be read"
		}
		return fmt.Sprintf("gate: %s, %d passed, %d in part, %d reasons against", cmp.Or(p.Result, "no result"), len(p.Passed), len(p.Warned), len(p.Failed))
	case TypeCycloneDX:
		return "bill of materials (CycloneDX)"
	case TypeProvenance:
		return "provenance of a build (SLSA)"
	}
	return "predicate " + s.PredicateType
}
