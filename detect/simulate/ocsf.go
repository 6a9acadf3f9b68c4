package simulate

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/audit"
)

// appendOCSF appends an entry as audit.OCSF renders it, byte for byte (a test holds that), many times
// faster: it knows only what simulated entries have. Its texts need no escaping.
func appendOCSF(b []byte, e *tutela.Entry) []byte {
	class, activity := classOf(e.Action)
	b = appendNumber(append(b, `{"class_uid":`...), class)
	b = appendNumber(append(b, `,"category_uid":`...), class/1000)
	b = appendNumber(append(b, `,"activity_id":`...), activity)
	b = appendNumber(append(b, `,"type_uid":`...), class*100+activity)
	b = appendNumber(append(b, `,"severity_id":`...), severityOf(e))
	b = appendNumber(append(b, `,"status_id":`...), statusOf(e))
	b = appendText(b, `,"status_code":"`, strconv.Itoa(e.Status))
	b = strconv.AppendInt(append(b, `,"time":`...), e.Time.UnixMilli(), 10)
	b = appendText(b, `,"metadata":{"version":"1.4.0","uid":"`, e.ID)
	b = appendText(b, `,"tenant_uid":"`, string(e.Tenant))
	b = appendText(b, `,"correlation_uid":"`, e.Request)
	b = appendText(b, `,"event_code":"`, string(e.Action))
	b = append(b, `,"product":{"name":"Tutela","vendor_name":"Tutela"}}`...)
	b = appendWho(b, e, class)
	b = appendText(b, `,"src_endpoint":{"ip":"`, e.Address)
	b = append(b, '}')
	b = appendWhat(b, e, class)
	return append(appendUnmapped(b, e), '}')
}

func appendNumber(b []byte, n int) []byte { return strconv.AppendInt(b, int64(n), 10) }

func appendText(b []byte, name, value string) []byte {
	return append(append(append(b, name...), value...), '"')
}

func classOf(a tutela.Action) (class, activity int) {
	switch a {
	case tutela.ActionRead, tutela.ActionExport:
		return 6005, 1
	case tutela.ActionUpdate:
		return 6005, 2
	case tutela.ActionSearch:
		return 6005, 4
	case tutela.ActionCreate:
		return 6005, 6
	case tutela.ActionAuthenticate:
		return 3002, 1
	}
	return 6003, 99
}

func severityOf(e *tutela.Entry) int {
	switch {
	case e.BreakGlass != "":
		return 3
	case e.Outcome != tutela.OutcomeSuccess:
		return 2
	}
	return 1
}

func statusOf(e *tutela.Entry) int {
	if e.Outcome == tutela.OutcomeSuccess {
		return 1
	}
	return 2
}

// appendWho appends the actor, or the user of a login.
func appendWho(b []byte, e *tutela.Entry, class int) []byte {
	if class == 3002 {
		return appendUser(append(b, `,"user":`...), &e.Actor)
	}
	b = appendUser(append(b, `,"actor":{"user":`...), &e.Actor)
	if e.Session != "" {
		b = append(appendText(b, `,"session":{"uid":"`, e.Session), '}')
	}
	return append(appendText(b, `,"app_uid":"`, e.Client), '}')
}

func appendUser(b []byte, a *tutela.Actor) []byte {
	b = appendText(b, `{"uid":"`, string(a.ID))
	b = appendText(b, `,"name":"`, a.Name)
	b = append(b, `,"type_id":1,"type":"person","groups":[`...)
	for i, r := range a.Roles {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendText(b, `{"name":"`, r), '}')
	}
	return append(b, "]}"...)
}

// appendWhat appends what was reached: the service, the call or the store, and the patients.
func appendWhat(b []byte, e *tutela.Entry, class int) []byte {
	switch class {
	case 3002:
		b = append(b, `,"service":{"name":"Tutela"}`...)
	case 6003:
		b = append(appendText(b, `,"api":{"operation":"`, string(e.Action)), '}')
	default:
		b = append(appendText(b, `,"databucket":{"name":"fhir/r4/`, e.Type), `,"type_id":99,"type":"FHIR"}`...)
	}
	for i, p := range e.Patients {
		if i == 0 {
			b = append(b, `,"resources":[`...)
		} else {
			b = append(b, ',')
		}
		b = append(appendText(b, `{"uid":"`, audit.Pseudonym(p.Patient)), `,"type":"patient"`...)
		for typ, n := range p.Counts { // one at most
			b = append(appendNumber(append(appendText(b, `,"data":{"`, typ), ':'), n), '}')
		}
		b = append(b, '}')
	}
	if len(e.Patients) > 0 {
		b = append(b, ']')
	}
	return b
}

// appendUnmapped appends what OCSF has no place for.
func appendUnmapped(b []byte, e *tutela.Entry) []byte {
	b = appendText(b, `,"unmapped":{"outcome":"`, string(e.Outcome))
	for _, m := range []struct{ name, value string }{{`,"purpose":"`, string(e.Purpose)}, {`,"aal":"`, e.Assurance}, {`,"unit":"`, e.Actor.Unit}, {`,"node":"`, e.Node}} {
		if m.value != "" {
			b = appendText(b, m.name, m.value)
		}
	}
	if e.Bytes != 0 {
		b = strconv.AppendInt(append(b, `,"bytes":`...), e.Bytes, 10)
	}
	if e.BreakGlass != "" {
		b = appendText(b, `,"break_glass":"`, e.BreakGlass)
	}
	b = appendFlags(b, e.Patients)
	if e.Basis != nil {
		b = append(appendText(b, `,"basis":{"policies":["`, e.Basis.Policies[0]), `]}`...)
	}
	if s := e.Subject; s != nil {
		b = appendText(appendText(b, `,"subject":{"kind":"`, s.Kind), `,"id":"`, s.ID)
		if s.Detail != "" {
			b = appendText(b, `,"detail":"`, s.Detail)
		}
		b = append(b, '}')
	}
	if e.Demo {
		b = append(b, `,"demo":true`...)
	}
	return append(b, '}')
}

// appendFlags appends the patients' flags, in the order of their pseudonyms.
func appendFlags(b []byte, patients []tutela.Touched) []byte {
	flagged := make([]tutela.Touched, 0, 4)
	for _, p := range patients {
		if len(p.Flags) > 0 {
			flagged = append(flagged, p)
		}
	}
	slices.SortFunc(flagged, func(a, b tutela.Touched) int { return cmp.Compare(uint64(a.Patient), uint64(b.Patient)) })
	for i, p := range flagged {
		if i == 0 {
			b = append(b, `,"flags":{"`...)
		} else {
			b = append(b, `,"`...)
		}
		b = append(append(b, audit.Pseudonym(p.Patient)...), `":[`...)
		for j, f := range p.Flags {
			if j > 0 {
				b = append(b, ',')
			}
			b = appendText(append(b, '"'), "", f)
		}
		b = append(b, ']')
	}
	if len(flagged) > 0 {
		b = append(b, '}')
	}
	return b
}
