package access

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
)

func TestExplainNamesWhatDecided(t *testing.T) {
	p, err := Shipped()
	if err != nil {
		t.Fatal(err)
	}
	physician := Case{Roles: []string{"physician"}, Kind: tutela.ActorPerson, Action: tutela.ActionRead, Type: "Observation", Treated: true}
	labelled, denied, stranger, cleared := physician, physician, physician, physician
	labelled.Labels = []string{"HIV"}
	cleared.Labels, cleared.Clearances = labelled.Labels, labelled.Labels
	denied.Consent = ConsentDeny
	stranger.Treated = false
	scheduling := Case{Roles: []string{"registration"}, Kind: tutela.ActorPerson, Action: tutela.ActionRead, Type: "AppointmentResponse"}
	for _, c := range []struct {
		name string
		of   Case
		want Explanation
	}{
		{"treated", physician, Explanation{Allowed: true, Policies: []string{"physician.chart"}}},
		{"a stranger", stranger, Explanation{}},
		{"sensitive", labelled, Explanation{Policies: []string{"limit.sensitivity"}, Hindered: []string{"limit.sensitivity"}}},
		{"cleared", cleared, Explanation{Allowed: true, Policies: []string{"physician.chart"}}},
		{"refused by the patient", denied, Explanation{Policies: []string{"limit.consent"}, Hindered: []string{"limit.consent"}}},
		{"in part", scheduling, Explanation{Allowed: true, Policies: []string{"registration.scheduling"}, Hidden: []string{"comment", "contained", "meta", "text"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, p.Explain(c.of)); diff != "" {
				t.Errorf("Explain (-want +got):\n%s", diff)
			}
		})
	}
}
