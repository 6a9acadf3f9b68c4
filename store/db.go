package store

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/tutela-health/tutela/internal/clock"
	"github.com/tutela-health/tutela/internal/errs"
)

// DB is one tenant's database. It is safe for concurrent use.
type DB struct {
	engine
	path    string
	clock   clock.Clock
	stamper atomic.Pointer[Stamper]

	queues [classes]chan *request
	lanes  []*lane

	mu     sync.RWMutex // guards closed, and the queues against sending after close
	closed bool
}

// Open connects to the database that c.URL names, making a SQLite file (mode 0600) that does not
// exist. It refuses, with ErrUnsafe, settings under which an acknowledged write could be lost.
// Call Migrate before anything else, and Close when done.
func Open(ctx context.Context, c Config) (*DB, error) {
	c = c.withDefaults()
	scheme, rest, _ := strings.Cut(c.URL, ":")
	switch scheme {
	case "sqlite":
		e, err := openSQLite(rest, c)
		if err != nil {
			return nil, fmt.Errorf("open sqlite: %w", err)
		}
		return start(e, rest, c), nil
	case "postgres", "postgresql":
		e, err := openPostgres(ctx, c)
		if err != nil {
			return nil, fmt.Errorf("open postgres: %w", err)
		}
		return start(e, "", c), nil
	}
	return nil, errs.New(errs.Invalid, "database URL must start with sqlite: or postgres:")
}

// start gives the engine its lanes. Classes that have none of their own share the ordinary queue.
func start(e engine, path string, c Config) *DB {
	db := &DB{engine: e, path: path, clock: c.Clock}
	specs := e.lanes()
	db.queues[ordinary] = make(chan *request, queueLength)
	for _, s := range specs {
		if db.queues[s.takes] == nil {
			db.queues[s.takes] = make(chan *request, queueLength)
		}
	}
	for i, s := range specs {
		db.lanes = append(db.lanes, startLane(i, s, db.queues[s.takes], db.stamp, db.settle))
	}
	for k := range db.queues {
		if db.queues[k] == nil {
			db.queues[k] = db.queues[ordinary]
		}
	}
	return db
}

// Engine names the engine.
func (db *DB) Engine() Engine { return db.name() }

// Path is the SQLite file, or empty.
func (db *DB) Path() string { return db.path }

// Lanes is how many lanes commit here; a Stamper is called with lanes from 0 below it.
func (db *DB) Lanes() int { return len(db.lanes) }

// Between calls f with a Querier that sees what is committed at each statement, and on SQLite with
// one whose page cache commits do not make stale: no commit happens while f runs, which must be short.
func (db *DB) Between(ctx context.Context, f func(Querier) error) error {
	return db.between(ctx, f)
}

// Snapshot calls f with a Querier that sees one consistent state for as long as f runs.
func (db *DB) Snapshot(ctx context.Context, f func(Querier) error) error {
	return db.snapshot(ctx, f)
}

// Update runs f in a read-write transaction of its own and commits it durably when f returns nil.
// On SQLite nothing else is written meanwhile; on PostgreSQL it is READ COMMITTED, and f runs
// again after a deadlock or serialization failure, so f must not have effects outside tx. Within f,
// use tx alone: another write would wait for this one.
func (db *DB) Update(ctx context.Context, f func(tx *Tx) error) error {
	return db.update(ctx, f)
}

// Checkpoint moves SQLite's write-ahead log into the database file and empties it.
// On PostgreSQL it does nothing.
func (db *DB) Checkpoint(ctx context.Context) error { return db.checkpoint(ctx) }

// Size is how many bytes the database takes on disk: SQLite's file and log without the
// reserve, or pg_database_size.
func (db *DB) Size(ctx context.Context) (int64, error) { return db.size(ctx) }

// SetStamper names what turns entries into rows. It must be called before the first Commit with Entries.
func (db *DB) SetStamper(s Stamper) { db.stamper.Store(&s) }

func (db *DB) stamp(lane int, entries [][]byte) (Stamped, error) {
	s := db.stamper.Load()
	if s == nil {
		return Stamped{}, errs.New(errs.Internal, "entries committed before SetStamper")
	}
	return (*s).Stamp(lane, entries)
}

func (db *DB) settle(lane int, committed bool) {
	if s := db.stamper.Load(); s != nil {
		(*s).Settle(lane, committed)
	}
}

// Close finishes the Ops that were handed over, waits for the lanes and disconnects.
// Later calls fail with ErrClosed.
func (db *DB) Close() error {
	if !db.refuseOps() {
		return nil
	}
	for _, l := range db.lanes {
		l.wait()
	}
	return db.engine.close()
}

// refuseOps closes the queues; it is false when they were closed before.
func (db *DB) refuseOps() bool {
	db.mu.Lock()
	defer db.mu.Unlock()
	if db.closed {
		return false
	}
	db.closed = true
	seen := map[chan *request]bool{}
	for _, q := range db.queues {
		if !seen[q] {
			seen[q] = true
			close(q)
		}
	}
	return true
}
