// Package transit keeps generation keys in the Transit engine of HashiCorp Vault or OpenBao.
//
// Invariant: one transit key a generation, made there, never exportable; its number is never used again.
// What is wrapped is bound to its place twice: the key is derived from it (context), and it is the
// AEAD's associated data.
//
// Trusted: the engine, for keeping its keys and for destroying what it says is destroyed. What lies in the
// backups of its storage it cannot destroy: keep those shorter than you promise erasure in.
package transit
