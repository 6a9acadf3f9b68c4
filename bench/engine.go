package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	_ "modernc.org/sqlite" // the driver that store uses
)

// replay has an engine write transactions through nothing but its driver and gives creates per second.
func replay(ctx context.Context, url string, all []transaction) (float64, error) {
	write := replayPostgres
	if strings.HasPrefix(url, "sqlite:") {
		write = replaySQLite
	}
	took, err := write(ctx, url, all)
	return float64(creates(all)) / took.Seconds(), err
}

// replaySQLite writes row by row through prepared statements under the settings that store has.
func replaySQLite(ctx context.Context, url string, all []transaction) (time.Duration, error) {
	db, err := sql.Open("sqlite", "file:"+strings.TrimPrefix(url, "sqlite:")+
		"?_pragma=journal_mode(WAL)&_pragma=synchronous(2)&_pragma=wal_autocheckpoint(4000)&_pragma=cache_size(-4096)&_txlock=immediate")
	if err != nil {
		return 0, err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	statements := map[string]*sql.Stmt{}
	for _, t := range all {
		for _, r := range t.tables {
			if statements[r.table] == nil {
				text := fmt.Sprintf("INSERT INTO %s (%s) VALUES (?%s)%s", r.table, r.columns, strings.Repeat(", ?", strings.Count(r.columns, ",")), upsert(r.table))
				if statements[r.table], err = db.PrepareContext(ctx, text); err != nil {
					return 0, err
				}
			}
		}
	}
	started := time.Now()
	for _, t := range all {
		if err := writeSQLite(ctx, db, statements, t); err != nil {
			return 0, err
		}
	}
	return time.Since(started), nil
}

func writeSQLite(ctx context.Context, db *sql.DB, statements map[string]*sql.Stmt, t transaction) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	for _, r := range t.tables {
		s := tx.StmtContext(ctx, statements[r.table])
		for _, row := range r.rows {
			if _, err := s.ExecContext(ctx, row...); err != nil {
				return errors.Join(fmt.Errorf("write %s: %w", r.table, err), tx.Rollback())
			}
		}
	}
	return tx.Commit()
}

// upsert is the end of a statement that replaces; only a lane's head is ever replaced.
func upsert(table string) string {
	if table != "ledger_heads" {
		return ""
	}
	return " ON CONFLICT (node, lane) DO UPDATE SET seq = excluded.seq, hash = excluded.hash, mac = excluded.mac"
}

// replayPostgres writes each transaction as one pipeline of unnested arrays, lane by lane on a
// connection of its own, as the two writers did.
func replayPostgres(ctx context.Context, url string, all []transaction) (time.Duration, error) {
	lanes := map[int64][]transaction{}
	for _, t := range all {
		lanes[t.lane] = append(lanes[t.lane], t)
	}
	var conns []*pgx.Conn
	for range lanes {
		conn, err := pgx.Connect(ctx, url)
		if err != nil {
			return 0, err
		}
		defer conn.Close(context.WithoutCancel(ctx))
		conns = append(conns, conn)
	}
	errs := make([]error, len(conns))
	var wg sync.WaitGroup
	started := time.Now()
	n := 0
	for _, list := range lanes {
		at := n
		n++
		wg.Go(func() {
			for _, t := range list {
				if err := writePostgres(ctx, conns[at], t); err != nil {
					errs[at] = err
					return
				}
			}
		})
	}
	wg.Wait()
	return time.Since(started), errors.Join(errs...)
}

func writePostgres(ctx context.Context, conn *pgx.Conn, t transaction) error {
	b := &pgx.Batch{}
	b.Queue("begin")
	for _, r := range t.tables {
		text, args := unnested(r)
		b.Queue(text, args...)
	}
	b.Queue("commit")
	return conn.SendBatch(ctx, b).Close()
}

// unnested is one statement for all rows, which come as an array a column.
func unnested(r rows) (string, []any) {
	var casts []string
	var args []any
	for i := range strings.Count(r.columns, ",") + 1 {
		var typ string
		typ, arg := column(r.rows, i)
		casts = append(casts, fmt.Sprintf("$%d::%s[]", i+1, typ))
		args = append(args, arg)
	}
	return fmt.Sprintf("INSERT INTO %s (%s) SELECT * FROM unnest(%s)%s", r.table, r.columns, strings.Join(casts, ", "), upsert(r.table)), args
}

// column is one column's type and values.
func column(rows [][]any, i int) (string, any) {
	switch rows[0][i].(type) {
	case []byte:
		return "bytea", collect[[]byte](rows, i)
	case string:
		return "text", collect[string](rows, i)
	case nil:
		return "bigint", make([]*int64, len(rows)) // versions.moved: a create moves nothing
	default:
		return "bigint", collect[int64](rows, i)
	}
}

func collect[T any](rows [][]any, i int) []T {
	list := make([]T, len(rows))
	for j, row := range rows {
		list[j] = row[i].(T)
	}
	return list
}

// copyDatabase keeps a stopped system's database as it is now, for the floor to write to.
func (r *round) copyDatabase(ctx context.Context) (string, error) {
	if r.cluster != nil {
		return r.cluster.copy(ctx, r.system.postgres)
	}
	to := r.system.file("before.db")
	text, err := os.ReadFile(r.system.file("tutela.db"))
	if err == nil {
		err = os.WriteFile(to, text, 0o600)
	}
	return "sqlite:" + to, err
}
