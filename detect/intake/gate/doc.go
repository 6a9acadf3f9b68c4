// Package gate says which systems may send, and how they are doing.
//
// Invariant: a peer that proves no name and comes from no network of a configured source is none: nothing that it sends
// is taken.
package gate
