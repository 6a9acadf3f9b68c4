package rights

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/store"
)

// Topic is the invalidation topic under which changed restrictions are published.
const Topic = "restrictions"

// theRow is the key of the one row of restrictions.
const theRow = int64(1)

func restrictionsTable() *store.Table {
	return &store.Table{Name: "rights_restrictions", Key: 1, Columns: []store.Column{
		{Name: "id"}, {Name: "revision"}, {Name: "sealed", Kind: store.Bytes},
	}}
}

// restrictions are all that hold, and the revision of their row.
type restrictions struct {
	revision int64
	list     []Restricted
}

// readRestrictions reads the row. Nobody is restricted where there is none.
func (s *Service) readRestrictions(ctx context.Context) (*restrictions, error) {
	r := &restrictions{}
	var sealed []byte
	found, err := s.cfg.DB.QueryRow(ctx, `SELECT revision, sealed FROM rights_restrictions WHERE id = ?`, []any{theRow}, &r.revision, &sealed)
	if err != nil || !found {
		return r, err
	}
	plain, err := s.cfg.Notes.OpenNote(ctx, tutela.BucketGeneral, r.subject(), sealed)
	if err != nil {
		return nil, fmt.Errorf("open restrictions: %w", err)
	}
	if err := json.Unmarshal(plain, &r.list); err != nil {
		return nil, errors.New("decode restrictions: they are not as they were written")
	}
	return r, nil
}

// subject binds the row's bytes to their revision.
func (r *restrictions) subject() []byte {
	return strconv.AppendInt([]byte("restrictions "), r.revision, 10)
}

// put adds to an op what replaces the row that was read, and has every node hear of it.
func (s *Service) put(ctx context.Context, op *store.Op, was *restrictions, list []Restricted) error {
	next := &restrictions{revision: was.revision + 1, list: list}
	plain, err := json.Marshal(list)
	if err != nil {
		return fmt.Errorf("encode restrictions: %w", err)
	}
	sealed, err := s.cfg.Notes.SealNote(ctx, tutela.BucketGeneral, next.subject(), plain)
	if err != nil {
		return err
	}
	c := store.Claim{Table: restrictionsTable(), Key: []any{theRow}, Set: []any{theRow, next.revision, sealed}}
	if was.revision > 0 {
		c.Expect = []any{was.revision}
	}
	op.Claims = append(op.Claims, c)
	op.Inserts = append(op.Inserts, s.cfg.DB.Publish(store.Invalidation{Topic: Topic}))
	return nil
}

// Restricted gives the patients whose records may not be used for a purpose, sorted. It implements
// access.Restrictions.
func (s *Service) Restricted(ctx context.Context, purpose tutela.Purpose) ([]tutela.Bucket, error) {
	all, epoch := s.held.get()
	if all == nil || !s.cfg.Fresh() {
		var err error
		if all, err = s.readRestrictions(ctx); err != nil {
			return nil, err
		}
		s.held.put(all, epoch)
	}
	return s.held.of(all, purpose), nil
}

// Forget forgets what is remembered of restrictions, when an invalidation of Topic says so.
func (s *Service) Forget([]byte) { s.held.forget() }

// held is what this node knows of restrictions.
type held struct {
	mu    sync.Mutex
	all   *restrictions                      // guarded by mu; nil: not known
	by    map[tutela.Purpose][]tutela.Bucket // guarded by mu; worked out of all
	epoch uint64                             // guarded by mu; counts what was forgotten
}

func (h *held) get() (*restrictions, uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.all, h.epoch
}

// put keeps what was read in an epoch; what was read before something was forgotten may be old.
func (h *held) put(all *restrictions, epoch uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if epoch == h.epoch {
		h.all, h.by = all, nil
	}
}

func (h *held) forget() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.all, h.by = nil, nil
	h.epoch++
}

// of gives whose records may not be used for a purpose. There are a dozen purposes, and what is remembered is
// worked out once for each.
func (h *held) of(all *restrictions, purpose tutela.Purpose) []tutela.Bucket {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.all != all {
		return all.of(purpose)
	}
	list, known := h.by[purpose]
	if !known {
		list = all.of(purpose)
		if h.by == nil {
			h.by = map[tutela.Purpose][]tutela.Bucket{}
		}
		h.by[purpose] = list
	}
	return list
}

func (r *restrictions) of(purpose tutela.Purpose) []tutela.Bucket {
	var list []tutela.Bucket
	for _, one := range r.list {
		if len(one.Purposes) == 0 || slices.Contains(one.Purposes, purpose) {
			list = append(list, one.Patient)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}
