package rig

import (
	"testing"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/internal/errs"
)

// Entries gives the ledger's entries of requests on FHIR, in the ledger's order.
func (r *Rig) Entries(t testing.TB) []tutela.Entry {
	t.Helper()
	var list []tutela.Entry
	err := r.Audit.Search(t.Context(), audit.Query{}, func(o audit.Opened) error {
		if o.Entry.Request != "" {
			list = append(list, o.Entry)
		}
		return nil
	})
	if err != nil {
		t.Fatalf("search ledger: %v", err)
	}
	return list
}

// Verify sequences the ledger, and holds it, every version and the blind index against one another.
func (r *Rig) Verify(t testing.TB) {
	t.Helper()
	for {
		n, err := r.Audit.Sequence(t.Context())
		if err != nil && !errs.Is(err, errs.Conflict) {
			t.Fatalf("sequence: %v", err)
		}
		if n == 0 {
			break
		}
	}
	rows := r.Records.Verify(func(where, what string) { t.Errorf("verify: %s: %s", where, what) })
	report, err := r.Audit.Verify(t.Context(), audit.VerifyOptions{Deep: true, Write: rows.Write})
	if err != nil {
		t.Fatalf("verify: %v", err)
	}
	for _, p := range report.Problems {
		t.Errorf("verify: %s", p)
	}
	if err := rows.Check(t.Context(), true); err != nil {
		t.Fatalf("verify: %v", err)
	}
}
