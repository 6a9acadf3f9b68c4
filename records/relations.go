package records

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"sync"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/store"
)

// TopicTies is the invalidation topic under which changed ties are published, by tieKey.
const TopicTies = "ties"

// tieKey is whose ties of one kind are known together.
type tieKey struct{ kind, subject int64 }

func (k tieKey) bytes() []byte {
	return binary.BigEndian.AppendUint64([]byte{byte(k.kind)}, uint64(k.subject))
}

func readTieKey(b []byte) (tieKey, bool) {
	if len(b) != 9 {
		return tieKey{}, false
	}
	return tieKey{int64(b[0]), int64(binary.BigEndian.Uint64(b[1:]))}, true
}

// known is what a node knows of one subject's ties.
type known struct {
	objects []tutela.Bucket // sorted
	at      []int64         // locators of the resources that they come from, sorted
	until   int64           // when one of them begins or ends, in milliseconds since 1970
}

// maxKnown bounds how many subjects a node knows of; a full memory starts afresh.
const maxKnown = 16 << 10

// tieCache is what this node knows of ties. While it does not hear of changes it believes nothing.
type tieCache struct {
	mu    sync.RWMutex
	known map[tieKey]*known // guarded by mu
	epoch uint64            // guarded by mu; counts what was forgotten
}

func (c *tieCache) get(k tieKey, now int64) (*known, uint64) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if n := c.known[k]; n != nil && now < n.until {
		return n, c.epoch
	}
	return nil, c.epoch
}

// now is the epoch.
func (c *tieCache) now() uint64 {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.epoch
}

// put keeps what was read in an epoch; what was read before something was forgotten may be old.
func (c *tieCache) put(k tieKey, n *known, epoch uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if epoch != c.epoch {
		return
	}
	if c.known == nil || len(c.known) >= maxKnown {
		c.known = map[tieKey]*known{}
	}
	c.known[k] = n
}

func (c *tieCache) forget(keys ...tieKey) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, k := range keys {
		delete(c.known, k)
	}
	c.epoch++
}

// ForgetTies forgets what an invalidation of TopicTies names.
func (s *Store) ForgetTies(key []byte) {
	if k, ok := readTieKey(key); ok {
		s.ties.forget(k)
	}
}

// Treats gives the pseudonyms of the patients whom a clinician treats now, sorted, himself or in a role
// as which he acts. It implements access.Relations.
func (s *Store) Treats(ctx context.Context, clinician tutela.Ref) ([]tutela.Bucket, error) {
	self := s.clinician(clinician)
	roles, err := s.tied(ctx, s.db, tieKey{tieActs, self})
	if err != nil {
		return nil, err
	}
	treated, merged, err := s.treatedAs(ctx, self)
	if err != nil || len(roles.objects) == 0 {
		return treated, err
	}
	if !merged {
		treated = slices.Clone(treated)
	}
	for _, role := range roles.objects {
		more, _, err := s.treatedAs(ctx, int64(role))
		if err != nil {
			return nil, err
		}
		treated = append(treated, more...)
	}
	slices.Sort(treated)
	return slices.Compact(treated), nil
}

// treatedAs gives the patients of a clinician or a role; merged says that the list is the caller's own.
func (s *Store) treatedAs(ctx context.Context, subject int64) (patients []tutela.Bucket, merged bool, err error) {
	given, err := s.tied(ctx, s.db, tieKey{tieTreats, subject})
	if err != nil {
		return nil, false, err
	}
	own, err := s.tied(ctx, s.db, tieKey{tieOwn, subject})
	if err != nil {
		return nil, false, err
	}
	switch {
	case len(own.objects) == 0:
		return given.objects, false, nil
	case len(given.objects) == 0:
		return own.objects, false, nil
	}
	all := slices.Concat(given.objects, own.objects)
	slices.Sort(all)
	return slices.Compact(all), true, nil
}

// view is a snapshot that knows which epoch it was taken in: what it shows may be kept only if
// nothing has been forgotten since.
type view struct {
	store.Querier
	epoch uint64
}

// snapshot gives a view to f.
func (s *Store) snapshot(ctx context.Context, f func(store.Querier) error) error {
	epoch := s.ties.now()
	return s.db.Snapshot(ctx, func(q store.Querier) error { return f(view{q, epoch}) })
}

// epochOf is the epoch of what q shows; at is that of the moment before it is asked.
func epochOf(q store.Querier, at uint64) uint64 {
	if v, ok := q.(view); ok {
		return v.epoch
	}
	return at
}

// tied gives the ties of a subject that hold now, from memory while this node hears of changes.
func (s *Store) tied(ctx context.Context, q store.Querier, k tieKey) (*known, error) {
	now := s.clock().UnixMilli()
	n, epoch := s.ties.get(k, now)
	if n != nil && s.fresh() {
		return n, nil
	}
	epoch = epochOf(q, epoch)
	n = &known{until: math.MaxInt64}
	err := q.Query(ctx, `SELECT object, locator, since, until, mac FROM ties WHERE kind = ? AND subject = ? AND until > ?`,
		[]any{k.kind, k.subject, now}, func(sc store.Scanner) error {
			var object, locator, since, until, mac int64
			if err := sc.Scan(&object, &locator, &since, &until, &mac); err != nil {
				return err
			}
			if mac != s.tieMAC(tie{k.kind, k.subject, object, since, until}, locator) {
				return fmt.Errorf("a tie of locator %016x was tampered with", uint64(locator))
			}
			if since > now {
				n.until = min(n.until, since)
				return nil
			}
			n.until = min(n.until, until)
			n.objects, n.at = append(n.objects, tutela.Bucket(object)), append(n.at, locator)
			return nil
		})
	if err != nil {
		return nil, err
	}
	slices.Sort(n.objects)
	slices.Sort(n.at)
	n.objects, n.at = slices.Compact(n.objects), slices.Compact(n.at)
	s.ties.put(k, n, epoch)
	return n, nil
}
