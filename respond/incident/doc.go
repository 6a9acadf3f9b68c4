// Package incident keeps what went wrong, from the first suspicion to the lessons learned: who opened it, what
// was done about it, by whom and when, how long containing it took, and what was told to whom.
//
// Invariant: every change of an incident is one revision of its row, one item of its timeline and one entry in
// the ledger, in one transaction. Items are added and never changed. What people write may name patients: it is
// sealed, in rows and in the ledger, and in no log.
//
// Nouns. An Incident is opened by a finding, by a person, or by anybody's Report, and moves from State to State.
// A Runbook says what is done about a kind of incident: an Incident carries the steps of the one that was in
// force when it was opened. An Item is one line of its timeline, by a machine or by hand. A drill is an
// Incident that is not real, scored by the same clocks.
package incident
