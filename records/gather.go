package records

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/store"
)

// gatherer reads rows for several callers in one statement. Each commit makes the page caches of
// SQLite's readers stale, and on PostgreSQL a statement costs a round trip; both are paid once
// for all who ask at the same moment. A row is read after its caller asked for it, never before.
type gatherer struct {
	db    betweener
	lanes int // how many statements run at a time

	mu      sync.Mutex // guards what follows
	waiting []*asked
	serving int
}

// betweener is a store.DB, which reads best between two commits.
type betweener interface {
	Between(ctx context.Context, f func(store.Querier) error) error
}

// asked is one caller's wish.
type asked struct {
	locator int64
	row     *row
	err     error
	done    chan struct{}
}

// gatherRows is how many rows a statement asks for.
const gatherRows = 64

// gatherLanes is how many statements run at a time: one between two commits of SQLite's one writer;
// on PostgreSQL a second is on its way while the first one's answers are read.
func gatherLanes(e store.Engine) int {
	if e == store.SQLite {
		return 1
	}
	return 2
}

// gatherFor bounds a statement. It outlives any one caller, so that no caller's patience bounds it:
// a database that went silent must not keep the lanes for as long as the network takes to notice.
const gatherFor = 5 * time.Second

// current is like the function of that name, outside a transaction.
func (g *gatherer) current(ctx context.Context, l tutela.Locator) (*row, bool, error) {
	a := &asked{locator: int64(l), done: make(chan struct{})}
	g.mu.Lock()
	g.waiting = append(g.waiting, a)
	lead := g.serving < g.lanes
	if lead {
		g.serving++
	}
	g.mu.Unlock()
	if lead {
		go g.serve()
	}
	select {
	case <-a.done:
		return a.row, a.row != nil, a.err
	case <-ctx.Done():
		return nil, false, context.Cause(ctx)
	}
}

// serve answers until nobody waits. It lets whoever is ready to ask do so first: on a busy
// machine they share the statement, on an idle one there is nobody to wait for.
func (g *gatherer) serve() {
	for more := true; more; {
		runtime.Gosched()
		more = g.round()
	}
}

// round answers those who wait once the database can be asked, and reports whether there were any.
func (g *gatherer) round() bool {
	ctx, cancel := context.WithTimeout(context.Background(), gatherFor)
	defer cancel()
	var batch []*asked
	var rows map[int64]*row
	err := g.db.Between(ctx, func(q store.Querier) (err error) {
		batch = g.take()
		rows, err = currents(ctx, q, locatorsOf(batch))
		return err
	})
	if errors.Is(err, context.DeadlineExceeded) {
		err = errs.Wrap(errs.Unavailable, err, "the database does not answer")
	}
	for _, a := range batch {
		a.row, a.err = rows[a.locator], err
		close(a.done)
	}
	return len(batch) > 0
}

func locatorsOf(batch []*asked) []int64 {
	locators := make([]int64, len(batch))
	for i, a := range batch {
		locators[i] = a.locator
	}
	return locators
}

// take gives those who wait, or ends this goroutine's turn when nobody does.
func (g *gatherer) take() []*asked {
	g.mu.Lock()
	defer g.mu.Unlock()
	n := min(len(g.waiting), gatherRows)
	batch := g.waiting[:n:n]
	g.waiting = g.waiting[n:]
	if n == 0 {
		g.waiting = nil
		g.serving--
	}
	return batch
}
