package records

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/access"
	"github.com/tutela-health/tutela/access/consent"
	"github.com/tutela-health/tutela/r4"
	"github.com/tutela-health/tutela/store"
)

// consented says what the consents of everyone whom a record concerns say of an access: a denial of
// one denies, a permit is one of all. What cannot be found out denies.
func (s *Store) consented(ctx context.Context, q store.Querier, g access.Grant, rec *Record) access.Consent {
	said := access.ConsentNone
	for i, b := range rec.Patients {
		one := s.consentOf(ctx, q, g, rec, b)
		switch {
		case one == access.ConsentDeny:
			return one
		case i == 0:
			said = one
		case one != said:
			said = access.ConsentNone
		}
	}
	return said
}

// consentOf says what one patient's consents say.
func (s *Store) consentOf(ctx context.Context, q store.Querier, g access.Grant, rec *Record, b tutela.Bucket) access.Consent {
	directives, err := s.directives(ctx, q, b)
	if err != nil {
		return access.ConsentDeny
	}
	question := g.Question(rec.Patients)
	question.When = s.clock()
	question.Patient = tutela.PatientID("?") // where no directive names one, nobody asks for it
	if len(directives) > 0 {
		res := rec.resource()
		if res == nil {
			return access.ConsentDeny // deleted, or it cannot be looked into
		}
		question.Data = consent.About(res)
		question.Data.Labels = append(question.Data.Labels, s.labels.Of(res).Codes()...)
		question.Patient = directives[0].Patient
	}
	v := consent.Decide(directives, question, g.Regime())
	switch {
	case !v.Allowed:
		return access.ConsentDeny
	case v.Why == consent.WhyConsent:
		return access.ConsentPermit
	}
	return access.ConsentNone
}

// directiveCache keeps patients' consents as rules. It is true as long as the ties that it was read
// for are: a changed Consent invalidates those.
type directiveCache struct {
	mu   sync.Mutex
	read map[tutela.Bucket]directives // guarded by mu
}

type directives struct {
	of   *known
	list []consent.Directive
}

// maxDirectives bounds for how many patients rules are kept; a full memory starts afresh.
const maxDirectives = 4096

// directives gives the consents of a patient.
func (s *Store) directives(ctx context.Context, q store.Querier, b tutela.Bucket) ([]consent.Directive, error) {
	ties, err := s.tied(ctx, q, tieKey{tieConsents, int64(b)})
	if err != nil || len(ties.at) == 0 {
		return nil, err
	}
	s.consents.mu.Lock()
	kept := s.consents.read[b]
	s.consents.mu.Unlock()
	if kept.of == ties {
		return kept.list, nil
	}
	epoch := epochOf(q, s.ties.now())
	list, err := s.readDirectives(ctx, q, b, ties.at)
	if err != nil || epoch != s.ties.now() {
		return list, err
	}
	s.consents.mu.Lock()
	defer s.consents.mu.Unlock()
	if s.consents.read == nil || len(s.consents.read) >= maxDirectives {
		s.consents.read = map[tutela.Bucket]directives{}
	}
	s.consents.read[b] = directives{ties, list}
	return list, nil
}

func (s *Store) readDirectives(ctx context.Context, q store.Querier, b tutela.Bucket, locators []int64) ([]consent.Directive, error) {
	rows, err := currents(ctx, q, slices.Clone(locators))
	if err != nil {
		return nil, err
	}
	var list []consent.Directive
	for _, l := range locators {
		r := rows[l]
		if r == nil {
			return nil, fmt.Errorf("the consent at locator %016x is missing", uint64(l))
		}
		if r.deleted() {
			continue // a moment ago
		}
		d, err := s.directive(ctx, q, r)
		if err != nil {
			return nil, err
		}
		if s.Bucket(d.Patient) == b {
			list = append(list, d)
		}
	}
	return list, nil
}

func (s *Store) directive(ctx context.Context, q store.Querier, r *row) (consent.Directive, error) {
	rec, err := s.record(ctx, q, tutela.Ref{Type: "Consent"}, r)
	if err != nil {
		return consent.Directive{}, err
	}
	res, err := r4.Parse(rec.JSON)
	if err != nil {
		return consent.Directive{}, err
	}
	return consent.Parse(res)
}
