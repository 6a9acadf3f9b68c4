package access

import (
	"context"
	"slices"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
)

// Inquiry is somebody's question about what a caller may, asked in the caller's place. It holds no
// authority: its Grant admits nothing.
type Inquiry struct {
	// Grant is for those who look facts up: whose consents to ask, and as whom.
	Grant Grant

	scopes  []allowance
	refused error
	who     tutela.Principal
}

// Inquire asks what Authorize would decide, and why. Errors are of look-ups that failed.
func (a *Authorizer) Inquire(ctx context.Context, p tutela.Principal, r Request) (Inquiry, error) {
	policies := a.policies.Load()
	if policies == nil {
		return Inquiry{}, errs.New(errs.Denied, "no policy is in force")
	}
	g := a.begun(policies, p, r)
	if err := a.relate(ctx, &g, p); err != nil {
		return Inquiry{}, err
	}
	i := Inquiry{Grant: g, scopes: allowances(p.Scopes, r.Action, r.Type), who: p}
	if _, err := a.Authorize(ctx, p, r); err != nil {
		i.refused = err
		if !errs.Is(err, errs.Denied) {
			return Inquiry{}, err
		}
	}
	return i, nil
}

// Answer is what would come of a request for one resource, and why.
type Answer struct {
	Explanation

	Roles      []string `json:"roles"`
	Clearances []string `json:"clearances"`
	Standing   string   `json:"standing"` // how the resource's patients stand to the caller
	Labels     []string `json:"labels"`
	Consent    Consent  `json:"consent"`
	// Refused says why, where it is refused before or beside what policies say: the token's scopes.
	Refused string `json:"refused,omitempty"`
}

// Explain answers for a resource of which these are the facts. Policies are explained also where
// something else refuses; then Allowed is false.
func (i Inquiry) Explain(f Facts) Answer {
	q := i.Grant.question.about(f.Type, i.Grant.class(f.Patients)).known(&i.Grant, f)
	out := Answer{
		Explanation: i.Grant.policies.explain(q), Standing: q.facts.standing(), Consent: q.facts.consent,
		Roles: append([]string{}, i.who.Roles...), Clearances: append([]string{}, widened(i.who.Clearances)...), Labels: append([]string{}, split(q.facts.labels)...),
	}
	out.Policies = append([]string{}, out.Policies...)
	slices.Sort(out.Labels)
	admits := i.Grant
	admits.scopes = i.scopes
	switch {
	case !admits.scoped(f):
		out.Allowed, out.Refused = false, "the scopes that the account's tokens may carry do not reach it"
	case i.refused != nil && out.Allowed:
		out.Allowed, out.Refused = false, errs.Public(i.refused)
	}
	return out
}

// standing names how patients stand to a caller.
func (c class) standing() string {
	switch {
	case c.own:
		return "own"
	case c.emergency:
		return "emergency"
	case c.treated:
		return "treated"
	case c.general:
		return "general"
	}
	return "stranger"
}
