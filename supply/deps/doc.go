// Package deps finds what others made in a tree, and what is known to be wrong with it: packages that
// lock files and images name, matched against advisories that were imported before. It uses no network.
//
// The invariant: a package that a tree names is in the inventory or among what could not be checked,
// and an ecosystem without advisories is blind, never clean.
package deps
