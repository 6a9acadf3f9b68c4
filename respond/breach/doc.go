// Package breach answers whom an access reached that should not have been, and what follows from it.
//
// Invariant: a scope lists exactly the patients whose data the ledger says was reached, and tells of each how that is
// proved; a question that nobody can have meant (an account that never was) is an error and not an empty list.
//
//   - Ask: whose accesses, in which time.
//   - Scope: whom they reached, with types of data, counts, times, states of residence and proofs.
//
// What names a patient comes through Homes, which asks for a Grant: this package opens no chart.
package breach
