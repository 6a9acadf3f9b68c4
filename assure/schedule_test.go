package assure

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/internal/errs"
)

// kept is a ledger that holds evidence alone: this package hands it over, and reads none back.
type kept struct {
	mu   sync.Mutex
	list []tutela.Evidence
}

func (k *kept) Append(_ context.Context, e tutela.Entry, _ []tutela.Section) (audit.Receipt, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.list = append(k.list, *e.Evidence)
	return audit.Receipt{}, nil
}

func (k *kept) newest(context.Context) (map[string]tutela.Evidence, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	by := map[string]tutela.Evidence{}
	for _, e := range k.list {
		by[e.Check] = e
	}
	return by, nil
}

// guarded is a thing that a check tries, that can be broken.
type guarded struct {
	mu     sync.Mutex
	broken bool
	takes  time.Duration
}

func (g *guarded) breakIt(broken bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.broken = broken
}

func (g *guarded) check(id string, fresh time.Duration) tutela.Check {
	return tutela.Check{ID: id, Fresh: fresh, Try: func(context.Context) tutela.Evidence {
		time.Sleep(g.takes)
		g.mu.Lock()
		defer g.mu.Unlock()
		if g.broken {
			return tutela.Evidence{Verdict: tutela.Fail}
		}
		return tutela.Evidence{Verdict: tutela.Pass}
	}}
}

func alone(ctx context.Context, f func(context.Context) error) error { return f(ctx) }

// scheduled runs a schedule in a bubble's own time.
func scheduled(t *testing.T, k *kept, alone func(context.Context, func(context.Context) error) error, checks ...tutela.Check) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	s := Schedule{Assessor: New(k, time.Now, checks...), Newest: k.newest, Alone: alone, Log: slog.New(slog.DiscardHandler)}
	done := make(chan struct{})
	go func() { s.Run(ctx); close(done) }()
	t.Cleanup(func() { stop(); <-done })
}

// What breaks is red half a life of its evidence later, and what was mended is green a quarter of an hour later.
func TestBrokenControlsShowWithinTheirSchedule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var k kept
		var hourly, daily guarded
		scheduled(t, &k, alone, hourly.check("a.hourly", time.Hour), daily.check("a.daily", 24*time.Hour))
		verdict := func(id string) tutela.Verdict {
			by, _ := k.newest(t.Context()) // it cannot fail
			return by[id].Verdict
		}
		time.Sleep(firstAfter + time.Second)
		if verdict("a.hourly") != tutela.Pass || verdict("a.daily") != tutela.Pass {
			t.Fatalf("not tried after %v: %+v", firstAfter, k.list)
		}
		hourly.breakIt(true)
		daily.breakIt(true)
		time.Sleep(31 * time.Minute)
		if verdict("a.hourly") != tutela.Fail {
			t.Error("what breaks is not seen in half an hour")
		}
		time.Sleep(12 * time.Hour)
		if verdict("a.daily") != tutela.Fail {
			t.Error("what breaks is not seen in half a day")
		}
		hourly.breakIt(false)
		daily.breakIt(false)
		time.Sleep(againAfter + time.Minute)
		if verdict("a.hourly") != tutela.Pass || verdict("a.daily") != tutela.Pass {
			t.Error("what was mended is not seen in a quarter of an hour")
		}
		for _, e := range k.list {
			if e.Expires.Before(e.At) {
				t.Errorf("evidence expired before it was there: %+v", e)
			}
		}
	})
}

// Evidence never expires while the schedule runs, and a twentieth of the time is spent at most.
func TestSchedulesKeepToTheirBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var k kept
		slow := guarded{takes: 10 * time.Second}
		var checks []tutela.Check
		for _, id := range []string{"a.1", "a.2", "a.3", "a.4"} {
			checks = append(checks, slow.check(id, time.Hour))
		}
		scheduled(t, &k, alone, checks...)
		time.Sleep(24 * time.Hour)
		last := map[string]tutela.Evidence{}
		for _, e := range k.list {
			if before, there := last[e.Check]; there && e.At.After(before.Expires) {
				t.Errorf("%s had no fresh evidence from %v to %v", e.Check, before.Expires, e.At)
			}
			last[e.Check] = e
		}
		if spent := time.Duration(len(k.list)) * slow.takes; spent > 24*time.Hour/20+time.Minute || len(k.list) < 4*24 {
			t.Errorf("%d tries, %v of a day", len(k.list), spent)
		}
	})
}

// Somebody who assesses by hand, and a ledger that cannot be read, hold the schedule up and do not end it.
func TestSchedulesWaitForOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var k kept
		var g guarded
		var mu sync.Mutex
		busy := errs.New(errs.Conflict, "an assessment is under way")
		scheduled(t, &k, func(ctx context.Context, f func(context.Context) error) error {
			mu.Lock()
			defer mu.Unlock()
			if busy != nil {
				return busy
			}
			return f(ctx)
		}, g.check("a.check", time.Hour))
		time.Sleep(time.Hour)
		if len(k.list) != 0 {
			t.Error("tried while somebody else assessed")
		}
		mu.Lock()
		busy = nil
		mu.Unlock()
		time.Sleep(2 * lookEvery)
		if len(k.list) == 0 {
			t.Error("not tried when the other had ended")
		}
	})
	synctest.Test(t, func(t *testing.T) {
		var k kept
		var g guarded
		ctx, stop := context.WithCancel(t.Context())
		failures := 2
		s := Schedule{Assessor: New(&k, time.Now, g.check("a.check", time.Hour)), Alone: alone, Log: slog.New(slog.DiscardHandler), Newest: func(ctx context.Context) (map[string]tutela.Evidence, error) {
			if failures--; failures >= 0 {
				return nil, errors.New("cannot be read")
			}
			return k.newest(ctx)
		}}
		done := make(chan struct{})
		go func() { s.Run(ctx); close(done) }()
		time.Sleep(firstAfter + 3*lookEvery)
		if len(k.list) == 0 {
			t.Error("not tried when the ledger could be read again")
		}
		stop()
		<-done
	})
}
