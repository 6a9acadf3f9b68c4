package store

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// amnesiac is a committer that knows the outcome of its first commit only at a given moment.
type amnesiac struct {
	knows   time.Time
	err     error // the outcome of the first commit
	commits int
}

var errCut = errors.New("cut")

func (a *amnesiac) commit(_ context.Context, _ []*Op, stamp func() (Stamped, error)) error {
	if _, err := stamp(); err != nil {
		return err
	}
	a.commits++
	if a.commits > 1 {
		return nil
	}
	return &undecided{errCut, func(context.Context) (bool, error) {
		if time.Now().Before(a.knows) {
			return false, errCut
		}
		return true, a.err
	}}
}

func (a *amnesiac) ready(context.Context) {}

func (a *amnesiac) close() {}

// TestLaneWaitsForAnOutcomeLongerThanItsCallers checks that callers are answered in time, and
// that the chain goes on only once it is known where it stands.
func TestLaneWaitsForAnOutcomeLongerThanItsCallers(t *testing.T) {
	for name, c := range map[string]struct {
		after time.Duration
		err   error
		want  error
	}{
		"soon, committed":     {time.Second, nil, nil},
		"soon, not committed": {time.Second, errBusy, errBusy},
		"late, committed":     {3 * resolveFor, nil, ErrUnknown},
		"late, not committed": {3 * resolveFor, errBusy, ErrUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var settled []bool
				out := &amnesiac{knows: time.Now().Add(c.after), err: c.err}
				queue := make(chan *request, 2)
				l := startLane(0, laneSpec{ordinary, 1, out}, queue,
					func(int, [][]byte) (Stamped, error) { return Stamped{}, nil },
					func(_ int, committed bool) { settled = append(settled, committed) })
				first, second := newRequest(&Op{}), newRequest(&Op{})
				queue <- first
				queue <- second
				began := time.Now()
				if err := <-first.done; !errors.Is(err, c.want) {
					t.Errorf("first: %v, want %v", err, c.want)
				}
				if waited := time.Since(began); waited > resolveFor+time.Second {
					t.Errorf("the caller waited %v", waited)
				}
				if err := <-second.done; err != nil || time.Now().Before(out.knows) {
					t.Errorf("second: %v at %v", err, time.Since(began))
				}
				close(queue)
				l.wait()
				if d := cmp.Diff([]bool{c.err == nil, true}, settled); d != "" {
					t.Error(d)
				}
			})
		})
	}
}

// TestClosingEndsTheWaitForAnOutcome checks that Close does not hang when a server never comes back.
func TestClosingEndsTheWaitForAnOutcome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var settled []bool
		queue := make(chan *request, 1)
		l := startLane(0, laneSpec{ordinary, 1, &amnesiac{knows: time.Now().Add(24 * time.Hour)}}, queue,
			func(int, [][]byte) (Stamped, error) { return Stamped{}, nil },
			func(_ int, committed bool) { settled = append(settled, committed) })
		r := newRequest(&Op{})
		queue <- r
		close(queue)
		l.wait()
		if err := <-r.done; !errors.Is(err, ErrUnknown) {
			t.Errorf("got %v", err)
		}
		if d := cmp.Diff([]bool{false}, settled); d != "" {
			t.Error(d)
		}
	})
}
