package rig

import (
	"testing"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/store"
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
	err := r.DB.Snapshot(t.Context(), func(q store.Querier) error {
		report, err := r.Audit.VerifyIn(t.Context(), q, audit.VerifyOptions{Deep: true, Write: rows.Write})
		if err != nil {
			return err
		}
		for _, p := range report.Problems {
			t.Errorf("verify: %s", p)
		}
		return rows.Check(t.Context(), q, true)
	})
	if err != nil {
		t.Fatalf("verify: %v", err)
	}
}
