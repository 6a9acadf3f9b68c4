package records

import (
	"context"
	"slices"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/access"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/store"
)

// facts are what a Grant is asked about. What takes a look into the resource or at its patients'
// consents is looked up only when the decision depends on it.
func (s *Store) facts(ctx context.Context, q store.Querier, rec *Record) access.Facts {
	return access.Facts{
		Type: rec.Ref.Type, Patients: rec.Patients, Resource: rec.resource,
		Labels:  func() []string { return s.sensitivity(rec) },
		Consent: func(g access.Grant) access.Consent { return s.consented(ctx, q, g, rec) },
	}
}

// sensitivity is what makes a record sensitive: its labels, and what the rules say of its codes, and
// those of its newest version. Of what cannot be looked into, nothing is known; a tombstone holds no
// content.
func (s *Store) sensitivity(rec *Record) []string {
	var labels []string
	if set, ok := s.labelsOf(rec); ok {
		labels = set.Needs()
	} else if !rec.Deleted {
		return []string{unknownLabel}
	}
	if rec.since != nil {
		labels = append(labels, rec.since()...)
		slices.Sort(labels)
		labels = slices.Compact(labels)
	}
	return labels
}

// unknownLabel is one for which nobody is cleared.
const unknownLabel = "unknown"

// newest are the versions of a resource, newest first, and what makes the newest of them that has
// content sensitive.
type newest struct {
	rows   []*row
	known  bool
	labels []string
}

// newestLabels finds out once what makes the newest version with content sensitive.
func (s *Store) newestLabels(ctx context.Context, q store.Querier, ref tutela.Ref, n *newest) []string {
	for i := 0; i < len(n.rows) && !n.known; i++ {
		rec, err := s.record(ctx, q, ref, n.rows[i])
		if err != nil {
			return []string{unknownLabel}
		}
		if !rec.Deleted {
			n.labels, n.known = s.sensitivity(rec), true
		}
	}
	return n.labels
}

// lately is what made a deleted resource sensitive while it was there.
func (s *Store) lately(ctx context.Context, q store.Querier, ref tutela.Ref) func() []string {
	return func() []string {
		rows, err := s.lineage(ctx, q, s.Locate(ref))
		if err != nil {
			return []string{unknownLabel}
		}
		return s.newestLabels(ctx, q, ref, &newest{rows: rows})
	}
}

// permit lets the caller have a record, masked to what it may see, or de-identified; what the Grant does not admit is
// errs.NotFound, like what is not there.
func (s *Store) permit(ctx context.Context, q store.Querier, g access.Grant, rec *Record) error {
	d := g.Decide(s.facts(ctx, q, rec))
	if !d.Admitted() {
		return notFound(rec.Ref)
	}
	rec.Basis, rec.Emergencies = d.Basis(), g.Emergencies(rec.Patients)
	rec.stands = s.standings(ctx, q, g, rec)
	if d.Deidentified() != "" {
		return s.disguised(d, rec)
	}
	rec.JSON = d.Mask(rec.Ref.Type, rec.JSON)
	return nil
}

// unlessNotFound is nil for what is not there or not admitted, which a search leaves out.
func unlessNotFound(err error) error {
	if errs.Is(err, errs.NotFound) {
		return nil
	}
	return err
}
