// Package git asks git about a working tree that nobody vouches for.
//
// Invariant: nothing that the repository names is run, fetched or followed out of it, and what is
// reported of it depends on what it holds, not on whose machine it lies.
package git
