// Package dossier is the auditor's package: the form of it, and its verification by whoever has nothing but the file and
// the ledger's verifier key.
//
// Its invariant: what is in a dossier follows from the signed checkpoint of the ledger, or from a manifest whose digest an
// entry of that ledger names. Nothing here opens a database, and nothing here shares code with what wrote the ledger: leaf,
// tree and checkpoint are read anew after audit/DESIGN.md, C2SP tlog-checkpoint and RFC 6962.
//
// Nouns: a Manifest names every file; a Line is a leaf of the ledger with its header opened; a population is the entries of
// a period that tell of one thing, as a table; the Proof joins leaves, seal and checkpoint.
package dossier
