package atna_test

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/detect/event"
	"github.com/tutela-health/tutela/detect/intake"
	"github.com/tutela-health/tutela/detect/intake/atna"
)

// lengths are tokens that a test can foresee.
type lengths struct{}

func (lengths) Patient(id intake.Identifier) tutela.Bucket {
	return tutela.Bucket(1000*len(id.Authority) + len(id.Value))
}
func (lengths) Likeness(kind, value string) string { return "" }

const read = `<?xml version="1.0" encoding="UTF-8"?>
<AuditMessage><EventIdentification EventActionCode="R" EventDateTime="2026-11-22T10:30:00.250+01:00" EventOutcomeIndicator="0">
<EventID csd-code="110110" codeSystemName="DCM" originalText="Patient Record"/>
<PurposeOfUse csd-code="TREAT" codeSystemName="ActReason" originalText="treatment"/></EventIdentification>
<ActiveParticipant UserID="EHR-APP" UserIsRequestor="false" NetworkAccessPointID="10.0.0.1"/>
<ActiveParticipant UserID="mmeier" UserName="M. Meier" UserIsRequestor="true" NetworkAccessPointID="192.0.2.7" NetworkAccessPointTypeCode="2"><RoleIDCode csd-code="nurse" codeSystemName="local" originalText="nurse"/></ActiveParticipant>
<AuditSourceIdentification AuditSourceID="Sunrise" AuditEnterpriseSiteID="Ashby"/>
<ParticipantObjectIdentification ParticipantObjectID="4711^^^&amp;1.2.3&amp;ISO" ParticipantObjectTypeCode="1" ParticipantObjectTypeCodeRole="1"><ParticipantObjectIDTypeCode csd-code="2" originalText="Patient Number"/>DETAIL</ParticipantObjectIdentification>
<ParticipantObjectIdentification ParticipantObjectID="o-1" ParticipantObjectTypeCode="2" ParticipantObjectTypeCodeRole="4"><ParticipantObjectIDTypeCode csd-code="Observation" originalText="Observation"/></ParticipantObjectIdentification>
</AuditMessage>`

func TestAuditMessagesBecomeEvents(t *testing.T) {
	id := `<ParticipantObjectDetail type="RecordID" value="` + base64.StdEncoding.EncodeToString([]byte("row 77")) + `"/>`
	r, err := atna.Parse([]byte(strings.Replace(read, "DETAIL", id, 1)), lengths{})
	if err != nil {
		t.Fatal(err)
	}
	want := intake.Record{
		Event: event.Event{Source: "Sunrise", Entry: tutela.Entry{
			ID: "row 77", Time: time.Date(2026, 11, 22, 9, 30, 0, 250e6, time.UTC), Action: tutela.ActionRead, Type: "Observation", Outcome: tutela.OutcomeSuccess,
			Purpose: tutela.PurposeTreatment, Address: "192.0.2.7", Actor: tutela.Actor{ID: "mmeier", Kind: tutela.ActorPerson, Name: "M. Meier", Roles: []string{"nurse"}},
			Patients: []tutela.Touched{{Patient: 5004, Counts: map[string]int{"Observation": 1}}},
		}},
		Patients: []intake.Identifier{{Authority: "1.2.3", Value: "4711"}},
	}
	if d := cmp.Diff(want, r); d != "" {
		t.Error(d)
	}
}

// A session is a detail of an object, as the record's id is; broken glass is told by the purpose, or by the alert itself.
func TestSessionsAndEmergenciesAreTold(t *testing.T) {
	session := `<ParticipantObjectDetail type="SessionID" value="` + base64.StdEncoding.EncodeToString([]byte("s-9")) + `"/>`
	emergency := func(text string) []string {
		t.Helper()
		r, err := atna.ParseLine([]byte("<85>1 2026-11-22T09:30:00Z ehr01 ehr - DICOM+RFC3881 - "+strings.Replace(text, "DETAIL", session, 1)), lengths{})
		if err != nil || r.Event.Session != "s-9" {
			t.Fatalf("%v, session %q", err, r.Event.Session)
		}
		return r.Event.Patients[0].Flags
	}
	text := strings.TrimPrefix(read, `<?xml version="1.0" encoding="UTF-8"?>`+"\n")
	alert := strings.Replace(strings.Replace(text, "110110", "110113", 1), "<PurposeOfUse", `<EventTypeCode csd-code="110127" codeSystemName="DCM"/><PurposeOfUse`, 1)
	for _, row := range []struct {
		text string
		want []string
	}{
		{text, nil}, {strings.Replace(text, "TREAT", "ETREAT", 1), []string{"emergency"}}, {strings.Replace(text, "TREAT", "BTG", 1), []string{"emergency"}}, {alert, []string{"emergency"}},
	} {
		if d := cmp.Diff(row.want, emergency(row.text)); d != "" {
			t.Error(d)
		}
	}
}

// The same message again has the same id, another one another.
func TestMessagesWithoutAnIdHaveOneOfTheirOwn(t *testing.T) {
	ids := map[string]bool{}
	for _, text := range []string{read, read, strings.Replace(read, "10:30", "10:31", 1)} {
		r, err := atna.Parse([]byte(text), lengths{})
		if err != nil {
			t.Fatal(err)
		}
		ids[r.Event.ID] = true
	}
	if len(ids) != 2 {
		t.Errorf("%d ids of two messages", len(ids))
	}
}

func TestActionsAndOutcomes(t *testing.T) {
	for _, row := range []struct {
		event, outcome string
		action         tutela.Action
		want           tutela.Outcome
	}{
		{`<EventID csd-code="110112"/>`, "0", tutela.ActionSearch, tutela.OutcomeSuccess},
		{`<EventID csd-code="110106"/>`, "4", tutela.ActionExport, tutela.OutcomeFailed},
		{`<EventID code="110114"/><EventTypeCode code="110122"/>`, "8", tutela.ActionAuthenticate, tutela.OutcomeDenied},
		{`<EventID csd-code="110114"/><EventTypeCode csd-code="110123"/>`, "0", tutela.ActionSessionEnd, tutela.OutcomeSuccess},
		{`<EventID csd-code="110113"/><EventTypeCode csd-code="110127"/>`, "0", tutela.ActionBreakGlassOpen, tutela.OutcomeSuccess},
		{`<EventID csd-code="110100"/>`, "0", "activity", tutela.OutcomeSuccess},
	} {
		text := `<AuditMessage><EventIdentification EventActionCode="E" EventDateTime="2026-11-22T10:30:00" EventOutcomeIndicator="` + row.outcome + `">` + row.event +
			`</EventIdentification><ActiveParticipant AlternativeUserID="x"/></AuditMessage>`
		r, err := atna.Parse([]byte(text), lengths{})
		if err != nil {
			t.Fatal(err)
		}
		if r.Event.Action != row.action || r.Event.Outcome != row.want || r.Event.Actor.ID != "x" {
			t.Errorf("%s: %+v", row.event, r.Event)
		}
	}
}

func TestHostileMessagesAreRefused(t *testing.T) {
	for _, text := range []string{
		"", "<AuditMessage", "<Other/>", "<AuditMessage/>", strings.Repeat("<a>", 100_000),
		`<!DOCTYPE x [<!ENTITY a "b"><!ENTITY c "&a;&a;&a;">]><AuditMessage>&c;</AuditMessage>`,
		`<?xml version="1.0" encoding="utf-7"?>` + read[38:], strings.Replace(read, "2026-", "99999-", 1),
		strings.Repeat(" ", atna.MaxMessage+1),
	} {
		if _, err := atna.Parse([]byte(text), lengths{}); err == nil {
			t.Errorf("%.40q is taken", text)
		} else if strings.Contains(err.Error(), "4711") {
			t.Errorf("the error quotes the message: %v", err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(read)
	f.Fuzz(func(t *testing.T, text string) {
		r, err := atna.Parse([]byte(text), lengths{})
		if err == nil && len(r.Patients) != len(r.Event.Patients) {
			t.Fatal("identifiers and pseudonyms differ in number")
		}
	})
}
