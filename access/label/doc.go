// Package label says how sensitive a resource is: by the security labels that it carries, and by the codes
// in it. It does no I/O and keeps no state.
//
// Invariant: every code counts, wherever it stands: in the resource, in what it contains or bundles, in
// extensions and in meta. A label is never taken away; rules add to those that are stated.
//
// Nouns. A Set is some of the labels. Rules are a versioned list of which codes give which label; each rule
// says how it is known. A clearance is the same Set seen from the caller's side: a caller may see what is
// labelled within the clearances held.
//
// Not seen: concepts in words alone, narratives, attachments, and what only a terminology server could
// tell (subtypes of a SNOMED CT concept, products of an RxNorm ingredient). Labels for those must be stated.
package label
