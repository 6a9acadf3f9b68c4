// Package installed knows the packages of programming languages that lie installed in a file system: what
// a lock file meant to be there, this says is there.
//
// The invariant: whatever cannot be read is named, and what an archive unpacks to is bounded by what it is.
package installed
