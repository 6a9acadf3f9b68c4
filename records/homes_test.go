package records_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/access"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/internal/rig"
	"github.com/tutela-health/tutela/records"
)

// Who pseudonyms stand for is told under a Grant for breaches, and under no other, however much that one may see.
func TestHomesAreToldForBreachesOnly(t *testing.T) {
	t.Parallel()
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		r.Put(t, `{"resourceType":"Patient","id":"a","deceasedBoolean":true,"name":[{"use":"old","text":"Before"},{"family":"B","given":["A"],"prefix":["Dr."]}],"address":[{"use":"old","line":["9 Old Road"],"state":"NY"},{"use":"work","line":["2 Office"],"state":"CT"},{"use":"home","line":["1 Road"],"city":"Town","postalCode":"01234","state":"MA","country":"US"}],"telecom":[{"system":"phone","value":"1"},{"system":"email","value":"a@b.example"}]}`)
		list := []tutela.Bucket{r.Records.Bucket("a"), r.Records.Bucket("nobody")}
		if _, err := r.Records.Homes(t.Context(), access.Grant{}, list); !errs.Is(err, errs.Denied) {
			t.Error(err)
		}
		g, err := r.Access.Authorize(t.Context(), rig.Principal(), access.Request{Action: tutela.ActionRead, Type: "Patient"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Records.Homes(t.Context(), g, list); !errs.Is(err, errs.Denied) {
			t.Errorf("a Grant that sees all charts: %v", err)
		}
		officer := tutela.Principal{Tenant: "rig", ID: "p", Kind: tutela.ActorPerson, Roles: []string{string(access.RolePrivacy)}, Assurance: "aal2"}
		if g, err = r.Access.Authorize(t.Context(), officer, access.Request{Action: tutela.ActionBreachScope}); err != nil {
			t.Fatal(err)
		}
		got, err := r.Records.Homes(t.Context(), g, list)
		want := []records.Home{
			{Patient: list[0], ID: "a", Deceased: true, Name: "Dr. A B", Lines: []string{"1 Road", "01234 Town"}, State: "MA", Country: "US", Email: "a@b.example"},
			{Patient: list[1]},
		}
		if d := cmp.Diff(want, got); d != "" || err != nil {
			t.Error(d, err)
		}
		officer.Assurance = "aal1"
		if _, err := r.Access.Authorize(t.Context(), officer, access.Request{Action: tutela.ActionBreachScope}); !errs.Is(err, errs.Denied) {
			t.Errorf("with one factor: %v", err)
		}
	})
}
