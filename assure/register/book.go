package register

import (
	"context"
	"fmt"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/internal/clock"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/store"
)

// notes seals what is kept. The records do.
type notes interface {
	SealNote(ctx context.Context, b tutela.Bucket, subject, plain []byte) ([]byte, error)
	OpenNote(ctx context.Context, b tutela.Bucket, subject, sealed []byte) ([]byte, error)
}

// Config says what a Book works with.
type Config struct {
	DB    *store.DB
	Audit *audit.Log
	Clock clock.Clock
	Notes notes
	// Alias is the keyed hash that stands for an id or an account in rows.
	Alias func(what, id string) int64
}

// Book keeps items. Safe for concurrent use.
type Book struct{ cfg Config }

// New returns a Book over a migrated database.
func New(c Config) *Book { return &Book{c} }

// Change is the next revision of an item.
type Change struct {
	Item
	// What is done, for the ledger: fixed words and names, no free text.
	What string
}

// MaxChanges bounds what changes at once.
const MaxChanges = 1000

// Put writes the next revisions of items, all or none. Each change's Revision is the one that was read, 0 for a new
// item: one that changed since is errs.Conflict. An entry like the given one tells of each, with the kind and the id as
// its subject, what was done, and the digest of what was written. Revisions, times and authors are set here.
func (b *Book) Put(ctx context.Context, entry tutela.Entry, list ...Change) ([]Item, error) {
	if len(list) > MaxChanges {
		return nil, errs.New(errs.Invalid, "%d changes at once; %d is the most", len(list), MaxChanges)
	}
	var op store.Op
	items := make([]Item, len(list))
	now := b.cfg.Clock().UTC().Truncate(time.Millisecond)
	for i, c := range list {
		it := c.Item
		it.Revision, it.At, it.By = it.Revision+1, now, entry.Actor
		it.Due = it.Due.UTC().Truncate(time.Millisecond)
		if err := b.add(ctx, &op, entry, it, c.What); err != nil {
			return nil, err
		}
		items[i] = it
	}
	if err := b.cfg.DB.Commit(ctx, op); err != nil {
		return nil, err
	}
	return items, nil
}

// add puts one revision into an operation: as the newest, into the history, and into the ledger.
func (b *Book) add(ctx context.Context, op *store.Op, entry tutela.Entry, it Item, what string) error {
	if err := it.check(); err != nil {
		return err
	}
	claim, past, err := b.rows(ctx, it)
	if err != nil {
		return err
	}
	digest, err := it.Digest()
	if err != nil {
		return err
	}
	entry.Time, entry.Outcome = it.At, tutela.OutcomeSuccess
	entry.Subject = &tutela.Subject{Kind: string(it.Kind), ID: it.ID, Detail: fmt.Sprintf("%s; revision %d; sha256 %s", what, it.Revision, digest)}
	leaves, err := b.cfg.Audit.Encode(ctx, entry, nil, nil)
	if err != nil {
		return err
	}
	op.Claims, op.Inserts, op.Entries = append(op.Claims, claim), append(op.Inserts, past), append(op.Entries, leaves...)
	return nil
}

// Get gives the newest revision of an item.
func (b *Book) Get(ctx context.Context, kind Kind, id string) (Item, error) {
	list, err := b.read(ctx, ` WHERE kind = ? AND name = ?`, string(kind), b.name(kind, id))
	if err != nil {
		return Item{}, err
	}
	if len(list) == 0 {
		return Item{}, errs.New(errs.NotFound, "no such %s", kind)
	}
	return list[0], nil
}

// Filter says which items are wanted. Every field that is set must hold.
type Filter struct {
	Kind  Kind
	State State
	Owner tutela.UserID
	Due   time.Time // something is due before
	Limit int       // at most so many; 0 means all
}

// List gives the newest revisions of items, in the order of their ids within a kind.
func (b *Book) List(ctx context.Context, f Filter) ([]Item, error) {
	where, args := ` WHERE 1 = 1`, []any{}
	add := func(condition string, arg any) {
		where, args = where+` AND `+condition, append(args, arg)
	}
	if f.Kind != "" {
		add(`kind = ?`, string(f.Kind))
	}
	if f.State != "" {
		add(`state = ?`, string(f.State))
	}
	if f.Owner != "" {
		add(`owner = ?`, b.owner(f.Owner))
	}
	if !f.Due.IsZero() {
		add(`due > 0 AND due < ?`, f.Due.UnixMilli())
	}
	list, err := b.read(ctx, where, args...)
	if err != nil {
		return nil, err
	}
	sorted(list)
	if f.Limit > 0 && len(list) > f.Limit {
		list = list[:f.Limit]
	}
	return list, nil
}

// History gives every revision of an item, the first one first. One that is missing is an error: the database was
// tampered with.
func (b *Book) History(ctx context.Context, kind Kind, id string) ([]Item, error) {
	newest, err := b.Get(ctx, kind, id)
	if err != nil {
		return nil, err
	}
	list, err := b.past(ctx, kind, id)
	if err != nil {
		return nil, err
	}
	for i, it := range list {
		if it.Revision != int64(i)+1 {
			return nil, errs.New(errs.Internal, "revision %d of %s %s is missing: the database was tampered with", i+1, kind, id)
		}
	}
	if int64(len(list)) != newest.Revision {
		return nil, errs.New(errs.Internal, "%s %s has %d revisions instead of %d: the database was tampered with", kind, id, len(list), newest.Revision)
	}
	return list, nil
}
