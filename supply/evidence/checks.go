package evidence

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/identity"
)

// Our own policy, and no regulation's: how old the last word of a pipeline may be, and a bill of materials.
const (
	oldestWord = 7 * 24 * time.Hour
	oldestBill = 30 * 24 * time.Hour
)

// Checks are what pipelines can be held to by what they reported.
func (s *Service) Checks() []tutela.Check {
	return []tutela.Check{{
		ID: "build.pipelines-report", Title: "Every registered pipeline has told within a week, and its gate let the software through",
		Controls: []string{"B07", "B03", "45 CFR 164.308(a)(8)"}, Fresh: 24 * time.Hour, Try: s.tryWords,
	}, {
		ID: "build.bills-kept", Title: "Of everything that is shipped there is a bill of materials that opens",
		Controls: []string{"B05", "G09", "45 CFR 164.308(a)(1)(ii)(A)"}, Fresh: 24 * time.Hour, Try: s.tryBills,
	}}
}

// reporters are the clients of the pipelines that are registered.
func (s *Service) reporters(ctx context.Context) ([]identity.Client, error) {
	all, err := s.cfg.Identity.Clients(ctx)
	return slices.DeleteFunc(all, func(c identity.Client) bool { return !c.Reports() }), err
}

// held judges each pipeline, and says what is wrong with which.
func (s *Service) held(ctx context.Context, judge func(identity.Client) (wrong string, err error)) tutela.Evidence {
	e := tutela.Evidence{On: "the pipelines that are registered"}
	list, err := s.reporters(ctx)
	var wrong []string
	for _, c := range list {
		text := ""
		if text, err = judge(c); err != nil {
			break
		}
		if text != "" {
			wrong = append(wrong, c.Name+" "+text)
		}
	}
	switch {
	case err != nil:
		e.Observed = err.Error()
	case len(list) == 0:
		e.Verdict, e.Observed = tutela.NotApplicable, "no pipeline is registered"
	case len(wrong) > 0:
		e.Verdict, e.Observed = tutela.Fail, clean(strings.Join(wrong, "; "))
	default:
		e.Verdict, e.Observed = tutela.Pass, fmt.Sprintf("%d pipelines are as they should be", len(list))
	}
	return e
}

// tryWords looks for the last verdict of each pipeline's gate.
func (s *Service) tryWords(ctx context.Context) tutela.Evidence {
	return s.held(ctx, func(c identity.Client) (string, error) {
		var last *tutela.Entry
		err := s.cfg.Audit.Search(ctx, audit.Query{Action: tutela.ActionEvidence, Actor: c.Account}, func(o audit.Opened) error {
			if e := o.Entry; e.Evidence != nil && e.Evidence.Check == "supply.gate" && (last == nil || !e.Time.Before(last.Time)) {
				last = &e
			}
			return nil
		})
		if err != nil {
			return "", fmt.Errorf("search the ledger for what pipelines said: %w", err)
		}
		switch {
		case last == nil:
			return "has never told of its gate", nil
		case s.cfg.Clock().Sub(last.Time) > oldestWord:
			return "told of its gate last on " + last.Time.UTC().Format(time.DateOnly), nil
		case last.Evidence.Verdict != tutela.Pass:
			return fmt.Sprintf("told of its gate: %s", last.Evidence.Verdict), nil
		}
		return "", nil
	})
}

// tryBills opens the newest bill of each pipeline.
func (s *Service) tryBills(ctx context.Context) tutela.Evidence {
	bills, err := s.Bills(ctx)
	if err != nil {
		return tutela.Evidence{On: "the bills of materials that are kept", Observed: err.Error()}
	}
	return s.held(ctx, func(c identity.Client) (string, error) {
		i := slices.IndexFunc(bills, func(b Bill) bool { return b.Repository == c.Repository })
		if i < 0 {
			return "has never sent a bill of materials", nil
		}
		b := bills[i]
		if s.cfg.Clock().Sub(b.Received) > oldestBill {
			return "sent its last bill of materials on " + b.Received.Format(time.DateOnly), nil
		}
		if _, err := s.Bill(ctx, b.ID); err != nil {
			return "has a bill of materials that does not open", nil //nolint:nilerr // it is what was observed
		}
		return "", nil
	})
}
