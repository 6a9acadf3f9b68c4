package fhir

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/tutela-health/tutela/access"
)

// scopesHold asks with tokens that reach less than their holder may, for what lies beyond them.
func scopesHold(ctx context.Context, s *stage) (wrong []string, told string, err error) {
	if err := s.plantPatients(ctx, ours); err != nil {
		return nil, "", err
	}
	if err := s.plant(ctx, s.observation(ours, ours)); err != nil {
		return nil, "", err
	}
	narrow := keeper()
	narrow.Scopes = []string{"system/Observation.r"}
	if a := s.ask(ctx, narrow, read("Observation/"+ours)); !s.marked(a) {
		return nil, "", fmt.Errorf("a token that reads observations is answered %d, so that a refusal would prove nothing", a.status)
	}
	beyond := map[string]request{
		"reads a patient": read("Patient/" + ours), "searches": read("Observation?_id=" + ours),
		"writes":                 {method: http.MethodPut, path: "Observation/" + ours, body: s.written(ours, "9")},
		"deletes":                {method: http.MethodDelete, path: "Observation/" + ours},
		"reads all of a patient": read("Patient/" + ours + "/$everything"),
	}
	for name, q := range beyond {
		if a := s.ask(ctx, narrow, q); a.status < http.StatusBadRequest || s.marked(a) {
			wrong = append(wrong, fmt.Sprintf("a token that reads observations one by one %s (%d)", name, a.status))
		}
	}
	for _, scopes := range [][]string{nil, {"openid"}, {"system/Condition.cruds"}, {"patient/*.cruds"}} {
		other := keeper()
		other.Scopes = scopes
		if a := s.ask(ctx, other, read("Observation/"+ours)); a.status < http.StatusBadRequest || s.marked(a) {
			wrong = append(wrong, fmt.Sprintf("a token with the scopes %q reads an observation of a patient (%d)", scopes, a.status))
		}
	}
	if got := s.ask(ctx, keeper(), read("Observation/"+ours)); !s.marked(got) {
		wrong = append(wrong, "what a token may not reach was changed through it")
	}
	slices.Sort(wrong)
	return wrong, fmt.Sprintf("a token did what its scope says, and none of %d things beyond it", len(beyond)+4), nil
}

// ownChartOnly has an invented patient read his own record, and ask for another's in every way.
func ownChartOnly(ctx context.Context, s *stage) (wrong []string, told string, err error) {
	if err := s.plantPatients(ctx, ours, theirs); err != nil {
		return nil, "", err
	}
	versions := map[string]string{}
	for _, id := range []string{ours, theirs} {
		if versions[id], err = s.put(ctx, s.observation(id, id)); err != nil {
			return nil, "", err
		}
	}
	self := caller(access.RolePatient, "patient/*.rs")
	self.Patient = ours
	self.FHIRUser.Type, self.FHIRUser.ID = "Patient", ours
	if a := s.ask(ctx, self, read("Observation/"+ours)); !s.marked(a) {
		return nil, "", fmt.Errorf("a patient is answered %d about himself, so that a refusal would prove nothing", a.status)
	}
	by, asked := s.shown(ctx, self, theirs, theirs, versions[theirs])
	if len(by) > 0 {
		wrong = append(wrong, "a patient is shown another's record by "+strings.Join(by, ", "))
	}
	if a := s.ask(ctx, self, request{method: http.MethodPut, path: "Observation/" + ours, body: s.written(ours, "9")}); a.status < http.StatusBadRequest {
		wrong = append(wrong, fmt.Sprintf("a patient overwrites what was measured of him (%d)", a.status))
	}
	return wrong, fmt.Sprintf("a patient was shown his own record, and another's by none of %d requests; he could not change it either", asked), nil
}

// officesSeeNoChart asks as those who run the house, and not the care.
func officesSeeNoChart(ctx context.Context, s *stage) (wrong []string, told string, err error) {
	if err := s.plantPatients(ctx, ours); err != nil {
		return nil, "", err
	}
	version, err := s.put(ctx, s.observation(ours, ours))
	if err != nil {
		return nil, "", err
	}
	if err := s.open(ctx, keeper(), ours, ours, version); err != nil {
		return nil, "", err
	}
	asked := 0
	for _, role := range []access.Role{access.RoleAdmin, access.RoleAuditor, access.RoleProvisioner, access.RolePipeline} {
		who := caller(role, "user/*.cruds", "system/*.cruds")
		by, of := s.shown(ctx, who, ours, ours, version)
		asked += of
		if len(by) > 0 {
			wrong = append(wrong, fmt.Sprintf("the role %s is shown a patient's record by %s", role, strings.Join(by, ", ")))
		}
	}
	return wrong, fmt.Sprintf("%d requests of those who run the house, whatever scopes they had, showed no patient's record", asked), nil
}

// readersWriteNothing has those who may only look overwrite and delete.
func readersWriteNothing(ctx context.Context, s *stage) (wrong []string, told string, err error) {
	if err := s.plantPatients(ctx, ours); err != nil {
		return nil, "", err
	}
	sound := s.written(ours, "1")
	if a := s.send(ctx, "Observation/"+ours, sound); a.status >= http.StatusBadRequest {
		return nil, "", fmt.Errorf("an observation could not be written: status %d", a.status)
	}
	asked := 0
	for _, role := range []access.Role{access.RoleBilling, access.RoleResearcher, access.RoleDeveloper, access.RoleAuditor, access.RoleAdmin, access.RolePatient} {
		who := caller(role, "user/*.cruds", "patient/*.cruds")
		for _, q := range []request{
			{method: http.MethodPut, path: "Observation/" + ours, body: s.written(ours, "9")}, {method: http.MethodDelete, path: "Observation/" + ours},
			{method: http.MethodPost, path: "Observation", body: strings.Replace(sound, `"id":"`+ours+`",`, "", 1)},
		} {
			asked++
			if a := s.ask(ctx, who, q); a.status < http.StatusBadRequest {
				wrong = append(wrong, fmt.Sprintf("the role %s may %s an observation (%d)", role, q.method, a.status))
				s.forget(a)
			}
		}
	}
	if now := s.ask(ctx, keeper(), read("Observation/"+ours)); !same(now.body, sound) {
		wrong = append(wrong, "what those wrote who may only look is what is read")
	}
	return wrong, fmt.Sprintf("%d attempts to write and delete, of those who may only look, changed nothing", asked), nil
}

// forget has what somebody made who may not be deleted in the end, too.
func (s *stage) forget(a reply) {
	if parts := strings.Split(a.location, "/"); len(parts) > 3 {
		if i := slices.Index(parts, "Observation"); i >= 0 && i+1 < len(parts) {
			s.planted = append(s.planted, "Observation/"+parts[i+1])
		}
	}
}
