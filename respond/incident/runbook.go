package incident

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

//go:embed runbooks/*.yml
var shipped embed.FS

// runbookFormat is the version of the form of runbooks that is understood.
const runbookFormat = 1

// The bounds of runbooks.
const (
	maxRunbook   = 64 << 10 // bytes
	maxRunbooks  = 100
	maxSteps     = 60
	maxClocks    = 20
	maxApprovals = 3
	maxDays      = 366
	longestClock = Span(30 * 24 * time.Hour)
)

// Phase says which state a step belongs before.
type Phase string

// The phases: what is done before an incident counts as contained, as recovered from, as closed.
const (
	Contain Phase = "contain"
	Recover Phase = "recover"
	Finish  Phase = "close"
)

// Proof names what the system itself tries before a step counts as done.
type Proof string

// The proofs.
const (
	LedgerVerifies Proof = "audit-verify"  // the whole ledger is verified
	BackupReturns  Proof = "backup-verify" // a backup came back since the discovery, as the ledger tells
)

// Runbook says what is done about a kind of incident.
type Runbook struct {
	Format   int     `yaml:"version" json:"-"`
	ID       string  `yaml:"id" json:"id"`
	Title    string  `yaml:"title" json:"title"`
	Kind     Kind    `yaml:"kind" json:"kind"`
	Owner    string  `yaml:"owner" json:"owner"`       // a role, or an account's name: who keeps it alive
	Reviewed string  `yaml:"reviewed" json:"reviewed"` // day on which somebody last read it through
	Clocks   []Clock `yaml:"clocks" json:"clocks"`
	Steps    []Step  `yaml:"steps" json:"steps"`

	Version string `yaml:"-" json:"version"` // hash of the text
}

// Clock is a time within which something is to be reached, from the discovery on.
type Clock struct {
	ID    string `yaml:"id" json:"id"`
	Title string `yaml:"title" json:"title"`
	// Until is contained, recovered, closed, or "step ID".
	Until string `yaml:"until" json:"until"`
	// Within is a time that passes; Days are days of the calendar where the organisation is. One of them is given.
	Within Span   `yaml:"within" json:"within,omitzero"`
	Days   int    `yaml:"days" json:"days,omitempty"`
	Cite   string `yaml:"cite" json:"cite"` // who says so: a section, or our policy
}

// Step is one thing to be done.
type Step struct {
	ID        string `yaml:"id" json:"id"`
	Phase     Phase  `yaml:"phase" json:"phase"`
	Title     string `yaml:"title" json:"title"`
	Do        string `yaml:"do" json:"do"`
	Role      string `yaml:"role" json:"role"` // who does it, in the organisation's own words
	Within    Span   `yaml:"within" json:"within,omitzero"`
	Approvals int    `yaml:"approvals" json:"approvals,omitempty"` // how many people have to agree before it is done
	Check     Proof  `yaml:"check" json:"check,omitempty"`
}

// Span is a time that passes, written as in 1h30m.
type Span time.Duration

// MarshalText writes it.
func (s Span) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads it.
func (s *Span) UnmarshalText(text []byte) error {
	d, err := time.ParseDuration(string(text))
	*s = Span(d)
	return err
}

// String is as in 1h30m0s.
func (s Span) String() string { return time.Duration(s).String() }

// due is when a clock runs out: of days, the end of the last one, where the organisation is.
func (c Clock) due(discovered time.Time, zone *time.Location) time.Time {
	if c.Days == 0 {
		return discovered.Add(time.Duration(c.Within))
	}
	y, m, d := discovered.In(zone).Date()
	next := time.Date(y, m, d+c.Days+1, 12, 0, 0, 0, time.UTC)
	end := time.Date(y, m, d+c.Days+1, 0, 0, 0, 0, zone)
	for end.Day() != next.Day() { // clocks go forward at midnight there: the day begins later
		end = end.Add(15 * time.Minute)
	}
	return end.UTC()
}

// ParseRunbook reads a runbook. What it does not know, or what makes no sense, is an error.
func ParseRunbook(text []byte) (Runbook, error) {
	var r Runbook
	if len(text) > maxRunbook {
		return r, fmt.Errorf("a runbook takes %d bytes at most", maxRunbook)
	}
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(&r); err != nil {
		return r, fmt.Errorf("runbook: %w", err)
	}
	sum := sha256.Sum256(text)
	r.Version = hex.EncodeToString(sum[:8])
	if err := r.check(); err != nil {
		return r, fmt.Errorf("runbook %q: %w", r.ID, err)
	}
	return r, nil
}

// name is the form of ids.
var name = regexp.MustCompile(`^[a-z][a-z0-9-]{1,40}$`)

func (r *Runbook) check() error {
	switch {
	case r.Format != runbookFormat:
		return fmt.Errorf("version is %d, and %d is understood", r.Format, runbookFormat)
	case !name.MatchString(r.ID):
		return fmt.Errorf("id takes small letters, digits and -")
	case !slices.Contains(Kinds(), r.Kind):
		return fmt.Errorf("kind: %q is not one of %v", r.Kind, Kinds())
	case !worded(r.Title) || !worded(r.Owner):
		return fmt.Errorf("title and owner take 1 to %d characters", maxTitle)
	case len(r.Steps) == 0 || len(r.Steps) > maxSteps || len(r.Clocks) == 0 || len(r.Clocks) > maxClocks:
		return fmt.Errorf("1 to %d steps and 1 to %d clocks", maxSteps, maxClocks)
	}
	if _, err := time.Parse(time.DateOnly, r.Reviewed); err != nil {
		return fmt.Errorf("reviewed is a day, as in 2026-11-01")
	}
	seen := map[string]bool{}
	for _, s := range r.Steps {
		if err := s.check(); err != nil {
			return fmt.Errorf("step %q: %w", s.ID, err)
		}
		if seen[s.ID] {
			return fmt.Errorf("step %q is there twice", s.ID)
		}
		seen[s.ID] = true
	}
	return r.checkClocks(seen)
}

func (r *Runbook) checkClocks(steps map[string]bool) error {
	seen := map[string]bool{}
	for _, c := range r.Clocks {
		step, ofStep := strings.CutPrefix(c.Until, "step ")
		switch {
		case !name.MatchString(c.ID) || seen[c.ID] || !worded(c.Title) || !worded(c.Cite):
			return fmt.Errorf("clock %q: an id of its own, a title, and cite: who says so", c.ID)
		case ofStep && !steps[step], !ofStep && !slices.Contains([]State{Contained, Recovered, Closed}, State(c.Until)):
			return fmt.Errorf("clock %q: until is contained, recovered, closed, or step and the id of one", c.ID)
		case (c.Days > 0) == (c.Within > 0) || c.Days < 0 || c.Days > maxDays || c.Within < 0 || c.Within > longestClock:
			return fmt.Errorf("clock %q: within (up to %v) or days (up to %d)", c.ID, longestClock, maxDays)
		}
		seen[c.ID] = true
	}
	return nil
}

func (s Step) check() error {
	switch {
	case !name.MatchString(s.ID):
		return fmt.Errorf("id takes small letters, digits and -")
	case !slices.Contains([]Phase{Contain, Recover, Finish}, s.Phase):
		return fmt.Errorf("phase is contain, recover or close")
	case !worded(s.Title) || !worded(s.Role) || s.Do == "" || len(s.Do) > maxText:
		return fmt.Errorf("title and role take 1 to %d characters, do up to %d", maxTitle, maxText)
	case s.Within < 0 || s.Within > longestClock || s.Approvals < 0 || s.Approvals > maxApprovals:
		return fmt.Errorf("within up to %v, approvals up to %d", longestClock, maxApprovals)
	case !slices.Contains([]Proof{"", LedgerVerifies, BackupReturns}, s.Check):
		return fmt.Errorf("check is %s or %s", LedgerVerifies, BackupReturns)
	}
	return nil
}

func worded(s string) bool { return s != "" && len(s) <= maxTitle }

// Runbooks are those in force: the shipped ones, and a house's own, of which one with the same id takes a shipped
// one's place.
type Runbooks []Runbook

// LoadRunbooks reads the shipped runbooks and those of a folder; nil has none of its own.
func LoadRunbooks(own fs.FS) (Runbooks, error) {
	all := map[string]Runbook{}
	for _, from := range []struct {
		fsys fs.FS
		glob string
	}{{shipped, "runbooks/*.yml"}, {own, "*.yml"}} {
		if from.fsys == nil {
			continue
		}
		if err := readRunbooks(from.fsys, from.glob, all); err != nil {
			return nil, err
		}
	}
	list := make(Runbooks, 0, len(all))
	for _, r := range all {
		list = append(list, r)
	}
	slices.SortFunc(list, func(a, b Runbook) int { return strings.Compare(a.ID, b.ID) })
	return list, nil
}

func readRunbooks(fsys fs.FS, glob string, into map[string]Runbook) error {
	files, err := fs.Glob(fsys, glob)
	if err != nil {
		return fmt.Errorf("list runbooks: %w", err)
	}
	if len(files) > maxRunbooks {
		return fmt.Errorf("%d runbooks, and %d are the most", len(files), maxRunbooks)
	}
	seen := map[string]string{}
	for _, file := range files {
		info, err := fs.Stat(fsys, file)
		if err != nil {
			return fmt.Errorf("runbook %s: %w", path.Base(file), err)
		}
		if info.Size() > maxRunbook {
			return fmt.Errorf("runbook %s: more than %d bytes", path.Base(file), maxRunbook)
		}
		text, err := fs.ReadFile(fsys, file)
		if err != nil {
			return fmt.Errorf("runbook %s: %w", path.Base(file), err)
		}
		r, err := ParseRunbook(text)
		if err != nil {
			return fmt.Errorf("%s: %w", path.Base(file), err)
		}
		if other, twice := seen[r.ID]; twice {
			return fmt.Errorf("%s and %s have the same id %s", other, path.Base(file), r.ID)
		}
		seen[r.ID] = path.Base(file)
		into[r.ID] = r
	}
	return nil
}

// Find gives a runbook by its id.
func (rs Runbooks) Find(id string) (Runbook, bool) {
	i := slices.IndexFunc(rs, func(r Runbook) bool { return r.ID == id })
	if i < 0 {
		return Runbook{}, false
	}
	return rs[i], true
}

// of gives the runbook of a kind: where there are several, the one whose id is the kind's, else the first.
func (rs Runbooks) of(k Kind) (Runbook, bool) {
	if r, ok := rs.Find(string(k)); ok && r.Kind == k {
		return r, true
	}
	i := slices.IndexFunc(rs, func(r Runbook) bool { return r.Kind == k })
	if i < 0 {
		return Runbook{}, false
	}
	return rs[i], true
}
