// Package backup copies a running system to places that outlive it, and brings it back.
//
// Invariant: a backup is one moment of the store, whole; it is sealed to keys that the service does not
// hold; and what it brings back is what was, or nothing. What erasure destroyed is in none: wrapped
// keys travel apart, of which only the newest are kept, and index terms are made anew.
//
// Nouns. A series is a full backup (sequence 0) and the increments that follow it, each naming the one
// before by its digest. A Manifest is what stands beside each in the clear, signed: when, of what, how long,
// with which digest. A Keyring is all wrapped keys at a moment, or those made since the last. A
// Service makes them; Survey finds them at a destination, and a Restorer reads them.
//
// Formats, of which old versions stay readable:
//
//	series/ID/NNNNNNNN-DIGEST.backup   sealed (recovery/sealed, place "series/ID", NNNNNNNN) zstd of operations
//	series/ID/NNNNNNNN.manifest        JSON, and a line with its Ed25519 signature
//	keyring/ID-NNNNNNNN…               the same for keys
//
// Operations are a letter and its operands (operation.go): tables and rows as the store describes them, so
// that a backup of SQLite restores into PostgreSQL and the other way round.
package backup
