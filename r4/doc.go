// Package r4 knows FHIR R4 (4.0.1) as pure data: what a resource may look like, what its search
// parameters select, and whether a resource answers a search. It does no I/O and keeps no state.
//
// Its invariant: a *Resource is valid. Parse is the only way to one, and refuses what breaks a type,
// cardinality, primitive format or required code of the specification, so that every later reader
// may walk the tree without doubting it.
//
// The nouns:
//
//   - Resource: a parsed resource, compact bytes and a flat tree of nodes over them.
//   - Node: one element of a Resource.
//   - Invalid: why Parse refused, as a list of Issues. Never holds a value from the resource.
//   - Param and Branch: a search parameter, and a path that it follows. Parameters that follow the
//     same path share the Branch, and so may share index terms.
//   - Value: what a Branch selects, in the form that search compares.
//   - Query: a parsed search. Match says exactly whether a Resource answers it.
//
// The tables of types, elements, codes and parameters are generated from the official definitions.
package r4

//go:generate go run -C .. ./r4/gen
