// Package rules is what detection goes by beside baselines: the Sigma rules that are shipped, those of the user's own
// folder, and a few in Go for what Sigma cannot say: who has left, what has not happened in time, and numbers that
// follow each other.
//
// Invariant: what is in force can be named. A rule that cannot be understood is a Problem with file, line and reason,
// and takes no other rule with it.
package rules
