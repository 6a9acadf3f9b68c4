// Package lock reads the files in which package managers write down what they installed, and the
// files that ask for packages without saying which. Every file comes from a tree that nobody vouches
// for: sizes, depths and counts have bounds, and what cannot be read is an error.
//
// Its nouns: a List is what one file says, the Components with a version and, as Missed, what it
// names without one. The invariant: a package that a file names is in one of the two.
package lock
