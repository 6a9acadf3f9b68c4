package access

import (
	"context"
	"fmt"
	"slices"

	"github.com/tutela-health/tutela"
)

// watching are the acts by which somebody sees what others do here, and what was found about it.
func watching() []tutela.Action {
	return []tutela.Action{
		tutela.ActionAuditRead, tutela.ActionAuditSearch, tutela.ActionFindingList, tutela.ActionAnswerList, tutela.ActionAlertList, tutela.ActionIncidentList,
		tutela.ActionBreachRead, tutela.ActionExportList, tutela.ActionEventsSearch, tutela.ActionEventsSources,
	}
}

// watchers are the roles that may do any of them.
func watchers() []Role { return []Role{RoleAdmin, RolePrivacy, RoleAuditor} }

// tryWatching asks the policies in force, as a person of each role, for everything that shows what others do.
func (a *Authorizer) tryWatching(ctx context.Context) tutela.Evidence {
	p := a.Policies()
	if p == nil {
		return tutela.Evidence{On: "the policies in force", Observed: "no policy is in force: nothing can be permitted, and nothing was tried"}
	}
	e := tutela.Evidence{On: "the policies in force, version " + p.version}
	opened, asked := 0, 0
	var wrong []string
	for _, role := range append(Roles(), "") {
		who := tutela.Principal{ID: "tutela-assess", Kind: tutela.ActorPerson, Scopes: []string{"user/*.cruds", "system/*.cruds"}, Assurance: "aal2", Client: "tutela-assess"}
		if role != "" {
			who.Roles = []string{string(role)}
		}
		for _, action := range watching() {
			asked++
			if _, err := a.Authorize(ctx, who, Request{Action: action}); err != nil {
				continue
			}
			opened++
			if !slices.Contains(watchers(), role) {
				wrong = append(wrong, fmt.Sprintf("the role %q may %s", role, action))
			}
		}
	}
	switch {
	case len(wrong) > 0:
		e.Verdict, e.Observed = tutela.Fail, fmt.Sprintf("%d times somebody may see what others do who does not watch, the first: %s", len(wrong), wrong[0])
	case opened == 0:
		e.Observed = "nobody may watch at all, so that a refusal proves nothing"
	default:
		e.Verdict, e.Observed = tutela.Pass, fmt.Sprintf("of %d questions the policies said yes to %d, all of them of administrators, privacy officers or auditors", asked, opened)
	}
	return e
}
