package identity

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/internal/pace"
	"github.com/tutela-health/tutela/store"
)

// Guessing is slowed by account, known or not, and by address. A try is counted before it is
// judged and given back when it was right, so that many at once gain nothing.

// throttled is the count of one account or address.
type throttled struct {
	Failures int       `json:"failures"`
	Last     time.Time `json:"last"`
	Until    time.Time `json:"until,omitzero"` // no try before
}

// brake says how many failures a subject of throttling has free. Above, each doubles the wait.
type brake struct {
	name  string
	free  int
	decay time.Duration // after which one failure is forgotten
}

// The people of a hospital share addresses: theirs has more free failures, and forgets them by
// the minute. An account's are forgotten when a login succeeds, or after a quiet hour.
func accountBrake(username string) brake { return brake{name: "account:" + username, free: 5} }
func factorBrake(id string) brake        { return brake{name: "factor:" + id, free: 5} }
func addressBrake(address string) brake {
	return brake{name: "address:" + pace.Network(address), free: 30, decay: time.Minute}
}

// The budget of a network for beginning logins by a passkey alone, where there is no name yet to
// slow down: a morning's shift at once, then two a second.
const (
	passkeyBudget = 120
	passkeyRefill = 2 // a second
)

const (
	firstWait   = 10 * time.Second
	longestWait = 15 * time.Minute
	forgetAfter = time.Hour
)

// count adds a failure at now.
func (t throttled) count(b brake, now time.Time) throttled {
	t.Failures = t.remaining(b, now) + 1
	t.Last = now
	if over := t.Failures - b.free; over >= 0 {
		t.Until = now.Add(min(firstWait<<min(over, 10), longestWait))
	}
	return t
}

// remaining are the failures that are not forgotten.
func (t throttled) remaining(b brake, now time.Time) int {
	if b.decay == 0 {
		return t.Failures
	}
	return max(0, t.Failures-int(now.Sub(t.Last)/b.decay))
}

// giveBack takes back what count added.
func (t throttled) giveBack() throttled {
	t.Failures, t.Until = max(0, t.Failures-1), time.Time{}
	return t
}

// charge counts a try against each brake, or refuses it. Nothing is counted while one is on.
func (s *Service) charge(ctx context.Context, brakes ...brake) error {
	return s.throttle(ctx, brakes, func(t throttled, b brake, now time.Time) (throttled, error) {
		if now.Before(t.Until) {
			wait := t.Until.Sub(now).Round(time.Second)
			return t, errs.New(errs.TooMany, "too many failed logins; try again in %s", max(wait, time.Second))
		}
		return t.count(b, now), nil
	})
}

// refund takes back what charge counted.
func (s *Service) refund(ctx context.Context, brakes ...brake) error {
	return s.throttle(ctx, brakes, func(t throttled, _ brake, _ time.Time) (throttled, error) { return t.giveBack(), nil })
}

// forgive forgets what was counted against brakes that nobody but a check can have.
func (s *Service) forgive(ctx context.Context, brakes ...brake) error {
	var op store.Op
	for _, b := range brakes {
		op.Deletes = append(op.Deletes, s.dropItem(itemThrottle, b.name))
	}
	return s.commit(ctx, op)
}

// throttle rewrites the counts of brakes in one op, one caller of this node after another.
func (s *Service) throttle(ctx context.Context, brakes []brake, f func(throttled, brake, time.Time) (throttled, error)) error {
	names := make([]string, len(brakes))
	for i, b := range brakes {
		names[i] = b.name
	}
	defer s.brakes.enter(names...)()
	return retried(func() error {
		var op store.Op
		for _, b := range brakes {
			claim, err := s.throttleClaim(ctx, b, f)
			if err != nil {
				return err
			}
			op.Claims = append(op.Claims, claim)
		}
		return s.commit(ctx, op)
	})
}

func (s *Service) throttleClaim(ctx context.Context, b brake, f func(throttled, brake, time.Time) (throttled, error)) (store.Claim, error) {
	it, _, err := loadItem[throttled](ctx, s, itemThrottle, b.name)
	if err != nil {
		return store.Claim{}, err
	}
	now := s.clock()
	it.Name = b.name
	if it.Value, err = f(it.Value, b, now); err != nil {
		return store.Claim{}, err
	}
	return putItem(ctx, s, itemThrottle, it, "", now.Add(forgetAfter))
}

// queues has those who want the same rows wait in memory instead of failing one another's claims.
type queues struct {
	lanes [64]sync.Mutex
}

// enter waits for every name's lane, in one order for all; the caller calls leave.
func (q *queues) enter(names ...string) (leave func()) {
	var lanes []int
	for _, n := range names {
		lanes = append(lanes, q.lane(n))
	}
	slices.Sort(lanes)
	lanes = slices.Compact(lanes)
	for _, i := range lanes {
		q.lanes[i].Lock()
	}
	return func() {
		for _, i := range lanes {
			q.lanes[i].Unlock()
		}
	}
}

// lane is FNV-1a of a name: names share lanes, which costs a wait and nothing else.
func (q *queues) lane(name string) int {
	h := uint32(2166136261)
	for _, b := range []byte(name) {
		h = (h ^ uint32(b)) * 16777619
	}
	return int(h % uint32(len(q.lanes)))
}
