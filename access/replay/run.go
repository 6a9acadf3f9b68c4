package replay

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/access"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/internal/errs"
)

// flagEmergency marks a patient in an entry for whom the caller broke the glass.
const flagEmergency = "emergency"

// run is one replay under way.
type run struct {
	cfg     Config
	in      *access.Policies
	report  Report
	at      map[string]int    // of a Group, by its key
	callers map[string]caller // by account, roles and assurance
}

// caller is who asked: roles and proof as the entry has them, all else as it is now.
type caller struct {
	tutela.Principal
	treats []tutela.Bucket
	gone   bool
}

// asked is one entry that is being asked again.
type asked struct {
	audit.Opened
	who  caller
	seen map[string]bool // groups that count it
}

// entry asks an entry again, if it was a request that policies decided.
func (r *run) entry(ctx context.Context, o audit.Opened) error {
	e := &o.Entry
	if e.Actor.Kind != tutela.ActorPerson && e.Actor.Kind != tutela.ActorService || e.Continues != "" || !r.in.Decides(e.Action) && !bundled(e.Action) {
		return nil
	}
	if e.Outcome == tutela.OutcomeError {
		return nil
	}
	if r.report.Requests == maxRequests {
		return errMany
	}
	r.report.Requests++
	who, err := r.caller(ctx, e)
	if err != nil {
		return err
	}
	a := &asked{Opened: o, who: who, seen: map[string]bool{}}
	if who.gone {
		r.report.Counts.Accounts++
	}
	return r.again(ctx, a)
}

// bundled tells the actions of a Bundle, whose parts policies decide.
func bundled(a tutela.Action) bool { return a == tutela.ActionTransaction }

// again asks a request again for all that it touched, or for what it may have been after.
func (r *run) again(ctx context.Context, a *asked) error {
	e := &a.Entry
	if e.Type == "" && !bundled(e.Action) {
		r.weigh(a, r.base(a, e.Action, ""), false)
		return nil
	}
	known := false
	if r.cfg.Facts != nil {
		var err error
		if known, err = r.exactly(ctx, a); err != nil {
			return err
		}
	} else if len(e.Patients) > 0 {
		r.report.Counts.Labels++
	}
	if !known {
		r.roughly(a)
	}
	if e.Action == tutela.ActionSearch || len(e.Patients) == 0 && !known {
		r.report.Counts.Possible++
		r.possibly(a)
	}
	return nil
}

// base is the part of a case that the caller and the entry say.
func (r *run) base(a *asked, action tutela.Action, typ string) access.Case {
	return access.Case{
		Roles: a.who.Roles, Clearances: a.who.Clearances, Kind: a.who.Kind, Assurance: a.who.Assurance,
		Purpose: a.Entry.Purpose, Action: action, Type: typ,
	}
}

// actionOn is what was asked of a resource of a type: what a search includes is read, and a transaction
// is told by what it wrote.
func actionOn(e *tutela.Entry, typ string) tutela.Action {
	switch {
	case e.Action == tutela.ActionSearch && typ != e.Type:
		return tutela.ActionRead
	case !bundled(e.Action):
		return e.Action
	case len(e.Writes) == 0:
		return tutela.ActionRead
	case slices.ContainsFunc(e.Writes, func(w tutela.Write) bool { return w.Version > 1 }):
		return tutela.ActionUpdate
	}
	return tutela.ActionCreate
}

// roughly asks for each patient and type that the entry counts, as if nothing were labelled or denied.
func (r *run) roughly(a *asked) {
	for _, t := range a.Entry.Patients {
		for typ := range t.Counts {
			c := r.base(a, actionOn(&a.Entry, typ), typ)
			_, c.Treated = slices.BinarySearch(a.who.treats, t.Patient)
			c.Own = a.who.Patient != "" && r.cfg.Locate(a.who.Patient) == t.Patient
			if slices.Contains(t.Flags, flagEmergency) {
				c.Emergency, c.Purpose = true, tutela.PurposeEmergency
			}
			r.weigh(a, c, false)
		}
	}
}

// possibly asks whether anything of the type is open, for each way in which patients may stand.
func (r *run) possibly(a *asked) {
	if a.Entry.Type == "" {
		return
	}
	for _, c := range []access.Case{{}, {General: true}, {Treated: true}, {Own: true}} {
		if c.Treated && a.who.FHIRUser.ID == "" || c.Own && a.who.Patient == "" || c.General && a.Entry.Type == "Patient" {
			continue // there is no such thing
		}
		full := r.base(a, a.Entry.Action, a.Entry.Type)
		full.General, full.Treated, full.Own = c.General, c.Treated, c.Own
		r.weigh(a, full, true)
	}
}

// exactly asks for each resource that the personal parts of the entry name. It is not known where none
// of them is there any more.
func (r *run) exactly(ctx context.Context, a *asked) (known bool, err error) {
	sections, err := r.cfg.Ledger.Sections(ctx, a.Opened)
	if err != nil {
		return false, err
	}
	var refs []tutela.Ref
	for _, s := range sections {
		refs = append(refs, named(s.Body)...)
	}
	whole := len(refs) > 0
	for _, ref := range refs {
		there, err := r.resource(ctx, a, ref)
		if err != nil {
			return false, err
		}
		known, whole = known || there, whole && there
	}
	if known {
		r.report.Counts.Now++
	}
	if !whole && len(a.Entry.Patients) > 0 {
		r.report.Counts.Gone++
		if known {
			r.roughly(a)
		}
	}
	return known, nil
}

// named are the resources that a personal part names: those touched, or the one asked for.
func named(section []byte) []tutela.Ref {
	var body struct {
		Query string   `json:"query"`
		Refs  []string `json:"refs"`
	}
	if json.Unmarshal(section, &body) != nil {
		return nil
	}
	if len(body.Refs) == 0 {
		ref, _, _ := strings.Cut(body.Query, "?")
		body.Refs = []string{ref}
	}
	var refs []tutela.Ref
	for _, text := range body.Refs {
		if typ, id, ok := strings.Cut(text, "/"); ok && typ != "" && id != "" && !strings.ContainsAny(id, "/&=") {
			refs = append(refs, tutela.Ref{Type: typ, ID: id})
		}
	}
	return refs
}

// resource asks for one resource as it is now.
func (r *run) resource(ctx context.Context, a *asked, ref tutela.Ref) (there bool, err error) {
	action := actionOn(&a.Entry, ref.Type)
	i, err := r.cfg.Access.Inquire(ctx, a.who.Principal, access.Request{Action: action, Type: ref.Type, Purpose: a.Entry.Purpose})
	if err != nil {
		return false, err
	}
	f, err := r.cfg.Facts(ctx, i.Grant, ref)
	if errs.Is(err, errs.NotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	c := i.Case(f)
	if len(f.Patients) > 0 && a.brokenFor(f.Patients) {
		c.Emergency, c.Purpose = true, tutela.PurposeEmergency
	}
	r.weigh(a, c, false)
	return true, nil
}

// brokenFor reports whether the request reached patients by an emergency, as its entry says.
func (a *asked) brokenFor(patients []tutela.Bucket) bool {
	for _, p := range patients {
		if !slices.ContainsFunc(a.Entry.Patients, func(t tutela.Touched) bool {
			return t.Patient == p && slices.Contains(t.Flags, flagEmergency)
		}) {
			return false
		}
	}
	return true
}

// weigh counts a case where the other policies decide differently.
func (r *run) weigh(a *asked, c access.Case, possible bool) {
	for _, change := range r.in.Compare(r.cfg.Other, c) {
		if possible && (change.Kind == access.NewlyShown || change.Kind == access.NewlyHidden) {
			continue // what was open is asked by itself
		}
		g := Group{Change: change.Kind, Roles: c.Roles, Action: c.Action, Type: c.Type, Policies: change.Policies, Elements: change.Elements, Possible: possible}
		if c.Type != "" {
			g.Standing = c.Standing()
		}
		r.count(a, g)
	}
}

// count adds a request to its group, once.
func (r *run) count(a *asked, g Group) {
	key := g.key()
	if a.seen[key] {
		return
	}
	a.seen[key] = true
	i, there := r.at[key]
	if !there {
		i = len(r.report.Groups)
		r.at[key] = i
		g.Roles, g.Policies, g.Examples = append([]string{}, g.Roles...), append([]string{}, g.Policies...), []Example{}
		r.report.Groups = append(r.report.Groups, g)
	}
	into := &r.report.Groups[i]
	into.Requests++
	if len(into.Examples) < maxExamples {
		into.Examples = append(into.Examples, Example{Leaf: a.Leaf, ID: a.Entry.ID})
	}
}

// caller gives who asked.
func (r *run) caller(ctx context.Context, e *tutela.Entry) (caller, error) {
	key := string(e.Actor.ID) + "\x00" + strings.Join(e.Actor.Roles, " ") + "\x00" + e.Assurance
	if c, ok := r.callers[key]; ok {
		return c, nil
	}
	now, err := r.cfg.Caller(ctx, e.Actor.ID)
	c := caller{Principal: now}
	if c.gone = errs.Is(err, errs.NotFound); err != nil && !c.gone {
		return caller{}, err
	}
	c.ID, c.Kind, c.Roles, c.Assurance, c.Session = e.Actor.ID, e.Actor.Kind, e.Actor.Roles, e.Assurance, ""
	if c.FHIRUser.ID != "" && c.Kind == tutela.ActorPerson {
		if c.treats, err = r.cfg.Treats(ctx, c.FHIRUser); err != nil {
			return caller{}, err
		}
	}
	r.callers[key] = c
	return c, nil
}
