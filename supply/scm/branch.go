package scm

import (
	"context"
	"errors"
	"slices"

	"github.com/tutela-health/tutela/supply"
)

// guard is what stands before the main branch, from both kinds of settings that GitHub has.
type guard struct {
	pulls, checks   bool // a change comes by a pull request; checks must pass
	stale           bool // an approval ends when the change does
	approvals       int
	stays, straight bool // it cannot be deleted, nor its history rewritten
}

// either joins what two kinds of settings ask.
func (g guard) either(o guard) guard {
	return guard{
		pulls: g.pulls || o.pulls, checks: g.checks || o.checks, stale: g.stale || o.stale,
		approvals: max(g.approvals, o.approvals), stays: g.stays || o.stays, straight: g.straight || o.straight,
	}
}

// branch looks at the main branch.
func (l *look) branch(ctx context.Context) {
	rules, rulesErr := l.rules(ctx)
	classic, classicErr := l.protection(ctx)
	unread := rulesErr
	if unread == nil {
		unread = classicErr
	}
	l.judge(rules.either(classic), unread)
}

// judge holds what stands before the branch against what ought to. What one kind of settings does not ask, another
// that could not be read may.
func (l *look) judge(g guard, unread error) {
	for _, c := range []struct {
		holds bool
		rule  supply.Rule
		says  string
	}{
		{g.pulls && g.approvals > 0, noReview(), "a change of %q needs nobody's approval"},
		{g.straight, rewritable(), "the history of %q can be rewritten"},
		{g.stays, deletable(), "%q can be deleted"},
		{g.checks, noChecks(), "%q takes changes whatever the checks say"},
		{g.stale || g.approvals == 0, staleApproval(), "an approval of a change of %q counts for what is added later"},
	} {
		switch {
		case c.holds:
		case unread != nil:
			l.miss(c.rule.Name, unread)
		default:
			l.add(c.rule, c.says, l.repository.Branch)
		}
	}
	if unread == nil {
		l.say("%s needs %d approvals", l.repository.Branch, g.approvals)
	}
}

// rule is one of the rules that hold for a branch.
type rule struct {
	Type       string `json:"type"`
	SourceType string `json:"ruleset_source_type"`
	Ruleset    int64  `json:"ruleset_id"`
	Parameters struct {
		Approvals int  `json:"required_approving_review_count"`
		Stale     bool `json:"dismiss_stale_reviews_on_push"`
	} `json:"parameters"`
}

// rules reads the rulesets' rules (docs.github.com/rest/repos/rules#get-rules-for-a-branch). Only active ones are among them.
func (l *look) rules(ctx context.Context) (g guard, err error) {
	all, err := list[rule](ctx, l.client, nil, "repos", l.owner, l.name, "rules", "branches", l.repository.Branch)
	if err != nil {
		return g, err
	}
	var sets []int64
	for _, r := range all {
		switch r.Type {
		case "pull_request":
			g = g.either(guard{pulls: true, approvals: r.Parameters.Approvals, stale: r.Parameters.Stale})
		case "required_status_checks":
			g.checks = true
		case "deletion":
			g.stays = true
		case "non_fast_forward":
			g.straight = true
		}
		if r.SourceType != "Repository" {
			l.inherited = true
		} else if !slices.Contains(sets, r.Ruleset) {
			sets = append(sets, r.Ruleset)
		}
	}
	l.bypass(ctx, sets)
	return g, nil
}

// maxSets bounds the rulesets that are looked into.
const maxSets = 50

// bypass asks who need not keep a rule. GitHub tells only those who may change the rules.
func (l *look) bypass(ctx context.Context, sets []int64) {
	if l.inherited {
		l.miss("who may bypass the organisation's rules", errors.New("they are not the repository's own"))
	}
	for _, id := range sets[:min(len(sets), maxSets)] {
		var set struct {
			Name  string `json:"name"`
			Actor *[]struct {
				Mode string `json:"bypass_mode"`
			} `json:"bypass_actors"`
		}
		err := l.get(ctx, &set, "rulesets", number(id))
		if err == nil && set.Actor == nil {
			err = errDenied
		}
		if err != nil {
			l.miss("who may bypass the rules", err)
			return
		}
		always := 0
		for _, a := range *set.Actor {
			if a.Mode == "always" {
				always++
			}
		}
		if always > 0 {
			l.add(bypassed(), "%d roles, teams, people or apps need not keep the rules of ruleset %d", always, id)
		}
	}
}

// protection reads the older kind of settings (docs.github.com/rest/branches/branch-protection). To an administrator
// their absence means that there are none; to others it may mean that they may not see them.
func (l *look) protection(ctx context.Context) (g guard, err error) {
	type flag struct {
		Enabled bool `json:"enabled"`
	}
	var p struct {
		Reviews *struct {
			Approvals int  `json:"required_approving_review_count"`
			Stale     bool `json:"dismiss_stale_reviews"`
		} `json:"required_pull_request_reviews"`
		Checks *struct{} `json:"required_status_checks"`
		Delete *flag     `json:"allow_deletions"`
		Force  *flag     `json:"allow_force_pushes"`
		Admins *flag     `json:"enforce_admins"`
	}
	err = l.get(ctx, &p, "branches", l.repository.Branch, "protection")
	if errors.Is(err, errAbsent) && l.repository.Mine.Admin {
		return guard{}, nil
	}
	if err != nil {
		return guard{}, err
	}
	off := func(f *flag) bool { return f != nil && !f.Enabled }
	g = guard{checks: p.Checks != nil, stays: off(p.Delete), straight: off(p.Force)}
	if p.Reviews != nil {
		g.pulls, g.approvals, g.stale = true, p.Reviews.Approvals, p.Reviews.Stale
	}
	if off(p.Admins) {
		l.add(bypassed(), "administrators need not keep the protection of %q", l.repository.Branch)
	}
	return g, nil
}
