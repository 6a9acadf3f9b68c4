package audit

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/store"
)

// TestWritesSinceMissNoneAndRepeatNone takes marks at random moments, between appends of two nodes and
// steps of the sequencer: each write is given between exactly two of them.
func TestWritesSinceMissNoneAndRepeatNone(t *testing.T) {
	onEachEngine(t, func(t *testing.T, w *world) {
		rnd := rand.New(rand.NewPCG(4, 2))
		nodes := []*Log{w.open("a"), w.open("b")}
		var want, got []int64
		var m Mark
		look := func() {
			must(t, w.db.Snapshot(t.Context(), func(q store.Querier) error {
				if err := nodes[0].WritesSince(t.Context(), q, m, func(x tutela.Write) error {
					got = append(got, x.Version)
					return nil
				}); err != nil {
					return err
				}
				var err error
				m, err = nodes[0].MarkIn(t.Context(), q)
				return err
			}))
		}
		for i := range int64(120) {
			e := reading(fmt.Sprint("user-", rnd.IntN(3)), tutela.Bucket(100+rnd.IntN(3)))
			e.Writes = []tutela.Write{{Locator: 7, Version: i, Bucket: e.Patients[0].Patient}}
			_, err := nodes[rnd.IntN(2)].Append(t.Context(), e, nil)
			must(t, err)
			want = append(want, i)
			switch rnd.IntN(6) {
			case 0:
				sequence(t, nodes[0])
			case 1:
				look()
			}
		}
		look()
		slices.Sort(got)
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
	})
}

func TestRebuiltPostingsAreThoseThatWere(t *testing.T) {
	onEachEngine(t, func(t *testing.T, w *world) {
		l := w.open("a")
		appendBulk(t, l, 700)
		sequence(t, l)
		appendN(t, l, 5)
		sequence(t, l)
		w.exec("DELETE FROM ledger_postings WHERE token % 2 = 0")
		w.exec("INSERT INTO ledger_postings (token, first_leaf) VALUES (1, 0)")
		if r := verify(t, l, VerifyOptions{Deep: true}); r.Clean() {
			t.Fatal("postings that were deleted are not missed: what follows would prove nothing")
		}
		for range 2 {
			must(t, l.RebuildPostings(t.Context()))
			clean(t, l)
		}
	})
}
