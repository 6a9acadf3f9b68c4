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
}

func (c *indexCache) set(s indexState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.state, c.known = s, true
}

func (c *indexCache) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.known = false
}

func (c *indexCache) get() (indexState, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.state, c.known
}

// Invalidate forgets the index's state: another node changed it.
func (s *Store) Invalidate() { s.index.forget() }

// indexNow gives the state of the index, from memory while other nodes' changes are heard of.
func (s *Store) indexNow(ctx context.Context, q store.Querier) (indexState, error) {
	if state, known := s.index.get(); known && s.fresh() {
		return state, nil
	}
	state, err := readIndexState(ctx, q)
	if err == nil {
		s.index.set(state)
	}
	return state, err
}

// writeSlots are the slots that take a write's terms.
func (st indexState) writeSlots() []int {
	if st.building {
		return []int{int(st.slot), int(1 - st.slot)}
	}
	return []int{int(st.slot)}
}
