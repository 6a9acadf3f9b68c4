package event

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/tutela-health/tutela"
)

// asEvent makes an event of a line.
func (p *Parser) asEvent(b []byte, r *record) (Line, error) {
	if r.at.IsZero() {
		return Line{}, errNoTime
	}
	e := &Event{Entry: r.entry()}
	if e.ID == "" {
		sum := sha256.Sum256(b)
		e.ID = hex.EncodeToString(sum[:16])
	}
	switch {
	case r.product != ownProduct:
		e.Source = r.product
	case e.Foreign != nil:
		e.Source = e.Foreign.Source // the ledger passes on what another system told
	}
	if r.logged || !structured(r.class) {
		log, err := p.log(b, r)
		if err != nil {
			return Line{}, err
		}
		e.Log = log
	}
	return Line{Event: e}, nil
}

// ownProduct is the product that the ledger's own events name.
const ownProduct = "Tutela"

// structured reports whether a class's events say by their members what happened.
func structured(class int64) bool {
	return class == classDatastore || class == classAPI || class == classAuthentication
}

func (r *record) entry() tutela.Entry {
	u := &r.unmapped
	return tutela.Entry{
		ID: r.uid, Time: r.at, Node: r.node(), Tenant: tutela.Tenant(r.tenant), Actor: r.actor(),
		Session: r.session, Client: r.client, Address: r.from(), Assurance: u.assurance, Request: r.request,
		Action: r.action(), Type: r.resourceType(), Outcome: r.outcome(), Status: r.httpStatus(),
		Count: int(min(max(r.count, 0), 1<<31-1)), Purpose: tutela.Purpose(u.purpose), Basis: u.basis,
		Patients: r.touched(), Bytes: max(u.bytes, 0), BreakGlass: u.broken, Disclosure: u.disclosure,
		Subject: u.subject, Evidence: u.evidence, Ending: u.ending, Foreign: u.foreign, Continues: u.continues, Demo: u.demo,
	}
}

// node is where it happened. The ledger's events put it under src_endpoint too where there was no peer.
func (r *record) node() string {
	if r.unmapped.node == "" && r.product == ownProduct {
		return r.host
	}
	return r.unmapped.node
}

// from is where the request came from: an address, or else a workstation's name.
func (r *record) from() string {
	if r.address == "" && r.host != r.node() {
		return r.host
	}
	return r.address
}

func (r *record) actor() tutela.Actor {
	a := tutela.Actor{ID: tutela.UserID(r.user.id), Name: r.user.name, Roles: r.user.groups, Unit: r.unmapped.unit}
	if a.Unit == "" {
		a.Unit = r.user.unit
	}
	a.Kind = r.user.actorKind()
	if a.Kind == tutela.ActorAnonymous {
		a.Name = ""
		return a
	}
	if a.ID == "" {
		a.ID = tutela.UserID(a.Name)
	}
	return a
}

// actorKind tells people from software by the type's name, else by its number (OCSF 1.4.0, User: 1 User,
// 2 Admin, 3 System).
func (u person) actorKind() tutela.ActorKind {
	switch kind := tutela.ActorKind(u.kind); kind {
	case tutela.ActorPerson, tutela.ActorService, tutela.ActorSystem, tutela.ActorAnonymous:
		return kind
	}
	switch {
	case u.id == "" && u.name == "":
		return tutela.ActorAnonymous
	case u.kindID == 3:
		return tutela.ActorSystem
	}
	return tutela.ActorPerson
}

// action is the event's own code where it is one of ours, else what class and activity say.
func (r *record) action() tutela.Action {
	said := tutela.Action(r.event)
	switch r.class {
	case classDatastore:
		if knownAccess(said) {
			return said
		}
		return datastoreAction(r.activity)
	case classAuthentication:
		if knownLogin(said) {
			return said
		}
		return authenticationAction(r.activity)
	case classAPI:
		if said == "" {
			return tutela.Action(r.operation)
		}
		return said
	}
	if said == "" {
		return ActionLog
	}
	return said
}

func knownAccess(a tutela.Action) bool {
	switch a {
	case tutela.ActionRead, tutela.ActionVRead, tutela.ActionHistory, tutela.ActionExport, tutela.ActionPatientExport,
		tutela.ActionUpdate, tutela.ActionSearch, tutela.ActionBatch, tutela.ActionTransaction, tutela.ActionCreate,
		tutela.ActionDelete:
		return true
	}
	return false
}

func knownLogin(a tutela.Action) bool {
	switch a {
	case tutela.ActionAuthenticate, tutela.ActionStepUp, tutela.ActionSessionEnd, tutela.ActionTokenIssue:
		return true
	}
	return false
}

// datastoreAction names an activity of OCSF 1.4.0, Datastore Activity.
func datastoreAction(id int64) tutela.Action {
	switch id {
	case 2:
		return tutela.ActionUpdate
	case 4, 8: // Query, List
		return tutela.ActionSearch
	case 5, 6: // Write, Create
		return tutela.ActionCreate
	case 7:
		return tutela.ActionDelete
	}
	return tutela.ActionRead
}

// authenticationAction names an activity of OCSF 1.4.0, Authentication.
func authenticationAction(id int64) tutela.Action {
	switch id {
	case 2:
		return tutela.ActionSessionEnd
	case 3, 4: // tickets
		return tutela.ActionTokenIssue
	}
	return tutela.ActionAuthenticate
}

// resourceType is what the store of a Datastore Activity holds.
func (r *record) resourceType() string { return strings.TrimPrefix(r.bucket, "fhir/r4/") }

// outcome is as it is said, else by status_id, else by status_code. A log's line may say nothing of it.
func (r *record) outcome() tutela.Outcome {
	switch o := tutela.Outcome(r.unmapped.outcome); o {
	case tutela.OutcomeSuccess, tutela.OutcomeDenied, tutela.OutcomeFailed, tutela.OutcomeError:
		return o
	}
	code := r.httpStatus()
	switch {
	case r.status == 1, r.status != 2 && code >= 200 && code < 400:
		return tutela.OutcomeSuccess
	case code == 401, code == 403:
		return tutela.OutcomeDenied
	case code >= 500:
		return tutela.OutcomeError
	case r.status == 2 && r.class == classAuthentication:
		return tutela.OutcomeDenied
	case r.status == 2, code >= 400:
		return tutela.OutcomeFailed
	case structured(r.class):
		return tutela.OutcomeSuccess
	}
	return ""
}

func (r *record) httpStatus() int {
	if len(r.code) != 3 {
		return 0
	}
	n := 0
	for _, c := range []byte(r.code) {
		if c < '0' || c > '9' {
			return 0
		}
		n = n*10 + int(c-'0')
	}
	return n
}

func (r *record) touched() []tutela.Touched {
	if len(r.patients) == 0 {
		return nil
	}
	list := make([]tutela.Touched, len(r.patients))
	for i, p := range r.patients {
		list[i] = tutela.Touched{Patient: Pseudonym(p.uid), Counts: p.counts, Flags: r.unmapped.flags[p.uid]}
	}
	return list
}
