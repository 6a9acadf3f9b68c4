package fhir

import (
	"context"
	"errors"
	"net/http"

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
