package records

import (
	"context"
	"sync"

	"github.com/tutela-health/tutela/store"
)

// Topic is the invalidation topic under which changes of the index's state are published.
const Topic = "records"

// indexCache is what this node believes of the blind index: which slot serves searches, and
// whether the other one is being built and must take every write as well.
type indexCache struct {
	mu    sync.RWMutex
	state indexState // guarded by mu
	known bool       // guarded by mu
	epoch int        // guarded by mu; counts calls of forget
}

// set keeps a state that was read in an epoch; one read before the last forget may be old.
func (c *indexCache) set(s indexState, epoch int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if epoch == c.epoch {
		c.state, c.known = s, true
	}
}

func (c *indexCache) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.known = false
	c.epoch++
}

func (c *indexCache) get() (s indexState, known bool, epoch int) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.state, c.known, c.epoch
}

// Invalidate forgets the index's state and keys: another node changed them.
func (s *Store) Invalidate() {
	s.index.forget()
	s.blinds.forget()
}

// indexNow gives the state of the index, from memory while other nodes' changes are heard of.
func (s *Store) indexNow(ctx context.Context, q store.Querier) (indexState, error) {
	state, known, epoch := s.index.get()
	if known && s.fresh() {
		return state, nil
	}
	state, err := readIndexState(ctx, q)
	if err == nil {
		s.index.set(state, epoch)
	}
	return state, err
}

// writeSlots are the slots that take a write's terms.
func (st indexState) writeSlots() []int {
	if st.phase != phaseIdle {
		return []int{int(st.slot), int(1 - st.slot)}
	}
	return []int{int(st.slot)}
}
