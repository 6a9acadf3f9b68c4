package emergency

import (
	"context"
	"encoding/binary"
	"sync"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/access"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/store"
)

// Topic is the invalidation topic under which changed emergencies are published, by holder.
const Topic = "emergencies"

// Open gives the emergencies that are open to a caller's session now, sorted by patient. It implements
// access.Emergencies. Whether the session lives is asked anew each time: it ends without a word to us.
func (s *Service) Open(ctx context.Context, p tutela.Principal) ([]access.Emergency, error) {
	if p.ID == "" || p.Session == "" {
		return nil, nil
	}
	held, err := s.held(ctx, s.holder(p.ID))
	if err != nil || len(held) == 0 {
		return nil, err
	}
	var list []access.Emergency
	now, session := s.now(), s.session(p.Session)
	for i := range held {
		if r := &held[i]; r.session == session && r.open(now) {
			list = append(list, access.Emergency{ID: r.id, Patient: r.patient})
		}
	}
	if len(list) == 0 {
		return nil, nil
	}
	login, err := s.cfg.Session(ctx, p.Session)
	if errs.Is(err, errs.Unauthenticated) || err == nil && login.User != p.ID {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return list, nil
}

// held are the rows of a holder whose moment had not passed when they were read: from memory while
// this node hears of changes.
func (s *Service) held(ctx context.Context, holder int64) ([]row, error) {
	list, known, epoch := s.cache.get(holder)
	if known && s.cfg.Fresh() {
		return list, nil
	}
	list, err := s.openRows(ctx, holder, s.now())
	if err != nil {
		return nil, err
	}
	s.cache.put(holder, list, epoch)
	return list, nil
}

// Forget forgets what an invalidation of Topic names.
func (s *Service) Forget(key []byte) {
	if len(key) == 8 {
		s.cache.forget(int64(binary.BigEndian.Uint64(key)))
	}
}

// announce tells every node whose emergencies change.
func (s *Service) announce(holder int64) store.Rows {
	return s.cfg.DB.Publish(store.Invalidation{Topic: Topic, Key: binary.BigEndian.AppendUint64(nil, uint64(holder))})
}

// maxHolders bounds of how many holders a node knows; a full memory starts afresh.
const maxHolders = 16 << 10

// cache is what this node knows of holders: of most of them, that they have nothing.
type cache struct {
	mu    sync.RWMutex
	rows  map[int64][]row // guarded by mu
	epoch uint64          // guarded by mu; counts what was forgotten
}

func (c *cache) get(holder int64) (list []row, known bool, epoch uint64) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	list, known = c.rows[holder]
	return list, known, c.epoch
}

// put keeps what was read in an epoch; what was read before something was forgotten may be old.
func (c *cache) put(holder int64, list []row, epoch uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if epoch != c.epoch {
		return
	}
	if c.rows == nil || len(c.rows) >= maxHolders {
		c.rows = map[int64][]row{}
	}
	c.rows[holder] = list
}

func (c *cache) forget(holder int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.rows, holder)
	c.epoch++
}
