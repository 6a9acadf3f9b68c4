package trail

import (
	"context"
	"fmt"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/store"
)

// Book keeps places.
type Book struct {
	DB *store.DB
	// Alias is the keyed hash that keeps a place from being moved by hand.
	Alias func(what, id string) int64
}

// Place is how far a name has followed.
type Place struct {
	Name string
	At   audit.Cursor // the next entry to look at
	When time.Time    // it was written last; zero: never

	revision int64
}

// Known reports whether the name has followed before.
func (p Place) Known() bool { return p.revision > 0 }

// Read gives the place of a name; one at the ledger's beginning where there is none.
func (b Book) Read(ctx context.Context, name string) (Place, error) {
	p := Place{Name: name}
	var at, when, mac int64
	found, err := b.DB.QueryRow(ctx, `SELECT revision, place, written, mac FROM respond_places WHERE name = ?`, []any{name}, &p.revision, &at, &when, &mac)
	if err != nil || !found {
		return p, err
	}
	p.At, p.When = audit.Cursor(at), time.UnixMilli(when).UTC()
	if mac != b.mac(p) {
		return p, errs.New(errs.Internal, "the place of %s in the ledger is not as it was written: the database was tampered with", name)
	}
	return p, nil
}

// Move gives the place behind what was done, and the claim that writes it in place of the one that was read.
func (b Book) Move(p Place, to audit.Cursor, now time.Time) (Place, store.Claim) {
	c := store.Claim{Table: table(), Key: []any{p.Name}}
	if p.revision > 0 {
		c.Expect = []any{p.revision}
	}
	p.At, p.When = to, now.UTC().Truncate(time.Millisecond)
	p.revision++
	c.Set = []any{p.Name, p.revision, int64(p.At), p.When.UnixMilli(), b.mac(p)}
	return p, c
}

func (b Book) mac(p Place) int64 {
	return b.Alias("respond-place", fmt.Sprintf("%q %d %d %d", p.Name, p.revision, p.At, p.When.UnixMilli()))
}

// Finding is an entry by which the ledger tells of a finding.
type Finding struct {
	ID     string // of the finding
	Raised bool   // it was open, and has become riskier
	Entry  tutela.Entry
}

// detector is who writes entries about findings. What another system says it did is not among them.
const detector tutela.UserID = "system:detect"

// Told gives the finding of which an entry tells.
func Told(e tutela.Entry) (Finding, bool) {
	opened := e.Action == tutela.ActionFindingOpen || e.Action == tutela.ActionFindingRaise
	if !opened || e.Foreign != nil || e.Actor.ID != detector || e.Actor.Kind != tutela.ActorSystem || e.Subject == nil || e.Subject.Kind != "finding" {
		return Finding{}, false
	}
	return Finding{ID: e.Subject.ID, Raised: e.Action == tutela.ActionFindingRaise, Entry: e}, true
}
