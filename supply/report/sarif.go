package report

import (
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"

	"github.com/tutela-health/tutela/supply"
)

// What GitHub takes of a SARIF file: 25,000 results and rules a run, of which it shows the worst 5,000
// results, and 20 tags a rule (docs.github.com, "SARIF support for code scanning"). A result here has one place.
const (
	maxResults = 5_000
	maxTags    = 20
	maxMessage = 4_000 // characters: our own bound
)

// sarifSchema is the schema that the file follows.
const sarifSchema = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

// The parts of SARIF 2.1.0 (OASIS) that we fill.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool struct {
			Driver sarifDriver `json:"driver"`
		} `json:"tool"`
		Invocations []sarifInvocation `json:"invocations"`
		Results     []sarifResult     `json:"results"`
		ColumnKind  string            `json:"columnKind"`
	}
	sarifDriver struct {
		Name           string      `json:"name"`
		Version        string      `json:"version,omitempty"`
		InformationURI string      `json:"informationUri"`
		Rules          []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID               string       `json:"id"`
		Name             string       `json:"name,omitempty"`
		ShortDescription sarifText    `json:"shortDescription"`
		FullDescription  sarifText    `json:"fullDescription"`
		Help             sarifText    `json:"help"`
		HelpURI          string       `json:"helpUri,omitempty"`
		Default          sarifDefault `json:"defaultConfiguration"`
		Properties       sarifTags    `json:"properties"`
	}
	sarifDefault struct {
		Level string `json:"level"`
	}
	sarifTags struct {
		Tags     []string `json:"tags,omitempty"`
		Severity string   `json:"security-severity,omitempty"` // GitHub: 0.0 to 10.0, as text
	}
	sarifText struct {
		Text string `json:"text"`
	}
	sarifInvocation struct {
		Successful    bool                `json:"executionSuccessful"`
		Notifications []sarifNotification `json:"toolExecutionNotifications,omitempty"`
	}
	sarifNotification struct {
		Level   string    `json:"level"`
		Message sarifText `json:"message"`
	}
	sarifResult struct {
		RuleID       string             `json:"ruleId"`
		RuleIndex    int                `json:"ruleIndex"`
		Level        string             `json:"level"`
		Message      sarifText          `json:"message"`
		Locations    []sarifLocation    `json:"locations"`
		Fingerprints map[string]string  `json:"partialFingerprints"`
		Suppressions []sarifSuppression `json:"suppressions,omitempty"`
	}
	sarifLocation struct {
		Physical struct {
			Artifact struct {
				URI string `json:"uri"`
			} `json:"artifactLocation"`
			Region sarifRegion `json:"region"`
		} `json:"physicalLocation"`
	}
	sarifRegion struct {
		StartLine   int `json:"startLine"`
		StartColumn int `json:"startColumn,omitempty"`
		EndLine     int `json:"endLine,omitempty"`
	}
	sarifSuppression struct {
		Kind          string `json:"kind"`
		Status        string `json:"status"`
		Justification string `json:"justification"`
	}
)

// SARIF writes the report as SARIF 2.1.0 within GitHub's limits. What a limit cut off, what could not
// be checked and what was blind stand among the notifications.
func SARIF(w io.Writer, r *supply.Report) error {
	run := sarifRun{Results: []sarifResult{}, ColumnKind: "utf16CodeUnits"}
	name, version, _ := strings.Cut(r.Tool, " ")
	run.Tool.Driver = sarifDriver{Name: name, Version: version, InformationURI: "https://github.com/tutela-health/tutela", Rules: []sarifRule{}}
	index := map[string]int{}
	for i, f := range r.Findings {
		if i == maxResults {
			break
		}
		at, known := index[f.Rule.ID]
		if !known {
			at = len(run.Tool.Driver.Rules)
			index[f.Rule.ID] = at
			run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, describe(f))
		}
		run.Results = append(run.Results, result(f, at))
	}
	run.Invocations = []sarifInvocation{invocation(r)}
	e := json.NewEncoder(w)
	e.SetIndent("", " ")
	return e.Encode(sarifLog{Schema: sarifSchema, Version: "2.1.0", Runs: []sarifRun{run}})
}

// describe gives a rule, as severe as the worst finding under it, which comes first.
func describe(f supply.Finding) sarifRule {
	tags := append([]string{"security", string(f.Class)}, f.Rule.OWASP...)
	for _, cwe := range f.Rule.CWE {
		tags = append(tags, "external/cwe/"+strings.ToLower(cwe)) // the form that GitHub reads
	}
	slices.Sort(tags)
	tags = slices.Compact(tags)
	help := sarifText{or(f.Rule.Help, f.Rule.Name, f.Rule.ID)}
	return sarifRule{
		ID: f.Rule.ID, ShortDescription: sarifText{or(f.Rule.Name, f.Rule.ID)}, FullDescription: help, Help: help, HelpURI: link(f.Rule.URL),
		Default: sarifDefault{level(f.Severity)}, Properties: sarifTags{tags[:min(len(tags), maxTags)], score(f.Severity)},
	}
}

func result(f supply.Finding, rule int) sarifResult {
	res := sarifResult{
		RuleID: f.Rule.ID, RuleIndex: rule, Level: level(f.Severity), Message: sarifText{cut(sentence(f))}, Locations: make([]sarifLocation, 1),
		Fingerprints: map[string]string{"tutela/v1": f.Fingerprint},
	}
	place := &res.Locations[0].Physical
	place.Artifact.URI = (&url.URL{Path: f.Place.Path}).EscapedPath()
	place.Region = sarifRegion{StartLine: max(1, f.Place.Line), StartColumn: f.Place.Column}
	if f.Place.End > f.Place.Line {
		place.Region.EndLine = f.Place.End
	}
	if f.Waiver != nil {
		why := fmt.Sprintf("%s (owner %s, approved by %s, until %s)", f.Waiver.Reason, f.Waiver.Owner, f.Waiver.Approver, f.Waiver.Expires.Format("2006-01-02"))
		res.Suppressions = []sarifSuppression{{Kind: "external", Status: "accepted", Justification: cut(why)}}
	}
	return res
}

func invocation(r *supply.Report) sarifInvocation {
	inv := sarifInvocation{Successful: len(r.Blind()) == 0}
	note := func(level, text string) {
		if len(inv.Notifications) < maxResults {
			inv.Notifications = append(inv.Notifications, sarifNotification{level, sarifText{cut(text)}})
		}
	}
	if n := len(r.Findings) - maxResults; n > 0 {
		note("warning", fmt.Sprintf("%d findings less severe than these are not in this file", n))
	}
	for _, why := range r.Failed {
		note("warning", "could not check "+why)
	}
	for _, why := range r.LeftOut {
		note("note", "left out "+why)
	}
	for _, c := range r.Checked {
		if c.Blind != "" {
			note("error", fmt.Sprintf("%s could not be checked: %s", c.Class, c.Blind))
		}
		for _, why := range c.Failed {
			note("warning", fmt.Sprintf("%s: could not check %s", c.Class, why))
		}
	}
	return inv
}

func level(s supply.Severity) string {
	switch {
	case s >= supply.High:
		return "error"
	case s == supply.Medium:
		return "warning"
	default:
		return "note"
	}
}

// score is a number in the middle of the band that GitHub gives the same word.
func score(s supply.Severity) string {
	return []string{"0.0", "0.0", "2.0", "5.5", "8.0", "9.5"}[s]
}

// link lets https addresses through, and nothing that a viewer might run.
func link(to string) string {
	if strings.HasPrefix(to, "https://") {
		return to
	}
	return ""
}

func or(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return "(no text)"
}

func cut(s string) string {
	if r := []rune(s); len(r) > maxMessage {
		return string(r[:maxMessage]) + "…"
	}
	return or(strings.ToValidUTF8(s, "\uFFFD"))
}
