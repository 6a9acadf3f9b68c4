// Package simulate invents a hospital and some months of it: its people, its patients, who treated
// whom, what each of them opened in the charts, and among that some misuse.
//
// It stands in for the log that no hospital may give away: detection is tuned and measured on it,
// and a newcomer can look at a system that has a history. A Config gives the same bytes wherever and
// whenever it runs.
//
// Invariant: what a Receiver is told besides Misuse and StaffDay holds nothing that a hospital's
// ledger, roster and schedules would not hold. Misuse goes through the same functions as honest work,
// so that ids, fields, times and order do not tell them apart; only Misuse says which is which.
//
// The nouns: a staffer has duties in a unit; a duty brings visits to charts; a visit is a run of
// drafts after a job's pattern; a tie is what the hospital's systems know of who treats whom; a notice
// is when they came to know it; a scheme is one person's misuse over some days.
// docs/simulation.md says what is modelled after what, and what is invented.
package simulate
