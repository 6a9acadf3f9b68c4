package osv

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Advisory is one record of a database, with what it says of the packages of one ecosystem.
type Advisory struct {
	ID        string     `json:"id"`
	Aliases   []string   `json:"aliases,omitempty"`  // the same fault elsewhere
	Upstream  []string   `json:"upstream,omitempty"` // what a distribution's advisory is about
	Modified  time.Time  `json:"modified"`
	Withdrawn *time.Time `json:"withdrawn,omitempty"`
	Summary   string     `json:"summary,omitempty"`
	Vectors   []string   `json:"vectors,omitempty"` // CVSS, of the whole record
	Word      string     `json:"word,omitempty"`    // severity in the database's own word
	CWE       []string   `json:"cwe,omitempty"`
	Affected  []Affected `json:"affected"`
}

// Affected is what an advisory says of one package.
type Affected struct {
	Ecosystem string   `json:"ecosystem"` // with its release, such as Debian:12
	Name      string   `json:"name"`
	Ranges    []Range  `json:"ranges,omitempty"`
	Versions  []string `json:"versions,omitempty"` // all that are affected, one by one
	Vectors   []string `json:"vectors,omitempty"`
	Word      string   `json:"word,omitempty"`
	// Tagged holds for tagged versions besides Ranges: Go's database puts there what the project's own
	// numbers say when they are not those of the module.
	Tagged []Range `json:"tagged,omitempty"`
	// Kind is why a package is named though nothing can be exploited, such as "unmaintained" (crates.io).
	Kind    string   `json:"kind,omitempty"`
	Imports []Import `json:"imports,omitempty"` // where in a Go module the fault is
}

// Import is a package of a Go module, and the symbols of it that are at fault.
type Import struct {
	Path    string   `json:"path"`
	Symbols []string `json:"symbols,omitempty"`
}

// Range is a line of versions, with what happened on it.
type Range struct {
	Type   string  `json:"type"` // SEMVER, ECOSYSTEM or GIT
	Events []Event `json:"events"`
}

// Event is one turn of a Range; one of its fields is set.
type Event struct {
	Introduced   string `json:"introduced,omitempty"`
	Fixed        string `json:"fixed,omitempty"`
	LastAffected string `json:"last_affected,omitempty"`
	Limit        string `json:"limit,omitempty"`
}

// record is the form that is published.
type record struct {
	ID        string          `json:"id"`
	Modified  time.Time       `json:"modified"`
	Published time.Time       `json:"published"`
	Withdrawn *time.Time      `json:"withdrawn"`
	Aliases   []string        `json:"aliases"`
	Upstream  []string        `json:"upstream"`
	Summary   string          `json:"summary"`
	Details   string          `json:"details"`
	Severity  []severity      `json:"severity"`
	Affected  []affected      `json:"affected"`
	Specific  json.RawMessage `json:"database_specific"`
}

type severity struct {
	Type  string `json:"type"`
	Score string `json:"score"`
}

type affected struct {
	Package struct {
		Ecosystem string `json:"ecosystem"`
		Name      string `json:"name"`
	} `json:"package"`
	Severity  []severity      `json:"severity"`
	Ranges    []Range         `json:"ranges"`
	Versions  []string        `json:"versions"`
	Ecosystem json.RawMessage `json:"ecosystem_specific"`
	Database  json.RawMessage `json:"database_specific"`
}

// specific are the keys that we know of what databases add on their own.
type specific struct {
	Severity      string   `json:"severity"`
	CWE           []string `json:"cwe_ids"`
	Urgency       string   `json:"urgency"`       // Debian
	Informational string   `json:"informational"` // crates.io
	Imports       []Import `json:"imports"`       // Go
	Tagged        []Range  `json:"custom_ranges"` // Go
}

// own reads what a database adds. Another database may give the same key another form: each is read alone,
// and what has another form says nothing to us.
func own(raw json.RawMessage) specific {
	var s specific
	var keys map[string]json.RawMessage
	if json.Unmarshal(raw, &keys) != nil {
		return s
	}
	for key, into := range map[string]any{"severity": &s.Severity, "cwe_ids": &s.CWE, "urgency": &s.Urgency, "informational": &s.Informational, "imports": &s.Imports, "custom_ranges": &s.Tagged} {
		if value, ok := keys[key]; ok && json.Unmarshal(value, into) != nil {
			continue
		}
	}
	return s
}

// Limits on what one record may say: the longest that are published stay far below.
const (
	maxSummary  = 300 // bytes of the line that is kept
	maxPackages = 20_000
	maxEvents   = 5_000 // of one range
	maxVersions = 200_000
)

// Parse reads one record as it is published, with all its packages.
func Parse(text []byte) (Advisory, error) {
	var r record
	if err := json.Unmarshal(text, &r); err != nil {
		return Advisory{}, fmt.Errorf("read an advisory: %w", err)
	}
	if r.ID == "" || len(r.ID) > 200 || strings.ContainsFunc(r.ID, func(c rune) bool { return c <= ' ' || c > '~' }) {
		return Advisory{}, errors.New("read an advisory: it has no id")
	}
	s := own(r.Specific)
	a := Advisory{
		ID: r.ID, Aliases: r.Aliases, Upstream: r.Upstream, Modified: r.newest(), Withdrawn: r.Withdrawn,
		Summary: line(r.Summary, r.Details), Vectors: vectors(r.Severity), Word: s.Severity, CWE: s.CWE,
	}
	if len(r.Affected) > maxPackages {
		return Advisory{}, errors.New("read an advisory: it names too many packages")
	}
	for _, f := range r.Affected {
		if len(f.Versions) > maxVersions || slices.ContainsFunc(f.Ranges, func(r Range) bool { return len(r.Events) > maxEvents }) {
			return Advisory{}, errors.New("read an advisory: it names too many versions")
		}
		a.Affected = append(a.Affected, f.reduce())
	}
	return a, nil
}

// reduce keeps what matching needs.
func (f *affected) reduce() Affected {
	eco, db := own(f.Ecosystem), own(f.Database)
	a := Affected{
		Ecosystem: f.Package.Ecosystem, Name: f.Package.Name, Versions: f.Versions, Vectors: vectors(f.Severity),
		Word: first(eco.Severity, db.Severity, eco.Urgency), Kind: first(db.Informational, eco.Informational), Imports: eco.Imports, Tagged: eco.Tagged,
	}
	for _, r := range f.Ranges {
		if r.Type != "GIT" { // names commits, and lock files name versions
			a.Ranges = append(a.Ranges, r)
		}
	}
	return a
}

// Base is the ecosystem without its release: Debian:12 is Debian.
func Base(ecosystem string) string {
	base, _, _ := strings.Cut(ecosystem, ":")
	return base
}

// Names gives all names of the fault: the id, its aliases, and what it is about.
func (a *Advisory) Names() []string {
	names := append([]string{a.ID}, a.Aliases...)
	for _, u := range a.Upstream {
		if !slices.Contains(names, u) {
			names = append(names, u)
		}
	}
	return names
}

// Unmaintained reports whether the advisory only says that nobody looks after the package.
func (a *Advisory) Unmaintained() bool {
	return len(a.Affected) > 0 && !slices.ContainsFunc(a.Affected, func(f Affected) bool { return f.Kind != "unmaintained" })
}

func vectors(list []severity) []string {
	var v []string
	for _, s := range list {
		v = append(v, s.Score)
	}
	return v
}

// line is the summary, or the first line of the details where there is none.
func line(summary, details string) string {
	if summary == "" {
		summary, _, _ = strings.Cut(strings.TrimLeft(details, "# \n\r\t"), "\n")
	}
	summary = strings.Join(strings.Fields(summary), " ")
	if len(summary) > maxSummary {
		summary = strings.ToValidUTF8(summary[:maxSummary], "") + "…"
	}
	return summary
}

func first(words ...string) string {
	for _, w := range words {
		if w != "" {
			return w
		}
	}
	return ""
}

// newest is the last date that the record bears: databases kept in git leave some of them out.
func (r *record) newest() time.Time {
	newest := r.Modified
	if r.Published.After(newest) {
		newest = r.Published
	}
	if r.Withdrawn != nil && r.Withdrawn.After(newest) {
		newest = *r.Withdrawn
	}
	return newest
}
