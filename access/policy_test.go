package access

import (
	"context"
	"testing"

	"github.com/tutela-health/tutela"
)

func TestShippedPoliciesAreValid(t *testing.T) {
	if _, err := Shipped(); err != nil {
		t.Fatal(err)
	}
}

// treated are the patients of the clinicians in these tests.
const treated, formerly = tutela.Bucket(80), tutela.Bucket(81)

type relations struct{}

func (relations) Treats(context.Context, tutela.Ref) ([]tutela.Bucket, error) {
	return []tutela.Bucket{own, other, treated}, nil
}

func authorizer(t testing.TB) *Authorizer {
	t.Helper()
	p, err := Shipped()
	if err != nil {
		t.Fatal(err)
	}
	return New(Config{Policies: p, Locate: locate, Relations: relations{}})
}

// harmless are facts of a resource that nothing makes sensitive, and of which no consent speaks.
func harmless(f Facts) Facts {
	f.Labels = func() []string { return nil }
	f.Consent = func(Grant) Consent { return ConsentNone }
	return f
}
