package records

import (
	"context"

	"github.com/tutela-health/tutela/store"
)

// isErased reports whether the ledger says that a patient's key was left behind.
func (v *Verification) isErased(b int64) bool {
	_, told := v.erased[b]
	return told
}

// leftover notes a live row that does not open any more, where the index that serves was made before that: until it is made
// anew the terms of the row are in it, and nobody can say which are right; its ties are there as long. The ledger must say
// of each whom the row concerns that he was erased: an index made after the last of them has nothing of it.
func (v *Verification) leftover(ctx context.Context, q store.Querier, state indexState, r *row) error {
	whom, err := v.s.whom(ctx, q, place{r.bucket, r.locator, r.version})
	if err != nil {
		return err
	}
	newest := int64(0)
	for _, b := range whom {
		last, told := v.erased[int64(b)]
		if !told {
			return nil
		}
		newest = max(newest, last)
	}
	if newest >= state.version {
		v.noise[r.locator] = r.bucket
	}
	return nil
}
