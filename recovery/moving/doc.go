// Package moving takes the keyring from one key provider to another while everything runs.
//
// Invariant: at every moment each keyring key opens by a provider that the node has, and what the old one
// held is destroyed only after every wrapping has changed, each in a transaction with its ledger entry. Every
// step may be done twice, so that a move that was broken off goes on where it is asked for again.
//
// The keyring keys themselves stay, and so does all that they wrap: nothing is rewrapped but one row a
// generation. Who moves because the old provider can no longer be trusted rotates afterwards.
package moving
