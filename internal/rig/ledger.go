package rig

import (
	"context"
	"fmt"
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
	list, err := r.Problems(t.Context())
	for _, p := range list {
		t.Errorf("verify: %s", p)
	}
	if err != nil {
		t.Fatalf("verify: %v", err)
	}
}

// Problems is what Verify finds.
func (r *Rig) Problems(ctx context.Context) (list []string, err error) {
	for n := int64(-1); n != 0; {
		if n, err = r.Audit.Sequence(ctx); err != nil && !errs.Is(err, errs.Conflict) {
			return nil, err
		}
	}
	rows := r.Records.Verify(func(where, what string) { list = append(list, where+": "+what) })
	err = r.DB.Snapshot(ctx, func(q store.Querier) error {
		report, err := r.Audit.VerifyIn(ctx, q, audit.VerifyOptions{Deep: true, Write: rows.Write})
		if err != nil {
			return err
		}
		for _, p := range report.Problems {
			list = append(list, fmt.Sprint(p))
		}
		return rows.Check(ctx, q, true)
	})
	return list, err
}
