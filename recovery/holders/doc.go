// Package holders knows who holds the shares of the recovery key, of which generations recovery wraps were
// given out, and whether a drill has shown that they open.
//
// Invariant: it keeps nothing that opens anything. Shares and wraps leave it once, for the holders, and
// are never stored; what it keeps is public, sealed so that nobody who can write the database puts a
// recovery key of his own in its place. Every change is a ledger entry in the same transaction.
package holders
