// Package baseline learns what is usual, for each person and for peers of role and unit, and says
// of every access how far it is from what care explains.
//
// Invariant: explanations come first. An access is scored by a sum of log-odds: what care ties the
// person to the patient, then what tells of misuse, each weighed by how often it holds in misuse
// (weights.go, with a sentence each) against how often it holds in this house's honest work, which
// is learned. So a mark that is common here says little, and where relationships are not delivered
// their absence says little too. No other arithmetic decides, and each term has its words.
//
// Nouns: a Score is one event's; a tally is one person's day while it lasts, a Day is what came of
// it; a class is how care explains an access; a signal is what tells of misuse; a group is the peers
// of a role, of a role within a unit, or everybody.
//
// Memory has an end: what nobody did for Config.Keep is forgotten, what was learned halves in
// Config.HalfLife, and names beyond a fixed number share one place. The model uses no clock and no
// chance: the same events give the same scores, also across Snapshot and Restore.
package baseline
