// Package attest signs what is known of software, in the forms that others verify: in-toto Statements
// (v1) in DSSE envelopes, and reads them back.
//
// Invariant: what Verify gives was signed by one of the keys that it was handed, byte for byte; a
// statement is looked at after its signature and never before.
//
// Nouns. An Envelope holds a Statement and signatures over it. A Statement says something (its
// predicate) of subjects, which are named by digests. Signer and Verifier hold ECDSA keys over P-256.
package attest
