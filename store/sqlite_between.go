package store

import (
	"context"
	"time"
)

// betweenPatience is how long who reads between two commits waits for the first to end: somewhat
// more than a commit takes.
const betweenPatience = 3 * time.Millisecond

// between implements engine. Each commit makes the page caches of the readers stale, which then fetch
// page after page by system call; the cache of the connection that commits stays good. Where that does
// not come free soon, because something large is written, f has a reader.
func (e *sqliteEngine) between(ctx context.Context, f func(Querier) error) error {
	c := e.lend(ctx)
	if c == nil {
		return f(e)
	}
	defer func() { e.writer <- c }()
	return f(sqliteView{c})
}

// lend takes the writing connection, or nil where it is lost or does not come free in time.
func (e *sqliteEngine) lend(ctx context.Context) *sqliteConn {
	select {
	case c := <-e.writer:
		return e.lent(c)
	default:
	}
	t := time.NewTimer(betweenPatience)
	defer t.Stop()
	select {
	case c := <-e.writer:
		return e.lent(c)
	case <-t.C:
	case <-ctx.Done():
	}
	return nil
}

// lent puts a connection that is lost back: who writes makes it anew.
func (e *sqliteEngine) lent(c *sqliteConn) *sqliteConn {
	if c == nil {
		e.writer <- nil
	}
	return c
}
