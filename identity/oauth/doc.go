// Package oauth is the authorization server: OAuth 2.1 in its parts, OpenID Connect Core and
// SMART App Launch 2.2 over HTTP.
//
// Invariant: an application gets the least of what it asked for, what it is registered for and
// what the account may, and nothing before the person agreed; and everything it was given ends
// with what it rests on: the account, the session, the agreement, the code that was used once.
//
// Nouns. A Client is an application as an administrator registered it. An authorization request
// is what it asks of a person; it travels sealed while pages ask that person. A family is all
// that came of one agreement: its refresh tokens, one after the other, and their access tokens.
// An assertion is a JWT by which a client proves its key.
//
// State lies in package identity, hashed or sealed; this package holds none but caches.
package oauth
