package audit

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/testkit"
	"github.com/tutela-health/tutela/store"
)

// tries runs a check often enough that every table had its turn.
func tries(t *testing.T, c editCheck, want tutela.Verdict) map[string]bool {
	t.Helper()
	tables := map[string]bool{}
	for range 60 {
		e := c.try(t.Context())
		if e.Verdict != want {
			t.Fatalf("verdict %v, want %v: %s", e.Verdict, want, e.Observed)
		}
		_, place, _ := strings.Cut(e.Observed, " changed bit in ")
		table, _, _ := strings.Cut(place, " ")
		tables[table] = true
	}
	return tables
}

func TestAnEditIsCaughtAndAMissedOneIsAFailure(t *testing.T) {
	onEachEngine(t, func(t *testing.T, w *world) {
		l := storied(t, w)
		check, seen := editCheck{l, l.verify}, testkit.Sabotage(t, "watch.ledger-edit-caught")
		tables := tries(t, check, tutela.Pass)
		for _, want := range []string{"ledger_batches", "ledger_tiles", "ledger_checkpoints", "ledger_pending", "ledger_heads"} {
			if !tables[want] {
				t.Errorf("%s was never edited: %v", want, tables)
			}
		}
		check.verify = func(context.Context, store.Querier, VerifyOptions) (Report, error) { return Report{Size: 300}, nil }
		tries(t, check, tutela.Fail) // a verification that looks at nothing
		check.verify = func(ctx context.Context, _ store.Querier, o VerifyOptions) (Report, error) { return l.Verify(ctx, o) }
		tries(t, check, tutela.Fail) // one that does not look at what it is shown
		seen.Expect(check.try(t.Context()), tutela.Fail)
		check.verify = l.verify
		seen.Expect(check.try(t.Context()), tutela.Pass)
		tries(t, check, tutela.Pass)
		clean(t, l)
	})
}

func TestALedgerThatDoesNotVerifyFailsItsCheck(t *testing.T) {
	w := newWorld(t, sqliteURL(t))
	l := w.open("node-1")
	appendN(t, l, 6)
	sequence(t, l)
	check := l.Checks()[0]
	if e := check.Try(t.Context()); e.Verdict != tutela.Pass || !strings.Contains(e.On, testOrigin) {
		t.Fatalf("before: %+v", e)
	}
	w.exec("UPDATE ledger_batches SET blob = mac WHERE first_leaf = 2")
	e := check.Try(t.Context())
	if e.Verdict != tutela.Fail || !strings.Contains(e.Observed, "does not verify") {
		t.Fatalf("after: %+v", e)
	}
}

func TestWhatCannotBeVerifiedIsNoPass(t *testing.T) {
	w := newWorld(t, sqliteURL(t))
	l := w.open("node-1")
	if e := l.Checks()[0].Try(t.Context()); e.Verdict != tutela.CouldNotCheck || e.Observed == "" {
		t.Errorf("an empty ledger: %+v", e)
	}
	appendN(t, l, 2)
	broken := errors.New("disk gone")
	for fails := range 2 {
		calls := 0
		check := editCheck{l, func(ctx context.Context, q store.Querier, o VerifyOptions) (Report, error) {
			if calls++; calls > fails {
				return Report{}, broken
			}
			return l.verify(ctx, q, o)
		}}
		if e := check.try(t.Context()); e.Verdict != tutela.CouldNotCheck || !strings.Contains(e.Observed, "disk gone") {
			t.Errorf("verification %d broken: %+v", fails+1, e)
		}
	}
}

func TestBacklogCountsWhatIsNotSequenced(t *testing.T) {
	onEachEngine(t, func(t *testing.T, w *world) {
		l := w.open("node-1")
		appendN(t, l, 3)
		backlog(t, l, 3)
		sequence(t, l)
		backlog(t, l, 0)
	})
}

func backlog(t *testing.T, l *Log, want int64) {
	t.Helper()
	if n, err := l.Backlog(t.Context()); err != nil || n != want {
		t.Errorf("backlog %d, %v; want %d", n, err, want)
	}
}
