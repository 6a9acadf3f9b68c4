package fhir

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/access"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/records"
	"github.com/tutela-health/tutela/store"
)

// maxTurns bounds how often a conditional write that lost a race searches again.
const maxTurns = 16

// createUnlessFound is a create with If-None-Exist (FHIR R4, http.html#ccreate): nothing happens
// when one resource matches, and it fails when several do.
func (h *Handler) createUnlessFound(ctx context.Context, in *interaction, c records.Change, criteria string) (*answer, error) {
	if !mayChooseIDs(in.caller) {
		return nil, errs.New(errs.Denied, "If-None-Exist is for system-scoped clients: it tells what exists")
	}
	for turn := 1; ; turn++ {
		a, err := h.createInTurn(ctx, in, c, criteria)
		if !errors.Is(err, store.ErrClaim) || turn == maxTurns {
			return a, err
		}
	}
}

func (h *Handler) createInTurn(ctx context.Context, in *interaction, c records.Change, criteria string) (*answer, error) {
	guard, err := h.records.Guard(ctx, in.typ+"?"+criteria)
	if err != nil {
		return nil, err
	}
	found, err := h.find(ctx, in, in.typ, criteria)
	if err != nil {
		return nil, err
	}
	switch len(found) {
	case 0:
		if err := h.unlessRestricted(ctx, in, in.typ, criteria); err != nil {
			return nil, err
		}
		return h.write(ctx, in, c, guard)
	case 1:
		a := h.written(in, &records.Result{Record: *found[0], Unchanged: true})
		a.written, a.status, a.touched = false, http.StatusOK, records.Touch(found[0])
		return a, nil
	default:
		return nil, severalMatch()
	}
}

func severalMatch() error {
	return errs.New(errs.Precondition, "more than one resource matches the condition")
}

// unlessRestricted refuses a conditional create where what the condition means is there, and is kept and not
// used: to make a second one of it would be worse than to tell the interface, which may write it by its id.
func (h *Handler) unlessRestricted(ctx context.Context, in *interaction, typ, criteria string) error {
	g, err := h.access.Authorize(ctx, in.caller, access.Request{Action: tutela.ActionUpdate, Type: typ, Purpose: in.purpose})
	if err != nil || !g.Restricts() {
		return nil //nolint:nilerr // who may update nothing creates nothing a second time
	}
	q, err := h.criteria(ctx, conditionOf(in, typ, criteria), g)
	if err != nil {
		return err
	}
	page, err := h.records.Search(ctx, g, q, defaultCount, nil)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(page.Matches, func(rec *records.Record) bool { return g.Restricted(rec.Patients) }) {
		return errs.New(errs.Precondition, "what the condition means is restricted: write it by its id")
	}
	return nil
}
