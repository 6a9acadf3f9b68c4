// Package table reads access logs that come as tables: CSV with a header, one access a row, by a mapping that says which
// column is what.
//
// Invariant: a row that cannot be read is told by its number and the reason, quotes nothing, and does not end the file.
package table
