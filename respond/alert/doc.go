// Package alert tells people of findings, in the channel where they look, until somebody says that he has seen it.
//
// Invariant: what is to be told is written into the outbox in the transaction that opens the alert, and stays
// there until the channel has taken it: at least once, however often nodes die. A channel that is slow, wrong
// or down holds up no other. No message holds anything about a patient: a rule's title, counts and ids are
// all that leaves.
//
// Nouns. An Alert is one finding that people are told of; it is open until somebody acknowledges it. A Plan says
// who is told of what, through which channels, who is on call when, and what follows when nobody answers. A Note
// is one message for one channel.
package alert
