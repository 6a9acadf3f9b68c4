package audit

import (
	"fmt"

	"github.com/go-json-experiment/json"

	"github.com/tutela-health/tutela"
)

// ocsfVersion is the version of the Open Cybersecurity Schema Framework that events follow.
const ocsfVersion = "1.4.0"

// The OCSF classes that entries become.
const (
	ocsfAuthentication = 3002
	ocsfAPI            = 6003
	ocsfDatastore      = 6005
)

// The parts of an OCSF event that are used. Attributes that OCSF has no place for are under
// unmapped, with the names that they have in an entry.
type (
	ocsfEvent struct {
		ClassUID    int            `json:"class_uid"`
		CategoryUID int            `json:"category_uid"`
		ActivityID  int            `json:"activity_id"`
		TypeUID     int            `json:"type_uid"`
		SeverityID  int            `json:"severity_id"`
		StatusID    int            `json:"status_id"`
		StatusCode  string         `json:"status_code,omitempty"`
		Time        int64          `json:"time"` // Unix milliseconds
		Count       int            `json:"count,omitzero"`
		Metadata    ocsfMetadata   `json:"metadata"`
		Actor       *ocsfActor     `json:"actor,omitempty"`
		User        *ocsfUser      `json:"user,omitempty"` // of an authentication
		Source      ocsfEndpoint   `json:"src_endpoint"`
		Service     *ocsfService   `json:"service,omitempty"`
		API         *ocsfAPICall   `json:"api,omitempty"`
		Databucket  *ocsfBucket    `json:"databucket,omitempty"`
		Resources   []ocsfResource `json:"resources,omitempty"`
		Unmapped    ocsfUnmapped   `json:"unmapped"`
	}
	ocsfMetadata struct {
		Version        string      `json:"version"`
		UID            string      `json:"uid"`
		TenantUID      string      `json:"tenant_uid"`
		CorrelationUID string      `json:"correlation_uid,omitempty"`
		EventCode      string      `json:"event_code"`
		LoggedTime     int64       `json:"logged_time,omitzero"` // when another system's event was received
		Product        ocsfProduct `json:"product"`
	}
	ocsfProduct struct {
		Name       string `json:"name"`
		VendorName string `json:"vendor_name"`
	}
	ocsfActor struct {
		User    ocsfUser     `json:"user"`
		Session *ocsfSession `json:"session,omitempty"`
		AppUID  string       `json:"app_uid,omitempty"`
	}
	ocsfUser struct {
		UID    string      `json:"uid,omitempty"`
		Name   string      `json:"name,omitempty"`
		TypeID int         `json:"type_id"`
		Type   string      `json:"type"`
		Groups []ocsfGroup `json:"groups,omitempty"`
	}
	ocsfGroup struct {
		Name string `json:"name"`
	}
	ocsfSession struct {
		UID string `json:"uid"`
	}
	ocsfEndpoint struct {
		IP   string `json:"ip,omitempty"`
		Name string `json:"name,omitempty"`
	}
	ocsfService struct {
		Name string `json:"name"`
	}
	ocsfAPICall struct {
		Operation string `json:"operation"`
	}
	ocsfBucket struct {
		Name   string `json:"name"`
		TypeID int    `json:"type_id"`
		Type   string `json:"type"`
	}
	ocsfResource struct {
		UID  string         `json:"uid,omitempty"`
		Type string         `json:"type"`
		Data map[string]int `json:"data,omitempty"` // resources by type
	}
	ocsfUnmapped struct {
		Outcome    tutela.Outcome      `json:"outcome"`
		Purpose    tutela.Purpose      `json:"purpose,omitempty"`
		Assurance  string              `json:"aal,omitempty"`
		Unit       string              `json:"unit,omitempty"`
		Node       string              `json:"node"`
		Bytes      int64               `json:"bytes,omitzero"`
		BreakGlass string              `json:"break_glass,omitempty"`
		Flags      map[string][]string `json:"flags,omitempty"` // by pseudonym
		Basis      *tutela.Basis       `json:"basis,omitempty"`
		Disclosure *tutela.Disclosure  `json:"disclosure,omitempty"`
		Subject    *tutela.Subject     `json:"subject,omitempty"`
		Evidence   *tutela.Evidence    `json:"evidence,omitempty"`
		Ending     *tutela.Ending      `json:"ending,omitempty"`
		Foreign    *tutela.Foreign     `json:"foreign,omitempty"`
		Continues  string              `json:"continues,omitempty"`
		Demo       bool                `json:"demo,omitzero"`
	}
)

// OCSF renders an entry as an event of the Open Cybersecurity Schema Framework: Datastore Activity
// (6005) for access to records, Authentication (3002), API Activity (6003) for the rest.
// docs/events.md shows samples.
func OCSF(e tutela.Entry) ([]byte, error) {
	c := classify(e.Action)
	o := ocsfEvent{
		ClassUID: c.class, CategoryUID: c.class / 1000, ActivityID: c.activity, TypeUID: c.class*100 + c.activity,
		SeverityID: severity(e), StatusID: 2, Time: e.Time.UnixMilli(), Count: e.Count,
		Metadata: ocsfMetadata{
			Version: ocsfVersion, UID: e.ID, TenantUID: string(e.Tenant), CorrelationUID: e.Request,
			EventCode: string(e.Action), Product: ocsfProduct{"Tutela", "Tutela"},
		},
		Source: sourceEndpoint(e), Resources: patientResources(e), Unmapped: unmapped(e),
	}
	if e.Outcome == tutela.OutcomeSuccess {
		o.StatusID = 1
	}
	if e.Foreign != nil {
		o.Time, o.Metadata.LoggedTime = e.Foreign.Observed.UnixMilli(), e.Time.UnixMilli()
	}
	if e.Status != 0 {
		o.StatusCode = fmt.Sprint(e.Status)
	}
	o.byClass(e)
	b, err := json.Marshal(o, json.Deterministic(true))
	if err != nil {
		return nil, fmt.Errorf("render OCSF event: %w", err)
	}
	return b, nil
}

// byClass fills in what the event's class requires.
func (o *ocsfEvent) byClass(e tutela.Entry) {
	u := ocsfUserOf(e.Actor)
	if o.ClassUID == ocsfAuthentication {
		o.User, o.Service = &u, &ocsfService{"Tutela"}
		return
	}
	o.Actor = &ocsfActor{User: u, AppUID: e.Client}
	if e.Session != "" {
		o.Actor.Session = &ocsfSession{e.Session}
	}
	if o.ClassUID == ocsfDatastore {
		o.Databucket = &ocsfBucket{"fhir/r4/" + e.Type, 99, "FHIR"}
		return
	}
	o.API = &ocsfAPICall{string(e.Action)}
}

// ocsfActivity is a class and an activity of it.
type ocsfActivity struct{ class, activity int }

// ocsfActivities are the activities of actions. What is not listed is an API call of another kind.
func ocsfActivities() map[tutela.Action]ocsfActivity {
	return map[tutela.Action]ocsfActivity{
		tutela.ActionRead:          {ocsfDatastore, 1},
		tutela.ActionVRead:         {ocsfDatastore, 1},
		tutela.ActionHistory:       {ocsfDatastore, 1},
		tutela.ActionExport:        {ocsfDatastore, 1},
		tutela.ActionPatientExport: {ocsfDatastore, 1},
		tutela.ActionUpdate:        {ocsfDatastore, 2},
		tutela.ActionSearch:        {ocsfDatastore, 4},
		tutela.ActionBatch:         {ocsfDatastore, 5},
		tutela.ActionTransaction:   {ocsfDatastore, 5},
		tutela.ActionCreate:        {ocsfDatastore, 6},
		tutela.ActionDelete:        {ocsfDatastore, 7},
		tutela.ActionAuthenticate:  {ocsfAuthentication, 1},
		tutela.ActionStepUp:        {ocsfAuthentication, 1},
		tutela.ActionSessionEnd:    {ocsfAuthentication, 2},
		tutela.ActionTokenIssue:    {ocsfAuthentication, 3},
		tutela.ActionUserCreate:    {ocsfAPI, 1},
		tutela.ActionKeyCreate:     {ocsfAPI, 1},
		tutela.ActionTenantInit:    {ocsfAPI, 1},
		tutela.ActionKeyList:       {ocsfAPI, 2},
		tutela.ActionAuditRead:     {ocsfAPI, 2},
		tutela.ActionAuditSearch:   {ocsfAPI, 2},
	}
}

// classify gives an action's class and activity.
func classify(a tutela.Action) ocsfActivity {
	if c, ok := ocsfActivities()[a]; ok {
		return c
	}
	return ocsfActivity{ocsfAPI, 99}
}

// severity is Informational, Low for what was refused, and Medium for break-glass and our own errors.
func severity(e tutela.Entry) int {
	switch {
	case e.BreakGlass != "", e.Outcome == tutela.OutcomeError:
		return 3
	case e.Outcome != tutela.OutcomeSuccess:
		return 2
	}
	return 1
}

func ocsfUserOf(a tutela.Actor) ocsfUser {
	u := ocsfUser{UID: string(a.ID), Name: a.Name, Type: string(a.Kind)}
	switch a.Kind {
	case tutela.ActorPerson:
		u.TypeID = 1
	case tutela.ActorSystem:
		u.TypeID = 3
	case tutela.ActorService:
		u.TypeID = 99
	case tutela.ActorAnonymous:
		u.Name = "anonymous"
	}
	for _, r := range a.Roles {
		u.Groups = append(u.Groups, ocsfGroup{r})
	}
	return u
}

func sourceEndpoint(e tutela.Entry) ocsfEndpoint {
	if e.Address == "" {
		return ocsfEndpoint{Name: e.Node}
	}
	return ocsfEndpoint{IP: e.Address}
}

func patientResources(e tutela.Entry) []ocsfResource {
	var list []ocsfResource
	for _, p := range e.Patients {
		list = append(list, ocsfResource{UID: Pseudonym(p.Patient), Type: "patient", Data: p.Counts})
	}
	return list
}

func unmapped(e tutela.Entry) ocsfUnmapped {
	u := ocsfUnmapped{
		Outcome: e.Outcome, Purpose: e.Purpose, Assurance: e.Assurance, Unit: e.Actor.Unit, Node: e.Node,
		Bytes: e.Bytes, BreakGlass: e.BreakGlass, Basis: e.Basis, Disclosure: e.Disclosure,
		Subject: e.Subject, Evidence: e.Evidence, Ending: e.Ending, Foreign: e.Foreign, Continues: e.Continues, Demo: e.Demo,
	}
	for _, p := range e.Patients {
		if len(p.Flags) > 0 {
			if u.Flags == nil {
				u.Flags = make(map[string][]string)
			}
			u.Flags[Pseudonym(p.Patient)] = p.Flags
		}
	}
	return u
}
