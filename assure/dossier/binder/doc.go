// Package binder makes auditor's packages of a running system, in the form of package dossier.
//
// Its invariant: what goes in is what the ledger and the registers hold; the sealing entry, which names the digest of all of
// it, is in the ledger before the package ends. No patient's data goes in: patients are pseudonyms there.
package binder
