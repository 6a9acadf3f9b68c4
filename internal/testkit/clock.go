package testkit

import (
	"sync"
	"time"

	"github.com/tutela-health/tutela/internal/clock"
)

// Clock is the machine's, moved by a test. Its zero value shows the machine's time. Safe for concurrent use.
type Clock struct {
	mu     sync.Mutex
	offset time.Duration // guarded by mu
}

// Now is what it shows.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return clock.System().Add(c.offset)
}

// Advance moves it on, or back.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offset += d
}
