package main

import (
	"github.com/tutela-health/tutela/access"
	"github.com/tutela-health/tutela/access/label"
	board "github.com/tutela-health/tutela/console"
	"github.com/tutela-health/tutela/fhir"
	"github.com/tutela-health/tutela/identity/federation"
	"github.com/tutela-health/tutela/identity/pages"
)

// pages makes people's pages.
func (s *system) pages(api *fhir.Handler) (*pages.Pages, error) {
	return pages.New(pages.Config{
		Identity: s.identity, Base: s.config.base(), Log: s.log, Roles: givenRoles(), Labels: givenLabels(), Patients: patientFinder(api), Federation: s.federation(),
	})
}

// console makes what people look at all day.
func (s *system) console(people *pages.Pages) (*board.Console, error) {
	return board.New(board.Config{Pages: people, Clock: s.clock, Log: s.log})
}

// federation signs people in over outside providers. One on this machine is for trying things out.
func (s *system) federation() *federation.Service {
	c := federation.Config{Identity: s.identity, Clock: s.clock, Base: s.config.base(), Loopback: s.config.TryOut}
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

// givenLabels are the sensitivity labels that people are cleared for, in the order of the pages.
func givenLabels() []pages.Role {
	words := map[string]string{
		"R": "Restricted (R)", "V": "Very restricted, and restricted (V)", "42CFRPart2": "Substance use programme (42 CFR Part 2)",
		"SUD": "Substance use (SUD)", "PSY": "Mental health (PSY)", "PSYTHPN": "Psychotherapy notes (PSYTHPN)", "HIV": "HIV and AIDS (HIV)",
		"STD": "Sexually transmitted disease (STD)", "SEX": "Sexuality and reproduction (SEX)", "SDV": "Assault, abuse, domestic violence (SDV)",
		"GDIS": "Genetic disease (GDIS)", "OTHER": "Other labels (OTHER)",
	}
	var list []pages.Role
	for _, name := range label.Set(label.All).Needs() {
		list = append(list, pages.Role{Name: name, Label: words[name]})
	}
	return list
}
