// Package logs keeps what other systems log, and finds it again. Lines come redacted (detect/redact) and in the form
// of docs/events.md.
//
// Invariant: nothing of a line lies in the store but sealed; beside a batch of lines lies a filter of keyed hashes, bound
// to that batch, of what can be asked for. Whoever reads the store learns how many lines came when.
//
//   - Event: one line, from whom, and when it happened.
//   - Store: keeps, finds, follows and forgets them.
//   - Query: what is asked for.
package logs
