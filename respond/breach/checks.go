package breach

import (
	"context"
	"fmt"
	"time"

	"github.com/tutela-health/tutela"
)

// Checks are what this package can show of itself by looking.
func (s *Service) Checks() []tutela.Check {
	return []tutela.Check{{
		ID: "respond.breaches-in-time", Title: "No notice of a breach is overdue",
		Controls: []string{"W09", "45 CFR 164.404(b)", "45 CFR 164.406(b)", "45 CFR 164.408", "45 CFR 164.410(b)", "GDPR 33(1)"}, Fresh: 24 * time.Hour, Try: s.tryNotices,
	}}
}

// tryNotices looks for what should have been told.
func (s *Service) tryNotices(ctx context.Context) tutela.Evidence {
	e := tutela.Evidence{On: "the breaches that are open"}
	list, err := s.List(ctx, false)
	if err != nil {
		e.Observed = err.Error()
		return e
	}
	late := 0
	for _, c := range list {
		for _, o := range c.Duties {
			if o.Overdue {
				late++
			}
		}
	}
	e.Verdict, e.Observed = tutela.Pass, fmt.Sprintf("%d breaches are open, and nothing is overdue", len(list))
	if late > 0 {
		e.Verdict, e.Observed = tutela.Fail, fmt.Sprintf("%d notices of %d open breaches are overdue: see tutela breach list", late, len(list))
	}
	return e
}
