// Package mask is the minimum necessary by element: which parts of a resource a caller may see, as a pure
// function from JSON to JSON. It does no I/O and keeps no state.
//
// Invariant: what a Mask hides is not in what it returns, in no form: not as a primitive's extensions
// ("_birthDate"), not under another type of a choice, not in the narrative, not in a contained or bundled
// resource. Whether something is hidden never depends on the data, so nothing is told by what is missing.
// The zero Mask hides everything that can be hidden.
//
// A Mask is written by resource type:
//
//	show Patient: identifier, name, birthDate, gender, address, telecom
//	hide *: note, contained
//	hide Observation: value[x], component, interpretation, referenceRange
//
// Types with a show clause (their own, else that of *) show what it lists; all others show all. Hide clauses,
// of the type and of *, take from that. Paths go into elements with dots (name.family) and through lists; what
// is hidden of an element that nests in itself is hidden at every depth (item.text of a Questionnaire). A
// semicolon ends a clause like a line's end; what follows a # is a comment.
//
// A list to show should have status and modifierExtension, without which the rest may be read wrongly.
//
// Always there are resourceType, id, meta.versionId and meta.lastUpdated. Where a type hides anything, its
// narrative and the rest of meta (profiles, tags, labels) are hidden too, since they tell of it, and meta
// carries the security label SUBSETTED (FHIR R4, search.html#summary): a client must not write back what
// it got. What contained and bundled resources show is up to their own types.
package mask
