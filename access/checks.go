package access

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/cedar-policy/cedar-go"

	"github.com/tutela-health/tutela"
)

// Checks are what decisions can show of themselves by trying.
func (a *Authorizer) Checks() []tutela.Check {
	return []tutela.Check{{
		ID: "access.over-broad-policy", Title: "No policy gives a role more than it needs",
		Controls: []string{"P09", "45 CFR 164.308(a)(4)(ii)(B)", "45 CFR 164.312(a)(1)", "45 CFR 164.502(b)"},
		Fresh:    24 * time.Hour, Try: a.tryBreadth,
	}, {
		ID: "access.watchers-only", Title: "Only who watches sees what others do",
		Controls: []string{"W07", "P09", "45 CFR 164.308(a)(4)(ii)(B)", "45 CFR 164.312(a)(1)"},
		Fresh:    24 * time.Hour, Try: a.tryWatching,
	}}
}

// mostNamed bounds what evidence tells of what was found.
const mostNamed = 5

// tryBreadth asks the policies in force for what no role should have.
func (a *Authorizer) tryBreadth(context.Context) tutela.Evidence {
	p := a.Policies()
	if p == nil {
		return tutela.Evidence{On: "the policies in force", Observed: "no policy is in force: nothing can be permitted, and nothing was tried"}
	}
	e := tutela.Evidence{On: "the policies in force, version " + p.version, Verdict: tutela.Pass}
	var found []string
	for i := range p.policies {
		if one := &p.policies[i]; one.cedar.Effect() == cedar.Permit {
			for _, text := range p.overBroad(one) {
				found = append(found, fmt.Sprintf("policy %s: %s", one.id, text))
			}
		}
	}
	together, asked := p.Broad()
	found = append(found, together...)
	e.Observed = fmt.Sprintf("%d policies, each by itself and together in %d questions, gave no records to callers without a role or to those who run the house, "+
		"no patient without a relationship to those who treat, nobody everything of everybody, and nothing sensitive or denied by consent", len(p.policies), asked)
	if len(found) > 0 {
		e.Verdict, e.Observed = tutela.Fail, strings.Join(found[:min(len(found), mostNamed)], "; ")
		if more := len(found) - mostNamed; more > 0 {
			e.Observed += fmt.Sprintf("; and %d more", more)
		}
	}
	return e
}
