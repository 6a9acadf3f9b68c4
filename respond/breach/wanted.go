package breach

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/internal/errs"
)

// wanted is an Ask with its names looked up.
type wanted struct {
	Ask

	ids      []tutela.UserID // accounts that Actor means
	names    string          // Actor where names of entries count too: an account may have had it that is not known by it now
	client   string          // Actor where it means a client
	patients []tutela.Bucket // sorted
	sieve    audit.Sieve
	unknown  bool // nobody has Actor for a name now
}

// ahead is how far an entry of another system may be older than what it tells of (detect/intake/book.Ahead): by so much a
// source's clock is believed.
const ahead = 24 * time.Hour

// wanted looks up whom an Ask means. What another system told may have come in long after it happened, so there is no last
// day.
func (s *Service) wanted(ctx context.Context, a Ask) (*wanted, error) {
	w := &wanted{Ask: a, sieve: audit.Sieve{From: a.From.Add(-ahead)}}
	var err error
	if w.patients, err = s.buckets(a.Patients); err != nil {
		return nil, err
	}
	if a.Actor != "" {
		if err := s.lookUp(ctx, w); err != nil {
			return nil, err
		}
	}
	w.narrow()
	return w, nil
}

// lookUp finds what an actor's name means. Where it may have meant somebody else in that time, or means a client, every
// entry is asked by name.
func (s *Service) lookUp(ctx context.Context, w *wanted) error {
	users, err := s.cfg.People.Users(ctx)
	if err != nil {
		return err
	}
	clients, err := s.cfg.People.Clients(ctx)
	if err != nil {
		return err
	}
	w.ids = []tutela.UserID{tutela.UserID(w.Actor)}
	w.unknown = true
	for _, u := range users {
		if string(u.ID) != w.Actor && !strings.EqualFold(u.Username, w.Actor) {
			continue
		}
		w.unknown = false
		w.ids = append(w.ids, u.ID, tutela.UserID(u.Username))
		if u.Created.After(w.From) || u.Changed.After(w.From) {
			w.names = w.Actor
		}
	}
	if slices.ContainsFunc(clients, func(c identity.Client) bool { return c.ID == w.Actor }) {
		w.client, w.unknown = w.Actor, false
	}
	if w.unknown {
		w.client, w.names = w.Actor, w.Actor
	}
	slices.Sort(w.ids)
	w.ids = slices.Compact(w.ids)
	return nil
}

// narrow says where answers can be. A name is not asked for by postings: all entries of the time are walked, and those
// are read that hold it.
func (w *wanted) narrow() {
	fact := func(name, value string) {
		if value != "" {
			w.sieve.Holds = append(w.sieve.Holds, audit.Fact{Name: name, Value: value})
		}
	}
	w.sieve.Patients = w.patients
	switch {
	case w.Actor != "" && w.names == "" && w.client == "":
		w.sieve.Actors = w.ids
	case w.Actor != "":
		for _, id := range w.ids {
			fact("id", string(id))
		}
		fact("name", strings.ToLower(w.names))
		fact("name", w.names)
		fact("client", w.client)
		return
	}
	switch { // one is enough to look for: all are looked at
	case w.Session != "":
		fact("session", w.Session)
	case w.Address != "":
		fact("address", w.Address)
	case w.Client != "":
		fact("client", w.Client)
	}
}

// buckets reads patients, who are named as Patient/ID, by id alone, or by pseudonym.
func (s *Service) buckets(list []string) ([]tutela.Bucket, error) {
	var all []tutela.Bucket
	for _, text := range list {
		id, isReference := strings.CutPrefix(text, "Patient/")
		if id == "" || len(id) > 64 {
			return nil, errs.New(errs.Invalid, "patients are named as Patient/ID, or by the sixteen digits of their pseudonyms")
		}
		b := s.cfg.Bucket(tutela.PatientID(id))
		if n, err := strconv.ParseUint(id, 16, 64); err == nil && len(id) == 16 && !isReference {
			b = tutela.Bucket(n)
		}
		all = append(all, b)
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}

// meant reports whether an entry is of whom an Ask means.
func (w *wanted) meant(e *tutela.Entry) bool {
	at := happened(e)
	return !at.Before(w.From) && at.Before(w.To) &&
		(w.Session == "" || e.Session == w.Session) &&
		(w.Client == "" || e.Client == w.Client) &&
		(w.Address == "" || e.Address == w.Address) &&
		(w.Actor == "" || w.acted(e))
}

// acted reports whether the account or client acted. Another system's accounts are known by what it calls them.
func (w *wanted) acted(e *tutela.Entry) bool {
	if slices.Contains(w.ids, e.Actor.ID) {
		return true
	}
	named := w.names != "" && (e.Actor.Name == w.names || e.Actor.Name == strings.ToLower(w.names)) // usernames are kept small
	return e.Foreign == nil && (named || w.client != "" && e.Client == w.client)
}

// happened is when what an entry tells of did.
func happened(e *tutela.Entry) time.Time {
	if e.Foreign != nil {
		return e.Foreign.Observed
	}
	return e.Time
}

// concerns reports whether a patient is one of those that an Ask names, if it names any.
func (w *wanted) concerns(b tutela.Bucket) bool {
	if len(w.patients) == 0 {
		return true
	}
	_, found := slices.BinarySearch(w.patients, b)
	return found
}
