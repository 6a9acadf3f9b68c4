package fhir

import (
	"context"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/access"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/r4"
)

// Explained is what a caller may with a resource, and whom the resource concerns.
type Explained struct {
	access.Answer
	Patients []tutela.Bucket `json:"-"`
}

// Explain says what a caller may with a resource as it is now, and why. It shows nothing of the resource
// but what decides, and writes no entry: whoever asks has seen to both that he may and that it is written.
func (h *Handler) Explain(ctx context.Context, p tutela.Principal, ref tutela.Ref, action tutela.Action) (Explained, error) {
	if !knownType(ref.Type) || !r4.ValidID(ref.ID) {
		return Explained{}, errs.New(errs.Invalid, "the resource is written as Observation/123")
	}
	i, err := h.access.Inquire(ctx, p, access.Request{Action: action, Type: ref.Type, Purpose: purposeOf(p)})
	if err != nil {
		return Explained{}, err
	}
	f, err := h.records.Facts(ctx, i.Grant, ref)
	if err != nil {
		return Explained{}, err
	}
	return Explained{Answer: i.Explain(f), Patients: f.Patients}, nil
}
