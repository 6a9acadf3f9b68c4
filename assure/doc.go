// Package assure turns attempts to break a control into evidence.
//
// Invariant: evidence says what was observed, when and on what, and counts only until it
// expires; what could not be checked is never a pass.
//
// Nouns. A Check is code that tries something; each plane brings its own. Evidence is what
// it saw, kept as a ledger entry, and so signed by the next checkpoint.
package assure
