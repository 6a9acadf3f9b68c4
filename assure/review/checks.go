package review

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tutela-health/tutela"
)

// Checks are what the register can show of reviews.
func (s *Service) Checks() []tutela.Check {
	return []tutela.Check{{
		ID: "govern.reviews-held", Title: "Every review was held in time, all that is usual is planned, and no removal or follow-up is overdue",
		Controls: []string{"G12", "45 CFR 164.308(a)(1)(ii)(D)", "45 CFR 164.308(a)(4)(ii)(C)", "45 CFR 164.308(a)(8)"}, Fresh: 24 * time.Hour, Try: s.try,
	}}
}

// atOnce is how long a decision to take access away may wait to be carried out.
const atOnce = 3 * 24 * time.Hour

func (s *Service) try(ctx context.Context) tutela.Evidence {
	e := tutela.Evidence{On: "the register of reviews"}
	judged := func(v tutela.Verdict, format string, args ...any) tutela.Evidence {
		e.Verdict, e.Observed = v, fmt.Sprintf(format, args...)
		return e
	}
	plans, err := s.List(ctx)
	if err != nil {
		return judged(tutela.CouldNotCheck, "the register could not be read: %v", err)
	}
	if len(plans) == 0 {
		return judged(tutela.NotApplicable, "no review is planned: tutela reviews plan --owner NAME")
	}
	var wrong []string
	for _, sort := range Sorts() {
		if !slices.ContainsFunc(plans, func(k Kept) bool { return k.Sort == sort }) {
			wrong = append(wrong, fmt.Sprintf("nobody reviews %s", sort))
		}
	}
	for _, k := range plans {
		if k.Overdue {
			wrong = append(wrong, fmt.Sprintf("%s was to be reviewed by %s", k.Sort, day(k.Due)))
		}
		for _, t := range k.Tasks {
			if t.Overdue {
				wrong = append(wrong, fmt.Sprintf("%s was to be done by %s", t.ID, day(t.Until)))
			}
		}
		late, err := s.late(ctx, k)
		if err != nil {
			return judged(tutela.CouldNotCheck, "a round of %s could not be read: %v", k.Sort, err)
		}
		if late > 0 {
			wrong = append(wrong, fmt.Sprintf("%d decisions of %s are not carried out after %d days", late, k.Sort, days(atOnce)))
		}
	}
	if len(wrong) > 0 {
		return judged(tutela.Fail, "%s", strings.Join(wrong, "; "))
	}
	return judged(tutela.Pass, "%d reviews are planned, and none is overdue", len(plans))
}

// late is how many decisions of the open round wait for too long.
func (s *Service) late(ctx context.Context, k Kept) (n int, err error) {
	if k.Waiting == 0 {
		return 0, nil
	}
	r, err := s.Round(ctx, k.Sort, k.Round)
	if err != nil {
		return 0, err
	}
	for _, it := range r.Items {
		if it.waits() && s.cfg.Clock().Sub(it.Decided.At) > atOnce {
			n++
		}
	}
	return n, nil
}
