// Package pkcs11 keeps generation keys in a hardware security module, or any token that speaks
// PKCS#11 (OASIS PKCS #11 2.40).
//
// Invariant: a generation key is made inside the token, never leaves it, and its number is never
// used again. A key that is not so (imported, extractable, twice there) is not used.
//
// The token's own program is a C library, so this needs cgo: it is built with the tag pkcs11, and
// without the tag Open says so.
package pkcs11
