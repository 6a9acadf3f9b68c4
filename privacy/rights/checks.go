package rights

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/audit"
)

// Checks are what this package can show of itself by looking.
func (s *Service) Checks() []tutela.Check {
	return []tutela.Check{{
		ID: "privacy.restrictions-hold", Title: "What holds is what the ledger says that was restricted",
		Controls: []string{"P15", "GDPR 18", "GDPR 21", "45 CFR 164.522(a)"}, Fresh: 24 * time.Hour, Try: s.tryRestrictions,
	}, {
		ID: "privacy.requests-in-time", Title: "No patient's request is overdue",
		Controls: []string{"P15", "GDPR 12(3)", "45 CFR 164.524(b)(2)", "45 CFR 164.526(b)(2)", "45 CFR 164.528(c)(1)", "CCPA 1798.130"}, Fresh: 24 * time.Hour, Try: s.tryRequests,
	}}
}

// tryRestrictions holds the row of restrictions to the ledger: each change of it is an entry that names its
// revision, so that a row that was deleted, or put back from an earlier day, is found.
func (s *Service) tryRestrictions(ctx context.Context) tutela.Evidence {
	e := tutela.Evidence{On: "the restrictions that are stored, and the ledger"}
	all, err := s.readRestrictions(ctx)
	if err != nil {
		e.Verdict, e.Observed = tutela.Fail, "the restrictions cannot be read, so that every request is refused: "+err.Error()
		return e
	}
	newest, err := s.newestRevision(ctx)
	switch {
	case err != nil:
		e.Observed = err.Error()
	case all.revision < newest:
		e.Verdict, e.Observed = tutela.Fail, fmt.Sprintf("the ledger knows revision %d of the restrictions, and revision %d is stored: somebody's records are open that should not be", newest, all.revision)
	default:
		e.Verdict, e.Observed = tutela.Pass, fmt.Sprintf("revision %d is stored, the newest that the ledger knows; %d patients are restricted", all.revision, len(all.list))
	}
	return e
}

// newestRevision is the highest that an entry names; 0 without any.
func (s *Service) newestRevision(ctx context.Context) (int64, error) {
	named := regexp.MustCompile(`\(revision (\d+)\)$`)
	newest := int64(0)
	for _, action := range []tutela.Action{tutela.ActionPatientRestrict, tutela.ActionRightsDecide} {
		err := s.cfg.Audit.Search(ctx, audit.Query{Action: action, Outcome: tutela.OutcomeSuccess}, func(o audit.Opened) error {
			if o.Entry.Subject == nil {
				return nil
			}
			if m := named.FindStringSubmatch(o.Entry.Subject.Detail); m != nil {
				n, _ := strconv.ParseInt(m[1], 10, 64) // digits; what does not fit names none
				newest = max(newest, n)
			}
			return nil
		})
		if err != nil {
			return 0, fmt.Errorf("search the ledger for restrictions: %w", err)
		}
	}
	return newest, nil
}

// tryRequests looks for what should have been answered.
func (s *Service) tryRequests(ctx context.Context) tutela.Evidence {
	e := tutela.Evidence{On: "the requests that are open"}
	list, err := s.Requests(ctx, false)
	if err != nil {
		e.Observed = err.Error()
		return e
	}
	overdue := 0
	for i := range list {
		if list[i].Overdue(s.now()) {
			overdue++
		}
	}
	e.Verdict, e.Observed = tutela.Pass, fmt.Sprintf("%d are open, none is overdue", len(list))
	if overdue > 0 {
		e.Verdict, e.Observed = tutela.Fail, fmt.Sprintf("%d of %d open requests are overdue", overdue, len(list))
	}
	return e
}
