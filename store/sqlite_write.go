package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// sqliteCommitter writes batches row by row through prepared statements, which is what SQLite does best.
type sqliteCommitter struct {
	engine *sqliteEngine
	held   *sqliteConn // the writing connection, from ready until commit
}

func (c *sqliteCommitter) close() {}

// ready implements committer: it waits for the writing connection. Where there is none, commit says so.
func (c *sqliteCommitter) ready(ctx context.Context) { c.held, _ = c.engine.borrow(ctx) }

// giveBack ends what ready began, where no commit needed it.
func (c *sqliteCommitter) giveBack() {
	if c.held != nil {
		c.engine.writer <- c.held
		c.held = nil
	}
}

// write is the engine's, on the connection that is held.
func (c *sqliteCommitter) write(ctx context.Context, f func(*sqliteTx) error) error {
	held := c.held
	if c.held = nil; held == nil {
		return c.engine.write(ctx, f)
	}
	return c.engine.writeOn(held, f)
}

// commit implements committer. On a full disk it gives up the reserve, so that Ops of entries
// alone still get through; what would need more room is refused.
func (c *sqliteCommitter) commit(ctx context.Context, ops []*Op, stamp func() (Stamped, error)) error {
	defer c.giveBack()
	space := c.engine.space
	if i := slices.IndexFunc(ops, (*Op).grows); i >= 0 && !space.roomy() {
		return &opError{i, full(nil)}
	}
	once := onceStamped(stamp)
	err := c.write(ctx, func(tx *sqliteTx) error { return tx.apply(ops, once) })
	if !errors.Is(err, ErrFull) {
		return err
	}
	if i := slices.IndexFunc(ops, (*Op).grows); i >= 0 {
		space.markFull()
		return &opError{i, err}
	}
	if !space.release() {
		return err
	}
	return c.write(ctx, func(tx *sqliteTx) error { return tx.apply(ops, once) })
}

// grows says whether op needs room beyond its ledger entries.
func (op *Op) grows() bool { return len(op.Claims) > 0 || len(op.Inserts) > 0 }

// onceStamped keeps what stamp returned for a second attempt at the same commit.
func onceStamped(stamp func() (Stamped, error)) func() (Stamped, error) {
	var s Stamped
	var err error
	done := false
	return func() (Stamped, error) {
		if !done {
			s, err = stamp()
			done = true
		}
		return s, err
	}
}

// write runs f between BEGIN and a durable COMMIT on the writing connection.
func (e *sqliteEngine) write(ctx context.Context, f func(*sqliteTx) error) error {
	c, err := e.borrow(ctx)
	if err != nil {
		return err
	}
	return e.writeOn(c, f)
}

// writeOn is write on the writing connection, which it gives back.
func (e *sqliteEngine) writeOn(c *sqliteConn, f func(*sqliteTx) error) error {
	finished := false
	defer func() {
		if !finished {
			c = rollback(c)
		}
		e.writer <- c
	}()
	if _, err := c.exec("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	if err := f(&sqliteTx{sqliteView{c}}); err != nil {
		return err
	}
	if _, err := c.exec("COMMIT"); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	finished = true
	return nil
}

// rollback returns the connection ready for use, or nil where it has to be made anew. SQLite may
// have rolled back by itself; then ROLLBACK fails, and the connection must prove itself.
func rollback(c *sqliteConn) *sqliteConn {
	_, err := c.exec("ROLLBACK")
	if err == nil {
		return c
	}
	if _, err = c.exec("BEGIN"); err == nil {
		if _, err = c.exec("ROLLBACK"); err == nil {
			return c
		}
	}
	_ = c.close()
	return nil
}

// update implements engine.
func (e *sqliteEngine) update(ctx context.Context, f func(*Tx) error) error {
	return e.write(ctx, func(tx *sqliteTx) error { return f(&Tx{tx, SQLite, e.clock}) })
}

// exclusive implements engine: SQLite's writer is alone among processes too.
func (e *sqliteEngine) exclusive(ctx context.Context, f func(*Tx) error) error {
	return e.update(ctx, f)
}

// sqliteTx is an open transaction of the writing connection.
type sqliteTx struct {
	sqliteView
}

func (tx *sqliteTx) exec(ctx context.Context, sql string, args []any) (int64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	return tx.conn.exec(sql, args...)
}

func (tx *sqliteTx) script(ctx context.Context, sql string) error {
	_, err := tx.exec(ctx, sql, nil)
	return err
}

func (tx *sqliteTx) write(ctx context.Context, v verb, rows Rows) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return tx.rows(v, rows)
}

// apply executes a batch. Stamping comes last, when no Op can fail any more.
func (tx *sqliteTx) apply(ops []*Op, stamp func() (Stamped, error)) error {
	entries := false
	for i, op := range ops {
		if err := tx.op(op); err != nil {
			return blame(i, err)
		}
		entries = entries || len(op.Entries) > 0
	}
	if !entries {
		return nil
	}
	s, err := stamp()
	if err != nil {
		return &opError{-1, fmt.Errorf("stamp: %w", err)}
	}
	return tx.stamped(s)
}

// blame lays err on an Op unless the storage is at fault.
func blame(i int, err error) error {
	if isUnavailable(err) {
		return err
	}
	return &opError{i, err}
}

func (tx *sqliteTx) op(op *Op) error {
	if err := tx.claim(op.Claims); err != nil {
		return err
	}
	if err := tx.all(remove, op.Deletes); err != nil {
		return err
	}
	return tx.all(insert, op.Inserts)
}

func (tx *sqliteTx) claim(claims []Claim) error {
	for i := range claims {
		c := &claims[i]
		n, err := tx.conn.exec(tx.conn.texts.of(claimStatement(c)), claimArgs(c)...)
		if err != nil {
			return err
		}
		if n == 0 {
			return claimFailed(c.Table)
		}
	}
	return nil
}

func (tx *sqliteTx) stamped(s Stamped) error {
	if err := tx.claim(s.Claims); err != nil {
		return &opError{-1, err}
	}
	if err := tx.all(insert, s.Inserts); err != nil {
		return err
	}
	return tx.all(upsert, s.Upserts)
}

func (tx *sqliteTx) all(v verb, all []Rows) error {
	for _, rows := range all {
		if err := tx.rows(v, rows); err != nil {
			return err
		}
	}
	return nil
}

func (tx *sqliteTx) rows(v verb, rows Rows) error {
	for _, row := range rows.Rows {
		s := statement{table: rows.Table, verb: v}
		if v == remove {
			s.n = len(row)
		}
		if _, err := tx.conn.exec(tx.conn.texts.of(s), row...); err != nil {
			return fmt.Errorf("%s: %w", rows.Table.Name, err)
		}
	}
	return nil
}
