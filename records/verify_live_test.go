package records_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/tutela-health/tutela/internal/rig"
)

// A verification sees ledger and rows of one moment: what others write meanwhile is no finding.
func TestVerifyFindsNothingWhileOthersWrite(t *testing.T) {
	t.Parallel()
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		ctx, stop := context.WithCancel(t.Context())
		written := make(chan struct{}, 1)
		var writers sync.WaitGroup
		for w := range 4 {
			writers.Go(func() {
				for i := 0; ctx.Err() == nil; i++ {
					r.Put(t, observation(fmt.Sprintf("live-%d-%d", w, i%7), fmt.Sprint("v", i), fmt.Sprint("p", w)))
					select {
					case written <- struct{}{}:
					default:
					}
				}
			})
		}
		for range 10 {
			<-written // something was written since the verification before
			r.Verify(t)
		}
		stop()
		writers.Wait()
	})
}
