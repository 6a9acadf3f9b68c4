// Package replay asks requests of the past again: what other policies would have decided on what the
// ledger says was asked.
//
// Invariant: it shows nothing of a record and changes nothing. What it counts are requests of the ledger,
// and its examples are their places there.
//
// An entry says who asked with which roles, what for, whom it concerned, and how many resources of which
// types. It does not say what was in them, nor how the patients stood to the caller. Those facts are taken
// as they are now, by whoever may know them; a Report counts what was taken so, and what was not known.
// What a search would newly find, and what a refused request was after, is not in the ledger where it has
// no reference: then it is asked whether anything of the type has become possible.
//
// Nouns. A Request is an entry of the ledger that was a decision of policies. A Group counts Requests that
// fare differently in one way.
package replay
