package records

import (
	"context"
	"fmt"

	"github.com/tutela-health/tutela/r4"
	"github.com/tutela-health/tutela/store"
)

// tieAt is a tie with the resource that it follows from.
type tieAt struct {
	tie
	locator int64
}

func (t tieAt) where() string {
	return fmt.Sprintf("ties kind %d locator %016x", t.kind, uint64(t.locator))
}

// expectTies adds the ties that follow from a live record.
func (v *Verification) expectTies(rec *Record, res *r4.Resource, locator int64) {
	for _, t := range v.s.tiesIn(rec, res) {
		v.ties[tieAt{t, locator}] = true
	}
}

// relations compares the ties with those that follow from the resources: one too many opens a chart or
// denies a consent's data, one too few withdraws a relationship or what a consent denies.
func (v *Verification) relations(ctx context.Context, q store.Querier) error {
	err := eachTie(ctx, q, "", nil, func(r tieRow) {
		_, left := v.noise[r.locator]
		switch {
		case !v.ties[r.tieAt] && !left:
			v.Problem(r.where(), "does not follow from the resource")
		case r.mac != v.s.tieMAC(r.tie, r.locator):
			v.Problem(r.where(), "was tampered with")
		}
		delete(v.ties, r.tieAt)
	})
	for t := range v.ties {
		v.Problem(t.where(), "is missing")
	}
	return err
}
