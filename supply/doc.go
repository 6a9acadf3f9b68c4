// Package supply checks what a team ships before it meets patients: secrets, faults in source,
// vulnerable dependencies, infrastructure and pipelines. It needs no server and no network.
//
// Its nouns: a Tree is a folder that is read and never trusted; a scanner finds Findings in it; a
// Report says what was found, what was looked at, and what could not be checked. The invariant:
// nothing that was not checked counts as clean.
package supply
