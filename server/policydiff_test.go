package server_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/access"
	"github.com/tutela-health/tutela/access/replay"
	"github.com/tutela-health/tutela/internal/rig"
)

// yesterday are requests as people make them: reads that succeed and that are refused, searches, writes.
func yesterday(t *testing.T, s *site) {
	t.Helper()
	labelledChart(t, s)
	s.Put(t, `{"resourceType":"Patient","id":"other"}`)
	s.Put(t, `{"resourceType":"Observation","id":"theirs","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/other"}}`)
	s.Put(t, `{"resourceType":"Observation","id":"plain","status":"final","code":{"text":"x"},"note":[{"text":"y"}],"subject":{"reference":"Patient/p"}}`)
	for _, c := range []struct {
		as, path string
		want     int
	}{
		{"physician", "Observation/plain", 200}, {"physician", "Observation/theirs", 404}, {"physician", "Observation/none", 404},
		{"physician", "Observation?patient=p", 200}, {"billing", "Observation/plain", 200}, {"registration", "Patient/p", 200},
		{rig.Loader, "Observation/one", 200}, {"researcher", "Consent", 403},
	} {
		if a := s.Get(t, c.as, c.path); a.Status != c.want {
			t.Fatalf("%s %s: %d %s", c.as, c.path, a.Status, a.Body)
		}
	}
}

// differs asks what a file would change, as somebody.
func (s *site) differs(t *testing.T, by string, files access.Files, whole bool) rig.Answer {
	t.Helper()
	body, err := json.Marshal(map[string]any{"files": files, "whole": whole, "since": time.Now().Add(-time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	return s.Do(t, rig.Call{As: by, Method: http.MethodPost, Path: "/api/v1/policy/diff", Body: string(body), Header: map[string]string{"Content-Type": "application/json"}})
}

// lines are the groups of a report, each in a line.
func lines(r replay.Report) []string {
	list := []string{}
	for _, g := range r.Groups {
		line := fmt.Sprintf("%s %s %s %s %s %d by %s", g.Change, strings.Join(g.Roles, "+"), g.Action, g.Type, g.Standing, g.Requests, strings.Join(g.Policies, "+"))
		if g.Possible {
			line += " possible"
		}
		if len(g.Elements) > 0 {
			line += " " + strings.Join(g.Elements, "+")
		}
		list = append(list, line)
	}
	return list
}

// Each change of policies shows in the requests that it would have changed, and in no others.
func TestPolicyDiffSaysWhatWouldHaveBeen(t *testing.T) {
	t.Parallel()
	for _, engine := range rig.Engines() {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			s := newRigged(t, rig.Config{Engine: engine}, nil)
			yesterday(t, s)
			office := s.Access.Policies().Files()["office.cedar"]
			for _, c := range []struct {
				name, by string
				files    access.Files
				want     []string
			}{
				{"nothing", "privacy", access.Files{"office.cedar": office}, []string{}},
				{"physicians see strangers", "privacy", access.Files{"own.cedar": `@id("own") permit (principal in Role::"physician", action in [Action::"see"], resource);`}, []string{
					"allow physician read Observation general 1 by own possible", // there is none of the id that was read
					"allow physician read Observation stranger 1 by own",
					"allow physician read Observation stranger 1 by own possible",
					"allow physician search-type Observation general 1 by own possible",
					"allow physician search-type Observation stranger 1 by own possible",
				}},
				{"researchers find consents", "privacy", access.Files{"own.cedar": `@id("own") permit (principal in Role::"researcher", action in [Action::"see"], resource) when { resource.type == "Consent" };`}, []string{
					"allow researcher search-type Consent general 1 by own possible",
					"allow researcher search-type Consent stranger 1 by own possible",
				}},
				{"registration loses demographics", "privacy", access.Files{"office.cedar": strings.Replace(office, `Action::"update"], resource in Class::"demographics"`, `Action::"update"], resource in Class::"coverage"`, 1)},
					[]string{"deny registration read Patient stranger 1 by registration.demographics"}},
				{"billing sees notes", "privacy", access.Files{"office.cedar": strings.Replace(office, "quantity, supplier", "quantity, supplier, note", 1)},
					[]string{"show billing read Observation stranger 1 by billing.services note"}},
				{"interfaces are kept from HIV", "privacy", access.Files{"own.cedar": `@id("own") forbid (principal in Role::"service", action in [Action::"read"], resource is Record) when { resource.labels.contains("HIV") };`},
					[]string{"deny service read Observation stranger 1 by own"}},
				{"an administrator probes for a label", admin, access.Files{"own.cedar": `@id("own") forbid (principal, action in [Action::"see"], resource is Record) when { resource.labels.contains("HIV") };`}, []string{}},
				{"an auditor probes for a consent", auditor, access.Files{"own.cedar": `@id("own") forbid (principal, action in [Action::"see"], resource is Record) when { resource.consent == "deny" };`}, []string{}},
				{"an administrator", admin, access.Files{"office.cedar": strings.Replace(office, "quantity, supplier", "quantity, supplier, note", 1)},
					[]string{"show billing read Observation stranger 1 by billing.services note"}},
			} {
				a := s.differs(t, c.by, c.files, false)
				expect(t, a, http.StatusOK)
				got := decode[replay.Report](t, a.Body)
				if diff := cmp.Diff(c.want, lines(got)); diff != "" {
					t.Errorf("%s (-want +got):\n%s", c.name, diff)
				}
				for _, g := range got.Groups {
					if len(g.Examples) == 0 || g.Examples[0].ID == "" {
						t.Errorf("%s: no example: %+v", c.name, g)
					}
				}
			}
		})
	}
}

// A comparison tells counts and places: no patient, no resource, no account. It is refused to all others,
// bad files are refused with the reason, and each is in the ledger.
func TestPolicyDiffTellsNothingOfRecords(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	yesterday(t, s)
	open := access.Files{"own.cedar": `@id("own") permit (principal, action in [Action::"see"], resource);`}
	before := len(s.entries(t, tutela.ActionPolicyDiff))
	for _, by := range []string{"physician", "nurse", "billing", "p", rig.Loader, "developer"} {
		expect(t, s.differs(t, by, open, false), http.StatusForbidden)
	}
	for _, by := range []string{"privacy", auditor, admin} {
		a := s.differs(t, by, open, true)
		expect(t, a, http.StatusOK)
		if r := decode[replay.Report](t, a.Body); !r.Opens() {
			t.Errorf("%s is not told what opens: %s", by, a.Body)
		}
		for _, secret := range []string{"Patient/", "Observation/", "theirs", "HIV", "Practitioner/", fmt.Sprintf("%x", uint64(s.Records.Bucket("p")))} {
			if strings.Contains(string(a.Body), secret) {
				t.Errorf("%s is told %q", by, secret)
			}
		}
	}
	expect(t, s.differs(t, admin, access.Files{"own.cedar": "permit nonsense"}, false), http.StatusUnprocessableEntity)
	expect(t, s.differs(t, admin, access.Files{"../own.cedar.txt": ""}, false), http.StatusBadRequest)
	expect(t, s.differs(t, admin, nil, false), http.StatusBadRequest)
	if got := len(s.entries(t, tutela.ActionPolicyDiff)) - before; got != 6+3+3 {
		t.Errorf("%d entries", got)
	}
}
