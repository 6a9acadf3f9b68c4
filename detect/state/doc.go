// Package state is how a detector writes down what it has learned, and reads it again after a
// restart: numbers and texts in a fixed order, behind a name and a version.
//
// Invariant: the same state gives the same bytes, and bytes that do not make sense give an error,
// never a panic or more memory than the reader's caller allowed.
package state
