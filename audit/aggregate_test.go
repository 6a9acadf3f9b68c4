package audit

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tutela-health/tutela"
)

func failure401(address string) tutela.Entry {
	return tutela.Entry{Address: address, Action: tutela.ActionAuthenticate, Outcome: tutela.OutcomeDenied, Status: 401}
}

// counted is what the ledger says of aggregated failures, by address.
func counted(t testing.TB, l *Log) map[string]int {
	t.Helper()
	counts := map[string]int{}
	for _, o := range entries(t, l, Query{Action: tutela.ActionAuthenticate}) {
		counts[o.Entry.Address] += o.Entry.Count
	}
	return counts
}

func TestFailuresAreCountedByAddress(t *testing.T) {
	w := newWorld(t, sqliteURL(t))
	l := w.open("node-1")
	a := NewAggregator(context.WithoutCancel(t.Context()), l)
	for i := range 30 {
		a.Count(failure401(fmt.Sprint("192.0.2.", i%3)))
	}
	must(t, a.Flush(t.Context()))
	a.Count(failure401("192.0.2.0"))
	must(t, a.Close(t.Context()))
	got := counted(t, l)
	if len(got) != 3 || got["192.0.2.0"] != 11 || got["192.0.2.1"] != 10 {
		t.Errorf("counts %v", got)
	}
	clean(t, l)
}

// A flood from many addresses is bounded in memory and in entries, and no failure is lost.
func TestFloodOfAddressesIsBounded(t *testing.T) {
	w := newWorld(t, sqliteURL(t))
	l := w.open("node-1")
	a := NewAggregator(context.WithoutCancel(t.Context()), l)
	const n = 3 * aggregatedAddresses
	for i := range n {
		a.Count(failure401(fmt.Sprintf("2001:db8::%x", i)))
	}
	a.mu.Lock()
	held := len(a.counts)
	others := a.counts[failure{address: otherAddresses, action: tutela.ActionAuthenticate, outcome: tutela.OutcomeDenied, kind: tutela.ActorAnonymous}].count
	a.mu.Unlock()
	if held != aggregatedAddresses+1 || others != n-aggregatedAddresses {
		t.Errorf("%d addresses held, %d others", held, others)
	}
	a.mu.Lock()
	a.counts = map[failure]tally{}
	a.mu.Unlock()
	must(t, a.Close(t.Context()))
}

// What could not be written is counted on, not forgotten.
func TestUnwrittenFailuresAreKept(t *testing.T) {
	w := newWorld(t, sqliteURL(t))
	l := w.open("node-1")
	a := NewAggregator(context.WithoutCancel(t.Context()), l)
	a.Count(failure401("192.0.2.1"))
	a.Count(failure401("192.0.2.2"))
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := a.Flush(gone); err == nil {
		t.Fatal("wrote with a cancelled context")
	}
	a.Count(failure401("192.0.2.1"))
	must(t, a.Close(t.Context()))
	if got := counted(t, l); got["192.0.2.1"] != 2 || got["192.0.2.2"] != 1 {
		t.Errorf("counts %v", got)
	}
}

// appended collects entries in place of a Log, whose goroutines do not live in a test's bubble.
type appended chan tutela.Entry

func (c appended) Append(_ context.Context, e tutela.Entry, _ []tutela.Section) (Receipt, error) {
	c <- e
	return Receipt{NewID()}, nil
}

func TestAggregatorWritesEveryMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := make(appended, 10)
		a := newAggregator(t.Context(), out, time.Now, slog.New(slog.DiscardHandler))
		for range 7 {
			a.Count(failure401("192.0.2.1"))
		}
		time.Sleep(59 * time.Second)
		synctest.Wait()
		if len(out) != 0 {
			t.Error("written before the minute was over")
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if len(out) != 1 {
			t.Fatalf("%d entries after a minute", len(out))
		}
		if e := <-out; e.Count != 7 || e.Actor.Kind != tutela.ActorAnonymous {
			t.Errorf("entry %+v", e)
		}
		time.Sleep(time.Minute)
		a.Count(failure401("192.0.2.2"))
		must(t, a.Close(context.WithoutCancel(t.Context())))
		if len(out) != 1 {
			t.Errorf("%d entries at Close", len(out))
		}
	})
}
