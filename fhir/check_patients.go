package fhir

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/access"
)

// acrossPatients asks for a patient whom the invented clinician does not treat, in every way in which the
// one whom he treats is shown to him, and then for that one when he treats him no more. No answer may
// differ from the one about a patient whom there never was.
func acrossPatients(ctx context.Context, s *stage) (wrong []string, told string, err error) {
	if err := s.plantPatients(ctx, ours, theirs); err != nil {
		return nil, "", err
	}
	versions := map[string]string{}
	for _, id := range []string{ours, theirs} {
		if versions[id], err = s.put(ctx, s.observation(id, id)); err != nil {
			return nil, "", err
		}
	}
	if err := s.plant(ctx, team(ours, "active")); err != nil {
		return nil, "", err
	}
	asked := 0
	for _, role := range []access.Role{access.RolePhysician, access.RoleNurse} {
		who := clinician(role)
		if err := s.open(ctx, who, ours, ours, versions[ours]); err != nil {
			return nil, "", err
		}
		found, n := s.tells(ctx, who, theirs, versions[theirs])
		wrong, asked = append(wrong, found...), asked+n
	}
	if err := s.plant(ctx, team(ours, "inactive")); err != nil {
		return nil, "", err
	}
	found, n := s.tells(ctx, clinician(access.RolePhysician), ours, versions[ours])
	return append(wrong, found...), fmt.Sprintf("what a physician and a nurse were shown of a patient whom they treated, they were not of another, nor of the same one "+
		"when the treatment had ended: %d answers were those about a patient whom there never was", asked+n), nil
}

// tells names the ways in which an answer about a patient differs from that about nobody.
func (s *stage) tells(ctx context.Context, who tutela.Principal, id, version string) (wrong []string, asked int) {
	about, absent := ways(id, id, version), ways(nobodys, nobodys, version)
	about["a read of the patient"], absent["a read of the patient"] = read("Patient/"+id), read("Patient/"+nobodys)
	about["a search of all"], absent["a search of all"] = read("Observation?_count=1000"), read("Observation?_count=1000")
	for _, name := range slices.Sorted(maps.Keys(about)) {
		got, want := s.ask(ctx, who, about[name]), s.ask(ctx, who, absent[name])
		switch {
		case s.marked(got) && strings.Contains(got.body, `"`+id+`"`):
			wrong = append(wrong, fmt.Sprintf("%s showed a %s a patient whom nobody lets them see", name, who.Roles[0]))
		case got.status != want.status || strings.ReplaceAll(got.body, id, nobodys) != want.body:
			wrong = append(wrong, fmt.Sprintf("%s tells a %s that there is such a patient: %d is not answered like what is not there", name, who.Roles[0], got.status))
		}
	}
	return wrong, len(about)
}
