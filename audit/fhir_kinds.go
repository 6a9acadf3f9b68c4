package audit

import (
	"strings"

	"github.com/tutela-health/tutela"
)

// eventKind is how an action appears in an AuditEvent.
type eventKind struct {
	action  string // C, R, U, D or E (execute)
	kind    fhirCoding
	subtype fhirCoding
	profile string // of BALP, without "Patient"
}

// kindOf describes an action.
func kindOf(a tutela.Action) eventKind {
	if k, ok := interactions()[a]; ok {
		k.kind = fhirCoding{systemEventType, "rest", "Restful Operation"}
		k.subtype = fhirCoding{systemInteraction, string(a), string(a)}
		return k
	}
	if k, ok := systemEvents()[a]; ok {
		return k
	}
	own := fhirCoding{System: systemAction, Code: string(a)}
	if strings.HasPrefix(string(a), "audit.") {
		return eventKind{"E", fhirCoding{systemDICOM, "110101", "Audit Log Used"}, own, ""}
	}
	return eventKind{"E", fhirCoding{systemDICOM, "110100", "Application Activity"}, own, ""}
}

// interactions are FHIR's. BALP's profile of a delete has agents of other types than all the
// rest, and is not followed.
func interactions() map[tutela.Action]eventKind {
	return map[tutela.Action]eventKind{
		tutela.ActionRead:        {action: "R", profile: "Read"},
		tutela.ActionVRead:       {action: "R", profile: "Read"},
		tutela.ActionHistory:     {action: "R"},
		tutela.ActionSearch:      {action: "E", profile: "Query"},
		tutela.ActionCreate:      {action: "C", profile: "Create"},
		tutela.ActionUpdate:      {action: "U", profile: "Update"},
		tutela.ActionDelete:      {action: "D"},
		tutela.ActionBatch:       {action: "E"},
		tutela.ActionTransaction: {action: "E"},
	}
}

// systemEvents are those that DICOM has codes for.
func systemEvents() map[tutela.Action]eventKind {
	activity := fhirCoding{systemDICOM, "110100", "Application Activity"}
	login := fhirCoding{systemDICOM, "110114", "User Authentication"}
	return map[tutela.Action]eventKind{
		tutela.ActionStart:        {"E", activity, fhirCoding{systemDICOM, "110120", "Application Start"}, ""},
		tutela.ActionStop:         {"E", activity, fhirCoding{systemDICOM, "110121", "Application Stop"}, ""},
		tutela.ActionAuthenticate: {"E", login, fhirCoding{systemDICOM, "110122", "Login"}, ""},
		tutela.ActionTokenIssue:   {"E", login, fhirCoding{System: systemAction, Code: string(tutela.ActionTokenIssue)}, ""},
		tutela.ActionExport: {
			"R", fhirCoding{systemDICOM, "110106", "Export"},
			fhirCoding{System: systemAction, Code: string(tutela.ActionExport)}, "",
		},
		tutela.ActionPatientExport: {
			"R", fhirCoding{systemDICOM, "110106", "Export"},
			fhirCoding{System: systemAction, Code: string(tutela.ActionPatientExport)}, "",
		},
	}
}

// profile is the name of the BALP profile that the entry's AuditEvent conforms to, if any.
func profile(e tutela.Entry, r Rendering) string {
	name := kindOf(e.Action).profile
	switch {
	case name == "", e.Outcome != tutela.OutcomeSuccess, e.Address == "", r.Server == "",
		name == "Query" && r.Query == "", len(e.Patients) > 1:
		return ""
	case len(e.Patients) == 1:
		return "Patient" + name
	}
	return name
}
