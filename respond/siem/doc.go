// Package siem hands the ledger, and what detection found, on to other systems, continuously.
//
// Invariant: a target's place in the ledger moves only after the target has said that it has every entry before
// it. The ledger is the spool: a target that is slow, wrong or down for as long as it likes loses nothing and
// holds up nobody; it gets what it missed, in order, at least once, under the same ids.
//
// Nouns. An Event is one entry, or one finding, in the forms that targets read. A Target is where events go; each has
// its own place, its own lease and its own goroutine.
package siem
