package audit

import (
	"context"
	"fmt"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/store"
)

// Cursor is a place in the ledger: the index of the next leaf to read. The zero value is the beginning.
type Cursor int64

// Pending is the Leaf of an entry that is durable and not in the tree yet.
const Pending = -1

// Opened is an entry as read from the ledger.
type Opened struct {
	Leaf  int64 // index in the tree, or Pending
	Entry tutela.Entry

	leaf leaf
}

// OpenedSection is a personal section as read. A section that was cut to fit has its pieces in
// this entry and in those that continue it.
type OpenedSection struct {
	Patient tutela.Bucket
	Body    []byte
	Erased  bool // its key was destroyed: Body is gone for good
}

// Follow calls f for every sequenced entry from a place on, in order, and returns when it has
// caught up: with the place to go on from, also when f fails or an entry does not open. Rows are not held open meanwhile,
// so f may take its time and may append.
func (l *Log) Follow(ctx context.Context, from Cursor, f func(Opened) error) (Cursor, error) {
	for {
		page, err := l.page(ctx, int64(from), maxInt)
		if err != nil || len(page) == 0 {
			return from, err
		}
		for _, p := range page {
			o, err := l.open(ctx, p.index, p.entry)
			if err != nil {
				return from, err
			}
			if err := f(o); err != nil {
				return from, err
			}
			from = Cursor(p.index + 1)
		}
	}
}

// Size is how many entries are sequenced: the place behind the last.
func (l *Log) Size(ctx context.Context) (Cursor, error) {
	var size int64
	err := l.cfg.DB.Snapshot(ctx, func(q store.Querier) error {
		st, _, err := readState(ctx, q)
		size = st.size
		return err
	})
	return Cursor(size), err
}

// Sections opens the personal sections of an entry.
func (l *Log) Sections(ctx context.Context, o Opened) ([]OpenedSection, error) {
	var list []OpenedSection
	for n, s := range o.leaf.sections {
		salted, err := l.openSection(ctx, o.leaf, n)
		switch {
		case errs.Is(err, errs.NotFound):
			list = append(list, OpenedSection{Patient: s.patient, Erased: true})
		case err != nil:
			return nil, fmt.Errorf("open section %d of ledger entry %s: %w", n, o.Entry.ID, err)
		default:
			list = append(list, OpenedSection{Patient: s.patient, Body: salted[saltSize:]})
		}
	}
	return list, nil
}

// indexed is an entry's bytes with their place.
type indexed struct {
	index int64
	entry []byte
}

// page reads some leaves from one on, and hardly any after last. What stands before one that cannot be read is given first: the error is of the
// next page, so that it names the place.
func (l *Log) page(ctx context.Context, from, last int64) ([]indexed, error) {
	var page []indexed
	err := l.cfg.DB.Snapshot(ctx, func(q store.Querier) error {
		return eachLeaf(ctx, q, from, last, func(at int64, e []byte) error {
			if len(page) == 1024 {
				return errStop
			}
			page = append(page, indexed{at, e})
			return nil
		})
	})
	if len(page) > 0 {
		return page, nil
	}
	return nil, err
}

// open reads an entry's header. One that does not open is our fault, whatever the reason: a
// caller must not take it for an entry that is not there. It is ErrTampered when the key was at hand.
func (l *Log) open(ctx context.Context, index int64, b []byte) (Opened, error) {
	f, err := parseLeaf(b)
	if err != nil {
		return Opened{}, unreadable(index, fmt.Errorf("%w: %w", ErrTampered, err))
	}
	e, err := l.openEntry(ctx, f)
	if err != nil {
		return Opened{}, unreadable(index, err)
	}
	return Opened{index, e, f}, nil
}

func unreadable(index int64, err error) error {
	return errs.Wrap(errs.Internal, err, fmt.Sprintf("ledger entry does not open, leaf %d", index))
}
