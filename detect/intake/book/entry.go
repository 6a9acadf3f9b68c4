package book

import (
	"slices"
	"strings"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/detect/intake"
)

// Foreign actions that are no action of the ledger's own.
const (
	ActionActivity tutela.Action = "activity"       // something else happened there
	ActionAlert    tutela.Action = "security.alert" // the system itself thinks that something is wrong
)

// told are the actions that another system may tell of. What it calls otherwise is ActionActivity: no foreign entry is
// taken for an act of this system's administration.
func told() []tutela.Action {
	return []tutela.Action{
		tutela.ActionRead, tutela.ActionSearch, tutela.ActionCreate, tutela.ActionUpdate, tutela.ActionDelete, tutela.ActionExport,
		tutela.ActionAuthenticate, tutela.ActionSessionEnd, tutela.ActionBreakGlassOpen, ActionAlert, ActionActivity,
	}
}

const (
	maxRoles = 16
	maxName  = 256
)

// Ahead is how far a source's clock may be ahead before its time is not believed: the time of receipt stands in.
const Ahead = 24 * time.Hour

// entry is what the ledger keeps of a record.
func (b *Book) entry(source string, r intake.Record, now time.Time) tutela.Entry {
	ev := &r.Event
	e := tutela.Entry{
		ID: b.id(source, ev.ID), Time: now, Action: ev.Action, Outcome: ev.Outcome, Type: cut(ev.Type), Session: cut(ev.Session), Address: cut(ev.Address),
		Purpose: tutela.Purpose(cut(string(ev.Purpose))), Patients: ev.Patients,
		Actor:   tutela.Actor{ID: tutela.UserID(cut(string(ev.Actor.ID))), Kind: ev.Actor.Kind, Name: cut(ev.Actor.Name), Unit: cut(ev.Actor.Unit)},
		Foreign: &tutela.Foreign{Source: source, Record: cut(ev.ID), Observed: ev.Time.UTC(), Host: cut(ev.Source)},
	}
	for _, role := range ev.Actor.Roles[:min(len(ev.Actor.Roles), maxRoles)] {
		e.Actor.Roles = append(e.Actor.Roles, cut(role))
	}
	if !slices.Contains(b.told, e.Action) {
		e.Action = ActionActivity
	}
	if !slices.Contains([]tutela.Outcome{tutela.OutcomeSuccess, tutela.OutcomeDenied, tutela.OutcomeFailed, tutela.OutcomeError}, e.Outcome) {
		e.Outcome = tutela.OutcomeSuccess
	}
	if ev.Time.IsZero() || ev.Time.After(now.Add(Ahead)) {
		e.Foreign.Observed = now
	}
	return e
}

// id is the entry's id: the same whenever the record comes.
func (b *Book) id(source, record string) string {
	key := joined(source, record)
	return hex64(b.cfg.Alias("foreign-high", key)) + hex64(b.cfg.Alias("foreign-low", key))
}

// cut bounds a text that another system wrote, in bytes.
func cut(s string) string {
	if len(s) > maxName {
		s = s[:maxName]
	}
	return strings.ToValidUTF8(s, "")
}
