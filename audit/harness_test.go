package audit

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/testkit"
	"github.com/tutela-health/tutela/keys"
	"github.com/tutela-health/tutela/store"
)

func TestMain(m *testing.M) {
	testkit.Main(m, func() error { return goleak.Find() })
}

const (
	testTenant = tutela.Tenant("clinic")
	testOrigin = "demo/tutela.test/clinic" // so that entries may be simulated
)

// world is a database with keys and a clock that tests move.
type world struct {
	t    testing.TB
	db   *store.DB
	ring *keys.Ring

	mu  sync.Mutex // guards now
	now time.Time
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) advance(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// newWorld makes an empty system on a database.
func newWorld(t testing.TB, url string) *world {
	t.Helper()
	ctx := t.Context()
	w := &world{t: t, now: time.Date(2026, 11, 22, 9, 30, 0, 0, time.UTC)}
	db, err := store.Open(ctx, store.Config{URL: url, Reserve: -1, Clock: w.clock})
	must(t, err)
	t.Cleanup(func() { must(t, db.Close()) })
	must(t, db.Migrate(ctx, Migrations()))
	provider, err := keys.CreateLocal(filepath.Join(t.TempDir(), "keys"))
	must(t, err)
	cfg := keys.Config{Tenant: testTenant, Shelf: db, Provider: provider, Clock: w.clock}
	must(t, keys.Init(ctx, cfg))
	ring, err := keys.Open(ctx, cfg)
	must(t, err)
	t.Cleanup(ring.Close)
	w.db, w.ring = db, ring
	return w
}

func (w *world) config(node string) Config {
	return Config{DB: w.db, Keys: w.ring, Tenant: testTenant, Node: node, Origin: testOrigin, Clock: w.clock}
}

// open gives a Log of a node.
func (w *world) open(node string) *Log {
	w.t.Helper()
	l, err := Open(w.t.Context(), w.config(node))
	must(w.t, err)
	return l
}

// onEachEngine runs f in an empty system on every engine.
func onEachEngine(t *testing.T, f func(t *testing.T, w *world)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { f(t, newWorld(t, sqliteURL(t))) })
	t.Run("postgres", func(t *testing.T) { f(t, newWorld(t, testkit.Postgres(t))) })
}

func sqliteURL(t testing.TB) string { return "sqlite:" + filepath.Join(t.TempDir(), "t.db") }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// exec runs raw SQL, as somebody with the database's password would.
func (w *world) exec(sql string, args ...any) int64 {
	w.t.Helper()
	var n int64
	must(w.t, w.db.Update(w.t.Context(), func(tx *store.Tx) (err error) {
		n, err = tx.Exec(w.t.Context(), sql, args...)
		return err
	}))
	return n
}

// reading is an entry of a read of one patient.
func reading(actor string, patient tutela.Bucket) tutela.Entry {
	return tutela.Entry{
		Actor:    tutela.Actor{ID: tutela.UserID(actor), Kind: tutela.ActorPerson, Roles: []string{"physician"}},
		Action:   tutela.ActionRead,
		Type:     "Observation",
		Outcome:  tutela.OutcomeSuccess,
		Status:   200,
		Purpose:  tutela.PurposeTreatment,
		Patients: []tutela.Touched{{Patient: patient, Counts: map[string]int{"Observation": 1}}},
	}
}

func about(patient tutela.Bucket, text string) []tutela.Section {
	return []tutela.Section{{Patient: patient, Body: fmt.Appendf(nil, `{"query":%q}`, text)}}
}

// appendN appends n reads by two actors of three patients, one after another.
func appendN(t testing.TB, l *Log, n int) []Receipt {
	t.Helper()
	var receipts []Receipt
	for i := range n {
		p := tutela.Bucket(100 + i%3)
		r, err := l.Append(t.Context(), reading(fmt.Sprintf("user-%d", i%2), p), about(p, fmt.Sprint(i)))
		must(t, err)
		receipts = append(receipts, r)
	}
	return receipts
}

// appendBulk appends n entries in few commits.
func appendBulk(t testing.TB, l *Log, n int) {
	t.Helper()
	for n > 0 {
		k := min(n, 500)
		must(t, l.cfg.DB.Commit(t.Context(), store.Op{Entries: encodeN(t, l, k)}))
		n -= k
	}
}

func encodeN(t testing.TB, l *Log, n int) [][]byte {
	t.Helper()
	var leaves [][]byte
	for i := range n {
		p := tutela.Bucket(100 + i%3)
		e, err := l.Encode(t.Context(), reading("bulk", p), about(p, fmt.Sprint(i)), nil)
		must(t, err)
		leaves = append(leaves, e...)
	}
	return leaves
}

func sequence(t testing.TB, l *Log) int64 {
	t.Helper()
	n, err := l.Sequence(t.Context())
	must(t, err)
	return n
}

func verify(t testing.TB, l *Log, o VerifyOptions) Report {
	t.Helper()
	r, err := l.Verify(t.Context(), o)
	must(t, err)
	return r
}

// clean fails unless the ledger verifies, deeply.
func clean(t testing.TB, l *Log) Report {
	t.Helper()
	r := verify(t, l, VerifyOptions{Deep: true})
	for _, p := range r.Problems {
		t.Errorf("unexpected problem: %v", p)
	}
	return r
}

// entries collects what Search finds.
func entries(t testing.TB, l *Log, q Query) []Opened {
	t.Helper()
	var all []Opened
	must(t, l.Search(context.WithoutCancel(t.Context()), q, func(o Opened) error {
		all = append(all, o)
		return nil
	}))
	return all
}
