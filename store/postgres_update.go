package store

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// update implements engine.
func (e *postgresEngine) update(ctx context.Context, f func(*Tx) error) error {
	var err error
	for range attempts {
		if err = e.tryUpdate(ctx, f); !again(err) {
			return err
		}
	}
	return unavailable(fmt.Errorf("%d attempts: %w", attempts, err))
}

func (e *postgresEngine) tryUpdate(ctx context.Context, f func(*Tx) error) error {
	tx, err := e.begin(ctx, pgx.TxOptions{IsoLevel: pgx.ReadCommitted})
	if err != nil {
		return err
	}
	defer rollbackPostgres(ctx, tx)
	if err := f(&Tx{&postgresTx{tx, &e.sql}, Postgres, e.clock}); err != nil {
		return err
	}
	err = postgresError(tx.Commit(ctx))
	if connectionLost(err) {
		return unknown(err)
	}
	return err
}

// exclusive implements engine: the table of migrations is what nodes that start together queue for.
func (e *postgresEngine) exclusive(ctx context.Context, f func(*Tx) error) error {
	return e.update(ctx, func(tx *Tx) error {
		if err := tx.script(ctx, "LOCK TABLE schema_migrations IN EXCLUSIVE MODE"); err != nil {
			return err
		}
		return f(tx)
	})
}

// postgresTx is an open transaction of the pool.
type postgresTx struct {
	tx  pgx.Tx
	sql *placeholders
}

// Query implements Querier.
func (t *postgresTx) Query(ctx context.Context, sql string, args []any, scan func(Scanner) error) error {
	return postgresQuery(ctx, t.tx, t.sql.rewrite(sql), args, scan)
}

// QueryRow implements Querier.
func (t *postgresTx) QueryRow(ctx context.Context, sql string, args []any, dest ...any) (bool, error) {
	return firstRow(ctx, t, sql, args, dest)
}

func (t *postgresTx) exec(ctx context.Context, sql string, args []any) (int64, error) {
	bound, err := plainAll(args)
	if err != nil {
		return 0, err
	}
	tag, err := t.tx.Exec(ctx, t.sql.rewrite(sql), bound...)
	return tag.RowsAffected(), postgresError(err)
}

func (t *postgresTx) script(ctx context.Context, sql string) error {
	_, err := t.tx.Exec(ctx, sql, pgx.QueryExecModeSimpleProtocol)
	return postgresError(err)
}

func (t *postgresTx) write(ctx context.Context, v verb, rows Rows) error {
	if len(rows.Rows) == 0 {
		return nil
	}
	m := newMerge(rows.statement(v))
	if err := m.addAll(rows.Rows); err != nil {
		return err
	}
	_, err := t.tx.Exec(ctx, m.statement.mergedText(), m.args()...)
	return postgresError(err)
}
