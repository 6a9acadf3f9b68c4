package rules

import (
	"fmt"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/detect/event"
	"github.com/tutela-health/tutela/detect/finding"
	"github.com/tutela-health/tutela/detect/roster"
)

// Ids of the rules in Go: stable, and in the form of the others'.
const (
	RuleDeparted   = "3f0c9a52-6d0e-4c8b-9a43-5a0f6f2d7b11"
	RuleDormant    = "b7c1d8e4-2f35-4d19-8b60-0d9e4a7c5f22"
	RuleUnreviewed = "5e8a2c71-94bd-4f06-a1c7-7b3d9e8f6a33"
	RuleWalk       = "91d4b6f0-3ac2-4e7d-b258-c6f1a0e7d944"
)

// leavers takes offence at accounts that do something although their owner has left, or after they were shut; and at
// those that wake after a long silence.
type leavers struct {
	staff *roster.Directory
	state leaversState
}

type leaversState struct {
	Seen map[tutela.UserID]int64 // seconds since 1970 of the last thing an account did
	Shut map[tutela.UserID]int64 // since when an account is disabled or deleted
}

// silence is after how long an account counts as dormant.
const silence = 90 * 24 * time.Hour

// maxAccounts bounds the accounts that are remembered.
const maxAccounts = 100_000

func newLeavers(staff *roster.Directory) *leavers {
	return &leavers{staff, leaversState{Seen: map[tutela.UserID]int64{}, Shut: map[tutela.UserID]int64{}}}
}

func (*leavers) name() string      { return "leavers" }
func (l *leavers) remembered() any { return &l.state }

func (l *leavers) observe(ev *event.Event) []finding.Hit {
	if ev.Log != nil {
		return nil
	}
	l.administer(ev)
	who := ev.Actor.ID
	if who == "" || ev.Outcome != tutela.OutcomeSuccess || ev.Actor.Kind == tutela.ActorSystem {
		return nil
	}
	now := ev.Time.Unix()
	before, known := l.state.Seen[who]
	if known || len(l.state.Seen) < maxAccounts {
		l.state.Seen[who] = max(before, now)
	}
	var hits []finding.Hit
	if since, why := l.gone(ev); why != "" {
		hits = append(hits, leaver(ev, since, why))
	}
	if known && now-before > int64(silence/time.Second) {
		hits = append(hits, dormant(ev, before))
	}
	return hits
}

// administer notes that an account was shut or opened.
func (l *leavers) administer(ev *event.Event) {
	if ev.Subject == nil || ev.Subject.Kind != "user" || ev.Outcome != tutela.OutcomeSuccess {
		return
	}
	id := tutela.UserID(ev.Subject.ID)
	switch ev.Action {
	case tutela.ActionUserDisable, tutela.ActionUserDelete:
		if len(l.state.Shut) < maxAccounts {
			l.state.Shut[id] = ev.Time.Unix()
		}
	case tutela.ActionUserEnable, tutela.ActionUserCreate:
		delete(l.state.Shut, id)
	}
}

// moment is how far clocks and the order of entries may differ, in seconds.
const moment = 60

// gone tells since when, and why, an account should do nothing.
func (l *leavers) gone(ev *event.Event) (time.Time, string) {
	if since, shut := l.state.Shut[ev.Actor.ID]; shut && ev.Time.Unix() > since+moment {
		return time.Unix(since, 0), "the account was disabled or deleted"
	}
	if l.staff == nil {
		return time.Time{}, ""
	}
	state, since := l.staff.Employment(l.staff.Person(ev.Actor.ID), roster.MinuteOf(ev.Time))
	if state == roster.Left {
		return time.Unix(int64(since)*60, 0), "the roster says that its owner has left"
	}
	return time.Time{}, ""
}

func leaver(ev *event.Event, since time.Time, why string) finding.Hit {
	h := hit(ev, RuleDeparted, "An account is used although its owner has left", finding.High)
	h.Reasons = []string{fmt.Sprintf("%s (%s), and it was used after that", why, since.UTC().Format(time.DateOnly))}
	h.Answer = "End the account's sessions and tokens, disable it, and find out who used it; look at what it touched since."
	return h
}

func dormant(ev *event.Event, before int64) finding.Hit {
	h := hit(ev, RuleDormant, "An account wakes after a long silence", finding.Medium)
	h.Reasons = []string{fmt.Sprintf("it had done nothing since %s", time.Unix(before, 0).UTC().Format(time.DateOnly))}
	h.Answer = "Ask the owner whether it was he. If nobody needs the account, disable it."
	return h
}

// hit is one by an event.
func hit(ev *event.Event, rule, title string, level finding.Level) finding.Hit {
	h := finding.Hit{Rule: rule, Title: title, Level: level, Actor: ev.Actor.ID, Entries: []string{ev.ID}, At: ev.Time}
	for _, p := range ev.Patients[:min(len(ev.Patients), maxKnown)] {
		h.Patients = append(h.Patients, p.Patient)
	}
	return h
}
