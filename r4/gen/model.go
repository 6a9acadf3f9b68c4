package main

import (
	"fmt"
	"slices"
	"sort"
	"strings"
)

// model is the type system of R4: every primitive, datatype, resource and backbone element.
type model struct {
	types  []*typeInfo // in table order; index 0 is no type
	byName map[string]*typeInfo
	codes  []codeSet // index 0 is "not enumerated"
}

type typeInfo struct {
	name     string
	id       int
	kind     string // primitive, complex, backbone, resource, any
	elements []elementInfo
}

type elementInfo struct {
	name   string
	typ    string
	min    int
	list   bool
	choice int // length of the base name of a choice element, 0 for others
	codes  int
}

// anyResource is the one polymorphic type: an element of it holds a resource of any type.
const anyResource = "Resource"

func buildModel(d *defs) (*model, error) {
	m := &model{byName: map[string]*typeInfo{}, codes: []codeSet{{}}}
	codes := newCodeSets(d)
	for _, s := range d.structures {
		if !wanted(s) {
			continue
		}
		m.addStructure(s, codes)
	}
	m.codes = append(m.codes, codes.sets...)
	m.number()
	return m, m.check()
}

func wanted(s structure) bool {
	return s.ResourceType == "StructureDefinition" && s.Kind != "logical" && s.Derivation != "constraint"
}

func (m *model) addStructure(s structure, codes *codeSets) {
	kind := map[string]string{"primitive-type": "primitive", "complex-type": "complex", "resource": "resource"}[s.Kind]
	if s.Name == anyResource || s.Name == "DomainResource" {
		kind = "any"
	}
	root := m.add(s.Name, kind)
	if kind == "primitive" {
		return
	}
	owners := map[string]bool{}
	for _, e := range s.Snapshot.Element {
		if i := strings.LastIndexByte(e.Path, '.'); i > 0 {
			owners[e.Path[:i]] = true
		}
	}
	for _, e := range s.Snapshot.Element[1:] {
		i := strings.LastIndexByte(e.Path, '.')
		owner := root
		if e.Path[:i] != s.Name {
			owner = m.add(e.Path[:i], "backbone")
		}
		owner.elements = append(owner.elements, expand(e, owner.kind, owners[e.Path], codes)...)
	}
}

func (m *model) add(name, kind string) *typeInfo {
	t := m.byName[name]
	if t == nil {
		t = &typeInfo{name: name, kind: kind}
		m.byName[name] = t
		m.types = append(m.types, t)
	}
	return t
}

// expand gives the JSON members that an element definition stands for: one, or one a type for value[x].
func expand(e elementDefinition, ownerKind string, owns bool, codes *codeSets) []elementInfo {
	if e.Max == "0" {
		return nil
	}
	name := e.Path[strings.LastIndexByte(e.Path, '.')+1:]
	info := elementInfo{name: name, min: e.Min, list: e.Max != "1"}
	switch {
	case e.ContentReference != "":
		info.typ = strings.TrimPrefix(e.ContentReference, "#")
	case owns:
		info.typ = e.Path
	case strings.HasSuffix(name, "[x]"):
		return expandChoice(info, e.Type)
	default:
		info.typ = typeCode(e.Type[0])
	}
	if name == "id" && (ownerKind == "resource" || ownerKind == "any") {
		info.typ = "id"
	}
	if info.typ == "code" && e.Binding != nil && e.Binding.Strength == "required" {
		info.codes = codes.index(e.Binding.ValueSet)
	}
	return []elementInfo{info}
}

func expandChoice(info elementInfo, types []elementType) []elementInfo {
	base := strings.TrimSuffix(info.name, "[x]")
	var out []elementInfo
	for _, t := range types {
		one := info
		one.typ = typeCode(t)
		one.name = base + strings.ToUpper(one.typ[:1]) + one.typ[1:]
		one.choice = len(base)
		out = append(out, one)
	}
	return out
}

func typeCode(t elementType) string {
	for _, x := range t.Extension {
		if strings.HasSuffix(x.URL, "structuredefinition-fhir-type") {
			return x.ValueURL
		}
	}
	if strings.HasPrefix(t.Code, "http://hl7.org/fhirpath/") {
		return "string"
	}
	return t.Code
}

// number puts the types in table order (primitives, then any, complex, resources, backbones) and
// sorts elements by name, for the parser's binary search.
func (m *model) number() {
	order := map[string]int{"primitive": 1, "any": 2, "complex": 3, "resource": 4, "backbone": 5}
	sort.Slice(m.types, func(i, j int) bool {
		a, b := m.types[i], m.types[j]
		if order[a.kind] != order[b.kind] {
			return order[a.kind] < order[b.kind]
		}
		return a.name < b.name
	})
	for i, t := range m.types {
		t.id = i + 1
		slices.SortFunc(t.elements, func(a, b elementInfo) int { return strings.Compare(a.name, b.name) })
	}
}

func (m *model) check() error {
	for _, t := range m.types {
		for _, e := range t.elements {
			if m.byName[e.typ] == nil {
				return fmt.Errorf("%s.%s has the unknown type %q", t.name, e.name, e.typ)
			}
		}
	}
	return nil
}

// elementsNamed gives the members that a FHIRPath step name stands for in t.
func (t *typeInfo) elementsNamed(name string) []elementInfo {
	var out []elementInfo
	for _, e := range t.elements {
		if e.name == name || e.choice > 0 && e.name[:e.choice] == name {
			out = append(out, e)
		}
	}
	return out
}
