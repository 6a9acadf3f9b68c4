package store

import (
	"context"
	"errors"
	"time"
)

// Query implements Querier.
func (e *sqliteEngine) Query(ctx context.Context, sql string, args []any, scan func(Scanner) error) error {
	c, err := e.reader(ctx)
	if err != nil {
		return err
	}
	defer e.release(c)
	return c.query(ctx, sql, args, scan)
}

// QueryRow implements Querier.
func (e *sqliteEngine) QueryRow(ctx context.Context, sql string, args []any, dest ...any) (bool, error) {
	return firstRow(ctx, e, sql, args, dest)
}

var errEnough = errors.New("enough rows")

func firstRow(ctx context.Context, q Querier, sql string, args, dest []any) (bool, error) {
	found := false
	err := q.Query(ctx, sql, args, func(s Scanner) error {
		if found {
			return errEnough
		}
		found = true
		return s.Scan(dest...)
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return found && err == nil, err
}

// patience is how long a reader waits for its turn. Those who read within a read could wait for
// themselves, so that nobody waits for ever.
const patience = 5 * time.Millisecond

// reader takes the connection that was used last, whose cache is warm, or makes one. As many as
// are kept read at a time: more would only take processor and locks from each other.
func (e *sqliteEngine) reader(ctx context.Context) (*sqliteConn, error) {
	turn := e.awaitTurn(ctx)
	c, err := e.connection(ctx)
	if err != nil {
		e.endTurn(turn)
		return nil, err
	}
	c.turn = turn
	return c, nil
}

func (e *sqliteEngine) connection(ctx context.Context) (*sqliteConn, error) {
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		return nil, closed()
	}
	if n := len(e.idle); n > 0 {
		c := e.idle[n-1]
		e.idle = e.idle[:n-1]
		e.mu.Unlock()
		return c, nil
	}
	e.mu.Unlock()
	return dialSQLite(ctx, e.connector, pragmaBusy, pragmaNoForeign, pragmaCache, pragmaTemp, pragmaReadOnly)
}

// awaitTurn is false for a reader that goes on without one.
func (e *sqliteEngine) awaitTurn(ctx context.Context) bool {
	select {
	case e.turns <- struct{}{}:
		return true
	default:
	}
	t := time.NewTimer(patience)
	defer t.Stop()
	select {
	case e.turns <- struct{}{}:
		return true
	case <-t.C:
	case <-ctx.Done():
	}
	return false
}

func (e *sqliteEngine) endTurn(had bool) {
	if had {
		<-e.turns
	}
}

// release keeps a reader's connection for the next one.
func (e *sqliteEngine) release(c *sqliteConn) {
	turn := c.turn
	e.mu.Lock()
	keep := !e.closed && len(e.idle) < e.maxIdle
	if keep {
		e.idle = append(e.idle, c)
	}
	e.mu.Unlock()
	if !keep {
		_ = c.close() // a reader's connection has nothing to lose
	}
	e.endTurn(turn)
}

// discard closes a reader's connection that is of no more use.
func (e *sqliteEngine) discard(c *sqliteConn) error {
	defer e.endTurn(c.turn)
	return c.close()
}

// snapshot implements engine.
func (e *sqliteEngine) snapshot(ctx context.Context, f func(Querier) error) error {
	c, err := e.reader(ctx)
	if err != nil {
		return err
	}
	if _, err := c.exec("BEGIN"); err != nil {
		return errors.Join(err, e.discard(c))
	}
	defer func() {
		if _, err := c.exec("ROLLBACK"); err != nil {
			_ = e.discard(c)
			return
		}
		e.release(c)
	}()
	return f(sqliteView{c})
}

// sqliteView is a Querier on one connection: a snapshot's, or the writer's within a transaction.
type sqliteView struct{ conn *sqliteConn }

// Query implements Querier.
func (v sqliteView) Query(ctx context.Context, sql string, args []any, scan func(Scanner) error) error {
	return v.conn.query(ctx, sql, args, scan)
}

// QueryRow implements Querier.
func (v sqliteView) QueryRow(ctx context.Context, sql string, args []any, dest ...any) (bool, error) {
	return firstRow(ctx, v, sql, args, dest)
}
