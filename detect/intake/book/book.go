package book

import (
	"context"
	"encoding/hex"
	"fmt"
	"sync"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/detect/intake"
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
	DB     *store.DB
	Audit  *audit.Log
	Clock  clock.Clock
	Notes  notes
	Tokens *Tokens
	// Alias is a keyed hash.
	Alias func(what, value string) int64
}

// Window is of how many records it is known at least that they came before: about 4 MiB of memory.
const Window = 1 << 18

// maxTake is how many records are written at once.
const maxTake = 2048

// Book writes records. Safe for concurrent use, also by several nodes.
type Book struct {
	cfg  Config
	told []tutela.Action

	mu    sync.Mutex // one batch at a time; guards what follows
	seen  window     // as far as at
	at    int64      // batches that were written, on any node
	ready bool
	known map[tutela.Bucket]struct{} // patients whose identifiers are kept
}

// New returns a Book over a migrated database.
func New(c Config) *Book {
	return &Book{cfg: c, told: told(), known: map[tutela.Bucket]struct{}{}}
}

// Take writes records of a source, those that were not written before, and returns how many these were. When it returns
// without an error all of them are durable. Of an error nothing is known: take them again.
func (b *Book) Take(ctx context.Context, source string, records []intake.Record) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	fresh := 0
	for len(records) > 0 {
		n := min(len(records), maxTake)
		wrote, err := b.take(ctx, source, records[:n])
		if err != nil {
			return fresh, fmt.Errorf("write records of %s: %w", source, err)
		}
		fresh, records = fresh+wrote, records[n:]
	}
	return fresh, nil
}

// tries is how often a batch is made anew because another node wrote one.
const tries = 16

func (b *Book) take(ctx context.Context, source string, records []intake.Record) (n int, err error) {
	for range tries {
		if err = b.catchUp(ctx); err != nil {
			return 0, err
		}
		var d *draft
		if d, err = b.draft(ctx, source, records); err != nil || len(d.ids) == 0 {
			return 0, err
		}
		if err = b.cfg.DB.Commit(ctx, d.op); err == nil {
			b.wrote(d)
			return len(d.ids), nil
		}
		if !errs.Is(err, errs.Conflict) {
			b.ready = false // whether it is written is not known: it is read back
			return 0, err
		}
	}
	return 0, err
}

// draft is a batch before it is written.
type draft struct {
	op       store.Op
	ids      []recordID
	patients map[tutela.Bucket]intake.Identifier
}

// recordID is the id of an entry, and the batch's memory of it.
type recordID [16]byte

func (b *Book) draft(ctx context.Context, source string, records []intake.Record) (*draft, error) {
	d, now := &draft{patients: map[tutela.Bucket]intake.Identifier{}}, b.cfg.Clock().UTC()
	fresh := map[recordID]struct{}{}
	for _, r := range records {
		e := b.entry(source, r, now)
		var id recordID
		if _, err := hex.Decode(id[:], []byte(e.ID)); err != nil {
			return nil, err
		}
		if _, twice := fresh[id]; twice || b.seen.has(id) {
			continue
		}
		leaves, err := b.cfg.Audit.Encode(ctx, e, nil, nil)
		if err != nil {
			return nil, err
		}
		d.op.Entries, d.ids = append(d.op.Entries, leaves...), append(d.ids, id)
		fresh[id] = struct{}{}
		b.meet(d, r)
	}
	if len(d.ids) == 0 {
		return d, nil
	}
	return d, b.complete(ctx, d)
}

// meet remembers the patients of a record who may be new.
func (b *Book) meet(d *draft, r intake.Record) {
	for i, touched := range r.Event.Patients[:min(len(r.Event.Patients), len(r.Patients))] {
		if _, ok := b.known[touched.Patient]; !ok && touched.Patient != tutela.BucketGeneral {
			d.patients[touched.Patient] = b.cfg.Tokens.Resolve(r.Patients[i])
		}
	}
}

// maxKnown bounds the patients of whom it is remembered that they are kept; of others the store is asked.
const maxKnown = 1 << 17

func (b *Book) wrote(d *draft) {
	b.at++
	b.seen.add(d.ids)
	if len(b.known) > maxKnown {
		clear(b.known)
	}
	for patient := range d.patients {
		b.known[patient] = struct{}{}
	}
}
