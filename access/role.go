package access

// Role is a named set of permissions that an account holds. Policies say what it may do.
type Role string

// The roles that the shipped policies speak of.
const (
	RoleService      Role = "service" // the organisation's own interfaces
	RoleAdmin        Role = "admin"   // runs the house; no patient data
	RolePrivacy      Role = "privacy" // reviews emergencies, reads the ledger
	RolePhysician    Role = "physician"
	RoleNurse        Role = "nurse"
	RoleRegistration Role = "registration" // demographics only
	RoleBilling      Role = "billing"      // no notes, no results
	RolePharmacist   Role = "pharmacist"
	RoleLaboratory   Role = "laboratory"
	RoleResearcher   Role = "researcher" // records, de-identified
	RoleDeveloper    Role = "developer"  // records, de-identified
	RoleAuditor      Role = "auditor"    // the ledger only
	RolePatient      Role = "patient"
	RoleProvisioner  Role = "provisioner" // SCIM clients: people's accounts, and no record
	RolePipeline     Role = "pipeline"    // reports what was found about one repository, and nothing else
	RoleProxy        Role = "proxy"       // acts for a patient
)

// Roles lists them.
func Roles() []Role {
	return []Role{RoleService, RoleAdmin, RolePrivacy, RolePhysician, RoleNurse, RoleRegistration, RoleBilling, RolePharmacist,
		RoleLaboratory, RoleResearcher, RoleDeveloper, RoleAuditor, RolePatient, RoleProvisioner, RolePipeline, RoleProxy}
}

// Privileged are the roles of those who administer or who watch everybody: no directory gives them,
// only an administrator.
func Privileged() []Role {
	return []Role{RoleAdmin, RolePrivacy, RoleAuditor, RoleService, RoleProvisioner, RolePipeline}
}
