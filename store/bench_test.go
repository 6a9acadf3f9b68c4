package store_test

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/tutela-health/tutela/internal/testkit"
	"github.com/tutela-health/tutela/store"
)

const benchSchema = `
CREATE TABLE locators (tenant {{int}} NOT NULL, locator {{int}} NOT NULL, version {{int}} NOT NULL, PRIMARY KEY (tenant, locator)) {{clustered}};
CREATE TABLE versions (bucket {{int}} NOT NULL, locator {{int}} NOT NULL, version {{int}} NOT NULL, body {{bytes}} NOT NULL, PRIMARY KEY (bucket, locator, version)) {{clustered}};
CREATE TABLE terms (parameter {{int}} NOT NULL, token {{int}} NOT NULL, locator {{int}} NOT NULL, PRIMARY KEY (parameter, token, locator)) {{clustered}};
`

var (
	benchLocators = benchTable("locators", 2, "tenant", "locator", "version")
	benchVersions = &store.Table{Name: "versions", Key: 3, Columns: []store.Column{
		{Name: "bucket", Kind: store.Int}, {Name: "locator", Kind: store.Int}, {Name: "version", Kind: store.Int},
		{Name: "body", Kind: store.Bytes},
	}}
	benchTerms = benchTable("terms", 3, "parameter", "token", "locator")
)

func benchTable(name string, key int, columns ...string) *store.Table {
	t := &store.Table{Name: name, Key: key}
	for _, c := range columns {
		t.Columns = append(t.Columns, store.Column{Name: c, Kind: store.Int})
	}
	return t
}

// resource is what a create writes: a claimed locator, a version of 350 bytes, 12 terms, an entry of 600 bytes.
func resource(i int64) store.Op {
	locator := int64(uint64(i) * 0x9e3779b97f4a7c15)
	terms := make([][]any, 12)
	for j := range terms {
		terms[j] = []any{int64(j), rand.Int64(), locator}
	}
	return store.Op{
		Claims: []store.Claim{{Table: benchLocators, Key: []any{int64(1), locator}, Set: []any{int64(1), locator, int64(1)}}},
		Inserts: []store.Rows{
			{Table: benchVersions, Rows: [][]any{{locator % 1000, locator, int64(1), make([]byte, 350)}}},
			{Table: benchTerms, Rows: terms},
		},
		Entries: [][]byte{make([]byte, 600)},
	}
}

func benchURL(b *testing.B, engine store.Engine) string {
	if engine == store.SQLite {
		return "sqlite:" + filepath.Join(b.TempDir(), "b.db")
	}
	return testkit.Postgres(b)
}

func openBench(b *testing.B, url string) *store.DB {
	db, err := store.Open(b.Context(), store.Config{URL: url, Reserve: -1})
	must(b, err)
	b.Cleanup(func() { must(b, db.Close()) })
	must(b, db.Migrate(b.Context(), append(testMigrations(), store.Migration{ID: "9001_bench", SQL: benchSchema})))
	db.SetStamper(newChain())
	return db
}

// callers runs f b.N times from n goroutines.
func callers(b *testing.B, n int, f func(i int64) error) {
	var next atomic.Int64
	var wg sync.WaitGroup
	b.ResetTimer()
	for range n {
		wg.Go(func() {
			for i := next.Add(1); i <= int64(b.N); i = next.Add(1) {
				if err := f(i); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "op/s")
}

func BenchmarkCommit(b *testing.B) {
	for _, engine := range []store.Engine{store.SQLite, store.Postgres} {
		for _, n := range []int{1, 64, 256} {
			b.Run(fmt.Sprintf("%s/resource/%d", engine, n), func(b *testing.B) {
				db := openBench(b, benchURL(b, engine))
				callers(b, n, func(i int64) error { return db.Commit(b.Context(), resource(i)) })
			})
			b.Run(fmt.Sprintf("%s/entry/%d", engine, n), func(b *testing.B) {
				db := openBench(b, benchURL(b, engine))
				entry := [][]byte{make([]byte, 600)}
				callers(b, n, func(int64) error { return db.Commit(b.Context(), store.Op{Entries: entry}) })
			})
		}
	}
}

// BenchmarkFloor writes the rows of resource through the engine alone, 64 resources a
// transaction: on SQLite by prepared statements, on PostgreSQL as unnested arrays.
func BenchmarkFloor(b *testing.B) {
	const batch = 64
	b.Run("sqlite", func(b *testing.B) {
		url := benchURL(b, store.SQLite)
		db := openBench(b, url)
		raw, err := sql.Open("sqlite", "file:"+url[len("sqlite:"):]+"?_pragma=synchronous(2)&_pragma=wal_autocheckpoint(4000)")
		must(b, err)
		defer raw.Close()
		_ = db
		b.ResetTimer()
		for i := int64(0); i < int64(b.N); i += batch {
			must(b, floorSQLite(b.Context(), raw, i, min(i+batch, int64(b.N))))
		}
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "op/s")
	})
	b.Run("postgres", func(b *testing.B) {
		url := benchURL(b, store.Postgres)
		openBench(b, url)
		var wg sync.WaitGroup
		var next atomic.Int64
		b.ResetTimer()
		for range 2 {
			wg.Go(func() {
				conn, err := pgx.Connect(b.Context(), url)
				if err != nil {
					b.Error(err)
					return
				}
				defer conn.Close(context.WithoutCancel(b.Context()))
				for i := next.Add(batch) - batch; i < int64(b.N); i = next.Add(batch) - batch {
					if err := floorPostgres(b.Context(), conn, i, min(i+batch, int64(b.N))); err != nil {
						b.Error(err)
					}
				}
			})
		}
		wg.Wait()
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "op/s")
	})
}

func floorSQLite(ctx context.Context, db *sql.DB, from, to int64) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	statements := map[string]*sql.Stmt{}
	insert := func(t *store.Table, row []any) error {
		s := statements[t.Name]
		if s == nil {
			marks := "?"
			for range len(t.Columns) - 1 {
				marks += ",?"
			}
			if s, err = tx.PrepareContext(ctx, "INSERT INTO "+t.Name+" VALUES ("+marks+")"); err != nil {
				return err
			}
			statements[t.Name] = s
		}
		_, err := s.ExecContext(ctx, row...)
		return err
	}
	blob := make([]byte, 0, 1<<16)
	for i := from; i < to; i++ {
		op := resource(i)
		if err := insert(benchLocators, op.Claims[0].Set); err != nil {
			return err
		}
		for _, rows := range op.Inserts {
			for _, row := range rows.Rows {
				if err := insert(rows.Table, row); err != nil {
					return err
				}
			}
		}
		blob = append(blob, op.Entries[0]...)
	}
	if err := insert(chainRows, []any{int64(9), from, blob}); err != nil {
		return err
	}
	return tx.Commit()
}

func floorPostgres(ctx context.Context, conn *pgx.Conn, from, to int64) error {
	var l, v, p, tok, tl []int64
	var bodies [][]byte
	var blob []byte
	for i := from; i < to; i++ {
		op := resource(i)
		set, version := op.Claims[0].Set, op.Inserts[0].Rows[0]
		l, v = append(l, set[1].(int64)), append(v, version[0].(int64))
		bodies = append(bodies, version[3].([]byte))
		for _, t := range op.Inserts[1].Rows {
			p, tok, tl = append(p, t[0].(int64)), append(tok, t[1].(int64)), append(tl, t[2].(int64))
		}
		blob = append(blob, op.Entries[0]...)
	}
	b := &pgx.Batch{}
	b.Queue("begin")
	b.Queue("INSERT INTO locators SELECT 1, l, 1 FROM unnest($1::bigint[]) AS u(l)", l)
	b.Queue("INSERT INTO versions SELECT b, l, 1, body FROM unnest($1::bigint[], $2::bigint[], $3::bytea[]) AS u(b, l, body)", v, l, bodies)
	b.Queue("INSERT INTO terms SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[])", p, tok, tl)
	b.Queue("INSERT INTO chain VALUES ($1, $2, $3)", int64(9), from, blob)
	b.Queue("commit")
	return conn.SendBatch(ctx, b).Close()
}

func BenchmarkPointRead(b *testing.B) {
	for _, engine := range []store.Engine{store.SQLite, store.Postgres} {
		b.Run(string(engine), func(b *testing.B) {
			db := openBench(b, benchURL(b, engine))
			const rows = 10_000
			callersOf(b, db, rows)
			b.ReportAllocs()
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					locator := int64(uint64(rand.Int64N(rows)) * 0x9e3779b97f4a7c15)
					var body []byte
					found, err := db.QueryRow(b.Context(), "SELECT body FROM versions WHERE bucket = ? AND locator = ? AND version = ?",
						[]any{locator % 1000, locator, int64(1)}, &body)
					if err != nil || !found || len(body) != 350 {
						b.Error(found, len(body), err)
						return
					}
				}
			})
		})
	}
}

func callersOf(b *testing.B, db *store.DB, rows int64) {
	var wg sync.WaitGroup
	for w := range int64(64) {
		wg.Go(func() {
			for i := w; i < rows; i += 64 {
				if err := db.Commit(b.Context(), resource(i)); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}
