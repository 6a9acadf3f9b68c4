// Package finding is what detection has to say: a Hit is one time that a rule or a baseline took
// offence, a Finding is what people see of it, with alike hits grouped.
//
// Invariant: a finding names accounts, pseudonyms and entries of the ledger, and holds no value
// from a record. The same hits in the same order give the same findings with the same ids, so that
// what is worked off a second time after a crash changes nothing.
package finding
