package detect

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tutela-health/tutela/detect/finding"
)

// measures count for operations. Safe for concurrent use.
type measures struct {
	lines, hits atomic.Int64
	behind      atomic.Int64 // milliseconds from the last event's time to when it was looked at

	mu     sync.Mutex // guards what follows
	opened map[finding.Level]int64
	places map[string]int64 // by stream: behind what was looked at last
}

func (m *measures) add(b batch) {
	m.lines.Add(int64(b.lines))
	m.hits.Add(int64(len(b.hits)))
	m.reached(b.stream, b.place)
}

func (m *measures) met(happened, now time.Time) { m.behind.Store(now.Sub(happened).Milliseconds()) }

func (m *measures) reached(stream string, place int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.places == nil {
		m.places = map[string]int64{}
	}
	m.places[stream] = place
}

// left forgets places: another node may work now.
func (m *measures) left() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.places = nil
}

// open counts findings that were opened, once they are written.
func (m *measures) open(by map[finding.Level]int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.opened == nil {
		m.opened = map[finding.Level]int64{}
	}
	for level, n := range by {
		m.opened[level] += n
	}
}

// Measures are what a node's detection has done since it started.
type Measures struct {
	Lines  int64         // looked at
	Hits   int64         // of detectors
	Behind time.Duration // how old the event was that was looked at last
	Opened map[finding.Level]int64
	// Waiting is how many lines of each stream were not looked at yet; of a node that does not work it has none.
	Waiting map[string]int64
}

// Measures gives them.
func (s *Service) Measures(ctx context.Context) (Measures, error) {
	m := Measures{
		Lines: s.seen.lines.Load(), Hits: s.seen.hits.Load(), Behind: time.Duration(s.seen.behind.Load()) * time.Millisecond,
		Opened: map[finding.Level]int64{}, Waiting: map[string]int64{},
	}
	for _, level := range finding.Levels() {
		m.Opened[level] = 0
	}
	s.seen.mu.Lock()
	for level, n := range s.seen.opened {
		m.Opened[level] = n
	}
	for name, at := range s.seen.places {
		m.Waiting[name] = at
	}
	s.seen.mu.Unlock()
	for _, stream := range s.cfg.Streams {
		at, works := m.Waiting[stream.Name()]
		if !works {
			continue
		}
		head, err := stream.Head(ctx)
		if err != nil {
			return m, err
		}
		m.Waiting[stream.Name()] = max(head-at, 0)
	}
	return m, nil
}
