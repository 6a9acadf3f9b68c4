package access

import (
	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/r4"
)

// Role names a set of permits.
type Role string

// The roles that ship.
const (
	RoleService      Role = "service"
	RoleAdmin        Role = "admin"
	RolePrivacy      Role = "privacy"
	RolePhysician    Role = "physician"
	RoleNurse        Role = "nurse"
	RoleRegistration Role = "registration"
	RoleBilling      Role = "billing"
	RoleResearcher   Role = "researcher"
	RoleDeveloper    Role = "developer"
	RoleAuditor      Role = "auditor"
	RolePatient      Role = "patient"
	RoleProvisioner  Role = "provisioner" // SCIM clients: people's accounts, and no record
)

// permit is what a role may do, before scopes narrow it.
type permit struct {
	types   map[string]bool // nil: every type
	letters string          // subset of cruds
	own     bool            // only resources whose one patient is the caller
	other   []tutela.Action // actions on what is no record
	query   *r4.Query       // only resources that match it; nil: all
}

// within is the permit as far as a scope lets it reach.
func (p permit) within(limit allowance) permit {
	p.own = p.own || limit.own
	p.query = limit.query
	return p
}

// answeredBy reports whether a resource is one that the permit's query asks for. What cannot be
// looked into, such as a deleted one, is not.
func (p permit) answeredBy(f Facts) bool {
	if p.query == nil {
		return true
	}
	if f.Resource == nil {
		return false
	}
	res := f.Resource()
	return res != nil && p.query.Match(res)
}

func (p permit) allows(action tutela.Action, typ string) bool {
	for _, a := range p.other {
		if a == action {
			return true
		}
	}
	s := tutela.Scope{Type: "*", Letters: p.letters}
	return (p.types == nil || p.types[typ]) && s.Allows(action, typ)
}

// Roles are all that there are.
func Roles() []Role {
	return []Role{RoleService, RoleAdmin, RolePrivacy, RolePhysician, RoleNurse, RoleRegistration,
		RoleBilling, RoleResearcher, RoleDeveloper, RoleAuditor, RolePatient, RoleProvisioner}
}

// Privileged are the roles of those who administer or who watch everybody: no directory gives them,
// only an administrator.
func Privileged() []Role {
	return []Role{RoleAdmin, RolePrivacy, RoleAuditor, RoleService, RoleProvisioner}
}

// permitsOf is the role table: all or nothing by type. A role that is not in it may nothing.
// Administrators, researchers and developers reach no patient data.
func permitsOf(r Role) []permit {
	directory := permit{types: types("Practitioner", "PractitionerRole", "Organization", "Location"), letters: "rs"}
	switch r {
	case RoleService:
		return []permit{{letters: "cruds"}, {other: []tutela.Action{tutela.ActionMetrics}}}
	case RolePhysician, RoleNurse:
		return []permit{{letters: "cruds"}}
	case RoleRegistration:
		return []permit{directory, {types: types("Patient", "RelatedPerson", "Coverage", "Appointment"), letters: "crus"}}
	case RoleBilling:
		return []permit{directory, {types: types("Patient", "Coverage", "Claim", "ClaimResponse",
			"ExplanationOfBenefit", "Account", "Invoice", "ChargeItem", "PaymentNotice", "PaymentReconciliation"), letters: "rs"}}
	case RolePatient:
		return []permit{directory, {letters: "rs", own: true}}
	case RoleAuditor, RolePrivacy:
		return []permit{{other: []tutela.Action{tutela.ActionAuditRead, tutela.ActionAuditSearch,
			tutela.ActionAuditProve, tutela.ActionAuditVerify}}}
	case RoleAdmin:
		return []permit{{other: []tutela.Action{tutela.ActionKeyList, tutela.ActionAssess, tutela.ActionReindex,
			tutela.ActionUserCreate, tutela.ActionUserList, tutela.ActionUserInvite, tutela.ActionUserUninvite, tutela.ActionUserImport, tutela.ActionSignerRotate,
			tutela.ActionAuditVerify, tutela.ActionMetrics}}}
	case RoleProvisioner:
		return []permit{{other: []tutela.Action{tutela.ActionPeopleRead, tutela.ActionPeopleWrite}}}
	case RoleDeveloper: // no record, until there is de-identified access
		return []permit{{other: []tutela.Action{tutela.ActionMetrics}}}
	default: // RoleResearcher waits for de-identified access
		return nil
	}
}

func types(names ...string) map[string]bool {
	set := make(map[string]bool, len(names))
	for _, n := range names {
		set[n] = true
	}
	return set
}
