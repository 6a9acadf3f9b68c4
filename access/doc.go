// Package access decides whether a caller may do what was asked, and hands out the
// authority to do it.
//
// Invariant: deny is the zero value. Authority is a Grant, which only Authorize makes;
// whoever opens a record must hold one and must ask it about every resource opened.
//
// Nouns. A Request is what was asked, before anything is known about the data. A Grant
// is the answer, with conditions. Facts are what is known once a resource is open; the
// Grant's Admits is a pure function of them.
package access
