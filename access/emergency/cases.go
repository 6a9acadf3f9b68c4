package emergency

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/audit"
)

// Case is an emergency as a reviewer sees it. What the ledger says of it is empty where the
// patient's key was destroyed.
type Case struct {
	ID       string
	Patient  tutela.Bucket
	Ref      string // Patient/ID
	Who      tutela.Actor
	Opened   time.Time
	Until    time.Time
	Reason   string
	Accesses int // that really reached the patient under it

	Reviewed time.Time // zero while the review is open
	Reviewer tutela.Actor
	Verdict  Verdict
	Note     string
}

// maxCases bounds each half of what Cases gives.
const maxCases = 500

// slack is how long after its end an access may still be written that began before, and how far a node's
// clock may lie behind that of the node which opened the emergency.
const slack = 10 * time.Minute

// Cases gives those whose review is open, the oldest last, and after them the newest closed ones.
func (s *Service) Cases(ctx context.Context) ([]Case, error) {
	rows, err := s.openCases(ctx, maxCases)
	if err != nil {
		return nil, err
	}
	closed, err := s.closedCases(ctx, maxCases)
	if err != nil {
		return nil, err
	}
	list := make([]Case, 0, len(rows)+len(closed))
	for _, r := range append(rows, closed...) {
		c, err := s.told(ctx, r)
		if err != nil {
			return nil, fmt.Errorf("read emergency %s from the ledger: %w", r.id, err)
		}
		list = append(list, c)
	}
	return list, nil
}

// Case gives one, with the entries about it and of every access under it, in the ledger's order.
func (s *Service) Case(ctx context.Context, id string) (Case, []tutela.Entry, error) {
	r, err := s.find(ctx, id)
	if err != nil {
		return Case{}, nil, err
	}
	c, err := s.told(ctx, r)
	if err != nil {
		return Case{}, nil, fmt.Errorf("read emergency %s from the ledger: %w", id, err)
	}
	last := r.until.Add(slack)
	if r.reviewed.After(last) {
		last = r.reviewed.Add(time.Millisecond)
	}
	var entries []tutela.Entry
	err = s.search(ctx, r, r.opened.Add(-slack), last, func(e tutela.Entry, _ words) { entries = append(entries, e) })
	return c, entries, err
}

// Mine gives the caller's emergencies that are open to his session.
func (s *Service) Mine(ctx context.Context, by tutela.Principal) ([]Access, error) {
	open, err := s.Open(ctx, by)
	if err != nil || len(open) == 0 {
		return nil, err
	}
	list := make([]Access, 0, len(open))
	for _, e := range open {
		r, err := s.find(ctx, e.ID)
		if err != nil {
			return nil, err
		}
		c := Case{}
		if err := s.search(ctx, r, r.opened, r.opened.Add(time.Millisecond), c.opening); err != nil {
			return nil, err
		}
		typ, id, _ := strings.Cut(c.Ref, "/")
		list = append(list, Access{ID: r.id, Patient: tutela.Ref{Type: typ, ID: id}, Opened: r.opened, Until: r.until})
	}
	return list, nil
}

// told completes a row by what the ledger says.
func (s *Service) told(ctx context.Context, r row) (Case, error) {
	c := Case{ID: r.id, Patient: r.patient, Opened: r.opened, Until: r.until, Reviewed: r.reviewed}
	err := s.search(ctx, r, r.opened.Add(-slack), r.until.Add(slack), c.opening)
	if err == nil && !r.reviewed.IsZero() {
		err = s.search(ctx, r, r.reviewed, r.reviewed.Add(time.Millisecond), c.review)
	}
	return c, err
}

// search calls f with the entries of an emergency within a time, and what they hold in words.
func (s *Service) search(ctx context.Context, r row, from, to time.Time, f func(tutela.Entry, words)) error {
	return s.cfg.Audit.Search(ctx, audit.Query{Patient: &r.patient, From: from, To: to}, func(o audit.Opened) error {
		if !slices.Contains(strings.Fields(o.Entry.BreakGlass), r.id) {
			return nil
		}
		said, err := s.words(ctx, o)
		if err == nil {
			f(o.Entry, said)
		}
		return err
	})
}

// words are those of an entry about an emergency; none of any other entry.
func (s *Service) words(ctx context.Context, o audit.Opened) (words, error) {
	var said words
	if !about(o.Entry.Action) {
		return said, nil
	}
	sections, err := s.cfg.Audit.Sections(ctx, o)
	if err != nil {
		return said, err
	}
	for _, part := range sections {
		if len(part.Body) == 0 {
			continue // erased
		}
		if err := json.Unmarshal(part.Body, &said); err != nil {
			return said, fmt.Errorf("decode words: %w", err)
		}
	}
	return said, nil
}

// about tells the entries about emergencies from those of accesses under them.
func about(a tutela.Action) bool {
	return slices.Contains([]tutela.Action{
		tutela.ActionBreakGlassOpen, tutela.ActionBreakGlassEnd, tutela.ActionBreakGlassRevoke, tutela.ActionBreakGlassReview,
	}, a)
}

// opening takes in who opened it and why, and counts what was done under it.
func (c *Case) opening(e tutela.Entry, said words) {
	switch {
	case e.Action == tutela.ActionBreakGlassOpen:
		c.Who, c.Ref, c.Reason = e.Actor, said.Patient, said.Reason
	case !about(e.Action) && e.Outcome == tutela.OutcomeSuccess:
		c.Accesses++
	}
}

// review takes in how it was judged.
func (c *Case) review(e tutela.Entry, said words) {
	if e.Action == tutela.ActionBreakGlassReview {
		c.Reviewer, c.Verdict, c.Note = e.Actor, Verdict(said.Verdict), said.Note
	}
}
