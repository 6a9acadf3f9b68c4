package erasure_test

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/rig"
	"github.com/tutela-health/tutela/privacy/erasure"
)

// asking is what one node answered to those who ask it again and again.
type asking struct {
	mu     sync.Mutex
	shown  time.Time   // guarded by mu; when the last reading of the erased began that was answered
	others map[int]int // guarded by mu; statuses of requests about somebody else
}

func (a *asking) run(ctx context.Context, t *testing.T, node *rig.Rig) {
	for ctx.Err() == nil {
		began := time.Now()
		gone := node.Get(t, rig.Loader, "Observation/own").Status == http.StatusOK
		read := node.Get(t, rig.Loader, "Observation/bens").Status
		wrote := node.Do(t, rig.Call{As: rig.Loader, Method: http.MethodPost, Path: "Observation",
			Body: `{"resourceType":"Observation","status":"final","code":{"text":"load"},"subject":{"reference":"Patient/ben"}}`}).Status
		a.note(began, gone, read, wrote)
	}
}

func (a *asking) note(began time.Time, shown bool, statuses ...int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if shown && began.After(a.shown) {
		a.shown = began
	}
	for _, s := range statuses {
		a.others[s]++
	}
}

func (a *asking) last() time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.shown
}

// Two nodes show a patient, from what they have in memory too, while one of them erases her: both have stopped, and have let go of
// every key of hers, when the certificate is final; nobody else feels it.
func TestErasureReachesEveryNode(t *testing.T) {
	t.Parallel()
	each(t, nil, func(t *testing.T, h *house) {
		other := rig.Open(t, rig.Config{Clock: h.Now, Beside: h.Rig})
		h.chart(t)
		nodes, asks := []*rig.Rig{h.Rig, other}, []*asking{{others: map[int]int{}}, {others: map[int]int{}}}
		ctx, stop := context.WithCancel(t.Context())
		var load sync.WaitGroup
		for i, node := range nodes {
			node.Token(t, rig.Loader)
			for range 2 {
				load.Go(func() { asks[i].run(ctx, t, node) })
			}
		}
		for _, a := range asks {
			for a.last().IsZero() && !t.Failed() { // each node has her in memory
				time.Sleep(time.Millisecond)
			}
		}
		e := h.approved(t, "ann")
		h.work(t)
		final := time.Now()
		if e, err := h.service.Find(t.Context(), e.ID); err != nil || e.State != erasure.Done || !e.Certificate.Final {
			t.Errorf("%+v %v", e, err)
		}
		for i, node := range nodes {
			if a := node.Get(t, rig.Loader, "Patient/ann"); a.Status != http.StatusNotFound {
				t.Errorf("node %d answers %d about her", i, a.Status)
			}
			if _, err := node.Ring.At(t.Context(), tutela.KeyPatient, int64(h.Records.Bucket("ann")), 0); err == nil {
				t.Errorf("node %d has her key", i)
			}
		}
		stop()
		load.Wait()
		for i, a := range asks {
			if !a.last().Before(final) {
				t.Errorf("node %d showed her at %v, and the certificate was final at %v", i, a.last(), final)
			}
			for status, n := range a.others {
				if status != http.StatusOK && status != http.StatusCreated {
					t.Errorf("node %d answered %d about somebody else, %d times", i, status, n)
				}
			}
		}
		h.Verify(t)
	})
}
