package audit

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/tutela-health/tutela"
)

// Rendering is what an AuditEvent may say beyond its entry. The zero value adds nothing.
type Rendering struct {
	Server string     // the server's host name or ledger origin
	Query  string     // the raw search, from the entry's opened section
	What   tutela.Ref // the resource, from the entry's opened section
}

// The code systems that AuditEvents use.
const (
	systemEventType     = "http://terminology.hl7.org/CodeSystem/audit-event-type"
	systemInteraction   = "http://hl7.org/fhir/restful-interaction"
	systemDICOM         = "http://dicom.nema.org/resources/ontology/DCM"
	systemParticipation = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
	systemReason        = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
	systemEntityType    = "http://terminology.hl7.org/CodeSystem/audit-entity-type"
	systemObjectRole    = "http://terminology.hl7.org/CodeSystem/object-role"
	systemSourceType    = "http://terminology.hl7.org/CodeSystem/security-source-type"
	systemBasicEntity   = "https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType"
	systemAction        = "urn:tutela:ledger:action"
	systemPseudonym     = "urn:tutela:patient-pseudonym"
	systemAccount       = "urn:tutela:account"
	systemClient        = "urn:tutela:client"
	systemRole          = "urn:tutela:role"
	balp                = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit."
)

// The parts of an AuditEvent (FHIR R4, http://hl7.org/fhir/R4/auditevent.html) that are used.
type (
	auditEvent struct {
		ResourceType string        `json:"resourceType"`
		ID           string        `json:"id"`
		Meta         *fhirMeta     `json:"meta,omitempty"`
		Type         fhirCoding    `json:"type"`
		Subtype      []fhirCoding  `json:"subtype,omitempty"`
		Action       string        `json:"action"`
		Recorded     string        `json:"recorded"`
		Outcome      string        `json:"outcome"`
		OutcomeDesc  string        `json:"outcomeDesc,omitempty"`
		Purpose      []fhirConcept `json:"purposeOfEvent,omitempty"`
		Agent        []auditAgent  `json:"agent"`
		Source       auditSource   `json:"source"`
		Entity       []auditEntity `json:"entity,omitempty"`
	}
	fhirMeta struct {
		Profile []string `json:"profile"`
	}
	fhirCoding struct {
		System  string `json:"system,omitempty"`
		Code    string `json:"code"`
		Display string `json:"display,omitempty"`
	}
	fhirConcept struct {
		Coding []fhirCoding `json:"coding"`
	}
	fhirIdentifier struct {
		System string `json:"system,omitempty"`
		Value  string `json:"value"`
	}
	fhirReference struct {
		Reference  string          `json:"reference,omitempty"`
		Type       string          `json:"type,omitempty"`
		Identifier *fhirIdentifier `json:"identifier,omitempty"`
		Display    string          `json:"display,omitempty"`
	}
	auditAgent struct {
		Type      *fhirConcept   `json:"type,omitempty"`
		Role      []fhirConcept  `json:"role,omitempty"`
		Who       *fhirReference `json:"who,omitempty"`
		Name      string         `json:"name,omitempty"`
		Requestor bool           `json:"requestor"`
		Policy    []string       `json:"policy,omitempty"`
		Network   *auditNetwork  `json:"network,omitempty"`
		Purpose   []fhirConcept  `json:"purposeOfUse,omitempty"`
	}
	auditNetwork struct {
		Address string `json:"address"`
		Type    string `json:"type"`
	}
	auditSource struct {
		Site     string        `json:"site,omitempty"`
		Observer fhirReference `json:"observer"`
		Type     []fhirCoding  `json:"type"`
	}
	auditEntity struct {
		What   *fhirReference `json:"what,omitempty"`
		Type   *fhirCoding    `json:"type,omitempty"`
		Role   *fhirCoding    `json:"role,omitempty"`
		Query  string         `json:"query,omitempty"` // base64
		Detail []auditDetail  `json:"detail,omitempty"`
	}
	auditDetail struct {
		Type  string `json:"type"`
		Value string `json:"valueString"`
	}
)

// AuditEvent renders an entry as a FHIR R4 AuditEvent in the patterns of IHE Basic Audit Log
// Patterns (BALP). It names a BALP profile only when it conforms to it: the profiles are of
// successful requests about one patient or none, and a query's needs the raw search.
func AuditEvent(e tutela.Entry, r Rendering) ([]byte, error) {
	k := kindOf(e.Action)
	a := auditEvent{
		ResourceType: "AuditEvent", ID: e.ID,
		Type: k.kind, Subtype: []fhirCoding{k.subtype}, Action: k.action, Recorded: e.Time.UTC().Format(time.RFC3339Nano),
		Outcome: eventOutcome(e.Outcome), OutcomeDesc: outcomeText(e),
		Purpose: reasons(e.Purpose), Agent: agents(e, r),
		Source: auditSource{
			Site: string(e.Tenant), Observer: fhirReference{Display: e.Node},
			Type: []fhirCoding{{systemSourceType, "4", "Application Server"}},
		},
		Entity: auditEntities(e, r),
	}
	if p := profile(e, r); p != "" {
		a.Meta = &fhirMeta{[]string{balp + p}}
	}
	b, err := json.Marshal(a, json.Deterministic(true))
	if err != nil {
		return nil, fmt.Errorf("render AuditEvent: %w", err)
	}
	return b, nil
}

// eventOutcome is of http://terminology.hl7.org/CodeSystem/audit-event-outcome.
func eventOutcome(o tutela.Outcome) string {
	switch o {
	case tutela.OutcomeSuccess:
		return "0"
	case tutela.OutcomeDenied, tutela.OutcomeFailed:
		return "4"
	case tutela.OutcomeError:
	}
	return "8"
}

func outcomeText(e tutela.Entry) string {
	if e.Outcome == tutela.OutcomeSuccess {
		return ""
	}
	if e.Status == 0 {
		return string(e.Outcome)
	}
	return fmt.Sprintf("%s, HTTP status %d", e.Outcome, e.Status)
}

func reasons(p tutela.Purpose) []fhirConcept {
	if p == "" {
		return nil
	}
	return []fhirConcept{concept(systemReason, string(p), "")}
}

func concept(system, code, display string) fhirConcept {
	return fhirConcept{[]fhirCoding{{system, code, display}}}
}

// agents are the client, the server and the user. DICOM's source and destination follow the data
// of a read, and the request of anything else.
func agents(e tutela.Entry, r Rendering) []auditAgent {
	clientRole := concept(systemDICOM, "110153", "Source Role ID")
	serverRole := concept(systemDICOM, "110152", "Destination Role ID")
	if kindOf(e.Action).action == "R" {
		clientRole, serverRole = serverRole, clientRole
	}
	server := auditAgent{Type: &serverRole, Who: &fhirReference{Display: e.Node}}
	if r.Server != "" {
		server.Network = &auditNetwork{r.Server, "1"}
	}
	list := []auditAgent{server}
	if e.Client != "" || e.Address != "" {
		list = append(list, clientAgent(e, &clientRole))
	}
	return append(list, userAgent(e))
}

func clientAgent(e tutela.Entry, role *fhirConcept) auditAgent {
	a := auditAgent{Type: role, Who: &fhirReference{Display: "unknown client"}}
	if e.Client != "" {
		a.Who = &fhirReference{Identifier: &fhirIdentifier{systemClient, e.Client}}
	}
	if e.Address != "" {
		a.Network = &auditNetwork{e.Address, "2"}
	}
	return a
}

func userAgent(e tutela.Entry) auditAgent {
	kind := concept(systemParticipation, "IRCP", "information recipient")
	if a := kindOf(e.Action).action; a == "C" || a == "U" {
		kind = concept(systemParticipation, "AUT", "author (originator)")
	}
	u := auditAgent{Type: &kind, Requestor: true, Name: e.Actor.Name, Purpose: reasons(e.Purpose)}
	u.Who = &fhirReference{Display: string(e.Actor.Kind)}
	if e.Actor.ID != "" {
		u.Who.Identifier = &fhirIdentifier{systemAccount, string(e.Actor.ID)}
	}
	for _, role := range e.Actor.Roles {
		u.Role = append(u.Role, concept(systemRole, role, ""))
	}
	if e.Basis != nil {
		for _, p := range e.Basis.Policies {
			u.Policy = append(u.Policy, "urn:tutela:policy:"+p)
		}
	}
	return u
}

func auditEntities(e tutela.Entry, r Rendering) []auditEntity {
	var list []auditEntity
	for _, p := range e.Patients {
		list = append(list, auditEntity{
			What: &fhirReference{Type: "Patient", Identifier: &fhirIdentifier{systemPseudonym, Pseudonym(p.Patient)}},
			Type: &fhirCoding{systemEntityType, "1", "Person"},
			Role: &fhirCoding{systemObjectRole, "1", "Patient"},
		})
	}
	if _, ok := interactions()[e.Action]; ok {
		list = append(list, dataEntity(e, r))
	}
	if e.Subject != nil {
		list = append(list, auditEntity{
			What: &fhirReference{Identifier: &fhirIdentifier{"urn:tutela:" + e.Subject.Kind, e.Subject.ID}},
			Type: &fhirCoding{systemEntityType, "2", "System Object"},
		})
	}
	if e.Request != "" {
		list = append(list, auditEntity{
			What: &fhirReference{Identifier: &fhirIdentifier{Value: e.Request}},
			Type: &fhirCoding{systemBasicEntity, "XrequestId", ""},
		})
	}
	if e.Count > 1 {
		list = append(list, auditEntity{
			Type:   &fhirCoding{systemEntityType, "4", "Other"},
			Detail: []auditDetail{{"count", strconv.Itoa(e.Count)}},
		})
	}
	return list
}

// dataEntity is the query, or the resource: its id is in a sealed section, so only who has opened that
// can name it.
func dataEntity(e tutela.Entry, r Rendering) auditEntity {
	d := auditEntity{Type: &fhirCoding{systemEntityType, "2", "System Object"}}
	if e.Action == tutela.ActionSearch {
		d.Role = &fhirCoding{systemObjectRole, "24", "Query"}
		d.Query = base64.StdEncoding.EncodeToString([]byte(r.Query))
		return d
	}
	d.Role = &fhirCoding{systemObjectRole, "4", "Domain Resource"}
	d.What = &fhirReference{Type: e.Type, Display: "named in a sealed section of the entry"}
	if r.What.ID != "" {
		d.What = &fhirReference{Reference: r.What.String(), Type: r.What.Type}
	}
	return d
}

// Pseudonym is the text form of a patient's pseudonym: sixteen hexadecimal digits.
func Pseudonym(b tutela.Bucket) string { return fmt.Sprintf("%016x", uint64(b)) }
