package records

import (
	"context"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/access"
)

// Facts are what decisions know of a resource as it is now, for those who explain them. What is not
// there, or no more, is an error like that of Read. The Grant says whose consents to ask.
func (s *Store) Facts(ctx context.Context, g access.Grant, ref tutela.Ref) (access.Facts, error) {
	r, found, err := current(ctx, s.db, s.Locate(ref))
	if err != nil {
		return access.Facts{}, err
	}
	if !found || r.deleted() {
		return access.Facts{}, notFound(ref)
	}
	rec, err := s.record(ctx, s.db, ref, r)
	if err != nil {
		return access.Facts{}, err
	}
	return s.facts(ctx, s.db, rec), nil
}
