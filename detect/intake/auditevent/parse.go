package auditevent

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/detect/intake"
)

// The limits of a resource: bytes, agents and entities, bytes of a name.
const (
	MaxResource = 1 << 20
	maxParts    = 10_000
	maxName     = 256
)

type (
	coding struct {
		System, Code, Display string
	}
	concept struct {
		Coding []coding
		Text   string
	}
	identifier struct{ System, Value string }
	reference  struct {
		Reference, Display string
		Identifier         identifier
	}
	agent struct {
		Role      []concept
		Who       reference
		AltID     string `json:"altId"`
		Name      string
		Requestor bool
		Network   struct{ Address string }
	}
	entity struct {
		What reference
		Type coding
		Role coding
	}
	resource struct {
		ResourceType string `json:"resourceType"`
		ID           string
		Type         coding
		Subtype      []coding
		Action       string
		Recorded     string
		Outcome      string
		PurposeOf    []concept `json:"purposeOfEvent"`
		Agent        []agent
		Source       struct {
			Site     string
			Observer reference
		}
		Entity []entity
	}
)

// Parse reads one resource (FHIR R4, 6.4). Its id is the record's; without one a hash stands in.
func Parse(b []byte, tokens intake.Tokens) (intake.Record, error) {
	var r intake.Record
	if len(b) > MaxResource {
		return r, fmt.Errorf("is longer than %d bytes", MaxResource)
	}
	var a resource
	if err := json.Unmarshal(b, &a); err != nil || a.ResourceType != "AuditEvent" {
		return r, errors.New("is no AuditEvent")
	}
	if len(a.Agent)+len(a.Entity) > maxParts {
		return r, fmt.Errorf("has more than %d agents and entities", maxParts)
	}
	at, err := time.Parse(time.RFC3339, a.Recorded)
	if err != nil || at.Year() < 1970 || at.Year() > 9999 {
		return r, errors.New("has no time of recording")
	}
	e := &r.Event
	e.Time, e.ID, e.Source = at.UTC(), a.id(b), cut(cmp.Or(a.Source.Observer.Display, a.Source.Observer.Identifier.Value, a.Source.Site, a.Source.Observer.Reference))
	e.Action, e.Type, e.Outcome = a.action(), a.kind(), a.outcome()
	if len(a.PurposeOf) > 0 && len(a.PurposeOf[0].Coding) > 0 {
		e.Purpose = tutela.Purpose(cut(a.PurposeOf[0].Coding[0].Code))
	}
	a.actor(&r)
	a.patients(&r, tokens)
	return r, nil
}

func (a *resource) id(b []byte) string {
	if a.ID != "" {
		return cut(a.ID)
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:16])
}

func cut(s string) string {
	s = strings.TrimSpace(s)
	return strings.ToValidUTF8(s[:min(len(s), maxName)], "\uFFFD")
}

// outcome reads http://terminology.hl7.org/CodeSystem/audit-event-outcome.
func (a *resource) outcome() tutela.Outcome {
	switch a.Outcome {
	case "", "0":
		return tutela.OutcomeSuccess
	case "4":
		return tutela.OutcomeFailed
	}
	return tutela.OutcomeDenied
}

// interactions are FHIR's, by the codes of http://hl7.org/fhir/restful-interaction.
func interactions() map[string]tutela.Action {
	return map[string]tutela.Action{
		"read": tutela.ActionRead, "vread": tutela.ActionRead, "history-instance": tutela.ActionRead, "search": tutela.ActionSearch, "search-type": tutela.ActionSearch,
		"search-system": tutela.ActionSearch, "create": tutela.ActionCreate, "update": tutela.ActionUpdate, "patch": tutela.ActionUpdate, "delete": tutela.ActionDelete,
		"110122": tutela.ActionAuthenticate, "110123": tutela.ActionSessionEnd, "110127": tutela.ActionBreakGlassOpen,
	}
}

// action is told by the subtype, else by type and action (DICOM PS3.16, annex D; audit-event-action).
func (a *resource) action() tutela.Action {
	known := interactions()
	for _, c := range a.Subtype {
		if action, ok := known[c.Code]; ok {
			return action
		}
	}
	switch a.Type.Code {
	case "110114":
		return tutela.ActionAuthenticate
	case "110112":
		return tutela.ActionSearch
	case "110106":
		return tutela.ActionExport
	case "110113":
		return "security.alert"
	}
	switch a.Action {
	case "C":
		return tutela.ActionCreate
	case "U":
		return tutela.ActionUpdate
	case "D":
		return tutela.ActionDelete
	case "R":
		return tutela.ActionRead
	}
	if slices.ContainsFunc(a.Entity, entity.patient) {
		return tutela.ActionRead
	}
	return "activity"
}

// kind is the type of the first resource that is no patient's own.
func (a *resource) kind() string {
	for _, e := range a.Entity {
		if typ, _, ok := strings.Cut(relative(e.What.Reference), "/"); ok && typ != "Patient" {
			return cut(typ)
		}
	}
	if slices.ContainsFunc(a.Entity, entity.patient) {
		return "Patient"
	}
	return ""
}

// relative is the last two parts of a reference: type and id.
func relative(ref string) string {
	ref, _, _ = strings.Cut(ref, "/_history/")
	parts := strings.Split(ref, "/")
	return strings.Join(parts[max(len(parts)-2, 0):], "/")
}

// actor is the agent who asked, a person rather than an application, else the first.
func (a *resource) actor(r *intake.Record) {
	e := &r.Event
	if len(a.Agent) == 0 {
		e.Actor.Kind = tutela.ActorAnonymous
		return
	}
	who := a.Agent[0]
	if i := slices.IndexFunc(a.Agent, func(g agent) bool { return g.Requestor }); i >= 0 {
		who = a.Agent[i]
	}
	id := cmp.Or(who.Who.Identifier.Value, who.AltID, relative(who.Who.Reference), who.Name, who.Who.Display)
	e.Actor = tutela.Actor{ID: tutela.UserID(cut(id)), Kind: tutela.ActorPerson, Name: cut(cmp.Or(who.Name, who.Who.Display))}
	if e.Actor.ID == "" {
		e.Actor.Kind = tutela.ActorAnonymous
	}
	for _, c := range who.Role[:min(len(who.Role), 16)] {
		if len(c.Coding) > 0 {
			e.Actor.Roles = append(e.Actor.Roles, cut(cmp.Or(c.Coding[0].Display, c.Coding[0].Code)))
		}
	}
	e.Address = cut(who.Network.Address)
}

// patient reports whether an entity is one: by its role, or by what it refers to.
func (e entity) patient() bool {
	return e.Role.Code == "1" && e.Type.Code != "2" || strings.HasPrefix(relative(e.What.Reference), "Patient/")
}

func (a *resource) patients(r *intake.Record, tokens intake.Tokens) {
	seen := map[tutela.Bucket]bool{}
	for _, e := range a.Entity {
		if !e.patient() {
			continue
		}
		id := intake.Identifier{Authority: cut(e.What.Identifier.System), Value: cut(e.What.Identifier.Value)}
		if id.Value == "" {
			id = intake.Identifier{Value: cut(strings.TrimPrefix(relative(e.What.Reference), "Patient/"))}
		}
		p := tokens.Patient(id)
		if id.Value == "" || p == tutela.BucketGeneral || seen[p] {
			continue
		}
		seen[p] = true
		touched := tutela.Touched{Patient: p}
		if r.Event.Type != "" {
			touched.Counts = map[string]int{r.Event.Type: 1}
		}
		if intake.Emergency(r.Event.Purpose) {
			touched.Flags = []string{intake.FlagEmergency}
		}
		r.Event.Patients, r.Patients = append(r.Event.Patients, touched), append(r.Patients, id)
	}
}
