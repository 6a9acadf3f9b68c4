package records_test

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"testing"

	"github.com/tutela-health/tutela/internal/rig"
)

// TestReadsThatShareAStatementGetTheirOwnAnswers has many callers ask at once for what is there,
// what is not, what was deleted and what changes meanwhile.
func TestReadsThatShareAStatementGetTheirOwnAnswers(t *testing.T) {
	t.Parallel()
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		const n = 40
		for i := range n {
			r.Put(t, fmt.Sprintf(`{"resourceType":"Basic","id":"b%d","code":{"text":"number %d"}}`, i, i))
		}
		r.Do(t, rig.Call{As: rig.Loader, Method: http.MethodDelete, Path: "Basic/b0"})
		var callers sync.WaitGroup
		for caller := range 16 {
			callers.Go(func() {
				for i := range n {
					at := (i + caller) % n
					a := r.Get(t, rig.Loader, fmt.Sprintf("Basic/b%d", at))
					want, text := http.StatusOK, fmt.Sprintf("number %d", at)
					if at == 0 {
						want, text = http.StatusGone, ""
					}
					if code, _ := a.JSON(t)["code"].(map[string]any); a.Status != want || want == http.StatusOK && code["text"] != text {
						t.Errorf("Basic/b%d: %d %s", at, a.Status, a.Body)
					}
					if a := r.Get(t, rig.Loader, fmt.Sprintf("Basic/none%d", at)); a.Status != http.StatusNotFound {
						t.Errorf("Basic/none%d: %d", at, a.Status)
					}
				}
			})
		}
		callers.Wait()
	})
}

// TestReadSeesWhatWasAcknowledgedBeforeIt has one writer and many readers, each of whom must see at
// least the version that was acknowledged when it asked.
func TestReadSeesWhatWasAcknowledgedBeforeIt(t *testing.T) {
	t.Parallel()
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		const path, versions = "Basic/turn", 60
		put := func(i int) {
			r.Put(t, fmt.Sprintf(`{"resourceType":"Basic","id":"turn","code":{"text":"%d"}}`, i))
		}
		put(1)
		var mu sync.Mutex
		acknowledged := 1
		ctx, stop := context.WithCancel(t.Context())
		var readers sync.WaitGroup
		for range 8 {
			readers.Go(func() {
				for ctx.Err() == nil {
					mu.Lock()
					least := acknowledged
					mu.Unlock()
					var got int
					if _, err := fmt.Sscanf(r.Get(t, rig.Loader, path).Header.Get("ETag"), `W/"%d"`, &got); err != nil || got < least {
						t.Errorf("version %d was read (%v), %d was acknowledged", got, err, least)
						return
					}
				}
			})
		}
		for i := 2; i <= versions && !t.Failed(); i++ {
			put(i)
			mu.Lock()
			acknowledged = i
			mu.Unlock()
		}
		stop()
		readers.Wait()
	})
}
