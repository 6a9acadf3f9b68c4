// Package roster is what detection knows beside the events: who works where and when, whom care
// joins to whom, and what is known of a chart. It is all in memory, and small: names are numbers
// inside, times are minutes, and what ended long ago is forgotten (Forget).
//
// Invariant: the same facts in the same order give the same numbers and the same answers, so that
// a directory restored from its snapshot cannot be told from one that was never stopped.
//
// Nouns: a person has Posts (role, unit, from, to); a Tie joins a patient to a person, a unit or
// both for a time; a Chart is what is known of a patient beside the care.
package roster
