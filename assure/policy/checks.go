package policy

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/tutela-health/tutela"
)

// Checks are what the register can show of policies.
func (s *Service) Checks() []tutela.Check {
	return []tutela.Check{
		{
			ID: "govern.policies-approved", Title: "Every policy was approved by a second person, is as it was approved, and was looked at in time",
			Controls: []string{"G05", "45 CFR 164.316(a)", "45 CFR 164.316(b)(2)(iii)"}, Fresh: 24 * time.Hour, Try: s.tryApproved,
		},
		{
			ID: "govern.policies-acknowledged", Title: "Everybody has acknowledged within 30 days the policies that concern him",
			Controls: []string{"G05", "45 CFR 164.316(b)(2)(ii)"}, Fresh: 24 * time.Hour, Try: s.tryAcknowledged,
		},
	}
}

// judged looks at each live policy for what is wrong with it.
func (s *Service) judged(ctx context.Context, wrong func(Kept) ([]string, error)) tutela.Evidence {
	e := tutela.Evidence{On: "the register of policies"}
	list, err := s.List(ctx, false)
	var all []string
	for _, k := range list {
		var lines []string
		if err == nil {
			lines, err = wrong(k)
		}
		all = append(all, lines...)
	}
	switch {
	case err != nil:
		e.Verdict, e.Observed = tutela.CouldNotCheck, fmt.Sprintf("the register could not be read: %v", err)
	case len(list) == 0:
		e.Verdict, e.Observed = tutela.NotApplicable, "no policy is written down: tutela policies starter"
	case len(all) > 0:
		e.Verdict, e.Observed = tutela.Fail, strings.Join(all, "; ")
	default:
		e.Verdict, e.Observed = tutela.Pass, fmt.Sprintf("%d policies", len(list))
	}
	return e
}

func (s *Service) tryApproved(ctx context.Context) tutela.Evidence {
	return s.judged(ctx, func(k Kept) (wrong []string, err error) {
		if k.Overdue {
			wrong = append(wrong, fmt.Sprintf("%s, a %s, was to be looked at by %s", k.ID, k.State, k.Review.Format(time.DateOnly)))
		}
		if k.Version == 0 {
			return wrong, nil
		}
		v, err := s.cfg.Register.Get(ctx, kindVersion, versionID(k.ID, k.Version))
		if err != nil {
			return wrong, err
		}
		of, err := s.version(ctx, k.ID, k.Version)
		switch {
		case err != nil:
			wrong = append(wrong, fmt.Sprintf("version %d of %s is not what was approved", k.Version, k.ID))
		case of.Approver == of.Author || v.By.ID != of.Approver:
			wrong = append(wrong, fmt.Sprintf("nobody else approved version %d of %s", k.Version, k.ID))
		}
		return wrong, nil
	})
}

func (s *Service) tryAcknowledged(ctx context.Context) tutela.Evidence {
	return s.judged(ctx, func(k Kept) (wrong []string, err error) {
		late := 0
		for _, m := range k.Missing {
			if m.Overdue {
				late++
			}
		}
		if late > 0 {
			wrong = append(wrong, fmt.Sprintf("%d of %d have not acknowledged %s", late, k.Concerned, k.ID))
		}
		return wrong, nil
	})
}
