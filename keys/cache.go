package keys

import (
	"container/list"
	"sync"

	"github.com/tutela-health/tutela"
)

// name identifies an opened key.
type name struct {
	kind    tutela.KeyKind
	id      int64
	version int // 0: the newest
}

// cache is a bounded set of opened keys, least recently used out first. What falls out is
// zeroed when its last user lets go.
type cache struct {
	mu    sync.Mutex // guards all below
	max   int
	order *list.List // of *slot, most recent first
	slots map[name]*list.Element
	epoch uint64 // counts forget and clear
}

type slot struct {
	name name
	key  *Key
}

func newCache(limit int) *cache {
	return &cache{max: limit, order: list.New(), slots: make(map[name]*list.Element)}
}

// now is the epoch to hand to add.
func (c *cache) now() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.epoch
}

func (c *cache) get(n name) (*Key, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.slots[n]
	if !ok {
		return nil, false
	}
	c.order.MoveToFront(e)
	return e.Value.(*slot).key, true
}

// add puts a key that was looked up since epoch, unless something was forgotten in the
// meantime: the key may be what was destroyed.
func (c *cache) add(n name, k *Key, epoch uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.epoch == epoch {
		c.insert(n, k)
	}
}

func (c *cache) put(n name, k *Key) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.insert(n, k)
}

// insert needs mu.
func (c *cache) insert(n name, k *Key) {
	if e, ok := c.slots[n]; ok {
		e.Value.(*slot).key = k
		c.order.MoveToFront(e)
		return
	}
	c.slots[n] = c.order.PushFront(&slot{n, k})
	for c.order.Len() > c.max {
		c.remove(c.order.Back())
	}
}

// forget drops every version of a key.
func (c *cache) forget(kind tutela.KeyKind, id int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.epoch++
	for n, e := range c.slots {
		if n.kind == kind && n.id == id {
			c.remove(e)
		}
	}
}

func (c *cache) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.epoch++
	c.order.Init()
	clear(c.slots)
}

func (c *cache) remove(e *list.Element) {
	c.order.Remove(e)
	delete(c.slots, e.Value.(*slot).name)
}
