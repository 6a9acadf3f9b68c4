package simulate

import (
	"encoding/base64"

	"github.com/tutela-health/tutela"
)

// coded is a code of DICOM's coding scheme DCM.
type coded struct{ code, meaning string }

// auditKind is what an audit message says of an action (DICOM PS3.15 section A.5, codes of PS3.16 CID 400 and 401).
type auditKind struct {
	id     coded
	typ    coded // of the event, where one fits
	action byte  // C, R, U, D or E
}

func auditKindOf(a tutela.Action) auditKind {
	record, alert := coded{"110110", "Patient Record"}, coded{"110113", "Security Alert"}
	switch a {
	case tutela.ActionRead:
		return auditKind{id: record, action: 'R'}
	case tutela.ActionCreate:
		return auditKind{id: record, action: 'C'}
	case tutela.ActionUpdate:
		return auditKind{id: record, action: 'U'}
	case tutela.ActionExport:
		return auditKind{id: coded{"110106", "Export"}, action: 'R'}
	case tutela.ActionAuthenticate:
		return auditKind{id: coded{"110114", "User Authentication"}, typ: coded{"110122", "Login"}, action: 'E'}
	case tutela.ActionBreakGlassOpen:
		return auditKind{id: alert, typ: coded{"110127", "Emergency Override Started"}, action: 'E'}
	case tutela.ActionUserRoles:
		return auditKind{id: alert, typ: coded{"110137", "User Security Attributes Changed"}, action: 'E'}
	}
	return auditKind{id: coded{"110112", "Query"}, action: 'E'}
}

// appendAudit appends an entry as an audit message. number gives a patient's record number.
func appendAudit(b []byte, e *tutela.Entry, number func(tutela.Bucket) string) []byte {
	k := auditKindOf(e.Action)
	b = append(b, `<AuditMessage><EventIdentification EventActionCode="`...)
	b = append(b, k.action)
	b = e.Time.AppendFormat(append(b, `" EventDateTime="`...), "2006-01-02T15:04:05.000Z")
	b = appendText(b, `" EventOutcomeIndicator="`, indicator(e.Outcome))
	b = appendCode(append(b, '>'), "EventID", k.id.code, "DCM", k.id.meaning)
	if k.typ.code != "" {
		b = appendCode(b, "EventTypeCode", k.typ.code, "DCM", k.typ.meaning)
	} else {
		b = appendCode(b, "EventTypeCode", string(e.Action), "http://hl7.org/fhir/restful-interaction", string(e.Action))
	}
	if e.Purpose != "" {
		b = appendCode(b, "PurposeOfUse", string(e.Purpose), "2.16.840.1.113883.5.8", string(e.Purpose))
	}
	b = append(b, "</EventIdentification>"...)
	b = appendParticipant(b, e)
	b = append(appendText(b, `<AuditSourceIdentification AuditEnterpriseSiteID="hospital" AuditSourceID="`, e.Client), "/>"...)
	for _, p := range e.Patients {
		b = appendPatient(b, number(p.Patient))
	}
	switch {
	case e.Type != "":
		b = appendResource(b, e)
	case e.Subject != nil && e.Subject.Kind == "user":
		b = appendAccount(b, e.Subject.ID, e)
	default:
		b = appendAccount(b, string(e.Actor.ID), e)
	}
	return append(b, "</AuditMessage>"...)
}

// indicator says how an event ended: 0 success, 4 minor failure, 8 serious failure.
func indicator(o tutela.Outcome) string {
	switch o {
	case tutela.OutcomeSuccess:
		return "0"
	case tutela.OutcomeDenied:
		return "8"
	}
	return "4"
}

func appendCode(b []byte, element, code, system, meaning string) []byte {
	b = append(append(b, '<'), element...)
	b = appendText(b, ` csd-code="`, code)
	b = appendText(b, ` codeSystemName="`, system)
	return append(appendText(b, ` originalText="`, meaning), "/>"...)
}

// appendParticipant appends who did it: account, roles and network address (type 2).
func appendParticipant(b []byte, e *tutela.Entry) []byte {
	b = appendText(b, `<ActiveParticipant UserID="`, string(e.Actor.ID))
	b = appendText(b, ` UserIsRequestor="true" NetworkAccessPointTypeCode="2" NetworkAccessPointID="`, e.Address)
	b = append(b, '>')
	for _, r := range e.Actor.Roles {
		b = appendCode(b, "RoleIDCode", r, "hospital", r)
	}
	return append(b, "</ActiveParticipant>"...)
}

// appendPatient appends a patient: a person (1) in the role of a patient (1), by number (RFC 3881 code 2).
func appendPatient(b []byte, number string) []byte {
	b = append(b, `<ParticipantObjectIdentification ParticipantObjectID="`...)
	b = append(b, number...)
	b = append(b, `^^^HOSPITAL^MR" ParticipantObjectTypeCode="1" ParticipantObjectTypeCodeRole="1">`...)
	b = appendCode(b, "ParticipantObjectIDTypeCode", "2", "RFC-3881", "Patient Number")
	return append(b, "</ParticipantObjectIdentification>"...)
}

// appendResource appends the type of what was opened: a system object (2) that is a resource (4).
func appendResource(b []byte, e *tutela.Entry) []byte {
	b = appendText(b, `<ParticipantObjectIdentification ParticipantObjectID="`, e.Type)
	b = append(b, ` ParticipantObjectTypeCode="2" ParticipantObjectTypeCodeRole="4">`...)
	b = appendCode(b, "ParticipantObjectIDTypeCode", e.Type, "http://hl7.org/fhir/resource-types", e.Type)
	return append(appendDetails(b, e), "</ParticipantObjectIdentification>"...)
}

// appendAccount appends the account that was signed in to or changed: a system object (2) that is a security user
// entity (11).
func appendAccount(b []byte, account string, e *tutela.Entry) []byte {
	b = appendText(b, `<ParticipantObjectIdentification ParticipantObjectID="`, account)
	b = append(b, ` ParticipantObjectTypeCode="2" ParticipantObjectTypeCodeRole="11">`...)
	b = appendCode(b, "ParticipantObjectIDTypeCode", "11", "RFC-3881", "User Identifier")
	return append(appendDetails(b, e), "</ParticipantObjectIdentification>"...)
}

// appendDetails appends the id of the record in the source, and the session where there is one: details, whose values
// are in base64.
func appendDetails(b []byte, e *tutela.Entry) []byte {
	for _, d := range [][2]string{{"RecordID", e.ID}, {"SessionID", e.Session}} {
		if d[1] == "" {
			continue
		}
		b = appendText(b, `<ParticipantObjectDetail type="`, d[0])
		b = base64.StdEncoding.AppendEncode(append(b, ` value="`...), []byte(d[1]))
		b = append(b, `"/>`...)
	}
	return b
}
