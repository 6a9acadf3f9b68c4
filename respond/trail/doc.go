// Package trail remembers how far somebody has followed the ledger.
//
// Invariant: a Place moves in the transaction of what was made of the entries before it, and only from
// where it was read. So whoever goes on after a crash goes on from what was done, and of two who follow
// under one name one loses. A Place that was changed by hand does not open.
package trail
