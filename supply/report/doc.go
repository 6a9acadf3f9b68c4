// Package report writes what a scan found: as a table and a page for people, as JSON, and as SARIF
// 2.1.0 and GitLab's code quality form for the tools that show it beside code. Nothing a writer is
// given is trusted: paths and messages come from the tree that was scanned.
package report
