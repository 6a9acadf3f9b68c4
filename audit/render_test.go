package audit

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
)

// update writes the golden files anew: go test ./audit -run Rendered -update
var update = flag.Bool("update", false, "write golden files")

// samples are entries of the kinds that docs/events.md shows.
func samples() map[string]tutela.Entry {
	at := time.Date(2026, 11, 22, 9, 30, 15, 250e6, time.UTC)
	base := tutela.Entry{
		ID: "6f1c2d3e4a5b69788796a5b4c3d2e1f0", Time: at, Node: "node-1", Tenant: "clinic",
		Actor:   tutela.Actor{ID: "u-17", Kind: tutela.ActorPerson, Name: "physician", Roles: []string{"physician"}, Unit: "ward 3"},
		Session: "s-9", Client: "ehr", Address: "192.0.2.7", Assurance: "aal2", Request: "req-4",
		Outcome: tutela.OutcomeSuccess, Status: 200, Purpose: tutela.PurposeTreatment,
		Basis: &tutela.Basis{Policies: []string{"clinical-read"}, Relationship: "care-team"},
	}
	read := base
	read.Action, read.Type, read.Bytes = tutela.ActionRead, "Observation", 812
	read.Patients = []tutela.Touched{{Patient: 0x1b3c9d02e4f5a687, Counts: map[string]int{"Observation": 1}, Flags: []string{"treated"}}}
	search := read
	search.Action = tutela.ActionSearch
	create := read
	create.Action, create.Status = tutela.ActionCreate, 201
	denied := read
	denied.Outcome, denied.Status, denied.Patients, denied.Basis, denied.Bytes = tutela.OutcomeDenied, 403, nil, nil, 0
	logins := tutela.Entry{
		ID: base.ID, Time: at, Node: "node-1", Tenant: "clinic", Actor: tutela.Actor{Kind: tutela.ActorAnonymous},
		Address: "203.0.113.9", Action: tutela.ActionAuthenticate, Outcome: tutela.OutcomeDenied, Status: 401, Count: 118,
	}
	check := tutela.Entry{
		ID: base.ID, Time: at, Node: "node-1", Tenant: "clinic", Actor: tutela.Actor{ID: "assess", Kind: tutela.ActorSystem},
		Action: tutela.ActionEvidence, Outcome: tutela.OutcomeSuccess,
		Evidence: &tutela.Evidence{Check: "protect.token-required", Observed: "401 without a token", On: "/fhir/r4/Patient",
			Verdict: tutela.Pass, At: at, Expires: at.Add(24 * time.Hour)},
		Subject: &tutela.Subject{Kind: "control", ID: "P03"},
	}
	return map[string]tutela.Entry{"read": read, "search": search, "create": create, "denied": denied, "logins": logins, "evidence": check}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	var v any
	must(t, json.Unmarshal(got, &v))
	pretty, err := json.MarshalIndent(v, "", "  ")
	must(t, err)
	path := filepath.Join("testdata", name+".json")
	if *update {
		must(t, os.WriteFile(path, append(pretty, '\n'), 0o644))
	}
	want, err := os.ReadFile(path)
	must(t, err)
	if d := cmp.Diff(string(want), string(pretty)+"\n"); d != "" {
		t.Errorf("%s: %s", name, d)
	}
}

func TestRenderedEventsAreAsDocumented(t *testing.T) {
	for name, e := range samples() {
		o, err := OCSF(e)
		must(t, err)
		golden(t, "ocsf-"+name, o)
		a, err := AuditEvent(e, Rendering{Server: "clinic.example", Query: "code=4548-4", What: tutela.Ref{Type: "Observation", ID: "f001"}})
		must(t, err)
		golden(t, "auditevent-"+name, a)
	}
}

// The samples in the documentation are the golden files.
func TestDocumentationShowsTheRenderedEvents(t *testing.T) {
	doc, err := os.ReadFile("../docs/events.md")
	must(t, err)
	for name := range samples() {
		sample, err := os.ReadFile(filepath.Join("testdata", "ocsf-"+name+".json"))
		must(t, err)
		if !strings.Contains(string(doc), string(sample)) {
			t.Errorf("docs/events.md does not show ocsf-%s.json as it is", name)
		}
	}
}

// Every event has what OCSF requires of its class, and a type_uid that follows from class and activity.
func TestOCSFEventsHaveWhatTheirClassRequires(t *testing.T) {
	for name, e := range samples() {
		b, err := OCSF(e)
		must(t, err)
		var v map[string]any
		must(t, json.Unmarshal(b, &v))
		required := []string{"class_uid", "category_uid", "activity_id", "type_uid", "severity_id", "time", "metadata"}
		switch v["class_uid"] {
		case 3002.0:
			required = append(required, "user", "service")
		case 6003.0:
			required = append(required, "actor", "api", "src_endpoint")
		case 6005.0:
			required = append(required, "actor", "src_endpoint", "databucket")
		default:
			t.Errorf("%s: class %v", name, v["class_uid"])
		}
		for _, k := range required {
			if v[k] == nil {
				t.Errorf("%s: no %s", name, k)
			}
		}
		class, _ := v["class_uid"].(float64)
		activity, _ := v["activity_id"].(float64)
		if v["type_uid"] != class*100+activity {
			t.Errorf("%s: type_uid %v", name, v["type_uid"])
		}
	}
}

// A BALP profile is claimed only by an event that has what the profile demands.
func TestProfileIsClaimedOnlyWhereItFits(t *testing.T) {
	s := samples()
	full := Rendering{Server: "clinic.example", Query: "code=1", What: tutela.Ref{Type: "Observation", ID: "1"}}
	two := s["read"]
	two.Patients = append(two.Patients, two.Patients...)
	nobody := s["read"]
	nobody.Patients = nil
	deleted := s["create"]
	deleted.Action = tutela.ActionDelete
	for _, c := range []struct {
		name string
		e    tutela.Entry
		r    Rendering
		want string
	}{
		{"read", s["read"], full, "PatientRead"},
		{"create", s["create"], full, "PatientCreate"},
		{"search", s["search"], full, "PatientQuery"},
		{"search without its query", s["search"], Rendering{Server: "x"}, ""},
		{"no patient", nobody, full, "Read"},
		{"two patients", two, full, ""},
		{"denied", s["denied"], full, ""},
		{"delete", deleted, full, ""},
		{"no server", s["read"], Rendering{}, ""},
		{"login", s["logins"], full, ""},
	} {
		if got := profile(c.e, c.r); got != c.want {
			t.Errorf("%s: claims %q, want %q", c.name, got, c.want)
		}
	}
}

// Every action has its place in both forms.
func TestActionsAreClassified(t *testing.T) {
	for _, c := range []struct {
		action  tutela.Action
		class   int
		code    string
		kind    string
		subtype string
	}{
		{tutela.ActionHistory, 6005, "R", "rest", "history-instance"},
		{tutela.ActionDelete, 6005, "D", "rest", "delete"},
		{tutela.ActionTransaction, 6005, "E", "rest", "transaction"},
		{tutela.ActionExport, 6005, "R", "110106", "export"},
		{tutela.ActionTokenIssue, 3002, "E", "110114", "token.issue"},
		{tutela.ActionAuthenticate, 3002, "E", "110114", "110122"},
		{tutela.ActionStart, 6003, "E", "110100", "110120"},
		{tutela.ActionStop, 6003, "E", "110100", "110121"},
		{tutela.ActionAuditSearch, 6003, "E", "110101", "audit.search"},
		{tutela.ActionKeyCreate, 6003, "E", "110100", "key.create"},
		{"invented.later", 6003, "E", "110100", "invented.later"},
	} {
		k := kindOf(c.action)
		if classify(c.action).class != c.class || k.action != c.code || k.kind.Code != c.kind || k.subtype.Code != c.subtype {
			t.Errorf("%s: class %d, %+v", c.action, classify(c.action).class, k)
		}
	}
}

func TestOutcomesAndSeverities(t *testing.T) {
	for _, c := range []struct {
		e        tutela.Entry
		outcome  string
		severity int
	}{
		{tutela.Entry{Outcome: tutela.OutcomeSuccess}, "0", 1},
		{tutela.Entry{Outcome: tutela.OutcomeSuccess, BreakGlass: "found unconscious"}, "0", 3},
		{tutela.Entry{Outcome: tutela.OutcomeDenied}, "4", 2},
		{tutela.Entry{Outcome: tutela.OutcomeFailed}, "4", 2},
		{tutela.Entry{Outcome: tutela.OutcomeError}, "8", 3},
	} {
		if o, s := eventOutcome(c.e.Outcome), severity(c.e); o != c.outcome || s != c.severity {
			t.Errorf("%s: outcome %s, severity %d", c.e.Outcome, o, s)
		}
	}
}
