// Package scim serves SCIM 2.0 (RFC 7643, RFC 7644): an organisation's directory says who joins, who
// changes and who leaves.
//
// Invariant: whatever a request holds, it acts through an identity.Provisioner, which reaches no
// administrator, no privileged account and no service, and gives no credentials. What this package
// parses wrongly can therefore err only among accounts that the client may manage anyway.
//
// Nouns. An object is a resource as JSON, its names in their canonical case. An attribute says what a
// name means. A filter is a question about an object; a path names a place in one. A Route is an
// address; the server proves and decides who calls, and writes it down.
package scim
