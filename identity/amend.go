package identity

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/store"
)

// order is who asked for a change of other people's accounts, and when that came in.
type order struct {
	by       tutela.Principal
	received time.Time
	due      bool // access ended by itself at that time: there is nothing to measure
}

// amendment is an account as it was and as it is to be.
type amendment struct {
	before account // zero: there was none
	after  account
}

func (m amendment) joins() bool { return m.before.ID == "" }

// leaves reports whether the account may act no more, of which nobody has taken note yet.
func (m amendment) leaves() bool {
	return !m.joins() && m.after.Disabled && (!m.before.Disabled || m.before.lapsed)
}

func (m amendment) removed() bool { return m.before.Removed.IsZero() && !m.after.Removed.IsZero() }

func (m amendment) returns() bool { return !m.joins() && m.before.Disabled && !m.after.Disabled }

func (m amendment) otherRoles() bool { return !sameSet(m.before.Roles, m.after.Roles) }

// ends reports whether what was given to the account before is void.
func (m amendment) ends() bool {
	return !m.joins() && (m.leaves() || m.removed() || m.returns() || m.otherRoles() || m.before.Username != m.after.Username)
}

// details names what else changed, without saying from what to what.
func (m amendment) details() []string {
	b, a := m.before, m.after
	var list []string
	for _, d := range []struct {
		what    string
		changed bool
	}{
		{"username", b.Username != a.Username}, {"name", b.Name != a.Name}, {"email", b.Email != a.Email},
		{"external id", b.External != a.External}, {"unit", b.Unit != a.Unit}, {"groups", !sameSet(b.Groups, a.Groups)},
		{"clearances", !sameSet(b.Clearances, a.Clearances)}, {"clearances asked for", !sameSet(asked(b), asked(a))},
		{"end date", !b.Ends.Equal(a.Ends)}, {"provisioner", b.Provisioner != a.Provisioner},
	} {
		if d.changed {
			list = append(list, d.what)
		}
	}
	return list
}

// idle reports whether nothing changes.
func (m amendment) idle() bool {
	return !m.joins() && !m.leaves() && !m.removed() && !m.returns() && !m.otherRoles() && len(m.details()) == 0
}

// asked are the labels that an account was said to be cleared for, however long ago.
func asked(a account) []string {
	if a.Clearing == nil {
		return nil
	}
	return a.Clearing.Labels
}

func sameSet(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

// entries are the lines that an amendment leaves in the ledger.
func (s *Service) entriesOf(o order, m amendment, ending tutela.Ending) []tutela.Entry {
	var list []tutela.Entry
	add := func(action tutela.Action, detail string) {
		e := s.asked(action, o.by)
		e.Subject.ID, e.Subject.Detail = string(m.after.ID), detail
		if m.leaves() || m.removed() || ending.Any() {
			e.Ending = &ending
		}
		list = append(list, e)
	}
	switch {
	case m.joins():
		add(tutela.ActionUserCreate, strings.Join(m.after.Roles, " "))
		return list
	case m.removed():
		add(tutela.ActionUserDelete, "")
	case m.leaves():
		add(tutela.ActionUserDisable, "")
	case m.returns():
		add(tutela.ActionUserEnable, "")
	}
	if m.otherRoles() {
		add(tutela.ActionUserRoles, strings.Join(m.after.Roles, " "))
	}
	if d := m.details(); len(d) > 0 && !m.removed() {
		add(tutela.ActionUserUpdate, strings.Join(d, ", "))
	}
	return list
}

// work is what carries out amendments.
type work struct {
	op      store.Op
	entries []tutela.Entry
	told    []Ended
	ended   []tutela.Entry // those after which somebody's access has ended
}

// amend carries out amendments in one op, whole or not at all, if claims hold too.
func (s *Service) amend(ctx context.Context, o order, list []amendment, claims ...store.Claim) error {
	w := work{op: store.Op{Claims: claims, Alone: len(list) > 1}}
	for _, m := range list {
		if m.idle() {
			continue
		}
		if err := s.prepare(ctx, o, m, &w); err != nil {
			return err
		}
	}
	if len(w.entries) == 0 {
		return nil
	}
	if err := s.revoke(ctx, w.op, w.entries...); err != nil {
		return err
	}
	s.tell(ctx, w.told)
	if o.due {
		return nil
	}
	return s.noteEndings(ctx, w.ended...)
}

// prepare adds an amendment to the work.
func (s *Service) prepare(ctx context.Context, o order, m amendment, w *work) error {
	m.after.Changed = s.clock()
	var ending tutela.Ending
	if m.ends() {
		var err error
		if ending, err = s.endAll(ctx, o, &m.after, w); err != nil {
			return err
		}
	}
	claim, err := s.accountClaim(ctx, m.after)
	if err != nil {
		return err
	}
	w.op.Claims = append(w.op.Claims, claim)
	entries := s.entriesOf(o, m, ending)
	w.entries = append(w.entries, entries...)
	if m.leaves() || m.removed() {
		w.ended = append(w.ended, entries[0])
	}
	return nil
}

// endAll adds to the work what ends an account's sessions and tokens.
func (s *Service) endAll(ctx context.Context, o order, a *account, w *work) (tutela.Ending, error) {
	ending, err := s.livingOf(ctx, *a, o.received)
	if err != nil {
		return ending, err
	}
	sessions, err := s.sessionsBut(ctx, a.ID, "")
	if err != nil {
		return ending, err
	}
	told, err := s.ending(ctx, sessions...)
	if err != nil {
		return ending, err
	}
	rows, err := s.retire(ctx, a, "")
	w.told, w.op.Deletes = append(w.told, told...), append(w.op.Deletes, rows...)
	return ending, err
}

// livingOf counts what an order ends that came in at a time.
func (s *Service) livingOf(ctx context.Context, a account, received time.Time) (tutela.Ending, error) {
	e := tutela.Ending{Ordered: received}
	sessions, err := s.Sessions(ctx, a.ID)
	if err != nil {
		return e, err
	}
	families, err := s.familiesOf(ctx, a.ID)
	if err != nil {
		return e, err
	}
	for _, f := range families {
		if !f.Value.Revoked && f.Value.Epoch == a.Epoch && len(f.Value.Secret) > 0 {
			e.Refresh++
		}
	}
	e.Sessions = len(sessions)
	e.Tokens, err = s.livingTokens(ctx, a.ID)
	return e, err
}

// noteEndings writes down, after access has ended, how long that took from the order on.
func (s *Service) noteEndings(ctx context.Context, of ...tutela.Entry) error {
	if len(of) == 0 {
		return nil
	}
	var entries []tutela.Entry
	for _, e := range of {
		done := *e.Ending
		done.Took = max(1, int64((s.clock().Sub(done.Ordered)+time.Millisecond-1)/time.Millisecond))
		e.Action, e.Ending, e.ID, e.Time = tutela.ActionAccessEnd, &done, "", time.Time{}
		entries = append(entries, e)
	}
	err := s.commit(ctx, store.Op{}, entries...)
	return errs.Wrap(errs.Unavailable, err, "access has ended, and how long it took could not be recorded")
}
