// Package identity knows who is calling.
//
// Invariant: a Principal exists only where a live token or a complete set of
// authenticators proved it, and nothing that proves identity is kept in a form that can be
// replayed: tokens as hashes, passwords as verifiers, one-time-password secrets sealed.
//
// Nouns. A User is an account of a person or a service. Credentials are shown once, when
// the account is made. A token is opaque: 256 random bits that mean nothing elsewhere.
package identity
