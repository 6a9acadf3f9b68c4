// Package scm asks where a repository is kept how it is guarded: who owns it, who may change it, and
// what stands between a change and its main branch. GitHub is the first that it can ask.
//
// The invariant: a setting that cannot be read is named as not checked, and never passes.
package scm
