// Package answer does by itself, within seconds of a finding, what a policy says: it asks for the second factor
// again, ends sessions, locks an account, narrows its roles, quarantines a client, slows somebody down or
// blocks an address. Each is an Answer: written in the ledger, over by itself after a time, and undone by
// one command.
//
// Invariant: an answer harms no one but whom the ledger shows to have acted. An account is answered only for
// what it did itself, proved, in this system; who merely was guessed at is not. Nobody who treats
// patients is kept out by a machine, the last administrator neither, and no address from which
// somebody works is blocked. What a guard holds back is written down too.
//
// Nouns. A Policy maps findings to Orders. A Guard makes of an Order a milder one, or none. What is given is
// held in a row, sealed, under an id that is a hash of finding, kind and target: a crash repeats none. Holds
// are what is in force at the moment, as identity and the gateway ask for it.
package answer
