package access

import (
	"iter"
	"slices"
	"strings"

	"github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/types"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/access/mask"
)

// maxMemo bounds each memory of a Policies; a full one takes in no more.
const maxMemo = 1 << 16

// question is one distinct class of facts as Cedar is asked about it. Equal questions have equal answers.
type question struct {
	roles      string // joined by NUL
	clearances string
	kind       tutela.ActorKind
	assurance  string
	purpose    tutela.Purpose
	action     tutela.Action
	typ        string // empty: Tutela itself
	facts      class
}

// about completes a question by what is known of a resource. What is done in an emergency has that
// purpose.
func (q question) about(typ string, c class) question {
	q.typ, q.facts = typ, c
	if c.emergency {
		q.purpose = tutela.PurposeEmergency
	}
	return q
}

// class is what of the facts a policy may look at.
type class struct {
	own, treated, general, emergency bool
	restricted                       bool   // the records of one of its patients may not be used
	labels                           string // sorted, joined by NUL
	consent                          Consent
}

// Consent is what the patients' consents say of an access.
type Consent string

// What consents say.
const (
	ConsentNone   Consent = "none"
	ConsentPermit Consent = "permit"
	ConsentDeny   Consent = "deny"
)

// decision is Cedar's answer. The zero value denies.
type decision struct {
	allow    bool
	shows    mask.Mask
	hiding   bool
	policies []string // those that determined it
}

// decide answers a question, from memory where it can.
func (p *Policies) decide(q question) *decision {
	p.mu.RLock()
	d := p.memo[q]
	p.mu.RUnlock()
	if d != nil {
		return d
	}
	d = p.ask(q)
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.memo) < maxMemo {
		p.memo[q] = d
	}
	return d
}

// ask has Cedar decide on the slice of policies that speak of the caller. A policy that could not
// be evaluated denies: Cedar would go on without it, and it may have been a forbid.
func (p *Policies) ask(q question) *decision {
	policies := p.slice(split(q.roles))
	entities, request := p.entities(q)
	allowed, why := cedar.Authorize(sliced(policies), entities, request)
	d := &decision{}
	for _, r := range why.Reasons {
		d.policies = append(d.policies, string(r.PolicyID))
	}
	slices.Sort(d.policies)
	d.allow = bool(allowed) && len(why.Errors) == 0
	if !d.allow {
		return d
	}
	for i := range policies {
		if slices.Contains(d.policies, policies[i].id) {
			d.shows = mask.Union(d.shows, policies[i].shows) // visible is what any of them shows
		}
	}
	d.hiding = !d.shows.Whole()
	return d
}

// sliced gives policies to Cedar.
type sliced []policy

// All implements cedar.PolicyIterator.
func (s sliced) All() iter.Seq2[cedar.PolicyID, *cedar.Policy] {
	return func(yield func(cedar.PolicyID, *cedar.Policy) bool) {
		for i := range s {
			if !yield(cedar.PolicyID(s[i].id), s[i].cedar) {
				return
			}
		}
	}
}

// subjects are the entities of one question before those that all have.
type subjects struct {
	principal, resource types.Entity
	base                types.EntityMap
}

// Get implements types.EntityGetter.
func (a *subjects) Get(uid types.EntityUID) (types.Entity, bool) {
	switch uid {
	case a.principal.UID:
		return a.principal, true
	case a.resource.UID:
		return a.resource, true
	}
	e, ok := a.base[uid]
	return e, ok
}

func (p *Policies) entities(q question) (*subjects, cedar.Request) {
	a := &subjects{base: p.base}
	var roles []types.EntityUID
	for _, r := range split(q.roles) {
		roles = append(roles, cedar.NewEntityUID("Role", cedar.String(r)))
	}
	a.principal = types.Entity{UID: cedar.NewEntityUID("User", "caller"), Parents: types.NewEntityUIDSet(roles...),
		Attributes: types.NewRecord(types.RecordMap{
			"kind": cedar.String(q.kind), "assurance": cedar.String(q.assurance), "clearances": set(split(q.clearances)),
		})}
	a.resource = types.Entity{UID: cedar.NewEntityUID("System", "tutela")}
	if q.typ != "" {
		f := q.facts
		a.resource = types.Entity{UID: cedar.NewEntityUID("Record", cedar.String(q.typ)), Parents: types.NewEntityUIDSet(p.classes[q.typ]...),
			Attributes: types.NewRecord(types.RecordMap{
				"type": cedar.String(q.typ), "own": cedar.Boolean(f.own), "treated": cedar.Boolean(f.treated), "general": cedar.Boolean(f.general),
				"emergency": cedar.Boolean(f.emergency), "restricted": cedar.Boolean(f.restricted), "labels": set(split(f.labels)), "consent": cedar.String(f.consent),
			})}
	}
	return a, cedar.Request{
		Principal: a.principal.UID, Action: cedar.NewEntityUID("Action", cedar.String(q.action)), Resource: a.resource.UID,
		Context: types.NewRecord(types.RecordMap{"purpose": cedar.String(q.purpose)}),
	}
}

func set(list []string) types.Set {
	values := make([]types.Value, len(list))
	for i, s := range list {
		values[i] = cedar.String(s)
	}
	return types.NewSet(values...)
}

func join(list []string) string { return strings.Join(list, "\x00") }

func split(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, "\x00")
}
