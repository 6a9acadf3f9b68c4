package erasure_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/internal/rig"
	"github.com/tutela-health/tutela/privacy/erasure"
	"github.com/tutela-health/tutela/store"
)

// fuse is a clock that ends a context when it has been looked at so many times: everything that happens is dated by it, so
// that work is cut off at any point.
type fuse struct {
	left atomic.Int64
	end  atomic.Pointer[context.CancelFunc]
}

func (f *fuse) Now() time.Time {
	if f.left.Add(-1) == 0 {
		(*f.end.Load())()
	}
	return time.Now()
}

// light gives a context that ends at the nth look.
func (f *fuse) light(t *testing.T, n int64) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	f.end.Store(&cancel)
	f.left.Store(n)
	return ctx
}

// burnt reports whether it ended its context.
func (f *fuse) burnt() bool { return f.left.Load() <= 0 }

func fused(t *testing.T, engine store.Engine) (*house, *fuse) {
	t.Helper()
	f, h := &fuse{}, &house{}
	h.Rig = rig.Open(t, rig.Config{Engine: engine, Clock: f.Now})
	h.service = h.open(func(c *erasure.Config) { c.Clock = f.Now })
	return h, f
}

// The redaction of what concerns others too is cut off anywhere: what was redacted stays so, nothing of the others is lost, and
// it goes on.
func TestRedactionGoesOnWhereverItWasCutOff(t *testing.T) {
	t.Parallel()
	for _, engine := range rig.Engines() {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			h, f := fused(t, engine)
			h.chart(t)
			for i := range 6 {
				h.Put(t, fmt.Sprintf(`{"resourceType":"Observation","id":"both%d","status":"final","code":{"text":"kept"},"subject":{"reference":"Patient/ben"},"performer":[{"reference":"Patient/ann"}]}`, i))
			}
			e := h.approved(t, "ann")
			cut, state := 0, erasure.Approved
			for n := int64(1); state == erasure.Approved; n++ {
				_ = h.service.Work(f.light(t, n)) // whatever it says, the next one goes on
				if f.burnt() {
					cut++
				}
				f.left.Store(0)
				for i := range 6 {
					if a := h.Get(t, rig.Loader, fmt.Sprintf("Observation/both%d", i)); a.Status != http.StatusOK {
						t.Fatalf("cut off at %d: %d %s", n, a.Status, a.Body)
					}
				}
				found, err := h.service.Find(t.Context(), e.ID)
				if err != nil {
					t.Fatal(err)
				}
				state = found.State
			}
			if cut < 6 {
				t.Errorf("it was cut off %d times", cut)
			}
			h.work(t)
			if n, err := h.Records.Naming(t.Context(), h.Records.Bucket("ann")); err != nil || n > 0 {
				t.Errorf("%d records still name her: %v", n, err)
			}
			h.ends(t, e)
		})
	}
}

// ends sees that an erasure is done, for good.
func (h *house) ends(t *testing.T, e erasure.Erasure) {
	t.Helper()
	e, err := h.service.Find(t.Context(), e.ID)
	if err != nil || e.State != erasure.Done || e.Certificate == nil || !e.Certificate.Final || len(e.Certificate.Missing) > 0 {
		t.Errorf("%+v %v", e, err)
	}
	h.opensStill(t)
	h.Verify(t)
}

// The index is made anew by nodes that are cut off one after another, while the erasure waits or is cut off itself: searches
// are right throughout, and it ends.
func TestReindexingGoesOnWhereverItWasCutOff(t *testing.T) {
	t.Parallel()
	for _, engine := range rig.Engines() {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			h, f := fused(t, engine)
			h.chart(t)
			e := h.approved(t, "ann")
			ctx, stop := context.WithCancel(t.Context())
			ended, failed := make(chan struct{}), error(nil)
			go func() { defer close(ended); failed = h.service.Work(ctx) }()
			for n := int64(2); n <= 32; n *= 2 {
				h.indexUntil(f.light(t, n), ended)
				if b := h.Get(t, rig.Loader, "Observation?patient=ben&_total=accurate").Bundle(t); b.Total == nil || *b.Total < 2 {
					t.Errorf("cut off at %d: of ben's are found: %+v", n, b)
				}
			}
			stop()
			if <-ended; failed != nil && !errs.Is(failed, errs.Unavailable) && !errors.Is(failed, context.Canceled) {
				t.Error(failed)
			}
			f.left.Store(0)
			h.work(t)
			h.ends(t, e)
		})
	}
}

// indexUntil makes the index anew until ctx or what waits for it ends.
func (h *house) indexUntil(ctx context.Context, ended <-chan struct{}) {
	ctx, cancel := context.WithCancel(ctx)
	var background sync.WaitGroup
	background.Go(func() { h.Records.Run(ctx, "cut off", slog.New(slog.DiscardHandler)) })
	select {
	case <-ctx.Done():
	case <-ended:
	}
	cancel()
	background.Wait()
}

// Whatever the clock is set to between the steps and the failures of an erasure, it ends in the same certificate.
func TestErasureSurvivesClockJumps(t *testing.T) {
	t.Parallel()
	each(t, nil, func(t *testing.T, h *house) {
		h.chart(t)
		defer h.index(t)()
		b := &brittle{Ring: h.Ring}
		h.service = h.open(func(c *erasure.Config) { c.Keys = b })
		e := h.approved(t, "ann")
		jumps := []time.Duration{400 * 24 * time.Hour, -399 * 24 * time.Hour, -time.Hour, 2 * time.Minute}
		for b.fails = 1; ; b.fails++ {
			b.calls = 0
			err := h.service.Work(t.Context())
			if errs.Is(err, errs.Conflict) {
				b.fails--
				continue
			}
			if err == nil {
				break
			}
			h.Advance(jumps[b.fails%len(jumps)])
			h.opensStill(t)
		}
		h.ends(t, e)
	})
}

// An erasure waits its time by the clock: not less when the clock goes back, and what was approved under a clock that was far ahead
// is withdrawn and asked for again.
func TestWaitingPeriodsUnderClockJumps(t *testing.T) {
	t.Parallel()
	h := &house{}
	h.Rig = rig.Open(t, rig.Config{Engine: store.SQLite, Clock: h.Now})
	h.service = h.open(func(c *erasure.Config) { c.Wait = 72 * time.Hour })
	h.chart(t)
	e := h.approved(t, "ann")
	expect := func(jump time.Duration, want erasure.State) {
		t.Helper()
		h.Advance(jump)
		if want == erasure.Done {
			h.work(t)
		} else if err := h.service.Work(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got, err := h.service.Find(t.Context(), e.ID); err != nil || got.State != want {
			t.Errorf("after a jump of %s it is %s, want %s: %v", jump, got.State, want, err)
		}
	}
	expect(-48*time.Hour, erasure.Approved)
	expect(48*time.Hour+71*time.Hour, erasure.Approved)
	expect(-71*time.Hour, erasure.Approved)
	if _, err := h.service.Withdraw(t.Context(), h.entry("erasure.ask"), e.ID); err != nil {
		t.Fatal(err)
	}
	h.Advance(365 * 24 * time.Hour)
	e = h.approved(t, "ann")
	expect(-365*24*time.Hour+100*time.Hour, erasure.Approved)
	if _, err := h.service.Withdraw(t.Context(), h.entry("erasure.ask"), e.ID); err != nil {
		t.Fatal(err)
	}
	e = h.approved(t, "ann")
	expect(71*time.Hour, erasure.Approved)
	expect(2*time.Hour, erasure.Done)
	h.ends(t, e)
}

// opensStill sees that ben's records open.
func (h *house) opensStill(t *testing.T) {
	t.Helper()
	opened, rows, err := h.Records.Opens(t.Context(), h.Records.Bucket("ben"))
	if err != nil || opened != rows || rows == 0 {
		t.Fatalf("%d of %d of ben's rows open: %v", opened, rows, err)
	}
}
