package store

import (
	"context"
	"errors"
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

// reader takes the connection that was used last, whose cache is warm, or makes one: a reader
// that waits for another could wait for itself.
func (e *sqliteEngine) reader(ctx context.Context) (*sqliteConn, error) {
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

func (e *sqliteEngine) release(c *sqliteConn) {
	e.mu.Lock()
	if !e.closed && len(e.idle) < e.maxIdle {
		e.idle = append(e.idle, c)
		e.mu.Unlock()
		return
	}
	e.mu.Unlock()
	_ = c.close() // a reader's connection has nothing to lose
}

// snapshot implements engine.
func (e *sqliteEngine) snapshot(ctx context.Context, f func(Querier) error) error {
	c, err := e.reader(ctx)
	if err != nil {
		return err
	}
	if _, err := c.exec("BEGIN"); err != nil {
		return errors.Join(err, c.close())
	}
	defer func() {
		if _, err := c.exec("ROLLBACK"); err != nil {
			_ = c.close()
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
