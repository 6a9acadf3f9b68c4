package access

import (
	"context"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/access/consent"
	"github.com/tutela-health/tutela/access/label"
	"github.com/tutela-health/tutela/internal/errs"
)

// Request is what a caller wants, before anything is known about the data.
type Request struct {
	Action  tutela.Action
	Type    string // FHIR resource type; empty for what is no record
	Purpose tutela.Purpose
	// About is the patient whose rights are exercised, for the actions of that group: policies decide on
	// how he stands to the caller, and not the token's scopes, which are for records.
	About tutela.PatientID
}

// Relations knows whom a clinician treats. The records know.
type Relations interface {
	// Treats gives the pseudonyms of the patients whom a clinician treats at the moment, sorted. The
	// caller must not change the list.
	Treats(ctx context.Context, clinician tutela.Ref) ([]tutela.Bucket, error)
}

// Emergency is access to one patient for whom a caller broke the glass.
type Emergency struct {
	ID      string // of the entry that tells of it
	Patient tutela.Bucket
}

// Emergencies knows for whom a caller broke the glass.
type Emergencies interface {
	// Open gives the emergencies that are open to a caller's session at the moment, sorted by patient. The
	// caller must not change the list.
	Open(ctx context.Context, p tutela.Principal) ([]Emergency, error)
}

// Restrictions knows whose records may not be used.
type Restrictions interface {
	// Restricted gives the patients whose records may not be used for a purpose, sorted. The caller must not
	// change the list.
	Restricted(ctx context.Context, purpose tutela.Purpose) ([]tutela.Bucket, error)
}

// Config says what an Authorizer works with. What is nil knows of nobody.
type Config struct {
	Policies    *Policies
	Locate      func(tutela.PatientID) tutela.Bucket // a patient's pseudonym
	Relations   Relations
	Emergencies Emergencies

	Restrictions Restrictions

	Regime consent.Regime // what holds where no consent says anything; the zero value is opt-in
}

// Authorizer decides. Safe for concurrent use.
type Authorizer struct {
	cfg      Config
	policies atomic.Pointer[Policies]
}

// New returns an Authorizer. Without policies it denies everything.
func New(c Config) *Authorizer {
	a := &Authorizer{cfg: c}
	a.policies.Store(c.Policies)
	return a
}

// Policies are those in force.
func (a *Authorizer) Policies() *Policies { return a.policies.Load() }

// Replace puts other policies in force, for every decision that begins from now on.
func (a *Authorizer) Replace(p *Policies) { a.policies.Store(p) }

// Version names the policies in force; empty without any.
func (a *Authorizer) Version() string {
	if p := a.policies.Load(); p != nil {
		return p.version
	}
	return ""
}

// Authorize gives the authority to do what was asked, or errs.Denied. What can be known only of an
// open resource is left to the Grant.
func (a *Authorizer) Authorize(ctx context.Context, p tutela.Principal, r Request) (Grant, error) {
	policies := a.policies.Load()
	if policies == nil {
		return Grant{}, errs.New(errs.Denied, "no policy is in force")
	}
	g := a.begun(policies, p, r)
	if r.Type != "" {
		if err := g.disguised(r.Action); err != nil {
			return Grant{}, err
		}
	}
	if r.About != "" {
		return a.exercise(ctx, g, p, r)
	}
	if r.Type == "" {
		if !policies.decide(g.question).allow {
			return Grant{}, errs.New(errs.Denied, "no policy permits this")
		}
		return g, nil
	}
	if g.scopes = allowances(p.Scopes, r.Action, r.Type); len(g.scopes) == 0 || lacksFHIRUser(p) {
		return Grant{}, errs.New(errs.Denied, "the token's scopes do not cover %s on %s", r.Action, r.Type)
	}
	if err := a.relate(ctx, &g, p); err != nil {
		return Grant{}, err
	}
	g.scopes = slices.DeleteFunc(g.scopes, func(s allowance) bool { return s.own && g.own == tutela.BucketGeneral })
	if len(g.scopes) == 0 {
		return Grant{}, errs.New(errs.Denied, "the token's scopes are for a patient, and it names none")
	}
	if g.scopes = slices.DeleteFunc(g.scopes, g.peeks); len(g.scopes) == 0 {
		return Grant{}, errs.New(errs.Denied, "the token's scopes are narrowed by what is hidden from the caller")
	}
	if !g.possible() {
		return Grant{}, errs.New(errs.Denied, "no policy permits this")
	}
	return g, nil
}

// begun is a Grant that admits nothing yet.
func (a *Authorizer) begun(policies *Policies, p tutela.Principal, r Request) Grant {
	return Grant{policies: policies, question: questionOf(p, r), deid: policies.deidentified(p.Roles), asks: asking(p, r), regime: a.cfg.Regime}
}

// questionOf is what of a question is known before any resource is open.
func questionOf(p tutela.Principal, r Request) question {
	return question{
		roles: join(p.Roles), clearances: join(widened(p.Clearances)), kind: p.Kind, assurance: p.Assurance,
		purpose: r.Purpose, action: r.Action, typ: r.Type,
	}
}

// widened are clearances with those that they include, sorted: one order of labels holds for rules, for
// policies and for people.
func widened(clearances []string) []string {
	if len(clearances) == 0 {
		return nil
	}
	list := slices.Clone(clearances)
	if set, err := label.ParseSet(strings.Join(clearances, " ")); err == nil {
		list = set.Widened().Needs()
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// asking is the question to a patient's consents, as far as it is known before a resource is open.
func asking(p tutela.Principal, r Request) consent.Question {
	q := consent.Question{Purpose: r.Purpose, Action: consent.Access}
	if p.FHIRUser.ID != "" {
		q.Caller = []tutela.Ref{p.FHIRUser}
	}
	q.Staff = p.Kind == tutela.ActorPerson && !slices.ContainsFunc(p.Roles, actsForPatients)
	switch r.Action {
	case tutela.ActionCreate, tutela.ActionUpdate, tutela.ActionDelete:
		q.Action = consent.Correct
	}
	return q
}

// actsForPatients tells the roles of those who are no staff.
func actsForPatients(role string) bool {
	return role == string(RolePatient) || role == string(RoleProxy)
}

// strays tells a patient's account whose token is for somebody else's chart: it opens neither.
func strays(p tutela.Principal) bool {
	return p.Kind == tutela.ActorPerson && slices.Contains(p.Roles, string(RolePatient)) &&
		p.FHIRUser != tutela.Ref{Type: "Patient", ID: string(p.Patient)}
}

// relate finds out whose patients the caller's are.
func (a *Authorizer) relate(ctx context.Context, g *Grant, p tutela.Principal) error {
	if p.Patient != "" && a.cfg.Locate != nil && !strays(p) {
		g.own = a.cfg.Locate(p.Patient)
	}
	var err error
	if a.cfg.Restrictions != nil {
		if g.restricted, err = a.cfg.Restrictions.Restricted(ctx, g.question.purpose); err != nil {
			return errs.Wrap(errs.Unavailable, err, "whose records are restricted could not be found out")
		}
	}
	if p.Kind != tutela.ActorPerson {
		return nil
	}
	if p.FHIRUser.ID != "" && a.cfg.Relations != nil {
		if g.treated, err = a.cfg.Relations.Treats(ctx, p.FHIRUser); err != nil {
			return errs.Wrap(errs.Unavailable, err, "whom the caller treats could not be found out")
		}
	}
	if a.cfg.Emergencies != nil {
		if g.emergencies, err = a.cfg.Emergencies.Open(ctx, p); err != nil {
			return errs.Wrap(errs.Unavailable, err, "emergency access could not be looked up")
		}
		g.broken = patientsOf(g.emergencies)
	}
	return nil
}
