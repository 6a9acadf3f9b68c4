// Package e2e holds Tutela's promises against the real binary: as a user meets it, on both
// database engines, with the power cut and the store edited behind its back.
//
// Invariant: nothing here knows a key. Tests start `tutela dev`, talk to it over HTTPS and by
// its commands, and look at the bytes that it leaves on disk.
//
// Nouns. A system is a data directory and the process that serves it. A needle is a text that
// must not lie in plaintext; a canary is a needle that a test planted. A tally is what clients
// were told before the process was killed. An edit is one act of tampering that can be undone.
// The stories in testdata read like the manual. A house is a system whose administrator has invited
// members and registered applications; a visitor is a person's browser without scripts. Programs that
// others wrote for others' servers are run from clients.
package e2e
