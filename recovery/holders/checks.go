package holders

import (
	"context"
	"fmt"
	"time"

	"github.com/tutela-health/tutela"
)

// Checks are what this plane can show of itself.
func (s *Service) Checks() []tutela.Check {
	return []tutela.Check{{
		ID: "recover.drill", Title: "Enough holders have opened the present generation's recovery wrap",
		Controls: []string{"P03", "45 CFR 164.308(a)(7)(ii)(D)"}, Fresh: 24 * time.Hour, Try: s.try,
	}}
}

// try looks whether a drill of the present generation's wrap has passed. A try-out system, which keeps its
// provider beside its data, owes none until something was split.
func (s *Service) try(ctx context.Context) tutela.Evidence {
	e := tutela.Evidence{On: "the recovery key's holders"}
	st, err := s.Status(ctx)
	switch {
	case err != nil:
		e.Verdict, e.Observed = tutela.CouldNotCheck, err.Error()
	case !st.Split && s.cfg.Plain:
		e.Verdict, e.Observed = tutela.NotApplicable, "a try-out system: nothing was split"
	case st.Due != "":
		e.Verdict, e.Observed = tutela.Fail, st.Due
	default:
		e.Verdict = tutela.Pass
		e.Observed = fmt.Sprintf("on %s at least %d of %d holders opened the wrap of generation %d, and it held the living keyring key",
			st.Drill.At.Format(time.RFC3339), st.Threshold, len(st.Holders), st.Generation)
	}
	return e
}
