package r4

import (
	"slices"
	"sort"
)

// typeID is the position of a type in the table types; the kinds follow each other in it.
type typeID uint16

// elementID is the position of an element in the table elements. 0 is resourceType, which is no
// element of any type but a member of every resource.
type elementID uint16

// typeDef is a primitive, datatype, resource or backbone element.
type typeDef struct {
	name             string
	first, end       elementID
	reqFirst, reqEnd uint16
}

// element is a JSON member that objects of a type may have. A choice element (value[x]) is one
// element a type, whose names share their first choice bytes.
type element struct {
	name   string
	typ    typeID
	list   bool
	choice uint8
	codes  uint16
}

// codeSet is an enumerated value set. System is empty when its codes come from several.
type codeSet struct {
	system string
	codes  []string
}

// base is the element's name in FHIRPath: "value" for valueQuantity.
func (e *element) base() string {
	if e.choice > 0 {
		return e.name[:e.choice]
	}
	return e.name
}

func (t typeID) primitive() bool { return t <= lastPrimitive }
func (t typeID) resource() bool  { return t > lastComplex && t <= lastResource }
func (t typeID) name() string    { return types[t].name }

// find returns the element of t called name.
func (t typeID) find(name []byte) (elementID, bool) {
	lo, hi := int(types[t].first), int(types[t].end)
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		if elements[mid].name < string(name) {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return elementID(lo), lo < int(types[t].end) && elements[lo].name == string(name)
}

// resourceType returns the type called name if instances of it may exist.
func resourceType(name []byte) (typeID, bool) {
	lo, hi := lastComplex+1, lastResource+1
	i := lo + sort.Search(hi-lo, func(i int) bool { return types[lo+i].name >= string(name) })
	return typeID(i), i < hi && types[i].name == string(name)
}

// IsResourceType reports whether name is a resource type of R4 that can be instantiated.
func IsResourceType(name string) bool {
	_, ok := resourceType([]byte(name))
	return ok
}

// ResourceTypes lists the resource types of R4 in alphabetical order.
func ResourceTypes() []string {
	out := make([]string, 0, lastResource-lastComplex)
	for t := typeID(lastComplex + 1); t <= lastResource; t++ {
		out = append(out, t.name())
	}
	return out
}

// allows reports whether the element's required binding has the code. Elements without an
// enumerated binding allow every code.
func (e *element) allows(code []byte) bool {
	if e.codes == 0 {
		return true
	}
	_, ok := slices.BinarySearch(codeSets[e.codes].codes, string(code))
	return ok
}
