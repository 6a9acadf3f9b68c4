package atna

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/detect/event"
	"github.com/tutela-health/tutela/detect/intake"
)

// Parse reads a message. The record's id is what the source gives it (a ParticipantObjectDetail of type "RecordID"),
// else a hash of the message: the same message again has the same id.
func Parse(b []byte, tokens intake.Tokens) (intake.Record, error) {
	m, err := decode(b)
	if err != nil {
		return intake.Record{}, err
	}
	at, err := time.Parse(time.RFC3339, m.Event.At)
	if err != nil {
		if at, err = time.Parse("2006-01-02T15:04:05.999999999", m.Event.At); err != nil { // xs:dateTime without a zone
			return intake.Record{}, errors.New("has no EventDateTime")
		}
	}
	if at.Year() < 1970 || at.Year() > 9999 {
		return intake.Record{}, errors.New("has an EventDateTime that is none")
	}
	r := intake.Record{}
	r.Event.Time, r.Event.ID, r.Event.Source = at.UTC(), m.recordID(b), m.source()
	r.Event.Action, r.Event.Type = m.action()
	r.Event.Outcome = m.outcome()
	m.actor(&r.Event)
	m.purpose(&r.Event)
	r.Event.Session = cut(m.detail("SessionID"))
	m.patients(&r, tokens)
	return r, nil
}

// ParseLine reads a message from a line of a file: it stands alone, or behind the header of syslog.
func ParseLine(b []byte, tokens intake.Tokens) (intake.Record, error) {
	if at := bytes.Index(b, []byte("<AuditMessage")); at > 0 {
		b = b[at:]
	}
	return Parse(b, tokens)
}

func (m *message) recordID(b []byte) string {
	if id := m.detail("RecordID"); id != "" {
		return id
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:16])
}

// detail is the first ParticipantObjectDetail of a type, empty where there is none.
func (m *message) detail(typ string) string {
	for _, o := range m.Objects {
		for _, d := range o.Details {
			if strings.EqualFold(d.Type, typ) && len(d.Value) > 0 && len(d.Value) <= maxName {
				return plain(d.Value)
			}
		}
	}
	return ""
}

// plain undoes base64, where it is that.
func plain(value []byte) string {
	text, err := base64.StdEncoding.DecodeString(string(value))
	if err != nil {
		text = value
	}
	return cut(string(text))
}

// maxName bounds ids and names.
const maxName = 256

func cut(s string) string {
	s = strings.ToValidUTF8(strings.TrimSpace(s), "\uFFFD")
	if len(s) > maxName {
		s = strings.ToValidUTF8(s[:maxName], "")
	}
	return s
}

func (m *message) source() string {
	if m.Source.ID == "" {
		return cut(m.Source.Site)
	}
	return cut(m.Source.ID)
}

// outcome reads EventOutcomeIndicator: 0 success, 4 minor, 8 serious and 12 major failure.
func (m *message) outcome() tutela.Outcome {
	switch m.Event.Outcome {
	case "", "0":
		return tutela.OutcomeSuccess
	case "4":
		return tutela.OutcomeFailed
	}
	return tutela.OutcomeDenied
}

// The events of DICOM's controlled terminology (PS3.16, annex D) that are told apart.
const (
	patientRecord     = "110110"
	query             = "110112"
	export            = "110106"
	instancesAccessed = "110103"
	authentication    = "110114"
	securityAlert     = "110113"
	login             = "110122"
	logout            = "110123"
	emergencyStarted  = "110127"
)

// action is what was done, in the words of the ledger; of a record also the type of resource, where it is known.
func (m *message) action() (tutela.Action, string) {
	types := func(value string) bool {
		return slices.ContainsFunc(m.Event.Types, func(c code) bool { return c.value() == value })
	}
	switch id := m.Event.ID.value(); {
	case types(emergencyStarted):
		return tutela.ActionBreakGlassOpen, ""
	case id == authentication && types(logout):
		return tutela.ActionSessionEnd, ""
	case id == authentication || types(login):
		return tutela.ActionAuthenticate, ""
	case id == query:
		return tutela.ActionSearch, m.kind()
	case id == export:
		return tutela.ActionExport, m.kind()
	case id == patientRecord, id == instancesAccessed, len(m.subjects()) > 0:
		return m.record(), m.kind()
	case id == securityAlert:
		return "security.alert", ""
	}
	return "activity", ""
}

// record is the interaction of an access to records, by EventActionCode.
func (m *message) record() tutela.Action {
	switch m.Event.Action {
	case "C":
		return tutela.ActionCreate
	case "U":
		return tutela.ActionUpdate
	case "D":
		return tutela.ActionDelete
	}
	return tutela.ActionRead
}

// kind is what kind of record was reached: the first object that is no person and names one.
func (m *message) kind() string {
	for _, o := range m.Objects {
		if o.Type == "2" && o.Kind.name() != "" {
			return cut(o.Kind.name())
		}
	}
	return ""
}

// actor is the participant who asked, else the first.
func (m *message) actor(e *event.Event) {
	if len(m.Participants) == 0 {
		e.Actor.Kind = tutela.ActorAnonymous
		return
	}
	who := m.Participants[0]
	for _, p := range m.Participants {
		if strings.EqualFold(p.Requestor, "true") {
			who = p
			break
		}
	}
	e.Actor = tutela.Actor{ID: tutela.UserID(cut(who.UserID)), Kind: tutela.ActorPerson, Name: cut(who.Name)}
	if e.Actor.ID == "" {
		e.Actor.ID = tutela.UserID(cut(who.Other))
	}
	if e.Actor.ID == "" {
		e.Actor.Kind = tutela.ActorAnonymous
	}
	for _, r := range who.Roles[:min(len(who.Roles), 64)] {
		e.Actor.Roles = append(e.Actor.Roles, cut(r.name()))
	}
	e.Address = cut(who.Point)
}

func (m *message) purpose(e *event.Event) {
	if len(m.Event.Purposes) > 0 {
		e.Purpose = tutela.Purpose(cut(m.Event.Purposes[0].value()))
	}
}

// subjects are the objects that are patients: persons (1) in the role of a patient (1).
func (m *message) subjects() []object {
	return slices.DeleteFunc(slices.Clone(m.Objects), func(o object) bool { return o.Type != "1" || o.Role != "1" || o.ID == "" })
}

func (m *message) patients(r *intake.Record, tokens intake.Tokens) {
	for _, o := range m.subjects() {
		id := intake.ParseIdentifier(cut(o.ID))
		if id.Value == "" {
			continue
		}
		b := tokens.Patient(id)
		if slices.ContainsFunc(r.Event.Patients, func(t tutela.Touched) bool { return t.Patient == b }) {
			continue
		}
		t := tutela.Touched{Patient: b}
		if r.Event.Type != "" {
			t.Counts = map[string]int{r.Event.Type: 1}
		}
		if intake.Emergency(r.Event.Purpose) || r.Event.Action == tutela.ActionBreakGlassOpen {
			t.Flags = []string{intake.FlagEmergency}
		}
		r.Event.Patients, r.Patients = append(r.Event.Patients, t), append(r.Patients, id)
	}
}
