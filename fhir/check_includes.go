package fhir

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/access"
)

// included is a search that might bring in what a read would not show.
type included struct {
	what   string
	who    tutela.Principal
	search string
	text   string // what an answer holds that shows it
}

// throughIncludes lets observations of two patients point at one another, and has a clinician, and
// applications with narrow scopes, include and reverse-include from what they may see.
func throughIncludes(ctx context.Context, s *stage) (wrong []string, told string, err error) {
	const member = ours + "-member"
	if err := s.plantPatients(ctx, ours, theirs, another); err != nil {
		return nil, "", err
	}
	err = s.plant(ctx, s.observation(member, ours),
		s.observation(ours, ours, member, theirs), s.observation(theirs, theirs, ours), s.observation(another, another),
		team(ours, "active"), team(another, "active"))
	if err != nil {
		return nil, "", err
	}
	doctor := clinician(access.RolePhysician)
	narrow := func(scopes ...string) tutela.Principal {
		p := doctor
		p.Scopes, p.Patient = scopes, ours
		return p
	}
	members := "Observation?_id=" + ours + "&_include=Observation:has-member"
	subject := "Observation?_id=" + ours + "&_include=Observation:subject"
	for _, control := range []included{
		{"a member of the same patient", doctor, members, called(member)},
		{"the patient", narrow("patient/Observation.rs", "patient/Patient.rs"), subject, `"resourceType":"Patient"`},
		{"observations of the patient", narrow("patient/Observation.rs", "user/Patient.rs"), "Patient?_id=" + ours + "&_revinclude=Observation:subject", called(member)},
	} {
		if !s.brings(ctx, control) {
			return nil, "", errors.New(control.what + " is not included for those who may see it, so that absence would prove nothing")
		}
	}
	all := []included{
		{"a member of another patient", doctor, members, called(theirs)},
		{"another patient's observation that refers to one", doctor, "Observation?_id=" + ours + "&_revinclude=Observation:has-member", called(theirs)},
		{"the patient, for a token that reaches observations alone,", narrow("patient/Observation.rs"), subject, `"resourceType":"Patient"`},
		{"observations of a patient for whom the token is not", narrow("patient/Observation.rs", "user/Patient.rs"),
			"Patient?_id=" + another + "&_revinclude=Observation:subject", `"resourceType":"Observation"`},
	}
	for _, c := range all {
		if s.brings(ctx, c) {
			wrong = append(wrong, fmt.Sprintf("%s came with %s", c.what, c.search))
		}
	}
	return wrong, fmt.Sprintf("what may be seen was included; of %d searches that would have included what may not, none did", len(all)), nil
}

// brings reports whether a search shows what it names.
func (s *stage) brings(ctx context.Context, c included) bool {
	return strings.Contains(s.ask(ctx, c.who, read(c.search)).body, c.text)
}

// called is how an answer names a resource that it holds.
func called(id string) string { return `"id":"` + id + `"` }
