// Package keys is envelope encryption: it seals, opens, rotates and shreds, and it
// knows nothing of what it seals.
//
// Invariant: key material never leaves this package in a form that prints, and every
// ciphertext is bound by its AAD to the one place where it may be opened.
//
// Nouns. A Provider holds generation keys and never gives them away. A keyring key, one
// a generation, is wrapped by the generation key and lives in memory while a Ring is
// open. A data key (a patient's, the general one, a ledger day's) is wrapped by the
// keyring key and kept by a Shelf. AES-256-GCM with a random 96-bit nonce seals
// (NIST SP 800-38D; FIPS 140-3 through Go's cryptographic module).
package keys
