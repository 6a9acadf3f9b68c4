// Package sigma evaluates Sigma rules (specification 2.1: rules, modifiers, correlations) on a stream of events.
//
// Invariant: a rule means what the specification says it means, or it is refused with its place and the reason. No
// rule is ever half understood: an unknown modifier, field or criterion is an error, never a condition that does not
// hold.
//
// Nouns: a Rule is one YAML document, a detection or a correlation. A Set is rules that refer to one another. An
// Engine holds what correlations remember, by event time and within bounds, and answers each event with the hits
// that it completes.
package sigma
