package vendor

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/tutela-health/tutela"
)

// Checks are what the register can show of itself.
func (s *Service) Checks() []tutela.Check {
	return []tutela.Check{{
		ID: "govern.vendors-agreed", Title: "Every vendor that gets health data has an agreement that holds",
		Controls: []string{"G04", "45 CFR 164.308(b)(1)", "45 CFR 164.308(b)(3)"}, Fresh: 24 * time.Hour, Try: s.agreed,
	}, {
		ID: "govern.vendors-assessed", Title: "Every vendor was assessed in time, and what it is to put right is not late",
		Controls: []string{"G04", "45 CFR 164.308(b)(1)"}, Fresh: 24 * time.Hour, Try: s.inTime,
	}}
}

func (s *Service) agreed(ctx context.Context) tutela.Evidence {
	return s.judge(ctx, "have health data under an agreement that holds, or none of it", func(k Kept) string {
		switch {
		case !k.Bare:
			return ""
		case k.Agreement.Kind == None:
			return k.ID + " gets health data without an agreement"
		}
		return k.ID + " gets health data, and its agreement ended on " + k.Agreement.Ends.Format(time.DateOnly)
	})
}

func (s *Service) inTime(ctx context.Context) tutela.Evidence {
	return s.judge(ctx, "were assessed in time, and are late with nothing", func(k Kept) string {
		switch {
		case k.Overdue:
			return k.ID + " was to be assessed by " + k.Due().Format(time.DateOnly)
		case k.Late > 0:
			return fmt.Sprintf("%s is late with %d corrective actions", k.ID, k.Late)
		}
		return ""
	})
}

// judge holds each vendor to something; wrong says what is wrong with one.
func (s *Service) judge(ctx context.Context, well string, wrong func(Kept) string) tutela.Evidence {
	e := tutela.Evidence{On: "the register of vendors"}
	judged := func(v tutela.Verdict, format string, args ...any) tutela.Evidence {
		e.Verdict, e.Observed = v, fmt.Sprintf(format, args...)
		return e
	}
	list, err := s.List(ctx, false)
	if err != nil {
		return judged(tutela.CouldNotCheck, "the register could not be read: %v", err)
	}
	var bad []string
	for _, k := range list {
		if what := wrong(k); what != "" {
			bad = append(bad, what)
		}
	}
	switch {
	case len(list) == 0:
		return judged(tutela.NotApplicable, "no vendor is in the register yet: begin with tutela vendors set")
	case len(bad) > 0:
		return judged(tutela.Fail, "%d of %d: %s", len(bad), len(list), strings.Join(bad[:min(len(bad), 5)], "; "))
	}
	return judged(tutela.Pass, "%d vendors %s", len(list), well)
}
