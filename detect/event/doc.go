// Package event is what detection reads: one form for an entry of the ledger, a line of another
// system's access log and a line of an application's log, and the facts beside them: who works
// where (Staff), whom care joins to whom (Relation), and what is known of a chart (Chart).
//
// Invariant: an Event holds nothing that a ledger or a hospital's own log would not hold. Patients
// appear by pseudonym, free text only as it was let in, with patient data and secrets taken out.
package event
