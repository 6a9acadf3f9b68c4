// Package book writes what other systems tell of access to records into the tenant's ledger, so that detection, breach
// scope and proofs work on it as on the tenant's own.
//
// Invariant: a record that was taken is an entry of the ledger exactly once, however often it is sent within the last
// Window records; it names its patients by pseudonym alone, and what the source calls them lies sealed beside, once for
// each patient.
//
//   - Tokens: what makes pseudonyms of identifiers.
//   - Book: takes records; Take returns when they are durable, Queue lets a sender that waits for no answer go on.
//   - Patient: gives back what sources call a patient.
//
// A Book trusts a source for what it tells, and for nothing else: its entries carry Foreign, their actions are those of
// a short list, and they write nothing, disclose nothing and prove nothing.
package book
