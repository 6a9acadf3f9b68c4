// Package decode undoes the writings under which an attack hides in a line of a log: percent and Unicode escapes, once
// and nested, over-long UTF-8, full-width letters, HTML's character references, backslash escapes, a query's plus
// signs, and comments that stand where SQL reads a space.
//
// Invariant: what comes out is for matching only. It is never longer than what went in, it is made in a bounded number
// of passes, and no text is lost in it but comments that hold words and numbers alone.
package decode
