package audit

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
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
	parts, err := split(e, sections)
	if err != nil {
		return nil, err
	}
	leaves := make([][]byte, len(parts))
	for i, p := range parts {
		if leaves[i], err = l.seal(ctx, p, fresh); err != nil {
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
	if e.Action == "" || e.Outcome == "" {
		return e, errs.New(errs.Internal, "a ledger entry needs an action and an outcome")
	}
	return e, nil
}

// usualHeader is as many bytes as nearly all headers have at most, but for their writes.
const usualHeader = 1 << 10

// seal makes one leaf of one part.
func (l *Log) seal(ctx context.Context, p part, fresh FreshKeys) ([]byte, error) {
	plain, err := encodeHeader(unsalted(usualHeader+len(p.entry.Writes)*maxWrite), &p.entry)
	if err != nil {
		return nil, err
	}
	f := leaf{day: dayOf(p.entry.Time)}
	k, err := l.keys.Current(ctx, tutela.KeyDay, int64(f.day))
	if err != nil {
		return nil, fmt.Errorf("key of day %d: %w", f.day, err)
	}
	f.header = sealBox(k, plain, func(c []byte) keys.AAD { return headerAAD(l.cfg.Tenant, f.day, c) })
	size := len(f.header.sealed)
	for n, s := range p.sections {
		sealed, err := l.sealSection(ctx, f.header.commitment[:], n, s, fresh)
		if err != nil {
			return nil, err
		}
		size += sectionOverhead + len(s.Body)
		f.sections = append(f.sections, sealed)
	}
	b := f.append(make([]byte, 0, size+leafOverhead))
	if len(b) > MaxLeaf {
		return nil, errs.New(errs.TooLarge, "ledger entry exceeds %d bytes", MaxLeaf)
	}
	l.recent.put(f.header.commitment, wordsOf(f.day, &p.entry))
	return b, nil
}

func (l *Log) sealSection(ctx context.Context, header []byte, n int, s tutela.Section, fresh FreshKeys) (section, error) {
	k, err := l.sectionKey(ctx, s.Patient, fresh)
	if err != nil {
		return section{}, fmt.Errorf("key of section %d: %w", n, err)
	}
	aad := func([]byte) keys.AAD { return sectionAAD(l.cfg.Tenant, header, s.Patient, n) }
	return section{s.Patient, sealBox(k, append(unsalted(len(s.Body)), s.Body...), aad)}, nil
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
