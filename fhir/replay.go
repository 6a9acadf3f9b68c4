package fhir

import (
	"context"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/access"
	"github.com/tutela-health/tutela/access/replay"
)

// Callers give an account as it is now, as a caller with the most that its tokens may carry.
type Callers func(context.Context, tutela.UserID) (tutela.Principal, error)

// Replay asks the requests since a moment again, under other policies. whole looks at labels and
// consents, for those who may know them.
func (h *Handler) Replay(ctx context.Context, callers Callers, other *access.Policies, since time.Time, whole bool) (replay.Report, error) {
	c := replay.Config{
		Ledger: h.audit, Access: h.access, Other: other, Locate: h.records.Bucket, Caller: callers, Treats: h.records.Treats,
	}
	if whole {
		c.Facts = h.records.Facts
	}
	return replay.Run(ctx, c, since)
}
