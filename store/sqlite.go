package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync"

	"modernc.org/sqlite"

	"github.com/tutela-health/tutela/internal/clock"
)

// sqliteEngine is a SQLite database in write-ahead mode: one connection writes, many read.
type sqliteEngine struct {
	path      string
	connector driver.Connector
	writer    chan *sqliteConn // holds the one writing connection while nobody uses it
	space     *space
	clock     clock.Clock
	turns     chan struct{} // holds one for each reader whose turn it is

	mu      sync.Mutex // guards what follows
	idle    []*sqliteConn
	maxIdle int
	closed  bool
}

// Pragmas of every connection. Foreign keys are off: rows are sealed, and refer by hash.
// 32 MB of log before a checkpoint keeps the writer's pauses rare; 4 MB of cache per reader is
// enough beside the operating system's.
const (
	pragmaBusy       = "busy_timeout=10000"
	pragmaPage       = "page_size=8192"
	pragmaWAL        = "journal_mode=WAL"
	pragmaFull       = "synchronous=FULL"
	pragmaNoForeign  = "foreign_keys=OFF"
	pragmaCheckpoint = "wal_autocheckpoint=4000"
	pragmaCache      = "cache_size=-4096"
	pragmaTemp       = "temp_store=MEMORY"
	pragmaReadOnly   = "query_only=ON"
)

func openSQLite(path string, c Config) (*sqliteEngine, error) {
	if err := makeFile(path); err != nil {
		return nil, err
	}
	connector, err := sqlite.NewConnector((&url.URL{Scheme: "file", OmitHost: true, Path: path}).String())
	if err != nil {
		return nil, err
	}
	e := &sqliteEngine{
		path: path, connector: connector, writer: make(chan *sqliteConn, 1), clock: c.Clock, maxIdle: c.Readers,
		turns: make(chan struct{}, c.Readers),
	}
	w, err := e.dialWriter()
	if err != nil {
		return nil, err
	}
	e.writer <- w
	if e.space, err = openSpace(filepath.Dir(path), c.Reserve, c.MinFree); err != nil {
		return nil, errors.Join(err, e.close())
	}
	return e, nil
}

// makeFile makes the database file before SQLite does, so that its mode is 0600 from the start;
// SQLite gives its log the same mode.
func makeFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

func (e *sqliteEngine) dialWriter() (*sqliteConn, error) {
	c, err := dialSQLite(context.Background(), e.connector, pragmaBusy, pragmaPage, pragmaWAL, pragmaFull,
		pragmaNoForeign, pragmaCheckpoint, pragmaCache, pragmaTemp)
	if err != nil {
		return nil, err
	}
	if err := checkSQLite(c); err != nil {
		return nil, errors.Join(err, c.close())
	}
	return c, nil
}

// checkSQLite reads the settings back: on some file systems WAL is refused without an error.
func checkSQLite(c *sqliteConn) error {
	var mode string
	var level int
	err := queryRow(context.Background(), c, "PRAGMA journal_mode", nil, &mode)
	if err == nil {
		err = queryRow(context.Background(), c, "PRAGMA synchronous", nil, &level)
	}
	switch {
	case err != nil:
		return err
	case mode != "wal":
		return fmt.Errorf("%w: journal_mode is %s, not wal", ErrUnsafe, mode)
	case level != 2:
		return fmt.Errorf("%w: synchronous is %d, not 2 (FULL)", ErrUnsafe, level)
	}
	return nil
}

func queryRow(ctx context.Context, c *sqliteConn, sql string, args []any, dest ...any) error {
	return c.query(ctx, sql, args, func(s Scanner) error { return s.Scan(dest...) })
}

func (e *sqliteEngine) name() Engine { return SQLite }

func (e *sqliteEngine) lanes() []laneSpec {
	return []laneSpec{{takes: ordinary, maxOps: defaultBatchOps, committer: &sqliteCommitter{engine: e}}}
}

// borrow takes the writing connection, making it anew when it was lost.
func (e *sqliteEngine) borrow(ctx context.Context) (*sqliteConn, error) {
	select {
	case c := <-e.writer:
		if c != nil {
			return c, nil
		}
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if e.isClosed() {
		e.writer <- nil
		return nil, closed()
	}
	c, err := e.dialWriter()
	if err != nil {
		e.writer <- nil
		return nil, unavailable(err)
	}
	return c, nil
}

func (e *sqliteEngine) isClosed() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.closed
}

// checkpoint implements engine.
func (e *sqliteEngine) checkpoint(ctx context.Context) error {
	c, err := e.borrow(ctx)
	if err != nil {
		return err
	}
	defer func() { e.writer <- c }()
	var busy, log, moved int
	if err := queryRow(ctx, c, "PRAGMA wal_checkpoint(TRUNCATE)", nil, &busy, &log, &moved); err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	if busy != 0 {
		return fmt.Errorf("checkpoint: %w", errBusy)
	}
	return nil
}

var errBusy = errors.New("a long read holds the log")

// size implements engine.
func (e *sqliteEngine) size(context.Context) (int64, error) {
	var n int64
	for _, suffix := range []string{"", "-wal"} {
		info, err := os.Stat(e.path + suffix)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return 0, err
		}
		if err == nil {
			n += info.Size()
		}
	}
	return n, nil
}

// close implements engine.
func (e *sqliteEngine) close() error {
	e.mu.Lock()
	e.closed = true
	idle := e.idle
	e.idle = nil
	e.mu.Unlock()
	var err error
	for _, c := range idle {
		err = errors.Join(err, c.close())
	}
	if c := <-e.writer; c != nil {
		err = errors.Join(err, c.close())
	}
	e.writer <- nil
	return err
}
