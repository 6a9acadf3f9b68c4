package scm

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// person is somebody who may do something.
type person struct {
	Login string `json:"login"`
	May   struct {
		Push     bool `json:"push"`
		Maintain bool `json:"maintain"`
		Admin    bool `json:"admin"`
	} `json:"permissions"`
}

func logins(list []person) []string {
	names := []string{}
	for _, p := range list {
		names = append(names, p.Login)
	}
	slices.Sort(names)
	return names
}

// How many people with a right are too many to look after, and how many with rights are asked about.
const (
	manyAdmins = 5
	maxAsked   = 200
)

// people looks at who may change the repository, and whether they still do.
func (l *look) people(ctx context.Context) {
	all, err := list[person](ctx, l.client, nil, "repos", l.owner, l.name, "collaborators")
	if err != nil {
		l.miss("who administers it and who may push", err)
		return
	}
	var admins, pushers []person
	for _, p := range all {
		if p.May.Admin {
			admins = append(admins, p)
		}
		if p.May.Push || p.May.Maintain || p.May.Admin {
			pushers = append(pushers, p)
		}
	}
	l.say("administered by %s", some(logins(admins)))
	l.say("pushed to by %s", some(logins(pushers)))
	if len(admins) > manyAdmins {
		l.add(manyAdministrators(), "%d people administer it: %s", len(admins), some(logins(admins)))
	}
	l.outsiders(ctx, pushers)
	l.idle(ctx, pushers)
}

// outsiders looks for people who are not the organisation's and may change its repository.
func (l *look) outsiders(ctx context.Context, pushers []person) {
	if l.repository.Owner.Type != "Organization" {
		return
	}
	outside, err := list[person](ctx, l.client, url.Values{"affiliation": {"outside"}}, "repos", l.owner, l.name, "collaborators")
	if err != nil {
		l.miss("who from outside may change it", err)
		return
	}
	theirs := logins(outside)
	for _, p := range pushers {
		switch {
		case !slices.Contains(theirs, p.Login):
		case p.May.Admin:
			l.add(outsideAdmin(), "%s is not of %s and administers it", p.Login, l.owner)
		default:
			l.add(outsidePush(), "%s is not of %s and may push", p.Login, l.owner)
		}
	}
}

// idle looks for people who may push and have not for a quarter of a year (docs.github.com/rest/repos/repos#list-repository-activities).
func (l *look) idle(ctx context.Context, pushers []person) {
	if len(pushers) > maxAsked {
		l.miss("who no longer pushes", errors.New("too many people may push to ask about each"))
		return
	}
	var idle []string
	for _, p := range pushers {
		var activity []struct{}
		query := url.Values{"actor": {p.Login}, "time_period": {"quarter"}, "per_page": {"1"}}
		if err := l.client.get(ctx, &activity, query, "repos", l.owner, l.name, "activity"); err != nil {
			l.miss("who no longer pushes", err)
			return
		}
		if len(activity) == 0 {
			idle = append(idle, p.Login)
		}
	}
	if len(idle) > 0 {
		slices.Sort(idle)
		l.add(staleRight(), "%d may push and have not for three months: %s", len(idle), some(idle))
	}
}

// organisation looks at who owns it and how they sign in.
func (l *look) organisation(ctx context.Context) {
	if l.repository.Owner.Type != "Organization" {
		l.say("owned by %s, a person", l.owner)
		l.miss("two-factor authentication of who may push", errors.New("a person's repository has no organisation that could require it"))
		return
	}
	owners, err := list[person](ctx, l.client, url.Values{"role": {"admin"}}, "orgs", l.owner, "members")
	switch {
	case err != nil:
		l.miss("who owns it", err)
	case len(owners) == 1:
		l.add(oneOwner(), "%s alone owns %s: nobody could stand in", owners[0].Login, l.owner)
	default:
		l.say("owned by %s", some(logins(owners)))
	}
	l.secondFactor(ctx)
}

// secondFactor asks whether the organisation requires it, and who has none. GitHub tells its owners alone.
func (l *look) secondFactor(ctx context.Context) {
	var org struct {
		Required *bool  `json:"two_factor_requirement_enabled"`
		Default  string `json:"default_repository_permission"`
	}
	err := l.client.get(ctx, &org, nil, "orgs", l.owner)
	if err == nil && org.Required == nil {
		err = errDenied
	}
	if err != nil {
		l.miss("whether two-factor authentication is required", err)
		return
	}
	if !*org.Required {
		l.add(noSecondFactor(), "%s does not require two-factor authentication", l.owner)
		l.without(ctx)
	}
	if slices.Contains([]string{"write", "admin"}, org.Default) {
		l.add(wideDefault(), "every member of %s may %s every repository", l.owner, strings.Replace(org.Default, "admin", "administer", 1))
	}
}

func (l *look) without(ctx context.Context) {
	without, err := list[person](ctx, l.client, url.Values{"filter": {"2fa_disabled"}}, "orgs", l.owner, "members")
	if err != nil {
		l.miss("who signs in without a second factor", err)
		return
	}
	if len(without) > 0 {
		l.add(withoutSecondFactor(), "%d sign in with a password alone: %s", len(without), some(logins(without)))
	}
}

func number(n int64) string { return strconv.FormatInt(n, 10) }
