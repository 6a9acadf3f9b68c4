package records

import (
	"context"
	"errors"
	"hash/maphash"
	"sync"
	"time"

	"github.com/tutela-health/tutela"
)

// kinLasts is how long what is known of a person counts on a node that did not change it itself.
const kinLasts = 5 * time.Minute

// maxKin bounds how many people a node knows of, at some 200 bytes each; a full memory starts afresh.
const maxKin = 32 << 10

// kinCache is what a node knows of people beside care.
type kinCache struct {
	seed maphash.Seed

	mu    sync.RWMutex
	known map[tutela.Locator]kin // guarded by mu

	asking sync.Mutex
	staff  map[uint64]bool // guarded by mu; the names of all who work here
	until  int64           // guarded by mu; when to ask for them again, in milliseconds since 1970
}

func (c *kinCache) get(at tutela.Locator, now int64) (kin, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	k, ok := c.known[at]
	return k, ok && now < k.until
}

func (c *kinCache) put(at tutela.Locator, k kin) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known == nil || len(c.known) >= maxKin {
		c.known = map[tutela.Locator]kin{}
	}
	c.known[at] = k
}

func (c *kinCache) forget(at tutela.Locator) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.known, at)
}

// works reports whether a person is among those who work here.
func (s *Store) works(ctx context.Context, p kin) bool {
	if p.employee {
		return true
	}
	if s.staff == nil || len(p.names) == 0 {
		return false
	}
	now := s.clock().UnixMilli()
	s.kin.mu.RLock()
	names, fresh := s.kin.staff, now < s.kin.until
	s.kin.mu.RUnlock()
	if !fresh {
		names = s.askStaff(ctx, names, now)
	}
	for _, n := range p.names {
		if names[n] {
			return true
		}
	}
	return false
}

// askStaff finds out anew who works here. Where somebody else does that already, or it fails, what was known
// before counts on.
func (s *Store) askStaff(ctx context.Context, before map[uint64]bool, now int64) map[uint64]bool {
	if before == nil {
		s.kin.asking.Lock() // nothing is known yet: wait
	} else if !s.kin.asking.TryLock() {
		return before
	}
	defer s.kin.asking.Unlock()
	s.kin.mu.RLock()
	names, fresh := s.kin.staff, now < s.kin.until
	s.kin.mu.RUnlock()
	if fresh {
		return names
	}
	names, err := s.namesOfStaff(context.WithoutCancel(ctx)) // for everybody: it does not end with who asked first
	if err != nil {
		return before
	}
	s.kin.mu.Lock()
	defer s.kin.mu.Unlock()
	s.kin.staff, s.kin.until = names, now+kinLasts.Milliseconds()
	return names
}

func (s *Store) namesOfStaff(ctx context.Context) (map[uint64]bool, error) {
	list, err := s.staff(ctx)
	names := map[uint64]bool{}
	for _, ref := range list {
		res, failed := s.person(ctx, s.db, s.Locate(ref))
		if err = errors.Join(err, failed); err != nil {
			return nil, err
		}
		if res == nil {
			continue
		}
		for _, n := range s.kinOf(res).names {
			names[n] = true
		}
	}
	return names, err
}
