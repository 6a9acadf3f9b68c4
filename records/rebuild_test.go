package records_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/tutela-health/tutela/internal/rig"
)

// still is how many resources nobody changes: more than two steps of the job.
const still = 450

// TestRebuildGoesOnUnseen rebuilds the index twice, the second time under a new key, so that each slot has served, while writers
// change, move, delete and create, and every search that follows an acknowledged write agrees with it.
func TestRebuildGoesOnUnseen(t *testing.T) {
	t.Parallel()
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		for i := range still {
			r.Put(t, observation(fmt.Sprint("still-", i), "still", "s"))
		}
		ctx, stop := context.WithCancel(t.Context())
		var background sync.WaitGroup
		background.Go(func() { r.Records.Run(ctx, "test", slog.New(slog.DiscardHandler)) })
		var rounds atomic.Int64
		for w := range 4 {
			background.Go(func() { write(ctx, t, r, w, &rounds) })
		}
		for version := int64(2); version <= 3; version++ {
			anew(t, r, version)
			during := rounds.Load()
			for state, err := r.Records.IndexState(t.Context()); state.Version < version || state.Building; state, err = r.Records.IndexState(t.Context()) {
				if err != nil {
					t.Fatal(err)
				}
				stillThere(t, r)
			}
			if rounds.Load() == during {
				t.Errorf("nothing was written while version %d was built", version)
			}
			r.Records.Invalidate()
			stillThere(t, r)
		}
		stop()
		background.Wait()
		stillThere(t, r)
		r.Verify(t)
	})
}

// anew asks for a version of the index: the second under the key of the first, the third under another.
func anew(t *testing.T, r *rig.Rig, version int64) {
	t.Helper()
	if version == 2 {
		if err := r.Records.Rebuild(t.Context()); err != nil {
			t.Fatal(err)
		}
		return
	}
	if key, err := r.Records.RotateIndex(t.Context()); key != 2 || err != nil {
		t.Fatalf("the next key is %d: %v", key, err)
	}
}

// stillThere looks for what nobody changes.
func stillThere(t *testing.T, r *rig.Rig) {
	t.Helper()
	b := r.Get(t, rig.Loader, "Observation?code=still&_summary=count").Bundle(t)
	if b.Total == nil || *b.Total != still {
		t.Fatalf("%v of %d resources are found", b.Total, still)
	}
}

// write changes a few resources over and over, and searches for what it wrote.
func write(ctx context.Context, t *testing.T, r *rig.Rig, writer int, rounds *atomic.Int64) {
	for i := 0; ctx.Err() == nil && !t.Failed(); i++ {
		id, code := fmt.Sprintf("moving-%d-%d", writer, i%3), fmt.Sprintf("w%d-%d", writer, i)
		send(t, r, http.MethodPut, id, observation(id, code, fmt.Sprint("p", i%2), fmt.Sprint("q", i%5)))
		if got := find(t, r, code); !slices.Equal(got, []string{id}) {
			t.Errorf("%s was written as %s, and a search finds %v", code, id, got)
		}
		if i%4 == 3 {
			send(t, r, http.MethodDelete, id, "")
			if got := find(t, r, code); len(got) != 0 {
				t.Errorf("%s was deleted, and a search finds %v", code, got)
			}
		}
		rounds.Add(1)
	}
}

// send writes outside the test's goroutine, where nothing may end the test.
func send(t *testing.T, r *rig.Rig, method, id, body string) {
	a := r.Do(t, rig.Call{As: rig.Loader, Method: method, Path: "Observation/" + id, Body: body})
	if a.Status >= 300 {
		t.Errorf("%s %s: %d %s", method, id, a.Status, a.Body)
	}
}

func find(t *testing.T, r *rig.Rig, code string) []string { return ids(t, r, "Observation?code="+code) }
