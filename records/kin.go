package records

import (
	"context"
	"errors"
	"hash/maphash"
	"slices"
	"strings"
	"unicode"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/keys"
	"github.com/tutela-health/tutela/r4"
	"github.com/tutela-health/tutela/store"
)

// kin is what tells whether two people know each other beside care: hashes under a seed of this process, so
// that nothing in memory names anybody. The zero value knows nobody.
type kin struct {
	families []uint64 // family names that the person has or had
	names    []uint64 // first and last name with the date of birth, a telephone number or a home: the person himself
	homes    []uint64 // where the person lives
	streets  []uint64 // and in which street
	vip      bool     // of public interest: labelled CEL (HL7 v3 ActCode), or VIP by the extension patient-importance
	employee bool     // labelled EMP

	until int64 // when to look again, in milliseconds since 1970
}

// beside says how the patient p stands to somebody on staff.
func (k kin) beside(p kin) standing {
	switch {
	case meet(k.names, p.names):
		return standsSelf
	case meet(k.homes, p.homes):
		return standsHousehold
	}
	var s standing
	if meet(k.families, p.families) {
		s |= standsSameName
	}
	if meet(k.streets, p.streets) {
		s |= standsNeighbour
	}
	return s
}

func meet(a, b []uint64) bool {
	return slices.ContainsFunc(a, func(h uint64) bool { return slices.Contains(b, h) })
}

// kinOf reads a Patient, Practitioner or Person.
func (s *Store) kinOf(res *r4.Resource) kin {
	root, h := res.Root(), hasher{s.kin.seed}
	k := kin{vip: labelled(root, "CEL") || important(root), employee: labelled(root, "EMP")}
	born := root.Child("birthDate").Text()
	proofs := []string{}
	if born != "" {
		proofs = append(proofs, "born "+born)
	}
	for t := range root.Child("telecom").Items() {
		if number := digits(t.Child("value").Text()); t.Child("system").Text() == "phone" && t.Child("use").Text() != "work" && len(number) >= minPhone {
			proofs = append(proofs, "phone "+number)
		}
	}
	for a := range root.Child("address").Items() {
		home, street := placeOf(a)
		if home == "" {
			continue
		}
		k.homes, k.streets = append(k.homes, h.of("home", home)), append(k.streets, h.of("street", street))
		proofs = append(proofs, "home "+home)
	}
	for n := range root.Child("name").Items() {
		family := r4.Fold(n.Child("family").Text())
		if family == "" {
			continue
		}
		k.families = append(k.families, h.of("family", family))
		for first := range n.Child("given").Items() {
			for _, proof := range proofs {
				k.names = append(k.names, h.of(family+"\x00"+r4.Fold(first.Text()), proof))
			}
			break
		}
	}
	return k
}

// minPhone is how many digits a telephone number has at least that tells one person from another.
const minPhone = 7

// placeOf gives a home address and its street, folded; both empty for one that is no home now, or has no street.
func placeOf(a r4.Node) (home, street string) {
	use := a.Child("use").Text()
	area := r4.Fold(a.Child("postalCode").Text())
	if area == "" {
		area = r4.Fold(a.Child("city").Text())
	}
	var lines []string
	for l := range a.Child("line").Items() {
		lines = append(lines, r4.Fold(l.Text()))
	}
	if use == "work" || use == "old" || use == "billing" || area == "" || len(lines) == 0 {
		return "", ""
	}
	words := strings.Fields(lines[0])
	words = slices.DeleteFunc(words, func(w string) bool { return strings.ContainsFunc(w, unicode.IsDigit) })
	return strings.Join(lines, " ") + "\x00" + area, strings.Join(words, " ") + "\x00" + area
}

func digits(s string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, s)
}

// labelled reports whether a resource's meta bears a code of HL7 v3 ActCode.
func labelled(root r4.Node, code string) bool {
	for c := range root.Child("meta").Child("security").Items() {
		if c.Child("code").Text() == code && c.Child("system").Text() == actCodes {
			return true
		}
	}
	return false
}

// important reports whether a Patient is a VIP by the extension that FHIR R4 has for it (patient-importance, with
// codes of HL7 v3 PatientImportance).
func important(root r4.Node) bool {
	for e := range root.Child("extension").Items() {
		if e.Child("url").Text() != "http://hl7.org/fhir/StructureDefinition/patient-importance" {
			continue
		}
		for c := range e.Child("valueCodeableConcept").Child("coding").Items() {
			if c.Child("code").Text() == "VIP" && c.Child("system").Text() == "http://terminology.hl7.org/CodeSystem/v3-PatientImportance" {
				return true
			}
		}
	}
	return false
}

const actCodes = "http://terminology.hl7.org/CodeSystem/v3-ActCode"

// hasher hashes under the seed of one process.
type hasher struct{ seed maphash.Seed }

func (h hasher) of(kind, value string) uint64 {
	return maphash.String(h.seed, kind+"\x00"+value)
}

// kinAt is what is known of the person whose resource lies at a locator; nobody is known of one that is
// not there, or does not open.
func (s *Store) kinAt(ctx context.Context, q store.Querier, at tutela.Locator) kin {
	now := s.clock().UnixMilli()
	if k, ok := s.kin.get(at, now); ok {
		return k
	}
	k := kin{}
	res, err := s.person(ctx, q, at)
	if err != nil {
		return k // as of a caller who went away: it must not hide anybody from the next one
	}
	if res != nil {
		k = s.kinOf(res)
	}
	k.until = now + kinLasts.Milliseconds()
	s.kin.put(at, k)
	return k
}

// person opens a resource that is there now; nil for one that is not, or is an erased patient's.
func (s *Store) person(ctx context.Context, q store.Querier, at tutela.Locator) (*r4.Resource, error) {
	row, found, err := current(ctx, q, at)
	if err != nil || !found || row.deleted() {
		return nil, err
	}
	rec, err := s.record(ctx, q, tutela.Ref{}, row)
	if errors.Is(err, keys.ErrDestroyed) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return rec.resource(), nil
}
