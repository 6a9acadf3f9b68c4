// Package replay scores events from elsewhere, in the documented form, without a running system: lines
// are parsed in parallel, put into the order of time within a window, shown to the same detectors that
// watch a ledger, and answered in the order in which they were read.
//
// Invariant: every event is answered once, in input order, whatever the order of its time; a bad line
// is told and skipped; memory is bounded by the window and by what the detectors keep.
package replay
