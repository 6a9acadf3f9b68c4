package breach

import (
	"cmp"
	"context"
	"slices"

	"github.com/tutela-health/tutela/access"
	"github.com/tutela-health/tutela/internal/errs"
)

// house gives patients their names and states of residence.
func (s *Service) house(ctx context.Context, g access.Grant, t *tally, sc *Scope) error {
	buckets := t.buckets()
	homes, err := s.cfg.Homes(ctx, g, buckets)
	if err != nil {
		return err
	}
	if len(homes) != len(buckets) {
		return errs.New(errs.Internal, "not every patient was looked up")
	}
	for _, h := range homes {
		r := t.patients[h.Patient]
		slices.Sort(r.Actions)
		if err := s.identify(ctx, h, r); err != nil {
			return err
		}
		r.State, r.Country = residence(h.State, h.Country)
		sc.States[r.State]++
		sc.Patients = append(sc.Patients, *r)
	}
	slices.SortFunc(sc.Patients, func(x, y Reached) int {
		return cmp.Or(cmp.Compare(x.Reference, y.Reference), cmp.Compare(x.Pseudonym, y.Pseudonym))
	})
	return nil
}

// identify says who a patient is, as far as anything says so.
func (s *Service) identify(ctx context.Context, h Home, r *Reached) (err error) {
	r.Deceased = h.Deceased
	switch {
	case h.Erased:
		r.Standing = Erased
		return nil
	case h.ID != "":
		r.Standing, r.Reference = Known, "Patient/"+string(h.ID)
		if h.Deleted {
			r.Standing = Deleted
		}
		return nil
	}
	r.Standing = Elsewhere
	if r.Elsewhere, err = s.cfg.Elsewhere(ctx, h.Patient); errs.Is(err, errs.NotFound) {
		r.Standing, err = Unknown, nil
	}
	return err
}
