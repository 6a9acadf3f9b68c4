package main

import (
	"strings"
	"testing"
	"time"
)

// Keys rotate on a running system, what is retired is destroyed by two people and not by one, and the ledger says so.
func TestKeysRotateAndAreDestroyedFromTheCommandLine(t *testing.T) {
	dir := sensitiveSystem(t)
	step := func(want int, says string, args ...string) {
		t.Helper()
		code, out, said := command(t, append(args, "--data", dir)...)
		if code != want || !strings.Contains(out+said, says) {
			t.Errorf("%v: %d %s%s, want %d and %q", args, code, out, said, want, says)
		}
	}
	step(exitError, "still wraps keys", "keys", "destroy", "1")
	step(exitError, "403", "keys", "rotate", "--as", "privacy")
	step(exitClean, "every key is wrapped under generation 2", "keys", "rotate")
	step(exitClean, "under key 2; the old one is gone", "keys", "rotate", "index")
	step(exitClean, "are signed by", "keys", "rotate", "signing")
	step(exitError, "403", "keys", "destroy", "1", "--as", "auditor")
	step(exitClean, "somebody else", "keys", "destroy", "1")
	step(exitClean, "somebody else", "keys", "destroy", "1") // the same person twice is one
	step(exitClean, "retired", "keys", "list")
	step(exitClean, "is destroyed from", "keys", "destroy", "1", "--as", "privacy")
	for range 200 { // the background job looks every second
		if _, out, _ := command(t, "keys", "list", "--data", dir); strings.Contains(out, "destroyed") {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	step(exitClean, "local     destroyed", "keys", "list")
	step(exitClean, "key.retire", "audit", "search", "--action", "key.retire")
	step(exitClean, "key.destroy", "audit", "search", "--action", "key.destroy")
	step(exitClean, "forbidden by: limit.sensitivity", "policy", "explain", "--as", "physician", "--resource", "Observation/told")
}
