package identitytest

import (
	"sync"
	"time"
)

// Clock stands still unless a test moves it. Its zero value shows a morning in November 2026. Safe for
// concurrent use.
type Clock struct {
	mu  sync.Mutex
	now time.Time // guarded by mu
}

// At is a Clock that shows a moment.
func At(now time.Time) *Clock { return &Clock{now: now} }

// Now is what it shows.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.shown()
}

// Advance moves it on.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.shown().Add(d)
}

// shown needs mu.
func (c *Clock) shown() time.Time {
	if c.now.IsZero() {
		return time.Date(2026, 11, 22, 9, 30, 0, 0, time.UTC)
	}
	return c.now
}
