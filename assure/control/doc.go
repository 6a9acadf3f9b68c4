// Package control says how it is known that what is asked of an organisation is done: a control for each requirement of
// the catalogue.
//
// Its invariant: what is known by trying, by records, by somebody's word and by another's report is counted apart, and
// nothing is green without evidence that has not expired. Evidence is read from the ledger, so that every node and
// everybody who verifies the ledger sees the same.
//
// Nouns: a Control is a requirement with its Ways; a Way is one thing that shows it, of one kind of Knowledge, with a
// Standing of its own; an Attestation is somebody's word, or a provider's report, with an end.
package control
