package incident

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/detect/finding"
	"github.com/tutela-health/tutela/internal/errs"
)

// Opening is what is said when somebody who manages incidents opens one.
type Opening struct {
	Title      string
	Kind       Kind
	Severity   finding.Level // empty: high
	Detail     string        // what is known; may name patients
	Discovered time.Time     // zero: now; not in the future
	Finding    string        // which it is about, if any
	Patients   []tutela.Bucket
	About      []tutela.UserID // whose doing it may be: he does not see it
}

// Bounds on what people write, in characters.
const (
	maxTitle = 200
	maxText  = 8000
	maxTo    = 500
	minText  = 3
)

// Open opens an incident. base is the entry, of a caller of whom it was decided that he may.
func (s *Service) Open(ctx context.Context, by tutela.Principal, base tutela.Entry, o Opening) (Incident, error) {
	in := Incident{
		ID: audit.NewID(), Kind: cmp.Or(o.Kind, Other), Severity: cmp.Or(o.Severity, finding.High), State: Open, Source: FromPerson,
		OpenedBy: base.Actor, Opened: s.now(),
	}
	var err error
	if in.Title, err = plain("title", o.Title, minText, maxTitle); err != nil {
		return Incident{}, err
	}
	text, err := plain("detail", cmp.Or(o.Detail, in.Title), minText, maxText)
	if err != nil {
		return Incident{}, err
	}
	if err := in.began(o); err != nil {
		return Incident{}, err
	}
	if o.Finding != "" {
		f, err := s.cfg.Findings.Find(ctx, by, o.Finding)
		if err != nil {
			return Incident{}, err
		}
		in.take(f)
		in.alike = s.alike(f)
	}
	if err := s.adopt(&in); err != nil {
		return Incident{}, err
	}
	base.Action = tutela.ActionIncidentOpen
	return s.opened(ctx, change{in: in, kind: Beginning, text: text, entry: base, detail: fmt.Sprintf("%s, %s, by a person", in.Kind, in.Severity)})
}

// began holds what an opening says to its form.
func (in *Incident) began(o Opening) error {
	if !slices.Contains(Kinds(), in.Kind) {
		return errs.New(errs.Invalid, "kind is one of %v", Kinds())
	}
	if in.Severity.Severity() == 0 {
		return errs.New(errs.Invalid, "severity is one of %v", finding.Levels())
	}
	in.Discovered = o.Discovered.UTC().Truncate(time.Millisecond)
	if o.Discovered.IsZero() {
		in.Discovered = in.Opened
	}
	if in.Discovered.After(in.Opened) || in.Discovered.Before(in.Opened.AddDate(-maxYears, 0, 0)) {
		return errs.New(errs.Invalid, "discovered is a time of the last %d years", maxYears)
	}
	if len(o.About) > maxAbout {
		return errs.New(errs.Invalid, "%d accounts are the most that an incident is about", maxAbout)
	}
	in.About = o.About
	list := make([]string, len(o.Patients))
	for i, b := range o.Patients {
		list[i] = pseudonym(b)
	}
	in.touched(list)
	return nil
}

// maxYears is how long ago an incident may have been discovered that is opened now.
const maxYears = 10

// opened writes a new incident and gives it back.
func (s *Service) opened(ctx context.Context, c change) (Incident, error) {
	c.in.Items++ // as commit will have it
	shown := c.in
	c.in.Items--
	return shown, s.commit(ctx, c)
}

// Report is what somebody tells who need not know anything about incidents.
type Report struct {
	Text string
	Kind Kind // empty: he does not know
}

// The most reports of an account, or of a sender, within a day.
const maxReports = 20

// Told is a report as its author sees it: nothing of what was made of it but how far it is.
type Told struct {
	ID    string    `json:"id"`
	At    time.Time `json:"at"`
	State State     `json:"state"`
}

// Report takes what anybody tells. It waits for who manages incidents.
func (s *Service) Report(ctx context.Context, base tutela.Entry, r Report) (Told, error) {
	return s.report(ctx, base, r, Incident{Source: FromReport, reporter: s.cfg.Alias("incident-reporter", string(base.Actor.ID))})
}

func (s *Service) report(ctx context.Context, base tutela.Entry, r Report, in Incident) (Told, error) {
	text, err := plain("report", r.Text, minText, maxText)
	if err != nil {
		return Told{}, err
	}
	now := s.now()
	n, err := s.reportsSince(ctx, in.reporter, now.Add(-24*time.Hour))
	if err != nil {
		return Told{}, err
	}
	if n >= maxReports {
		return Told{}, errs.New(errs.TooMany, "%d reports were taken today: call the privacy officer", n)
	}
	in.ID, in.Title, in.Kind, in.Severity = cmp.Or(in.ID, audit.NewID()), "A report by "+string(in.Source), cmp.Or(r.Kind, Other), finding.Medium
	if in.Source == FromReport {
		in.Title = "A report by " + base.Actor.Name
	}
	if !slices.Contains(Kinds(), in.Kind) {
		return Told{}, errs.New(errs.Invalid, "kind is one of %v", Kinds())
	}
	in.State, in.OpenedBy, in.Opened, in.Discovered = Reported, base.Actor, now, now
	base.Action = tutela.ActionIncidentReport
	in, err = s.opened(ctx, change{in: in, kind: Beginning, text: text, entry: base, detail: "reported"})
	return Told{ID: in.ID, At: in.Opened, State: in.State}, err
}

// Mine gives what a caller reported himself, the newest first.
func (s *Service) Mine(ctx context.Context, by tutela.Principal) ([]Told, error) {
	list, err := s.rows(ctx, ` WHERE reporter = ? ORDER BY opened DESC, id LIMIT ?`, s.cfg.Alias("incident-reporter", string(by.ID)), int64(maxList))
	told := make([]Told, len(list))
	for i, in := range list {
		told[i] = Told{ID: in.ID, At: in.Opened, State: in.State}
	}
	return told, err
}

// plain holds what a person wrote to a length, without what does not show.
func plain(what, text string, least, most int) (string, error) {
	text = strings.TrimSpace(text)
	hidden := func(r rune) bool { return !unicode.IsPrint(r) && !unicode.IsSpace(r) }
	if n := utf8.RuneCountInString(text); n < least || n > most || !utf8.ValidString(text) || strings.ContainsFunc(text, hidden) {
		return "", errs.New(errs.Invalid, "the %s takes %d to %d characters of text", what, least, most)
	}
	return text, nil
}
