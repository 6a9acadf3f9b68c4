package r4

import (
	"cmp"
	"slices"
	"sort"
)

// ParamType is the type of a search parameter (FHIR R4, search.html#ptypes).
type ParamType uint8

// The parameter types that are offered. The zero value is none of them.
const (
	ParamToken ParamType = iota + 1
	ParamString
	ParamDate
	ParamReference
	ParamNumber
	ParamQuantity
	ParamURI
)

// String names the type as FHIR does.
func (t ParamType) String() string {
	return [...]string{"none", "token", "string", "date", "reference", "number", "quantity", "uri"}[t]
}

// Param is a search parameter of one resource type, or of all (Base "Resource"). It must not be modified.
type Param struct {
	Base     string
	Name     string
	Type     ParamType
	Targets  []string // the types that a reference may name, as the definition lists them
	Only     string   // the parameter sees references to this type only; empty: all
	Branches []*Branch
}

// Branch is one path of a search parameter's expression. It must not be modified.
type Branch struct {
	key   string
	steps []step
	truth bool // the branch answers whether the element is there and not false
}

// step goes from a node to its members of one name, through lists.
type step struct {
	name         string
	choice       bool   // name is the base of a choice element
	first        bool   // the first item only
	field, value string // only items whose field has the value
}

// Keeps reports whether the parameter sees a value that one of its branches selects: of a reference
// parameter with Only, references to that type alone.
func (p *Param) Keeps(v *Value) bool { return p.Only == "" || v.Reference.Type == p.Only }

// Truth reports whether the branch answers by whether an element is there: it has an answer in every
// resource, also in one that lacks it.
func (b *Branch) Truth() bool { return b.truth }

// Key is the branch's stable name, as in "Observation.code". Branches with the same key select the
// same nodes of every resource.
func (b *Branch) Key() string { return b.key }

type unsupportedParam struct{ base, name, reason string }

type compartmentEntry struct {
	base   string
	params []string
}

// Lookup returns the search parameter called name of a resource type, those of all types included.
func Lookup(resourceType, name string) (*Param, bool) {
	if i, ok := findParam(resourceType, name); ok {
		return &params[i], true
	}
	i, ok := findParam(baseType, name)
	if !ok {
		return nil, false
	}
	return &params[i], true
}

// baseType is the base of the parameters that every resource has.
const baseType = "Resource"

func findParam(base, name string) (int, bool) {
	i := sort.Search(len(params), func(i int) bool {
		p := &params[i]
		return p.Base > base || p.Base == base && p.Name >= name
	})
	return i, i < len(params) && params[i].Base == base && params[i].Name == name
}

// Params lists the search parameters of a resource type in alphabetical order, those of all types
// first.
func Params(resourceType string) []*Param {
	return appendParams(appendParams(nil, baseType), resourceType)
}

func appendParams(out []*Param, base string) []*Param {
	i, _ := findParam(base, "")
	for ; i < len(params) && params[i].Base == base; i++ {
		out = append(out, &params[i])
	}
	return out
}

// Refused reports why a parameter that R4 defines for the type is not offered, empty if it is
// offered or unknown.
func Refused(resourceType, name string) string {
	for _, u := range unsupportedParams {
		if u.name == name && (u.base == resourceType || u.base == baseType || u.base == "DomainResource") {
			return u.reason
		}
	}
	return ""
}

// PatientCompartment lists the reference parameters that put a resource of the type into the
// compartment of the Patient it names (FHIR R4, compartmentdefinition-patient.html).
func PatientCompartment(resourceType string) []*Param {
	i, ok := slices.BinarySearchFunc(patientCompartment[:], resourceType, func(e compartmentEntry, name string) int {
		return cmp.Compare(e.base, name)
	})
	if !ok {
		return nil
	}
	var out []*Param
	for _, name := range patientCompartment[i].params {
		if p, ok := Lookup(resourceType, name); ok {
			out = append(out, p)
		}
	}
	return out
}
