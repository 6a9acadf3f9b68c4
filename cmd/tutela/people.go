package main

import (
	"github.com/tutela-health/tutela/access"
	"github.com/tutela-health/tutela/fhir"
	"github.com/tutela-health/tutela/identity/federation"
	"github.com/tutela-health/tutela/identity/pages"
	"github.com/tutela-health/tutela/internal/clock"
)

// pages makes people's pages.
func (s *system) pages(api *fhir.Handler) (*pages.Pages, error) {
	return pages.New(pages.Config{
		Identity: s.identity, Base: s.config.base(), Log: s.log, Roles: givenRoles(), Patients: patientFinder(api), Federation: s.federation(),
	})
}

// federation signs people in over outside providers. One on this machine is for trying things out.
func (s *system) federation() *federation.Service {
	c := federation.Config{Identity: s.identity, Clock: clock.System, Base: s.config.base(), Loopback: s.config.TryOut}
	if s.config.ProviderSecrets != "" {
		c.Secrets = s.config.path(s.config.ProviderSecrets)
	}
	return federation.New(c)
}

// givenRoles are the roles that an administrator gives to people, in the order of the pages.
func givenRoles() []pages.Role {
	return []pages.Role{
		{Name: string(access.RolePhysician), Label: "Physician"},
		{Name: string(access.RoleNurse), Label: "Nurse"},
		{Name: string(access.RoleRegistration), Label: "Registration"},
		{Name: string(access.RoleBilling), Label: "Billing"},
		{Name: string(access.RolePatient), Label: "Patient"},
		{Name: string(access.RoleResearcher), Label: "Researcher"},
		{Name: string(access.RoleDeveloper), Label: "Developer"},
		{Name: string(access.RoleAuditor), Label: "Auditor"},
		{Name: string(access.RolePrivacy), Label: "Privacy officer"},
		{Name: string(access.RoleAdmin), Label: "Administrator"},
	}
}
