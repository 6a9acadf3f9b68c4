package records

import (
	"sync"

	"github.com/tutela-health/tutela/access/label"
)

// labelCache remembers how sensitive stored versions are, so that a read need not parse them again.
// What a version holds never changes, nor do the rules while the process runs: nothing in it grows
// old. It holds no content: numbers of versions, and bits.
type labelCache struct {
	mu    sync.RWMutex
	known map[versionKey]label.Set // guarded by mu
}

type versionKey struct{ locator, version int64 }

// maxLabels bounds it, at about 40 bytes each; a full one starts afresh.
const maxLabels = 64 << 10

func (c *labelCache) get(k versionKey) (label.Set, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	set, ok := c.known[k]
	return set, ok
}

func (c *labelCache) put(k versionKey, set label.Set) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known == nil || len(c.known) >= maxLabels {
		c.known = map[versionKey]label.Set{}
	}
	c.known[k] = set
}

// labelsOf gives the labels of a record's own content; false when it cannot be looked into. Only of
// stored versions are they remembered: what is about to be written may not come to be.
func (s *Store) labelsOf(rec *Record) (label.Set, bool) {
	k := versionKey{int64(rec.Locator), rec.Version}
	if rec.stored {
		if set, ok := s.sensitive.get(k); ok {
			return set, true
		}
	}
	res := rec.resource()
	if res == nil {
		return 0, false
	}
	set := s.labels.Of(res)
	if rec.stored {
		s.sensitive.put(k, set)
	}
	return set, true
}
