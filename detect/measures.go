package detect

import (
	"sync/atomic"
	"time"
)

// measures count for operations. Safe for concurrent use.
type measures struct {
	lines, hits atomic.Int64
	behind      atomic.Int64 // milliseconds from the last event's time to when it was looked at
}

func (m *measures) add(b batch) {
	m.lines.Add(int64(b.lines))
	m.hits.Add(int64(len(b.hits)))
}

func (m *measures) met(happened, now time.Time) { m.behind.Store(now.Sub(happened).Milliseconds()) }

// Measures are what a node's detection has done since it started.
type Measures struct {
	Lines  int64         // looked at
	Hits   int64         // of detectors
	Behind time.Duration // how old the event was that was looked at last
}

// Measures gives them.
func (s *Service) Measures() Measures {
	return Measures{s.seen.lines.Load(), s.seen.hits.Load(), time.Duration(s.seen.behind.Load()) * time.Millisecond}
}
