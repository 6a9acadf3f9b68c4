package access

import (
	"context"
	"slices"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
)

// exercise decides on an action by which somebody's rights are exercised: by himself, or by those who
// answer for them. With a type it gives a Grant that reaches what concerns that patient, and what
// concerns nobody, whole: the limits on seeing and changing are not on it.
func (a *Authorizer) exercise(ctx context.Context, g Grant, p tutela.Principal, r Request) (Grant, error) {
	if a.cfg.Locate == nil {
		return Grant{}, errs.New(errs.Denied, "no patient is known")
	}
	if err := a.relate(ctx, &g, p); err != nil {
		return Grant{}, err
	}
	g.about = a.cfg.Locate(r.About)
	g.question = g.question.about(orPatient(r.Type), g.class([]tutela.Bucket{g.about}))
	if !g.policies.decide(g.question).allow {
		return Grant{}, errs.New(errs.Denied, "no policy permits this")
	}
	if r.Type != "" {
		g.scopes = []allowance{{about: true}}
	}
	return g, nil
}

func orPatient(typ string) string {
	if typ == "" {
		return "Patient"
	}
	return typ
}

// Self reports whether a caller is a patient himself, by an account of his own for his own chart.
func Self(p tutela.Principal, patient tutela.PatientID) bool {
	return p.Patient == patient && patient != "" && p.Kind == tutela.ActorPerson &&
		slices.Contains(p.Roles, string(RolePatient)) && !strays(p)
}
