package store_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/store"
)

// named has a type of its own, as the vocabulary's do.
type named int64

var values = &store.Table{
	Name:    "vals",
	Columns: []store.Column{{"a", store.Int}, {"b", store.Text}, {"c", store.Bytes}},
	Key:     2,
}

const valuesSchema = `CREATE TABLE vals (a {{int}} NOT NULL, b {{text}} NOT NULL, c {{bytes}}, PRIMARY KEY (a, b)) {{clustered}}`

type value struct {
	A named
	B string
	C []byte
}

func allValues(t *testing.T, q store.Querier) []value {
	t.Helper()
	var all []value
	must(t, q.Query(t.Context(), "SELECT a, b, c FROM vals ORDER BY a, b", nil, func(s store.Scanner) error {
		var v value
		err := s.Scan(&v.A, &v.B, &v.C)
		all = append(all, v)
		return err
	}))
	return all
}

func insertValues(rows ...[]any) store.Op {
	return store.Op{Inserts: []store.Rows{{Table: values, Rows: rows}}}
}

func TestValuesComeBackAsTheyWere(t *testing.T) {
	onEachEngine(t, func(t *testing.T, db *store.DB) {
		must(t, db.Commit(t.Context(), insertValues(
			[]any{int64(-1 << 63), "", []byte{}},
			[]any{named(0), "ünï\n'?\"", nil},
			[]any{int64(1<<63 - 1), "x", []byte{0, 255}},
		)))
		want := []value{{-1 << 63, "", []byte{}}, {0, "ünï\n'?\"", nil}, {1<<63 - 1, "x", []byte{0, 255}}}
		if d := cmp.Diff(want, allValues(t, db)); d != "" {
			t.Error(d)
		}
	})
}

func TestQueryRow(t *testing.T) {
	onEachEngine(t, func(t *testing.T, db *store.DB) {
		must(t, db.Commit(t.Context(), insertValues([]any{1, "x", nil}, []any{2, "?", []byte("c")})))
		var a *int64
		var c *string
		found, err := db.QueryRow(t.Context(), "SELECT a, NULL FROM vals WHERE b = '?' AND b = ?", []any{"?"}, &a, &c)
		if err != nil || !found || a == nil || *a != 2 || c != nil {
			t.Errorf("found %v, a %v, c %v, %v", found, a, c, err)
		}
		if found, err = db.QueryRow(t.Context(), "SELECT a FROM vals WHERE a = ?", []any{3}, &a); found || err != nil {
			t.Errorf("found a row that is not there: %v", err)
		}
		var wrong []byte
		if _, err = db.QueryRow(t.Context(), "SELECT a FROM vals", nil, &wrong); err == nil {
			t.Error("an integer was read as bytes")
		}
		if _, err = db.QueryRow(t.Context(), "SELECT a, b FROM vals", nil, &wrong); err == nil {
			t.Error("two columns were read as one")
		}
		if _, err = db.QueryRow(t.Context(), "SELECT a FROM vals WHERE c = ?", []any{struct{}{}}, &a); err == nil {
			t.Error("a struct was bound")
		}
	})
}

func TestQueryStopsWithItsScanAndItsContext(t *testing.T) {
	onEachEngine(t, func(t *testing.T, db *store.DB) {
		must(t, db.Commit(t.Context(), insertValues([]any{1, "x", nil}, []any{2, "x", nil}, []any{3, "x", nil})))
		calls := 0
		err := db.Query(t.Context(), "SELECT a FROM vals", nil, func(store.Scanner) error { calls++; return errRefused })
		if !errors.Is(err, errRefused) || calls != 1 {
			t.Errorf("%d calls, %v", calls, err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := db.Query(ctx, "SELECT a FROM vals", nil, func(store.Scanner) error { return nil }); !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled query: %v", err)
		}
	})
}

func TestDeleteByPrefixBeforeInsert(t *testing.T) {
	onEachEngine(t, func(t *testing.T, db *store.DB) {
		must(t, db.Commit(t.Context(), insertValues(
			[]any{1, "x", nil}, []any{1, "y", nil}, []any{2, "x", nil}, []any{2, "y", nil}, []any{3, "x", nil})))
		op := insertValues([]any{1, "x", []byte("new")})
		op.Deletes = []store.Rows{{Table: values, Rows: [][]any{{1}, {2, "y"}, {9}}}}
		must(t, db.Commit(t.Context(), op))
		want := []value{{1, "x", []byte("new")}, {2, "x", nil}, {3, "x", nil}}
		if d := cmp.Diff(want, allValues(t, db)); d != "" {
			t.Error(d)
		}
	})
}

func TestClaims(t *testing.T) {
	row := func(b string, c []byte) store.Rows {
		return store.Rows{Table: values, Rows: [][]any{{1, b, c}}}
	}
	for name, c := range map[string]struct {
		claim store.Claim
		holds bool
	}{
		"absent":            {store.Claim{Key: []any{1, "new"}, Set: []any{1, "new", nil}}, true},
		"absent, but there": {store.Claim{Key: []any{1, "null"}, Set: []any{1, "null", nil}}, false},
		"as expected":       {store.Claim{Key: []any{1, "one"}, Expect: []any{[]byte{1}}, Set: []any{1, "one", []byte{2}}}, true},
		"not as expected":   {store.Claim{Key: []any{1, "one"}, Expect: []any{[]byte{9}}, Set: []any{1, "one", []byte{2}}}, false},
		"NULL as expected":  {store.Claim{Key: []any{1, "null"}, Expect: []any{nil}, Set: []any{1, "null", []byte{2}}}, true},
		"NULL expected":     {store.Claim{Key: []any{1, "one"}, Expect: []any{nil}, Set: []any{1, "one", []byte{2}}}, false},
		"any, present":      {store.Claim{Key: []any{1, "one"}, Expect: []any{}, Set: []any{1, "one", []byte{2}}}, true},
		"any, but absent":   {store.Claim{Key: []any{1, "new"}, Expect: []any{}, Set: []any{1, "new", nil}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			onEachEngine(t, func(t *testing.T, db *store.DB) {
				must(t, db.Commit(t.Context(), store.Op{Inserts: []store.Rows{row("one", []byte{1}), row("null", nil)}}))
				before := allValues(t, db)
				c.claim.Table = values
				err := db.Commit(t.Context(), store.Op{Claims: []store.Claim{c.claim}, Inserts: note(1, 1, "x").Inserts})
				if c.holds != (err == nil) || !c.holds && !errors.Is(err, store.ErrClaim) {
					t.Errorf("holds: %v, got %v", c.holds, err)
				}
				changed := !cmp.Equal(before, allValues(t, db))
				if changed != c.holds || (count(t, db, "notes") == 1) != c.holds {
					t.Errorf("holds: %v; row changed: %v", c.holds, changed)
				}
			})
		})
	}
}

func TestDuplicateInsertFailsItsOp(t *testing.T) {
	onEachEngine(t, func(t *testing.T, db *store.DB) {
		must(t, db.Commit(t.Context(), note(1, 1, "x")))
		op := note(1, 1, "y")
		op.Inserts = append(op.Inserts, note(1, 2, "z").Inserts...)
		err := db.Commit(t.Context(), op)
		if !errors.Is(err, store.ErrDuplicate) || !errs.Is(err, errs.Conflict) {
			t.Errorf("got %v, want ErrDuplicate", err)
		}
		if n := count(t, db, "notes"); n != 1 {
			t.Errorf("notes: %d, want 1", n)
		}
	})
}

func TestIllShapedOpIsRefused(t *testing.T) {
	db := openTest(t, "sqlite:"+t.TempDir()+"/i.db")
	for name, op := range map[string]store.Op{
		"no table":     {Inserts: []store.Rows{{Rows: [][]any{{1}}}}},
		"short row":    insertValues([]any{1, "x"}),
		"long key":     {Deletes: []store.Rows{{Table: values, Rows: [][]any{{1, "x", nil}}}}},
		"empty key":    {Deletes: []store.Rows{{Table: values, Rows: [][]any{{}}}}},
		"short claim":  {Claims: []store.Claim{{Table: values, Key: []any{1}, Set: []any{1, "x", nil}}}},
		"no such type": insertValues([]any{1, "x", 1.5}),
	} {
		if err := db.Commit(t.Context(), op); err == nil {
			t.Errorf("%s: committed", name)
		}
	}
}

func TestUpdateIsWholeOrNothing(t *testing.T) {
	onEachEngine(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		rows := func(r ...[]any) store.Rows { return store.Rows{Table: values, Rows: r} }
		must(t, db.Update(ctx, func(tx *store.Tx) error {
			return errors.Join(
				tx.Insert(ctx, rows([]any{1, "x", nil}, []any{1, "y", nil}, []any{2, "x", nil})),
				tx.Upsert(ctx, rows([]any{1, "x", []byte("up")}, []any{3, "x", nil})),
				tx.Delete(ctx, rows([]any{2}, []any{1, "y"})))
		}))
		want := []value{{1, "x", []byte("up")}, {3, "x", nil}}
		if d := cmp.Diff(want, allValues(t, db)); d != "" {
			t.Error(d)
		}
		err := db.Update(ctx, func(tx *store.Tx) error {
			n, err := tx.Exec(ctx, "DELETE FROM vals WHERE a >= ?", 0)
			if n != 2 || err != nil || len(allValues(t, tx)) != 0 {
				t.Errorf("deleted %d, %v", n, err)
			}
			return errRefused
		})
		if !errors.Is(err, errRefused) {
			t.Error(err)
		}
		if d := cmp.Diff(want, allValues(t, db)); d != "" {
			t.Error(d)
		}
	})
}

func TestSnapshotSeesOneMoment(t *testing.T) {
	onEachEngine(t, func(t *testing.T, db *store.DB) {
		must(t, db.Snapshot(t.Context(), func(q store.Querier) error {
			before := count(t, q, "notes")
			must(t, db.Commit(t.Context(), note(1, 1, "later")))
			if after := count(t, q, "notes"); before != 0 || after != 0 {
				t.Errorf("notes before %d, after %d; want 0, 0", before, after)
			}
			return nil
		}))
		if n := count(t, db, "notes"); n != 1 {
			t.Errorf("notes: %d, want 1", n)
		}
	})
}

func TestSizeAndCheckpoint(t *testing.T) {
	onEachEngine(t, func(t *testing.T, db *store.DB) {
		must(t, db.Checkpoint(t.Context()))
		before, err := db.Size(t.Context())
		must(t, err)
		must(t, db.Commit(t.Context(), insertValues([]any{1, "x", make([]byte, 1<<20)})))
		must(t, db.Checkpoint(t.Context()))
		after, err := db.Size(t.Context())
		must(t, err)
		if db.Engine() == store.SQLite && after-before < 1<<20 || after < before || before == 0 {
			t.Errorf("size before %d, after %d", before, after)
		}
	})
}

func TestClosedStoreRefuses(t *testing.T) {
	onEachEngine(t, func(t *testing.T, db *store.DB) {
		must(t, db.Close())
		nothing := func(store.Scanner) error { return nil }
		for name, err := range map[string]error{
			"commit": db.Commit(t.Context(), note(1, 1, "x")),
			"query":  db.Query(t.Context(), "SELECT 1", nil, nothing),
			"update": db.Update(t.Context(), func(*store.Tx) error { return nil }),
		} {
			if !errs.Is(err, errs.Unavailable) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}
