// Package tail follows log files that other programs write on this machine.
//
// Invariant: how far a file was read is written with the lines that were read, so that after a crash no line is kept
// twice and none is left out. A file that was rotated or cut begins anew; what was left of the one before is read first,
// where it lies beside it under its name and ".1".
package tail
