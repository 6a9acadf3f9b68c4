package event_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/detect/event"
)

// documented gives the JSON samples of a section of docs/events.md, by its heading.
func documented(t *testing.T, heading string) []string {
	t.Helper()
	doc, err := os.ReadFile("../../docs/events.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(doc), "\n## "+heading+"\n")
	if !found {
		t.Fatalf("docs/events.md has no section %q", heading)
	}
	section, _, _ = strings.Cut(section, "\n## ")
	var list []string
	for _, block := range strings.Split(section, "```json\n")[1:] {
		sample, _, _ := strings.Cut(block, "\n```")
		list = append(list, sample)
	}
	return list
}

func normal(t *testing.T, text string) any {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// What the ledger renders comes back as the entry that it was.
func TestDocumentedEventsOfTheLedgerRoundTrip(t *testing.T) {
	samples := documented(t, "OCSF")
	if len(samples) < 6 {
		t.Fatalf("only %d samples", len(samples))
	}
	for _, sample := range samples {
		l, err := event.ParseLine([]byte(sample))
		if err != nil || l.Event == nil || l.Event.Log != nil || l.Event.Source != "" {
			t.Fatalf("%+v, %v of %s", l, err, sample)
		}
		again, err := audit.OCSF(l.Event.Entry)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(normal(t, sample), normal(t, string(again))); d != "" {
			t.Error(d)
		}
	}
}

// Every sample of a line from elsewhere means what the words beside it say.
func TestDocumentedLinesFromElsewhereParse(t *testing.T) {
	at := time.Date(2026, 11, 22, 9, 30, 15, 250e6, time.UTC)
	half := time.Date(2026, 11, 22, 8, 30, 15, 250e6, time.UTC)
	person := tutela.ActorPerson
	mrn := event.Pseudonym("MRN 004711")
	const ward = tutela.Bucket(0x1b3c9d02e4f5a687)
	minimal := `{"class_uid":6005,"activity_id":1,"time":1795339815250,"user":{"uid":"u-17"},"resources":[{"uid":"MRN 004711"}]}`
	want := []event.Line{
		{Event: &event.Event{Entry: tutela.Entry{
			ID: hashed(minimal), Time: at, Actor: tutela.Actor{ID: "u-17", Kind: person}, Action: tutela.ActionRead,
			Outcome: tutela.OutcomeSuccess, Patients: []tutela.Touched{{Patient: mrn}},
		}}},
		{Event: &event.Event{Source: "Sunrise EHR", Entry: tutela.Entry{
			ID: "a-1", Time: half, Actor: tutela.Actor{ID: "u-17", Kind: person, Name: "mmeier", Roles: []string{"nurse"}, Unit: "ward 3"},
			Session: "s-9", Client: "bedside", Address: "192.0.2.7", Action: tutela.ActionRead, Type: "Observation",
			Outcome: tutela.OutcomeSuccess, Purpose: tutela.PurposeTreatment, Bytes: 812,
			Patients: []tutela.Touched{{Patient: ward, Counts: map[string]int{"Observation": 3}, Flags: []string{"same-name"}}},
		}}},
		{Event: &event.Event{Entry: tutela.Entry{
			Time: at, Actor: tutela.Actor{ID: "mmeier", Name: "mmeier", Kind: person}, Address: "203.0.113.9",
			Action: tutela.ActionAuthenticate, Outcome: tutela.OutcomeDenied,
		}}},
		{Event: &event.Event{
			Entry: tutela.Entry{Time: at, Actor: tutela.Actor{Kind: tutela.ActorAnonymous}, Address: "203.0.113.9", Action: event.ActionLog},
			Log: &event.Log{Host: "gw-1", App: "nginx", Severity: 5, Text: "connection refused", Fields: map[string]string{
				"class_uid": "4001", "time": "1795339815250", "severity_id": "2", "device.hostname": "gw-1", "app": "nginx",
				"src_endpoint.ip": "203.0.113.9", "http_request.url.path": "/patients", "http_request.http_method": "GET"}},
		}},
		{Event: &event.Event{
			Entry: tutela.Entry{Time: half.Truncate(time.Second), Actor: tutela.Actor{Kind: tutela.ActorAnonymous}, Action: event.ActionLog},
			Log: &event.Log{Host: "db-1", App: "postgres", Severity: 6, Text: "password authentication failed", Fields: map[string]string{
				"time": "2026-11-22T08:30:15Z", "host": "db-1", "app": "postgres"}},
		}},
		{Staff: &event.Staff{ID: "u-17", Roles: []string{"nurse"}, Unit: "ward 3", From: day(2020, 1, 1)}},
		{Staff: &event.Staff{ID: "u-17", Roles: []string{"nurse"}, Unit: "ward 3", From: day(2020, 1, 1),
			Chart: event.Pseudonym("MRN 000817"), Household: "5f2b8a91c04e77d3", Family: "0a11b2c3d4e5f607"}},
		{Relation: &event.Relation{Kind: event.Admission, Patient: ward, Unit: "ward 3",
			From: day(2026, 11, 20).Add(14 * time.Hour), To: day(2026, 11, 24).Add(10 * time.Hour)}},
		{Relation: &event.Relation{Kind: event.Referral, Patient: mrn, Staff: "u-17", From: at}},
		{Relation: &event.Relation{Kind: event.Cover, Staff: "u-17", Unit: "ward 5",
			From: day(2026, 11, 22).Add(6 * time.Hour), To: day(2026, 11, 22).Add(14 * time.Hour)}},
		{Chart: &event.Chart{Patient: ward, VIP: true, Sensitive: true, Household: "5f2b8a91c04e77d3", Family: "0a11b2c3d4e5f607"}},
	}
	samples := documented(t, "Events from elsewhere")
	if len(samples) != len(want) {
		t.Fatalf("%d samples, want %d", len(samples), len(want))
	}
	for i, sample := range samples {
		got, err := event.ParseLine([]byte(sample))
		if err != nil {
			t.Fatalf("%v: %s", err, sample)
		}
		if e := want[i].Event; e != nil && e.ID == "" {
			e.ID = hashed(sample)
		}
		if d := cmp.Diff(want[i], got); d != "" {
			t.Errorf("%s\n%s", sample, d)
		}
	}
}
