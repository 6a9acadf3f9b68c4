package store

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tutela-health/tutela/internal/clock"
)

const (
	oldestPostgres = 150000 // server_version_num
	attempts       = 8      // of a transaction that deadlocks or cannot be serialized
	poolFactor     = 2      // connections that may be open for one that is kept
	connectWithin  = 5 * time.Second
)

// postgresEngine is a PostgreSQL database: a pool reads and updates, each lane has a connection
// of its own.
type postgresEngine struct {
	pool *pgxpool.Pool
	// views bounds the snapshots under way to half of the pool: whoever holds one may have to
	// read something beside it (a key), and must find a connection for that.
	views   chan struct{}
	sql     placeholders
	writers int
	clock   clock.Clock
}

func openPostgres(ctx context.Context, c Config) (*postgresEngine, error) {
	config, err := pgxpool.ParseConfig(c.URL)
	if err != nil {
		return nil, err // pgx leaves the password out
	}
	config.MinIdleConns = 1
	config.MaxConns = int32(min(poolFactor*c.Readers, 1000))
	config.ConnConfig.ConnectTimeout = cmp.Or(config.ConnConfig.ConnectTimeout, connectWithin)
	config.ConnConfig.RuntimeParams["application_name"] = "tutela"
	config.ConnConfig.RuntimeParams["jit"] = "off" // costs more than any of our queries
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, postgresError(err)
	}
	e := &postgresEngine{pool: pool, views: make(chan struct{}, max(1, config.MaxConns/2)), writers: c.Writers, clock: c.Clock}
	if err := e.check(ctx); err != nil {
		pool.Close()
		return nil, err
	}
	return e, nil
}

// check reads back what durability and the dialect rest on.
func (e *postgresEngine) check(ctx context.Context) error {
	version, err := e.setting(ctx, "server_version_num")
	if err != nil {
		return err
	}
	if n, err := strconv.Atoi(version); err != nil || n < oldestPostgres {
		return fmt.Errorf("%w: server_version_num is %s, below %d", ErrUnsafe, version, oldestPostgres)
	}
	for _, name := range []string{"fsync", "full_page_writes", "synchronous_commit", "server_encoding"} {
		value, err := e.setting(ctx, name)
		if err != nil {
			return err
		}
		if !safe(name, value) {
			return fmt.Errorf("%w: %s is %s", ErrUnsafe, name, value)
		}
	}
	return nil
}

// safe judges a setting. Every value of synchronous_commit but off waits for the local disk.
func safe(name, value string) bool {
	switch name {
	case "server_encoding":
		return value == "UTF8"
	case "synchronous_commit":
		return value != "off"
	}
	return value == "on"
}

func (e *postgresEngine) setting(ctx context.Context, name string) (string, error) {
	var value string
	_, err := e.QueryRow(ctx, "SELECT current_setting(?)", []any{name}, &value)
	return value, err
}

func (e *postgresEngine) name() Engine { return Postgres }

// lanes implements engine: two lanes of ordinary Ops keep the disk busy while the other computes;
// reads' entries and long Ops have lanes of their own, so that neither waits for the other.
func (e *postgresEngine) lanes() []laneSpec {
	var specs []laneSpec
	add := func(takes class, n, maxOps int) {
		for range n {
			specs = append(specs, laneSpec{takes, maxOps, newPostgresCommitter(e.pool.Config().ConnConfig)})
		}
	}
	add(ordinary, e.writers, defaultBatchOps)
	add(entriesOnly, 1, defaultBatchOps)
	add(alone, e.writers, 1)
	return specs
}

// Query implements Querier.
func (e *postgresEngine) Query(ctx context.Context, sql string, args []any, scan func(Scanner) error) error {
	text, started := e.sql.rewrite(sql), false
	return e.reconnecting(ctx, func() (bool, error) {
		err := postgresQuery(ctx, e.pool, text, args, func(s Scanner) error {
			started = true
			return scan(s)
		})
		return started, err
	})
}

// reconnecting runs f, and once more when the pooled connection turned out to be dead before f
// got anywhere, as all are after the server was restarted.
func (e *postgresEngine) reconnecting(ctx context.Context, f func() (started bool, err error)) error {
	started, err := f()
	if err == nil || started || ctx.Err() != nil || !connectionLost(err) {
		return err
	}
	e.pool.Reset()
	_, err = f()
	return err
}

// begin opens a transaction of the pool.
func (e *postgresEngine) begin(ctx context.Context, options pgx.TxOptions) (tx pgx.Tx, err error) {
	err = e.reconnecting(ctx, func() (bool, error) {
		tx, err = e.pool.BeginTx(ctx, options)
		return false, postgresError(err)
	})
	return tx, err
}

// QueryRow implements Querier.
func (e *postgresEngine) QueryRow(ctx context.Context, sql string, args []any, dest ...any) (bool, error) {
	return firstRow(ctx, e, sql, args, dest)
}

// between implements engine: nobody waits for anybody.
func (e *postgresEngine) between(_ context.Context, f func(Querier) error) error { return f(e) }

// snapshot implements engine.
func (e *postgresEngine) snapshot(ctx context.Context, f func(Querier) error) error {
	select {
	case e.views <- struct{}{}:
		defer func() { <-e.views }()
	case <-ctx.Done():
		return ctx.Err()
	}
	tx, err := e.begin(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return err
	}
	defer rollbackPostgres(ctx, tx)
	return f(&postgresTx{tx, &e.sql})
}

// rollbackPostgres ends tx even when ctx has ended. Should that fail the pool drops the connection.
func rollbackPostgres(ctx context.Context, tx pgx.Tx) {
	_ = tx.Rollback(context.WithoutCancel(ctx))
}

// checkpoint implements engine.
func (e *postgresEngine) checkpoint(context.Context) error { return nil }

// size implements engine.
func (e *postgresEngine) size(ctx context.Context) (int64, error) {
	var n int64
	_, err := e.QueryRow(ctx, "SELECT pg_database_size(current_database())", nil, &n)
	return n, err
}

// close implements engine.
func (e *postgresEngine) close() error {
	e.pool.Close()
	return nil
}
