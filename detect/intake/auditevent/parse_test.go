package auditevent_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/detect/event"
	"github.com/tutela-health/tutela/detect/intake"
	"github.com/tutela-health/tutela/detect/intake/auditevent"
)

// lengths are tokens that a test can foresee.
type lengths struct{}

func (lengths) Patient(id intake.Identifier) tutela.Bucket {
	return tutela.Bucket(1000*len(id.Authority) + len(id.Value))
}
func (lengths) Likeness(_, _ string) string { return "" }

const read = `{"resourceType":"AuditEvent","id":"a7","type":{"code":"rest"},"subtype":[{"code":"vread"}],"action":"R","recorded":"2026-11-22T10:30:00+01:00","outcome":"0",
"purposeOfEvent":[{"coding":[{"code":"TREAT"}]}],
"agent":[{"who":{"reference":"Device/ehr"},"requestor":false},{"who":{"identifier":{"value":"mmeier"}},"name":"M. Meier","requestor":true,"role":[{"coding":[{"code":"nurse"}]}],"network":{"address":"192.0.2.7"}}],
"source":{"observer":{"display":"EHR"}},
"entity":[{"what":{"reference":"https://ehr.example/fhir/Observation/o1/_history/2"},"role":{"code":"4"}},
{"what":{"reference":"Patient/p1","identifier":{"system":"HOSP","value":"4711"}},"role":{"code":"1"}},{"what":{"reference":"Patient/p1","identifier":{"system":"HOSP","value":"4711"}},"role":{"code":"1"}}]}`

func TestAuditEventsBecomeRecords(t *testing.T) {
	t.Parallel()
	got, err := auditevent.Parse([]byte(read), lengths{})
	if err != nil {
		t.Fatal(err)
	}
	want := intake.Record{
		Event: event.Event{Source: "EHR", Entry: tutela.Entry{
			ID: "a7", Time: time.Date(2026, 11, 22, 9, 30, 0, 0, time.UTC), Action: tutela.ActionRead, Type: "Observation", Outcome: tutela.OutcomeSuccess,
			Purpose: tutela.PurposeTreatment, Address: "192.0.2.7", Actor: tutela.Actor{ID: "mmeier", Kind: tutela.ActorPerson, Name: "M. Meier", Roles: []string{"nurse"}},
			Patients: []tutela.Touched{{Patient: 4004, Counts: map[string]int{"Observation": 1}}},
		}},
		Patients: []intake.Identifier{{Authority: "HOSP", Value: "4711"}},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// TestOwnAuditEventsAreUnderstood reads what another Tutela exports.
func TestOwnAuditEventsAreUnderstood(t *testing.T) {
	t.Parallel()
	e := tutela.Entry{
		ID: "e1", Time: time.Date(2026, 11, 22, 9, 30, 0, 0, time.UTC), Action: tutela.ActionSearch, Type: "Observation", Outcome: tutela.OutcomeDenied, Status: 403,
		Actor: tutela.Actor{ID: "u1", Kind: tutela.ActorPerson, Name: "mmeier"}, Address: "192.0.2.7",
	}
	b, err := audit.AuditEvent(e, audit.Rendering{})
	if err != nil {
		t.Fatal(err)
	}
	got, err := auditevent.Parse(b, lengths{})
	if err != nil || got.Event.Action != e.Action || got.Event.Outcome == tutela.OutcomeSuccess || !got.Event.Time.Equal(e.Time) || got.Event.Actor.ID == "" {
		t.Errorf("%+v %v\n%s", got.Event, err, b)
	}
}

func TestWhatIsNoAuditEventIsRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "{}", "[]", "null", `{"resourceType":"Patient"}`, `{"resourceType":"AuditEvent"}`, strings.Replace(read, "2026-11-22T", "0026-11-22T", 1),
		strings.Repeat("[", 1<<20), `{"resourceType":"AuditEvent","id":"` + strings.Repeat("x", 1<<20) + `"}`} {
		if _, err := auditevent.Parse([]byte(text), lengths{}); err == nil {
			t.Errorf("%.60q is taken", text)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(read))
	f.Add([]byte(`{"resourceType":"AuditEvent","recorded":"2026-11-22T10:30:00Z","agent":[{}],"entity":[{"what":{"reference":"Patient/"}}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := auditevent.Parse(b, lengths{})
		if err == nil && (r.Event.ID == "" || r.Event.Time.IsZero() || len(r.Patients) != len(r.Event.Patients)) {
			t.Errorf("%+v", r)
		}
	})
}
