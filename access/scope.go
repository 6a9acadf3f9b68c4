package access

import (
	"net/url"
	"slices"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/r4"
)

// allowance is how far one of the caller's scopes reaches for a request. The zero value is no
// limit, so it is only ever made by allowances.
type allowance struct {
	own     bool        // only data of the patient in context
	about   bool        // only what concerns the patient whose rights are exercised, or nobody
	queries []*r4.Query // only resources that match each; none: all of the type
}

// allowances are those of the granted scopes that cover an action on a type. What a search or an export
// finds is shown, so that it takes a scope to read too: together they reach what both do.
func allowances(scopes []string, action tutela.Action, typ string) []allowance {
	found := covering(scopes, action, typ)
	if action != tutela.ActionSearch && action != tutela.ActionExport {
		return found
	}
	shown := covering(scopes, tutela.ActionRead, typ)
	if slices.EqualFunc(found, shown, allowance.same) {
		return found
	}
	var both []allowance
	for _, f := range found {
		for _, s := range shown {
			both = append(both, allowance{own: f.own || s.own, queries: slices.Concat(f.queries, s.queries)})
		}
	}
	return both
}

// covering are the scopes that cover an action on a type. A scope whose parameters cannot be held
// against a resource covers nothing.
func covering(scopes []string, action tutela.Action, typ string) []allowance {
	var list []allowance
	for _, text := range scopes {
		s, valid := tutela.ParseScope(text)
		if !valid || !s.Allows(action, typ) {
			continue
		}
		a := allowance{own: s.Context == "patient"}
		if s.Query != "" {
			q, ok := condition(typ, s.Query)
			if !ok {
				continue
			}
			a.queries = []*r4.Query{q}
		}
		list = append(list, a)
	}
	return list
}

// same reports whether two allowances are without parameters and reach equally far.
func (a allowance) same(b allowance) bool {
	return a.own == b.own && len(a.queries) == 0 && len(b.queries) == 0
}

// condition reads a scope's parameters as a search that a resource must answer. What is no plain
// filter of one resource, or depends on the time, is not ok.
func condition(typ, query string) (*r4.Query, bool) {
	values, err := url.ParseQuery(query)
	if err != nil {
		return nil, false
	}
	var params [][2]string
	for name, list := range values {
		for _, v := range list {
			params = append(params, [2]string{name, v})
		}
	}
	q, err := r4.ParseQuery(typ, params)
	if err != nil || len(q.Terms) != len(params) || len(params) == 0 {
		return nil, false
	}
	return q, !slices.ContainsFunc(q.Terms, dependsOnTime)
}

// dependsOnTime tells a term that is measured from the present, which a pure function has not.
func dependsOnTime(t r4.Term) bool {
	return slices.ContainsFunc(t.Values, func(o r4.Operand) bool { return o.Prefix == r4.PrefixApproximate })
}

// lacksFHIRUser tells a token that was given for a resource of the caller's own which the account
// does not have, or has no more. Such a token reaches no record.
func lacksFHIRUser(p tutela.Principal) bool {
	return slices.Contains(p.Scopes, "fhirUser") && p.FHIRUser.ID == ""
}

// peeks reports whether a scope's parameters read an element that is hidden from the caller. Callers
// choose the scopes that they ask for: what such a scope reached would tell what a read does not show.
func (g Grant) peeks(a allowance) bool {
	if len(a.queries) > 0 && g.Deidentified() != "" {
		return true // they would be asked of what is not shown
	}
	return slices.ContainsFunc(a.queries, func(q *r4.Query) bool {
		return slices.ContainsFunc(q.Terms, func(t r4.Term) bool {
			return slices.ContainsFunc(t.Param.Branches, func(b *r4.Branch) bool { return g.Hides(g.question.typ, b.Key()) })
		})
	})
}

// answeredBy reports whether a resource matches the allowance's searches, where it has any.
func (a *allowance) answeredBy(f Facts) bool {
	if len(a.queries) == 0 {
		return true
	}
	if f.Resource == nil {
		return false
	}
	res := f.Resource()
	return res != nil && !slices.ContainsFunc(a.queries, func(q *r4.Query) bool { return !q.Match(res) })
}
