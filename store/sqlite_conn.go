package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"maps"
	"slices"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// maxStatements is how many prepared statements a connection keeps before it starts afresh.
const maxStatements = 256

// sqliteConn is one connection with its prepared statements, for one goroutine at a time. It
// speaks to the driver directly: database/sql would add a lock, a goroutine per query and a copy
// of every value to a read that takes ten microseconds.
type sqliteConn struct {
	raw        driver.Conn
	statements map[string]*sqliteStmt
	texts      texts
	turn       bool // its reader waited for a turn and got one
}

// sqliteStmt is a prepared statement with room for its arguments.
type sqliteStmt struct {
	raw  driver.Stmt
	args []driver.NamedValue
	busy bool // its rows are being read
}

func dialSQLite(ctx context.Context, c driver.Connector, pragmas ...string) (*sqliteConn, error) {
	raw, err := c.Connect(ctx)
	if err != nil {
		return nil, sqliteError(err)
	}
	conn := &sqliteConn{raw: raw, statements: map[string]*sqliteStmt{}, texts: texts{}}
	for _, p := range pragmas {
		if _, err := conn.exec("PRAGMA " + p); err != nil {
			return nil, errors.Join(err, conn.close())
		}
	}
	return conn, nil
}

func (c *sqliteConn) close() error {
	return errors.Join(c.forget(), c.raw.Close())
}

func (c *sqliteConn) forget() error {
	var err error
	for _, s := range slices.Collect(maps.Values(c.statements)) {
		err = errors.Join(err, s.raw.Close())
	}
	clear(c.statements)
	return err
}

// prepare gives a statement that is not busy, from the cache where it can.
func (c *sqliteConn) prepare(sql string) (s *sqliteStmt, cached bool, err error) {
	s = c.statements[sql]
	if s != nil && !s.busy {
		return s, true, nil
	}
	raw, err := c.raw.Prepare(sql)
	if err != nil {
		return nil, false, sqliteError(err)
	}
	fresh := &sqliteStmt{raw: raw}
	if s != nil || len(c.statements) >= maxStatements && !c.evict() {
		return fresh, false, nil
	}
	c.statements[sql] = fresh
	return fresh, true, nil
}

// evict drops all idle statements; it is false when all are busy.
func (c *sqliteConn) evict() bool {
	n := len(c.statements)
	maps.DeleteFunc(c.statements, func(_ string, s *sqliteStmt) bool {
		return !s.busy && s.raw.Close() == nil
	})
	return len(c.statements) < n
}

// bind writes args into the statement's own room.
func (s *sqliteStmt) bind(args []any) error {
	s.args = s.args[:0]
	for i, a := range args {
		v, err := plain(a)
		if err != nil {
			return err
		}
		s.args = append(s.args, driver.NamedValue{Ordinal: i + 1, Value: v})
	}
	return nil
}

// exec runs a statement and says how many rows it changed.
func (c *sqliteConn) exec(sql string, args ...any) (int64, error) {
	s, cached, err := c.prepare(sql)
	if err != nil {
		return 0, err
	}
	n, err := s.exec(args)
	if !cached {
		err = errors.Join(err, s.raw.Close())
	}
	return n, err
}

func (s *sqliteStmt) exec(args []any) (int64, error) {
	if err := s.bind(args); err != nil {
		return 0, err
	}
	// Not the caller's context: it would cost a goroutine, and a statement half done helps nobody.
	r, err := s.raw.(driver.StmtExecContext).ExecContext(context.Background(), s.args)
	if err != nil {
		return 0, sqliteError(err)
	}
	return r.RowsAffected()
}

// query calls scan for each row.
func (c *sqliteConn) query(ctx context.Context, sql string, args []any, scan func(Scanner) error) error {
	s, cached, err := c.prepare(sql)
	if err != nil {
		return err
	}
	s.busy = true
	err = s.query(ctx, args, scan)
	s.busy = false
	if !cached {
		err = errors.Join(err, s.raw.Close())
	}
	return err
}

func (s *sqliteStmt) query(ctx context.Context, args []any, scan func(Scanner) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := s.bind(args); err != nil {
		return err
	}
	rows, err := s.raw.(driver.StmtQueryContext).QueryContext(context.Background(), s.args)
	if err != nil {
		return sqliteError(err)
	}
	err = eachRow(ctx, rows, scan)
	if e := rows.Close(); err == nil && e != nil {
		err = sqliteError(e)
	}
	return err
}

func eachRow(ctx context.Context, rows driver.Rows, scan func(Scanner) error) error {
	row := make(sqliteRow, len(rows.Columns()))
	for {
		err := rows.Next(row)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return sqliteError(err)
		}
		if err := scan(row); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}

// sqliteRow is the current row.
type sqliteRow []driver.Value

// Scan implements Scanner.
func (r sqliteRow) Scan(dest ...any) error {
	if len(dest) != len(r) {
		return errArity
	}
	for i, d := range dest {
		if err := assign(d, r[i]); err != nil {
			return err
		}
	}
	return nil
}

// sqliteError gives err its kind. SQLite's messages name tables and columns, never values.
func sqliteError(err error) error {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return err
	}
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_FULL:
		return full(err)
	case sqlite3.SQLITE_IOERR, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY,
		sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_PROTOCOL, sqlite3.SQLITE_CORRUPT:
		return unavailable(err)
	case sqlite3.SQLITE_CONSTRAINT:
		if e.Code() == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY || e.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE {
			return duplicate(err)
		}
		if e.Code() == sqlite3.SQLITE_CONSTRAINT_TRIGGER { // there are no others than those of generations
			return generationClosed(err)
		}
	}
	return err
}
