package audit

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/testkit"
	"github.com/tutela-health/tutela/store"
)

func onEachEngineB(b *testing.B, f func(b *testing.B, w *world)) {
	b.Helper()
	b.Run("sqlite", func(b *testing.B) { f(b, newWorld(b, sqliteURL(b))) })
	b.Run("postgres", func(b *testing.B) { f(b, newWorld(b, testkit.Postgres(b))) })
}

func BenchmarkEncode(b *testing.B) {
	w := newWorld(b, sqliteURL(b))
	l := w.open("node-1")
	e, s := reading("user-1", 101), about(101, "code=4548-4")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := l.Encode(b.Context(), e, s, nil); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkAppend is the cost of a receipt: callers that each wait for theirs.
func BenchmarkAppend(b *testing.B) {
	onEachEngineB(b, func(b *testing.B, w *world) {
		l := w.open("node-1")
		for _, callers := range []int{1, 64, 256} {
			b.Run(fmt.Sprint(callers), func(b *testing.B) { appendFrom(b, l, callers) })
		}
	})
}

func appendFrom(b *testing.B, l *Log, callers int) {
	b.Helper()
	e, s := reading("user-1", 101), about(101, "code=4548-4")
	var left atomic.Int64
	left.Store(int64(b.N))
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			for left.Add(-1) >= 0 {
				if _, err := l.Append(b.Context(), e, s); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "entries/s")
}

// fill appends n entries of many actors and patients in commits of 64.
func fill(b *testing.B, l *Log, n int) {
	b.Helper()
	for i := 0; i < n; {
		var leaves [][]byte
		for range min(64, n-i) {
			p := tutela.Bucket(100 + i%500)
			leaf, err := l.Encode(b.Context(), reading(fmt.Sprint("user-", i%40), p), about(p, "code=4548-4"), nil)
			must(b, err)
			leaves = append(leaves, leaf...)
			i++
		}
		must(b, l.cfg.DB.Commit(b.Context(), store.Op{Entries: leaves}))
	}
}

// BenchmarkSequence moves b.N entries, pending in commits of 64, into the tree.
func BenchmarkSequence(b *testing.B) {
	onEachEngineB(b, func(b *testing.B, w *world) {
		l := w.open("node-1")
		fill(b, l, b.N)
		b.ResetTimer()
		sequence(b, l)
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "entries/s")
	})
}

func BenchmarkVerify(b *testing.B) {
	onEachEngineB(b, func(b *testing.B, w *world) {
		l := w.open("node-1")
		const n = 50_000
		fill(b, l, n)
		sequence(b, l)
		for name, o := range map[string]VerifyOptions{"sealed": {Sealed: true}, "opened": {}, "deep": {Deep: true}} {
			b.Run(name, func(b *testing.B) {
				for b.Loop() {
					if r := verify(b, l, o); !r.Clean() {
						b.Fatal(r.Problems)
					}
				}
				b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "entries/s")
			})
		}
	})
}

func BenchmarkSearchActorDay(b *testing.B) {
	onEachEngineB(b, func(b *testing.B, w *world) {
		l := w.open("node-1")
		fill(b, l, 20_000)
		sequence(b, l)
		patient := tutela.Bucket(101)
		for b.Loop() {
			must(b, l.Search(b.Context(), Query{Actor: "user-1", Patient: &patient}, func(Opened) error { return nil }))
		}
	})
}
