package sample

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"time"
)

// chart is one patient's Bundle as it grows.
type chart struct {
	rng     *rand.Rand
	person  person
	entries []entry
	shared  map[string]reference // practitioners and organisations that are in already

	subject reference
	doctorR reference // the general practitioner
	clinic  reference
	problem []problem // chronic conditions, in order of onset
}

// add puts a new resource into the Bundle and refers to it.
func (c *chart) add(resourceType string, resource any) reference {
	return c.entry(resourceType, "", resource)
}

// sharedEntry puts a resource in that other Bundles have too.
func (c *chart) sharedEntry(resourceType, system, value string, resource any) reference {
	condition := ifNoneExist(system, value)
	if r, ok := c.shared[condition]; ok {
		return r
	}
	r := c.entry(resourceType, condition, resource)
	c.shared[condition] = r
	return r
}

func (c *chart) entry(resourceType, condition string, resource any) reference {
	raw, err := json.Marshal(resource)
	if err != nil {
		panic("sample: " + err.Error()) // plain structs always marshal
	}
	url := "urn:uuid:" + uuid(c.rng)
	c.entries = append(c.entries, entry{url, raw, request{"POST", resourceType, condition}})
	return reference{Reference: url}
}

// uuid is a random one (RFC 9562, version 4), repeatable like all else here.
func uuid(rng *rand.Rand) string {
	a, b := rng.Uint64(), rng.Uint64()
	return fmt.Sprintf("%08x-%04x-4%03x-%04x-%012x", a>>32, a>>16&0xFFFF, a&0xFFF, 0x8000|b>>50, b&(1<<48-1))
}

// open writes what a chart begins with.
func (c *chart) open() {
	p := c.person
	c.clinic = c.organization(clinics()[p.number%2])
	c.doctorR = c.doctor(doctors()[p.number%len(doctors())])
	c.subject = c.add("Patient", p.resource(c.doctorR, c.clinic))
	c.add("Coverage", coverageResource{
		ResourceType: "Coverage", Status: "active", Beneficiary: c.subject,
		Identifier:   []identifier{{System: member, Value: fmt.Sprintf("AV%08d", c.rng.IntN(1e8))}},
		Type:         code(terminology+"v3-ActCode", "HIP", "health insurance plan policy"),
		Relationship: status("subscriber-relationship", "self"),
		Period:       period{Start: fmt.Sprintf("%d-01-01", today().Year()-c.rng.IntN(4))},
		Payor:        []reference{c.organization(pick(c.rng, insurers()))},
	})
}

// visit is an encounter under way.
type visit struct {
	at  time.Time
	ref reference
}

// visitKind says what sort of encounter it is.
type visitKind struct {
	class   coding
	concept concept
	minutes int
}

func (c *chart) visit(at time.Time, kind visitKind, reason ...concept) visit {
	ref := c.add("Encounter", encounterResource{
		ResourceType: "Encounter", Status: "finished", Class: kind.class, Type: []concept{kind.concept},
		Subject: c.subject, Participant: []participant{{c.doctorR}}, Reason: reason, Provider: c.clinic,
		Period: period{instant(at), instant(at.Add(time.Duration(kind.minutes) * time.Minute))},
	})
	return visit{at, ref}
}
