// Package identity knows who is calling.
//
// Invariant: a Principal exists only where a live token or a complete set of
// authenticators proved it, and nothing that proves identity is kept in a form that can be
// replayed: tokens, cookies, invitations and recovery codes as hashes, passwords as verifiers,
// one-time-password secrets and passkeys sealed.
//
// Nouns. A User is an account of a person or a service. A person gets one by an Invitation, once,
// and may do nothing before a second factor is enrolled. An Attempt is a login under way: a
// password first, then a factor, each counted before it is judged. A Session is a login at one
// browser, known by its cookie. A token is opaque: 256 random bits that mean nothing elsewhere.
//
// What ends an account's access raises the account's epoch in the same commit. Sessions, attempts
// and tokens carry the epoch in which they were made, and one of an older epoch is dead wherever
// it is, also if it was made while the epoch rose.
package identity
