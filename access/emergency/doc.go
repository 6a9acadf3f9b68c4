// Package emergency is breaking the glass: access, for minutes, to one patient whom the caller
// could not reach otherwise, given on a reason and reviewed afterwards.
//
// Invariant: an emergency counts for the account and the session that opened it, until its moment
// passes, the session ends or somebody closes it, whichever is first; and none is ever without its
// alert in the ledger and an open review. Nobody prolongs one: who needs longer gives a reason anew.
//
// Nouns. An Emergency is one opening, known by the id of the ledger entry that tells of it. Its row names
// nobody: holder and session are keyed hashes, the patient a pseudonym. The reason, and what the
// review says, lie in the ledger under the patient's key. A Case is an Emergency as a reviewer sees it.
package emergency
