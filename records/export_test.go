package records

import (
	"context"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/store"
)

// TreatsInView asks whom a clinician treats in a view that was taken before something happened.
func (s *Store) TreatsInView(ctx context.Context, clinician tutela.Ref, happens func()) error {
	return s.snapshot(ctx, func(q store.Querier) error {
		if _, err := readIndexState(ctx, q); err != nil { // from here on the view is what it is
			return err
		}
		happens()
		_, err := s.tied(ctx, q, tieKey{tieTreats, s.clinician(clinician)})
		return err
	})
}

// GatheredRead asks for a row as reads do that share a statement.
func GatheredRead(q store.Querier) func(context.Context, tutela.Locator) (bool, error) {
	g := &gatherer{q: q}
	return func(ctx context.Context, l tutela.Locator) (bool, error) {
		_, found, err := g.current(ctx, l)
		return found, err
	}
}
