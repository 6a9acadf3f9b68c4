package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/tutela-health/tutela/records"
)

// teams is how many patients the try-out physician and nurse treat: the first that came.
const teams = 3

// care puts the try-out physician and nurse into the care teams of the first patients, and reports
// whether that changed anything. The teams are resources like any other, so that a restart finds them.
func (t *tryOut) care(ctx context.Context) (bool, error) {
	n, err := t.s.records.Count(ctx, "Patient", teams+1)
	if err != nil || n == t.seen {
		return false, err // nobody came: nothing is opened, and nothing written down
	}
	client := t.s.directClient("dev")
	before := len(t.info.Treated)
	treated, err := t.treated(ctx, client)
	if err != nil {
		return false, err
	}
	first, err := listed(ctx, client, fmt.Sprintf("/fhir/r4/Patient?_sort=_lastUpdated&_count=%d", teams+1))
	if err != nil {
		return false, err
	}
	for _, r := range first {
		if len(treated) >= teams || records.Invented(r.ID) || slices.Contains(treated, r.ID) {
			continue
		}
		id := fmt.Sprintf("tryout-team-%d", len(treated)+1)
		body, err := careTeam(id, r.ID)
		if err != nil {
			return false, err
		}
		if _, err := client.do(ctx, http.MethodPut, "/fhir/r4/CareTeam/"+id, body); err != nil {
			return false, fmt.Errorf("put the try-out physician into a care team: %w", err)
		}
		treated = append(treated, r.ID)
	}
	t.seen = n
	t.info.Treated, t.info.Settled = treated, len(treated) >= teams
	return len(treated) != before, nil
}

// treated lists the patients whose care teams are there.
func (t *tryOut) treated(ctx context.Context, client *client) ([]string, error) {
	found, err := listed(ctx, client, "/fhir/r4/CareTeam?participant=Practitioner/tryout-physician&_sort=_lastUpdated")
	if err != nil {
		return nil, err
	}
	var list []string
	for _, r := range found {
		if id, ok := strings.CutPrefix(r.Subject.Reference, "Patient/"); ok && strings.HasPrefix(r.ID, "tryout-team-") {
			list = append(list, id)
		}
	}
	return list, nil
}

// resource is what a list needs to know of one.
type resource struct {
	ID      string `json:"id"`
	Subject struct {
		Reference string `json:"reference"`
	} `json:"subject"`
}

// listed gives the first page of a search.
func listed(ctx context.Context, client *client, path string) ([]resource, error) {
	text, err := client.do(ctx, http.MethodGet, path, nil)
	if err != nil {
		return nil, fmt.Errorf("look for the first patients: %w", err)
	}
	var page struct {
		Entry []struct {
			Resource resource `json:"resource"`
		} `json:"entry"`
	}
	if err := json.Unmarshal(text, &page); err != nil {
		return nil, fmt.Errorf("read the first patients: %w", err)
	}
	list := make([]resource, len(page.Entry))
	for i, e := range page.Entry {
		list[i] = e.Resource
	}
	return list, nil
}

// careTeam is the team of physician and nurse for one patient.
func careTeam(id, patient string) ([]byte, error) {
	ref := func(to string) map[string]string { return map[string]string{"reference": to} }
	body, err := json.Marshal(map[string]any{
		"resourceType": "CareTeam", "id": id, "status": "active", "name": "Try-out care team", "subject": ref("Patient/" + patient),
		"participant": []any{
			map[string]any{"member": ref("Practitioner/tryout-physician")}, map[string]any{"member": ref("Practitioner/tryout-nurse")},
		},
	})
	if err != nil {
		return nil, fmt.Errorf("encode care team: %w", err)
	}
	return body, nil
}
