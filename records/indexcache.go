package records

import (
	"context"
	"sync"

	"github.com/tutela-health/tutela/store"
)

// indexCache is what this node believes of the blind index: which slot serves searches, and
// whether the other one is being built and must take every write as well.
type indexCache struct {
	mu    sync.RWMutex
	state indexState // guarded by mu
}

func (c *indexCache) load(ctx context.Context, q store.Querier) error {
	s, err := readIndexState(ctx, q)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.state = s
	return nil
}

func (c *indexCache) get() indexState {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.state
}

// slots are the slots that take a write's terms.
func (c *indexCache) slots() []int {
	s := c.get()
	if s.building {
		return []int{int(s.slot), int(1 - s.slot)}
	}
	return []int{int(s.slot)}
}

// serving is the slot that answers searches.
func (c *indexCache) serving() int { return int(c.get().slot) }
