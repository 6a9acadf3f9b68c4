// Package gate says whether a tree may go on: from what a scan found and could not check, from
// waivers, and from the results of the tree's own tests. Its policy is the file .tutela.yaml in the tree. The
// verdict depends on the tree and the day alone, so that it is the same on a laptop and in CI.
//
// The invariant: what was not checked does not pass, and nothing is excused without a reason, an owner,
// a second person and an end.
package gate
