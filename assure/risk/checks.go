package risk

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/assure/register"
)

// Checks are what the register can show of itself.
func (s *Service) Checks() []tutela.Check {
	return []tutela.Check{{
		ID: "govern.risks-reviewed", Title: "Every risk was looked at in time, and two people agreed to what is left of high ones",
		Controls: []string{"G03", "45 CFR 164.308(a)(1)(ii)(A)", "45 CFR 164.308(a)(1)(ii)(B)"}, Fresh: 24 * time.Hour, Try: s.try,
	}}
}

// waits is how long a high risk may wait for a second person.
const waits = 30 * 24 * time.Hour

func (s *Service) try(ctx context.Context) tutela.Evidence {
	e := tutela.Evidence{On: "the register of risks"}
	judged := func(v tutela.Verdict, format string, args ...any) tutela.Evidence {
		e.Verdict, e.Observed = v, fmt.Sprintf(format, args...)
		return e
	}
	items, err := s.cfg.Register.List(ctx, register.Filter{Kind: kind})
	if err != nil {
		return judged(tutela.CouldNotCheck, "the register could not be read: %v", err)
	}
	now := s.cfg.Clock()
	live, wrong := 0, []string{}
	for _, it := range items {
		k, err := s.kept(it, nil)
		switch {
		case err != nil:
			return judged(tutela.CouldNotCheck, "risk %s does not open: %v", it.ID, err)
		case k.State == Closed:
			continue
		case k.Overdue:
			wrong = append(wrong, fmt.Sprintf("%s was to be looked at by %s", k.ID, k.Review.Format(time.DateOnly)))
		case k.State == Waiting && now.Sub(k.At) > waits:
			wrong = append(wrong, k.ID+" waits for a second person since "+k.At.Format(time.DateOnly))
		case k.State == Open && k.Score >= High && (k.Agreed == "" || k.Agreed == k.Proposed):
			wrong = append(wrong, k.ID+" is high, and nobody else agreed to it")
		}
		live++
	}
	switch {
	case live == 0:
		return judged(tutela.NotApplicable, "no risk is in the register yet: begin with tutela risks set")
	case len(wrong) > 0:
		return judged(tutela.Fail, "%d of %d: %s", len(wrong), live, strings.Join(wrong[:min(len(wrong), 5)], "; "))
	}
	return judged(tutela.Pass, "%d risks are looked at in time", live)
}
