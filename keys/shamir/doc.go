// Package shamir splits a secret into n shares, any m of which give it back (A. Shamir, How to Share a
// Secret, Communications of the ACM 22, 1979).
//
// Invariant: m−1 shares say nothing of the secret but its length. Each byte is the value at 0 of a random
// polynomial of degree m−1 over GF(2⁸), a share the values at its own point. No step depends on a
// secret value: there are no tables and no branches on one.
//
// It proves nothing: fewer or altered shares give another secret, and not an error. keys/escrow signs them.
package shamir
