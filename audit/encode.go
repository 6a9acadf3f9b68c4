package audit

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/keys"
)

// FreshKeys are patients' keys that are not in the store yet: they travel in the commit
// that carries the entry.
type FreshKeys map[tutela.Bucket]*keys.Key

// NewID makes the id of an entry: 128 random bits in hexadecimal.
func NewID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails: it ends the process instead
	return hex.EncodeToString(b[:])
}

// Encode seals an entry into leaves for store.Op.Entries: one, or several linked by
// Entry.Continues where it would exceed MaxLeaf. It fills in id, time, node and tenant where
// they are empty. A section's key is the one in fresh, else the ring's. A patient whose key was
// destroyed stays in the header, by his pseudonym, and has no section: nothing may lie readable
// that was his. The result is not in the ledger until a commit has carried it.
func (l *Log) Encode(ctx context.Context, e tutela.Entry, sections []tutela.Section, fresh FreshKeys) ([][]byte, error) {
	e, err := l.complete(e)
	if err != nil {
		return nil, err
	}
	if sections, err = l.sealable(ctx, sections, fresh); err != nil {
		return nil, fmt.Errorf("seal ledger entry: %w", err)
	}
	if roomy(&e, sections) { // as nearly all are
		b, err := l.seal(ctx, &e, sections, fresh)
		if err != nil {
			return nil, fmt.Errorf("seal ledger entry: %w", err)
		}
		return [][]byte{b}, nil
	}
	parts, err := split(e, sections)
	if err != nil {
		return nil, err
	}
	leaves := make([][]byte, len(parts))
	for i, p := range parts {
		if leaves[i], err = l.seal(ctx, &p.entry, p.sections, fresh); err != nil {
			return nil, fmt.Errorf("seal ledger entry: %w", err)
		}
	}
	return leaves, nil
}

// sealable leaves out the sections of patients who are erased.
func (l *Log) sealable(ctx context.Context, sections []tutela.Section, fresh FreshKeys) ([]tutela.Section, error) {
	var erased []int
	for n, s := range sections {
		_, err := l.sectionKey(ctx, s.Patient, fresh)
		switch {
		case errors.Is(err, keys.ErrDestroyed) && s.Patient != tutela.BucketGeneral:
			erased = append(erased, n)
		case err != nil:
			return nil, fmt.Errorf("key of section %d: %w", n, err)
		}
	}
	if len(erased) == 0 {
		return sections, nil
	}
	kept := slices.Clone(sections)
	for _, n := range slices.Backward(erased) {
		kept = slices.Delete(kept, n, n+1)
	}
	return kept, nil
}

// complete fills in what the ledger knows itself.
func (l *Log) complete(e tutela.Entry) (tutela.Entry, error) {
	if e.ID == "" {
		e.ID = NewID()
	}
	if e.Time.IsZero() {
		e.Time = l.cfg.Clock()
	}
	e.Time = e.Time.UTC()
	if e.Time.Unix() < 0 || e.Time.After(l.cfg.Clock().Add(24*time.Hour)) {
		return e, errs.New(errs.Internal, "a ledger entry's time must be between 1970 and tomorrow")
	}
	if e.Node == "" {
		e.Node = l.cfg.Node
	}
	if e.Tenant == "" {
		e.Tenant = l.cfg.Tenant
	}
	if e.Tenant != l.cfg.Tenant {
		return e, errs.New(errs.Internal, "an entry of another tenant does not belong in this ledger")
	}
	if e.Demo && !strings.HasPrefix(l.cfg.Origin, DemoPrefix) {
		return e, errs.New(errs.Internal, "simulated history belongs into a ledger whose origin says so")
	}
	if e.Action == "" || e.Outcome == "" {
		return e, errs.New(errs.Internal, "a ledger entry needs an action and an outcome")
	}
	return e, nil
}

// seal makes one leaf of an entry, or of a part of one.
func (l *Log) seal(ctx context.Context, e *tutela.Entry, sections []tutela.Section, fresh FreshKeys) ([]byte, error) {
	plain := l.unsalted()
	defer l.wipe(plain)
	var err error
	if plain.b, err = encodeHeader(plain.b, e); err != nil {
		return nil, err
	}
	day := dayOf(e.Time)
	k, err := l.keys.Current(ctx, tutela.KeyDay, int64(day))
	if err != nil {
		return nil, fmt.Errorf("key of day %d: %w", day, err)
	}
	commitment := salt(plain.b)
	out := beginLeaf(make([]byte, 0, leafSize(len(plain.b), sections)), day)
	out = appendBox(out, k, commitment, plain.b, headerAAD(l.cfg.Tenant, day, commitment[:]))
	out = binary.AppendUvarint(out, uint64(len(sections)))
	for n, s := range sections {
		if out, err = l.appendSection(ctx, out, commitment[:], n, s, fresh); err != nil {
			return nil, err
		}
	}
	if len(out) > MaxLeaf {
		return nil, errs.New(errs.TooLarge, "ledger entry exceeds %d bytes", MaxLeaf)
	}
	l.recent.put(commitment, wordsOf(day, e))
	return out, nil
}

// leafSize is at least what a leaf takes.
func leafSize(header int, sections []tutela.Section) int {
	size := leafOverhead + header
	for _, s := range sections {
		size += sectionOverhead + len(s.Body)
	}
	return size
}

// appendSection seals the n-th section of the leaf whose header's commitment is given.
func (l *Log) appendSection(ctx context.Context, dst, header []byte, n int, s tutela.Section, fresh FreshKeys) ([]byte, error) {
	k, err := l.sectionKey(ctx, s.Patient, fresh)
	if err != nil {
		return nil, fmt.Errorf("key of section %d: %w", n, err)
	}
	plain := l.unsalted()
	defer l.wipe(plain)
	plain.b = append(plain.b, s.Body...)
	commitment := salt(plain.b)
	dst = binary.BigEndian.AppendUint64(dst, uint64(s.Patient))
	return appendBox(dst, k, commitment, plain.b, sectionAAD(l.cfg.Tenant, header, s.Patient, n)), nil
}

func (l *Log) sectionKey(ctx context.Context, patient tutela.Bucket, fresh FreshKeys) (*keys.Key, error) {
	if k, ok := fresh[patient]; ok {
		return k, nil
	}
	kind, err := sectionKind(patient)
	if err != nil {
		return nil, err
	}
	return l.keys.Current(ctx, kind, int64(patient))
}
