// Package handout makes of a patient's records what one can hand to him: a FHIR Bundle for his next
// software, and a document for himself, which needs no program but a browser, loads nothing and prints.
//
// Invariant: the document says everything that the Bundle does, but for what is no text, and nothing in a
// record is ever more than text in it: no markup, no script, no address that leaves the page.
package handout
