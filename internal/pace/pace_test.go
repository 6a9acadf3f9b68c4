package pace

import (
	"fmt"
	"testing"
	"time"
)

// ticking is a clock that a test moves.
type ticking struct{ now time.Time }

func (c *ticking) clock() time.Time { return c.now }

func newTicking() *ticking { return &ticking{time.Date(2026, 11, 22, 9, 30, 0, 0, time.UTC)} }

// spent counts how often an address may spend before it is held back.
func spent(l *Limiter, address string, cost float64) int {
	for n := range 1000 {
		if _, ok := l.Spend(address, cost); !ok {
			return n
		}
	}
	return 1000
}

func TestBudgetIsSpentAndRefills(t *testing.T) {
	c := newTicking()
	l := New(c.clock, 10, 2)
	if n := spent(l, "192.0.2.1", 1); n != 10 {
		t.Errorf("%d at once", n)
	}
	if wait, ok := l.Spend("192.0.2.1", 1); ok || wait != 500*time.Millisecond {
		t.Errorf("after that: %v, wait %v", ok, wait)
	}
	c.now = c.now.Add(500 * time.Millisecond)
	if n := spent(l, "192.0.2.1", 1); n != 1 {
		t.Errorf("%d after half a second", n)
	}
	c.now = c.now.Add(time.Hour)
	if n := spent(l, "192.0.2.1", 3); n != 4 {
		t.Errorf("%d of the cost 3", n)
	}
	c.now = c.now.Add(1500 * time.Millisecond) // what was overdrawn is owed
	if n := spent(l, "192.0.2.1", 1); n != 1 {
		t.Errorf("%d after a debt of 2", n)
	}
}

func TestNetworksAreHeldApart(t *testing.T) {
	l := New(newTicking().clock, 3, 1)
	for _, address := range []string{"192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8:0:1::1", "not an address", ""} {
		if n := spent(l, address, 1); n != 3 {
			t.Errorf("%q: %d", address, n)
		}
	}
	if n := spent(l, "2001:db8::ffff:1", 1); n != 0 {
		t.Errorf("another address of the same /64 had %d", n)
	}
}

func TestManyNetworksAreNotAllRemembered(t *testing.T) {
	c := newTicking()
	l := New(c.clock, 2, 1)
	for i := range maxKeys + 10 {
		l.Spend(fmt.Sprint("network ", i), 1)
	}
	if n := len(l.networks.accounts); n != maxKeys+1 {
		t.Errorf("%d networks are remembered", n)
	}
	if n := spent(l, "one more", 1); n != 0 {
		t.Errorf("one beyond the bound has %d of what the others spent", n)
	}
	c.now = c.now.Add(time.Minute)
	if n := spent(l, "one more", 1); n != 2 || len(l.networks.accounts) > 10 {
		t.Errorf("after a minute: %d, %d networks", n, len(l.networks.accounts))
	}
}

func TestClockThatGoesBackHoldsNobodyUp(t *testing.T) {
	c := newTicking()
	l := New(c.clock, 10, 1)
	if _, ok := l.Spend("192.0.2.1", 1); !ok {
		t.Fatal("nothing to begin with")
	}
	c.now = c.now.Add(-24 * time.Hour)
	if n := spent(l, "192.0.2.1", 1); n != 9 {
		t.Errorf("%d of 9 were left", n)
	}
}
