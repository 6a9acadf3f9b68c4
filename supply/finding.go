package supply

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
)

// Class is a kind of check, as `tutela scan --only` names it.
type Class string

// The classes.
const (
	Secrets        Class = "secrets"
	Source         Class = "sast"
	Dependencies   Class = "deps"
	Infrastructure Class = "iac"
	Pipelines      Class = "ci"
	SourceControl  Class = "scm"
)

// Classes lists all of them.
func Classes() []Class {
	return []Class{Secrets, Source, Dependencies, Infrastructure, Pipelines, SourceControl}
}

// Severity is how bad it would be, from 0 (Unknown) up.
type Severity int

// The severities.
const (
	Unknown Severity = iota
	Info
	Low
	Medium
	High
	Critical
)

// severities are the words for them.
func severities() []string { return []string{"unknown", "info", "low", "medium", "high", "critical"} }

// String gives the word.
func (s Severity) String() string {
	if s < Unknown || s > Critical {
		return "unknown"
	}
	return severities()[s]
}

// MarshalText gives the word.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the word.
func (s *Severity) UnmarshalText(text []byte) error {
	i := slices.Index(severities(), strings.ToLower(string(text)))
	if i < 0 {
		return fmt.Errorf("%q is no severity: use one of %s", text, strings.Join(severities(), ", "))
	}
	*s = Severity(i)
	return nil
}

// Rule is what a scanner looks for.
type Rule struct {
	ID       string   `json:"id"`   // unique among all scanners, such as "secret.private-key"
	Name     string   `json:"name"` // a few words
	Help     string   `json:"help"` // why it matters and what to do
	Severity Severity `json:"severity"`
	CWE      []string `json:"cwe,omitempty"`   // "CWE-798"
	OWASP    []string `json:"owasp,omitempty"` // "A07:2021"
	URL      string   `json:"url,omitempty"`
}

// Place is where something was found.
type Place struct {
	Path   string `json:"path"`             // below the tree, with slashes
	Line   int    `json:"line,omitempty"`   // from 1; 0 where the whole file is meant
	Column int    `json:"column,omitempty"` // from 1, in bytes
	End    int    `json:"end,omitempty"`    // the last line, where there are several
	Commit string `json:"commit,omitempty"` // of the history, where it is not in the tree any more
}

// Finding is one fault.
type Finding struct {
	Class       Class      `json:"class"`
	Rule        Rule       `json:"rule"`
	Severity    Severity   `json:"severity"`
	Message     string     `json:"message"` // what is wrong here; never a secret, never a value of a record
	Place       Place      `json:"place"`
	Excerpt     string     `json:"excerpt,omitempty"` // the line, with what is secret in it struck out
	Component   *Component `json:"component,omitempty"`
	Fix         string     `json:"fix,omitempty"`     // what to do here, such as "upgrade to 1.2.3"
	Aliases     []string   `json:"aliases,omitempty"` // other names of the same advisory
	Exploited   bool       `json:"exploited,omitempty"`
	Reachable   *bool      `json:"reachable,omitempty"` // nil where nobody looked
	Fingerprint string     `json:"fingerprint"`         // the same in the next scan, though lines moved
	Waiver      *Waiver    `json:"waiver,omitempty"`    // what excuses it; nil where it counts
}

// Counts reports whether the finding is not excused.
func (f *Finding) Counts() bool { return f.Waiver == nil }

// Component is something that others made and this tree contains.
type Component struct {
	Ecosystem string   `json:"ecosystem"` // as OSV names it: Go, npm, PyPI, Maven, Debian:12, …
	Name      string   `json:"name"`
	Version   string   `json:"version"`
	PURL      string   `json:"purl"`
	Licenses  []string `json:"licenses,omitempty"` // SPDX expressions
	Path      string   `json:"path"`               // the file that names it
	Direct    bool     `json:"direct,omitempty"`
	Develop   bool     `json:"develop,omitempty"` // for development only
	// Source is the package that a distribution built it from, "name version" or only the name; empty where that is itself.
	Source     string   `json:"source,omitempty"`
	Hashes     []string `json:"hashes,omitempty"`     // "SHA-256:hex", as CycloneDX names the algorithms
	Requires   []string `json:"requires,omitempty"`   // the purls that it needs in turn, where its file says so
	Deprecated string   `json:"deprecated,omitempty"` // what its publisher says of its end
}

// identify gives findings their fingerprints: rule, file, what the line says, and the how-manieth of
// these it is. Line numbers are not in it, so that code which moves stays the same finding.
func identify(found []Finding) {
	seen := map[string]int{}
	for i := range found {
		f := &found[i]
		component := ""
		if f.Component != nil {
			component = f.Component.PURL
		}
		words := []string{string(f.Class), f.Rule.ID, f.Place.Path, strings.Join(strings.Fields(f.Excerpt), " "), component}
		key := strings.Join(words, "\x00")
		sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%d", key, seen[key]))
		seen[key]++
		f.Fingerprint = hex.EncodeToString(sum[:10])
	}
}

// sortFindings puts the worst first, then by place.
func sortFindings(found []Finding) {
	slices.SortStableFunc(found, func(a, b Finding) int {
		if a.Severity != b.Severity {
			return int(b.Severity - a.Severity)
		}
		if c := strings.Compare(a.Place.Path, b.Place.Path); c != 0 {
			return c
		}
		if a.Place.Line != b.Place.Line {
			return a.Place.Line - b.Place.Line
		}
		return strings.Compare(a.Rule.ID, b.Rule.ID)
	})
}
