package control

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/assure/catalog"
	"github.com/tutela-health/tutela/audit"
)

// words are the actions of a population, as the ledger writes them.
func words(p catalog.Population) string {
	list := catalog.Populations()[p]
	names := make([]string, len(list))
	for i, a := range list {
		names[i] = string(a)
	}
	return strings.Join(names, ", ")
}

// Bounds of one look for populations.
const (
	looksBack = 50_000 // entries
	looksAt   = 31 * 24 * time.Hour
)

// sight remembers when the newest entry of each population was. It looks from the end of the ledger back to where it
// looked last, or as far as it may.
type sight struct {
	log     ledger
	wanted  map[tutela.Action]catalog.Population
	mu      sync.Mutex // guards what follows
	reached int64      // leaves that were looked at, or passed over
	last    map[catalog.Population]time.Time
}

func newSight(log ledger) *sight {
	s := &sight{log: log, wanted: map[tutela.Action]catalog.Population{}, last: map[catalog.Population]time.Time{}}
	for p, actions := range catalog.Populations() {
		for _, a := range actions {
			s.wanted[a] = p
		}
	}
	return s
}

// errKnown ends a look at what was seen before.
var errKnown = errors.New("seen before")

// look gives when the newest entry of each population was that has been seen.
func (s *sight) look(ctx context.Context, now time.Time) (map[catalog.Population]time.Time, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	newest := s.reached
	err := s.log.Search(ctx, audit.Query{From: now.Add(-looksAt), Newest: true, Limit: looksBack, Passing: true}, func(o audit.Opened) error {
		if o.Leaf != audit.Pending {
			if o.Leaf < s.reached {
				return errKnown
			}
			newest = max(newest, o.Leaf+1)
		}
		if p, ok := s.wanted[o.Entry.Action]; ok && o.Entry.Time.After(s.last[p]) {
			s.last[p] = o.Entry.Time
		}
		return nil
	})
	if err != nil && !errors.Is(err, errKnown) {
		return nil, err
	}
	s.reached = newest
	seen := maps.Clone(s.last)
	for _, p := range slices.Collect(maps.Keys(seen)) {
		if now.Sub(seen[p]) > looksAt {
			delete(seen, p)
		}
	}
	return seen, nil
}
