package access

import (
	"slices"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/r4"
)

// PolicyVersion names the rules that decide, for the ledger.
const PolicyVersion = "builtin-1"

// Request is what is asked. Type is empty where the action is on no record.
type Request struct {
	Action  tutela.Action
	Type    string
	Purpose tutela.Purpose
}

// Facts are what is known of a resource once it is open.
type Facts struct {
	Type     string
	Patients []tutela.Bucket // whom it concerns
	// Resource opens it for scopes that reach only what matches a search; nil where there is none.
	Resource func() *r4.Resource
}

// Grant is the authority to carry out one Request. The zero Grant admits nothing.
type Grant struct {
	permits []permit
	caller  tutela.Bucket // the caller's own pseudonym, for permits on own data
	action  tutela.Action
	basis   []string
}

// Locate gives the pseudonym of a patient; records provides it.
type Locate func(tutela.PatientID) tutela.Bucket

// Authorizer decides. Its zero value denies everything.
type Authorizer struct {
	locate Locate
}

// New returns an Authorizer that finds a patient's pseudonym by locate.
func New(locate Locate) *Authorizer { return &Authorizer{locate: locate} }

// Authorize answers a request with a Grant, or with an error of kind errs.Denied.
func (a *Authorizer) Authorize(p tutela.Principal, r Request) (Grant, error) {
	limits := []allowance{{}}
	if r.Type != "" {
		if limits = allowances(p.Scopes, r.Action, r.Type); len(limits) == 0 || lacksFHIRUser(p) {
			return Grant{}, errs.New(errs.Denied, "the token's scopes do not cover %s on %s", r.Action, r.Type)
		}
	}
	g := Grant{action: r.Action}
	for _, name := range p.Roles {
		for _, permit := range permitsOf(Role(name)) {
			if !permit.allows(r.Action, r.Type) {
				continue
			}
			for _, limit := range limits {
				g.permits = append(g.permits, permit.within(limit))
			}
			g.basis = append(g.basis, "role:"+name)
		}
	}
	g.basis = slices.Compact(g.basis)
	if p.Patient != "" && a.locate != nil {
		g.caller = a.locate(p.Patient)
	}
	g.permits = slices.DeleteFunc(g.permits, func(p permit) bool { return p.own && g.caller == tutela.BucketGeneral })
	if len(g.permits) == 0 {
		return Grant{}, errs.New(errs.Denied, "no role of the caller permits this")
	}
	return g, nil
}

// Admits reports whether the Grant covers a resource of which the facts are known.
func (g Grant) Admits(f Facts) bool {
	for _, p := range g.permits {
		if p.types != nil && !p.types[f.Type] {
			continue
		}
		if (!p.own || g.owns(f)) && p.answeredBy(f) {
			return true
		}
	}
	return false
}

// Only returns the one patient whose data the Grant is limited to, so that a search can be
// narrowed before it runs; ok is false when it is not so limited for the type.
func (g Grant) Only(typ string) (b tutela.Bucket, ok bool) {
	for _, p := range g.permits {
		if (p.types == nil || p.types[typ]) && !p.own {
			return 0, false
		}
	}
	return g.caller, len(g.permits) > 0
}

// Mask returns the part of a resource that the Grant shows: the minimum necessary. The roles
// of today see a resource whole or not at all.
func (g Grant) Mask(resource []byte) []byte { return resource }

// Basis is why the Grant was given, for the ledger.
func (g Grant) Basis() *tutela.Basis { return &tutela.Basis{Policies: g.basis} }

func (g Grant) owns(f Facts) bool {
	return g.caller != tutela.BucketGeneral && len(f.Patients) == 1 && f.Patients[0] == g.caller
}
