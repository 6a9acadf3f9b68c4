// Package detect watches what happened: the ledger, other systems' access logs and their logs. It
// drives detectors (rules, a learned baseline, forecasts) over one stream of events and keeps what
// they say as findings, ranked, grouped and open to judgement.
//
// Invariant: every event is seen once. What detectors made of it, and how far the stream was followed,
// are written in one transaction; what a detector remembers is saved now and then, and after a crash
// made again from the events in between, whose hits are not written a second time.
//
//   - Watch: the detectors, and the directory that they read, as one thing to be driven.
//   - Stream: what is followed, from any place on.
//   - Service: follows streams on one node at a time and keeps findings.
//
// detect opens no record: it sees accounts, pseudonyms and what the ledger's headers say.
package detect
