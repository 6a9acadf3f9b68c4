package tracker

import (
	"context"
	"errors"
	"fmt"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
)

// Shown is a tracker as people are shown it.
type Shown struct {
	Tracker   string `json:"tracker"`
	Kind      Form   `json:"kind"`
	Project   string `json:"project"`
	Waiting   int    `json:"waiting"` // tickets that are yet to be made or told
	Callbacks bool   `json:"callbacks"`
}

// ShownTicket is a ticket as people are shown it.
type ShownTicket struct {
	Ticket

	Proposed State `json:"proposed,omitempty"` // what somebody there wants
	Tries    int64 `json:"tries,omitempty"`    // that failed, one after the other
}

// Listed are trackers and their tickets.
type Listed struct {
	Trackers []Shown       `json:"trackers"`
	Tickets  []ShownTicket `json:"tickets"` // the newest first
}

// The most tickets of a list.
const maxList = 500

// List gives the trackers, and the tickets that the caller may see. The caller has decided that by may look.
func (s *Service) List(ctx context.Context, by tutela.Principal) (Listed, error) {
	l := Listed{Trackers: []Shown{}, Tickets: []ShownTicket{}}
	for _, name := range s.names() {
		d := s.desks[name]
		n, err := s.waiting(ctx, name)
		if err != nil {
			return l, err
		}
		l.Trackers = append(l.Trackers, Shown{Tracker: name, Kind: d.of.Form, Project: d.of.Project, Waiting: n, Callbacks: len(d.secret) > 0})
	}
	list, err := s.rows(ctx, ` ORDER BY written DESC, id LIMIT ?`, int64(maxList))
	if err != nil {
		return l, err
	}
	for _, t := range list {
		if !t.about(by) {
			l.Tickets = append(l.Tickets, t.shown())
		}
	}
	return l, nil
}

func (t Ticket) shown() ShownTicket {
	t.Accounts = nil
	return ShownTicket{Ticket: t, Proposed: t.Proposed(), Tries: t.tries}
}

// waiting counts the tickets that a tracker has not taken yet.
func (s *Service) waiting(ctx context.Context, name string) (n int, err error) {
	_, err = s.cfg.DB.QueryRow(ctx, `SELECT count(*) FROM tickets WHERE tracker = ? AND next > 0 AND (number = 0 OR tries > 0)`, []any{s.hash("tracker", name)}, &n)
	return n, err
}

// Tried is what came of asking a tracker.
type Tried struct {
	Tracker string `json:"tracker"`
	Kind    Form   `json:"kind"`
	Took    bool   `json:"took"`
	Waiting int    `json:"waiting"`
	Error   string `json:"error,omitempty"`
}

// Test asks every tracker whether tickets could be made, and makes none.
func (s *Service) Test(ctx context.Context) ([]Tried, error) {
	list := []Tried{}
	for _, name := range s.names() {
		d := s.desks[name]
		n, err := s.waiting(ctx, name)
		if err != nil {
			return nil, err
		}
		t := Tried{Tracker: name, Kind: d.of.Form, Took: true, Waiting: n}
		if err := d.to.test(ctx); err != nil {
			t.Took, t.Error = false, err.Error()
		}
		list = append(list, t)
	}
	return list, nil
}

// Sync has every ticket that is not over looked at now, as if callbacks had told of all.
func (s *Service) Sync(ctx context.Context) (due int, err error) {
	list, err := s.rows(ctx, ` WHERE number <> 0 AND next > 0 ORDER BY next DESC LIMIT ?`, int64(maxSync))
	if err != nil {
		return 0, err
	}
	for _, t := range list {
		d, is := s.desks[t.Tracker]
		if !is {
			continue
		}
		if err := s.poke(ctx, d, t.Number); err != nil {
			return due, err
		}
		due++
	}
	return due, nil
}

// maxSync is how many tickets a Sync has looked at, at most.
const maxSync = 2000

// Decline says no to what somebody there proposes: the ticket is made there again what it is here. base is the entry,
// of a caller of whom it was decided that he may.
func (s *Service) Decline(ctx context.Context, by tutela.Principal, base tutela.Entry, id string) (ShownTicket, error) {
	t, err := s.find(ctx, id)
	if err == nil && t.about(by) {
		err = notFound()
	}
	if err != nil {
		return ShownTicket{}, err
	}
	if _, is := s.desks[t.Tracker]; !is || t.Proposed() == "" {
		return ShownTicket{}, errs.New(errs.Conflict, "nobody proposes anything about this ticket")
	}
	said := t.Proposed()
	t.Told, t.next, t.tries = t.There, s.now(), 0 // we have moved since: it is told
	err = s.save(ctx, t, asDone(base), fmt.Sprintf("%s %s%s, tracker %s: it is not %s", t.Kind, t.Subject, t.ofStep(), t.Tracker, said))
	return t.shown(), err
}

func asDone(base tutela.Entry) tutela.Entry {
	base.Outcome = tutela.OutcomeSuccess
	return base
}

// Deliver hands over and looks at what is due in every tracker, one after the other.
func (s *Service) Deliver(ctx context.Context) error {
	var err error
	for _, name := range s.names() {
		err = errors.Join(err, s.desks[name].work(ctx))
	}
	return err
}
