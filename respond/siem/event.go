package siem

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/detect/finding"
	"github.com/tutela-health/tutela/respond/deliver"
	"github.com/tutela-health/tutela/respond/trail"
)

// Event is an entry or a finding on its way out.
type Event struct {
	ID       string // of the entry; of a finding, with that of the entry that tells of it
	Code     string // what happened, e.g. "read" or "finding"
	At       time.Time
	Severity int    // as OCSF has it: 1 informational to 5 critical
	OCSF     []byte // JSON
	CEF      string
}

// ofEntry gives the event of an entry.
func ofEntry(e tutela.Entry) (Event, error) {
	text, err := audit.OCSF(e)
	if err != nil {
		return Event{}, err
	}
	var said struct {
		Severity int `json:"severity_id"`
	}
	if err := json.Unmarshal(text, &said); err != nil {
		return Event{}, fmt.Errorf("read severity: %w", err)
	}
	return Event{ID: e.ID, Code: string(e.Action), At: e.Time.UTC(), Severity: said.Severity, OCSF: text, CEF: entryCEF(e, said.Severity)}, nil
}

// detectionFinding is the OCSF class of findings (OCSF 1.4.0, Detection Finding).
const detectionFinding = 2004

// ofFinding gives the event of a finding, as an entry tells of it.
func ofFinding(f finding.Finding, told trail.Finding) (Event, error) {
	type m = map[string]any
	activity := 1 // Create
	if told.Raised {
		activity = 2 // Update
	}
	e := told.Entry
	o := m{
		"class_uid": detectionFinding, "category_uid": detectionFinding / 1000, "activity_id": activity, "type_uid": detectionFinding*100 + activity,
		"severity_id": f.Level.Severity(), "status_id": 1, "time": e.Time.UnixMilli(), "count": f.Hits,
		"confidence_score": int(100 * f.Likelihood), "risk_score": f.Risk,
		"metadata": m{"version": "1.4.0", "uid": f.ID + "-" + e.ID, "tenant_uid": string(e.Tenant), "event_code": "finding", "product": m{"name": "Tutela", "vendor_name": "Tutela"}},
		"finding_info": m{
			"uid": f.ID, "title": f.Title, "first_seen_time": f.First.UnixMilli(), "last_seen_time": f.Last.UnixMilli(), "related_events_count": f.Shown,
			"analytic": m{"uid": f.Rule, "type_id": 1, "type": "Rule"},
		},
		"unmapped": m{"account": f.Actor, "patients": f.Touched, "reasons": f.Reasons, "entries": f.Entries},
	}
	text, err := json.Marshal(o)
	if err != nil {
		return Event{}, fmt.Errorf("render finding: %w", err)
	}
	return Event{ID: f.ID + "-" + e.ID, Code: "finding", At: e.Time.UTC(), Severity: f.Level.Severity(), OCSF: text, CEF: findingCEF(f, told)}, nil
}

// field is one of a CEF extension; those without a value are left out.
type field struct{ name, value string }

// cef renders an event in ArcSight's Common Event Format, version 0.
func cef(code, name string, severity int, extension []field) string {
	var b strings.Builder
	fmt.Fprintf(&b, "CEF:0|Tutela|Tutela|1|%s|%s|%d|", headerCEF(code), headerCEF(name), []int{0, 1, 3, 5, 8, 10}[severity])
	first := true
	for _, f := range extension {
		if f.value == "" {
			continue
		}
		if !first {
			b.WriteByte(' ')
		}
		first = false
		b.WriteString(f.name + "=" + valueCEF(f.value))
	}
	return b.String()
}

// headerCEF escapes what ends a field of the header; a line's end has no place there.
func headerCEF(s string) string {
	return strings.NewReplacer(`\`, `\\`, `|`, `\|`).Replace(deliver.Printable(s))
}

// valueCEF escapes what begins the next key of an extension.
func valueCEF(s string) string {
	return strings.NewReplacer(`\`, `\\`, `=`, `\=`).Replace(deliver.Printable(s))
}

func entryCEF(e tutela.Entry, severity int) string {
	list := []field{
		{"rt", fmt.Sprint(e.Time.UnixMilli())}, {"externalId", e.ID}, {"act", string(e.Action)}, {"outcome", string(e.Outcome)},
		{"suid", string(e.Actor.ID)}, {"suser", e.Actor.Name}, {"spriv", strings.Join(e.Actor.Roles, " ")}, {"src", e.Address},
		{"dvchost", e.Node}, {"requestClientApplication", e.Client}, {"request", e.Request},
	}
	if e.Status != 0 {
		list = append(list, field{"cn1Label", "status"}, field{"cn1", fmt.Sprint(e.Status)})
	}
	if len(e.Patients) > 0 {
		list = append(list, field{"cn2Label", "patients"}, field{"cn2", fmt.Sprint(len(e.Patients))})
	}
	if e.Subject != nil {
		list = append(list, field{"cs1Label", "subject"}, field{"cs1", e.Subject.Kind + " " + e.Subject.ID})
	}
	return cef(string(e.Action), string(e.Action)+" "+string(e.Outcome), severity, list)
}

func findingCEF(f finding.Finding, told trail.Finding) string {
	return cef("finding", f.Title, f.Level.Severity(), []field{
		{"rt", fmt.Sprint(told.Entry.Time.UnixMilli())}, {"externalId", f.ID}, {"suid", string(f.Actor)}, {"cs1Label", "rule"}, {"cs1", f.Rule},
		{"cn1Label", "risk"}, {"cn1", fmt.Sprint(f.Risk)}, {"cn2Label", "patients"}, {"cn2", fmt.Sprint(f.Touched)}, {"cnt", fmt.Sprint(f.Hits)},
	})
}
