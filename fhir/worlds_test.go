package fhir_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/access"
	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/internal/rig"
)

// wards are the patients of the two worlds; some callers are the first of them, or see that one's chart.
func wards() []string { return []string{"w0", "w1", "w2"} }

// onlookers enrolls everybody who asks in the two worlds: every role, and scopes that reach one patient, one
// type, what matches a search, or several of these at once.
func onlookers(t *testing.T, r *rig.Rig) []string {
	t.Helper()
	names := []string{"physician", "nurse", "billing", "w0", "laboratory", "registration", "pharmacist"}
	add := func(name string, u identity.NewUser) {
		if u.Kind == "" {
			u.Kind = tutela.ActorPerson
		}
		u.Username, u.Client = name, "rig"
		r.Enroll(t, u)
		names = append(names, name)
	}
	roles := func(list ...access.Role) (names []string) {
		for _, role := range list {
			names = append(names, string(role))
		}
		return names
	}
	doctor := func(scopes ...string) identity.NewUser {
		return identity.NewUser{Roles: roles(access.RolePhysician), Scopes: scopes, FHIRUser: tutela.Ref{Type: "Practitioner", ID: "physician"}, Patient: "w0"}
	}
	self := func(scopes ...string) identity.NewUser {
		return identity.NewUser{Roles: roles(access.RolePatient), Scopes: scopes, FHIRUser: tutela.Ref{Type: "Patient", ID: "w0"}, Patient: "w0"}
	}
	add("launched", doctor("patient/*.rs"))
	add("mixed", doctor("patient/Observation.rs", "user/Condition.rs", "user/Patient.rs"))
	add("laboratory results", doctor("user/Observation.rs?category=laboratory", "user/DiagnosticReport.rs", "user/Patient.rs"))
	add("final results", doctor("user/*.r", "user/Observation.rs?status=final", "patient/*.rs"))
	add("own results", self("patient/Observation.rs?category=laboratory", "patient/Patient.rs"))
	add("proxy", identity.NewUser{Roles: roles(access.RoleProxy), Scopes: []string{"patient/*.rs"}, FHIRUser: tutela.Ref{Type: "RelatedPerson", ID: "r"}, Patient: "w0"})
	add("desk", identity.NewUser{Roles: roles(access.RoleRegistration, access.RoleBilling), Scopes: []string{"user/*.rs"}})
	add("doctor who bills", identity.NewUser{Roles: roles(access.RolePhysician, access.RoleBilling), Scopes: []string{"user/*.rs"}, FHIRUser: tutela.Ref{Type: "Practitioner", ID: "physician"}})
	add("bisecting", identity.NewUser{Roles: roles(access.RoleBilling), Scopes: []string{"user/Observation.rs?value-quantity=gt5", "user/Patient.rs", "user/Condition.rs", "user/Claim.rs"}})
	return append(names, "auditor")
}

// realm is what is stored in one round.
type realm struct {
	r       *rig.Rig
	round   int
	things  []created
	others  []string // who decides: teams and consents
	serials map[string]int
}

// created is one resource of a world.
type created struct {
	specimen
	at   situation
	ref  string
	more string
}

func (c created) id() string { return c.ref[strings.IndexByte(c.ref, '/')+1:] }
func (c created) text() string {
	return c.resource(c.at, c.id(), c.more)
}

// draw makes up a world: who treats whom, who consented to what, and what stands in the charts.
func (w *realm) draw(t *rapid.T) {
	for _, p := range wards() {
		w.others = append(w.others, w.team(t, p), w.consent(t, p))
		at := situation{patient: p}
		w.things = append(w.things, created{specimens()[0], at, "Patient/" + p, w.extra(t, "Patient")})
	}
	kinds := specimens()[1:]
	for range rapid.IntRange(6, 14).Draw(t, "resources") {
		w.things = append(w.things, w.thing(t, rapid.SampledFrom(kinds).Draw(t, "type"), w.place(t)))
	}
}

func (w *realm) team(t *rapid.T, patient string) string {
	members := []string{"somebody"}
	for _, who := range []string{"physician", "nurse"} {
		if rapid.IntRange(0, 2).Draw(t, who+" treats "+patient) < 2 {
			members = append(members, who)
		}
	}
	return rig.CareTeam("team-"+patient, patient, "active", members...)
}

// consent is what a patient said: nothing, a denial of all, of some class, to one person, or for one purpose.
func (w *realm) consent(t *rapid.T, patient string) string {
	said := rapid.SampledFrom([]string{"-", "-", "-", "", `,"class":[{"system":"http://hl7.org/fhir/resource-types","code":"Observation"}]`,
		`,"purpose":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActReason","code":"HPAYMT"}]`,
		`,"securityLabel":[{"system":"http://terminology.hl7.org/CodeSystem/v3-Confidentiality","code":"R"}]`}).Draw(t, "consent of "+patient)
	text := strings.Replace(consentOf(patient, said), `"id":"said"`, `"id":"said-`+patient+`"`, 1)
	if said == "-" {
		text = strings.Replace(strings.Replace(text, `"deny"-`, `"deny"`, 1), `"active"`, `"inactive"`, 1)
	}
	return text
}

// place is in whose chart something lies, and what makes it sensitive.
func (w *realm) place(t *rapid.T) situation {
	return situation{patient: rapid.SampledFrom(append(wards(), "w0", "w0", "w1", "")).Draw(t, "patient"),
		with: rapid.SampledFrom([]string{"", "", "", "", "", restrictedMeta, hivExtension, `"meta":{"tag":[{"system":"urn:t","code":"t"}]},`}).Draw(t, "with")}
}

func (w *realm) thing(t *rapid.T, s specimen, at situation) created {
	if s.param == "" {
		at.patient = ""
	} else if at.patient == "" && !nobodys(s.typ) {
		at.patient = "w2"
	}
	w.serials[s.typ]++
	return created{s, at, fmt.Sprintf("%s/%s-%d-%d", s.typ, strings.ToLower(s.typ), w.round, w.serials[s.typ]), w.extra(t, s.typ)}
}

// extra are members that tell the resources of a type apart, and lead from one to another.
func (w *realm) extra(t *rapid.T, typ string) string {
	refer := func(name string, to ...string) string {
		if rapid.Bool().Draw(t, name+"?") {
			return ""
		}
		ref := `{"reference":"` + w.some(t, to...) + `"}`
		name, several := strings.CutSuffix(name, "s") // more than one would be listed
		if several {
			ref = "[" + ref + "]"
		}
		return `,"` + name + `":` + ref
	}
	date := rapid.SampledFrom([]string{"2019", "2020-05", "2021-02-03"}).Draw(t, "date")
	text := ""
	switch typ {
	case "Patient":
		text = refer("generalPractitioners", "Practitioner") + refer("managingOrganization", "Organization") + `,"maritalStatus":{"text":"` + date + `"}`
	case "Observation":
		text = `,"category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"` +
			rapid.SampledFrom([]string{"laboratory", "vital-signs"}).Draw(t, "category") + `"}]}],"effectiveDateTime":"` + date + `","valueQuantity":{"value":` +
			rapid.SampledFrom([]string{"1", "5", "9"}).Draw(t, "value") + `},"note":[{"text":"` + date + `"}]` +
			refer("hasMembers", "Observation") + refer("encounter", "Encounter") + refer("performers", "Patient", "Practitioner")
	case "DiagnosticReport":
		text = `,"effectiveDateTime":"` + date + `"` + refer("results", "Observation") + refer("encounter", "Encounter")
	case "Condition":
		text = `,"recordedDate":"` + date + `"` + refer("encounter", "Encounter") + refer("asserter", "Practitioner", "Patient")
	case "Procedure":
		text = `,"performedDateTime":"` + date + `"` + refer("partOfs", "Observation", "Procedure") + refer("reasonReferences", "Condition")
	case "Encounter":
		text = refer("partOf", "Encounter") + refer("serviceProvider", "Organization") + refer("reasonReferences", "Condition")
	case "MedicationRequest", "ServiceRequest":
		text = `,"authoredOn":"` + date + `"` + refer("encounter", "Encounter") + refer("reasonReferences", "Condition", "Observation")
	case "Appointment":
		text = `,"comment":"` + date + `"` + refer("reasonReferences", "Condition")
	case "CarePlan":
		text = refer("careTeams", "CareTeam") + refer("addressess", "Condition")
	}
	return text
}

// some is a resource of one of the types, or one that there is not.
func (w *realm) some(t *rapid.T, types ...string) string {
	list := []string{types[0] + "/absent"}
	for _, c := range w.things {
		if slices.Contains(types, c.typ) {
			list = append(list, c.ref)
		}
	}
	return rapid.SampledFrom(list).Draw(t, "target")
}

// store brings resources into being, as one transaction.
func (w *realm) store(t *testing.T, resources ...string) {
	t.Helper()
	var entries []req
	for _, text := range resources {
		head := rig.Plain(t, []byte(text))
		entries = append(entries, req{method: "PUT", url: fmt.Sprint(head["resourceType"], "/", head["id"]), resource: text})
	}
	w.transact(t, entries)
}

// remove deletes resources, as one transaction.
func (w *realm) remove(t *testing.T, list []created) {
	t.Helper()
	var entries []req
	for _, c := range list {
		if c.typ != "Patient" {
			entries = append(entries, req{method: "DELETE", url: c.ref})
		}
	}
	w.transact(t, entries)
}

func (w *realm) transact(t *testing.T, entries []req) {
	t.Helper()
	if len(entries) == 0 {
		return
	}
	if a := w.r.Do(t, asking(rig.Loader, post("", bundle("transaction", entries...), "Prefer", "return=minimal"))); a.Status != http.StatusOK {
		t.Fatalf("store a world: %d %s", a.Status, a.Body)
	}
}
