// Package changelog says what came between two commits that whoever answers for a release asks about:
// code, dependencies, security updates, waivers and approvals.
//
// Invariant: it reads commits and lock files and runs nothing of them; words that others wrote are shown
// as words.
package changelog
