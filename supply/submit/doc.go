// Package submit sends what a pipeline signed to the server that keeps it as evidence.
//
// Invariant: nothing leaves but signed statements and the proof of the key that signed them, to the one
// host that was named, over TLS; no redirect is followed.
//
// Nouns. A Server is where statements go. The pipeline is its key: the client id and the proof at the token
// endpoint (RFC 7523) are made of it.
package submit
