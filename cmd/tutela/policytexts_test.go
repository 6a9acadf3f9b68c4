package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A policy is drafted, approved by another, acknowledged by whom it concerns, and withdrawn.
func TestPoliciesAreKept(t *testing.T) {
	dir := tryOutSystem(t)
	file := filepath.Join(t.TempDir(), "desk.md")
	if err := os.WriteFile(file, []byte("---\ntitle: Clean desk\nreason: What lies about is read\nowner: privacy\nevery: 12\nroles: [nurse]\n---\nTidy up.\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const digest, access = "DIGEST desk", "DIGEST access-control" // of what is there when the step is taken
	for _, step := range []struct {
		code int
		says string
		args []string
	}{
		{exitClean, "no policy is written down", []string{"policies", "list"}},
		{exitError, "cannot be read", []string{"policies", "set", "desk", file + "x"}},
		{exitError, "no policy permits this", []string{"policies", "set", "desk", file, "--as", "auditor"}},
		{exitClean, "a second person is to approve", []string{"policies", "set", "desk", file}},
		{exitError, "no version of desk is in force", []string{"policies", "show", "desk"}},
		{exitClean, "Tidy up.", []string{"policies", "approve", "desk"}},
		{exitError, "not the text that is there now", []string{"policies", "approve", "desk", "--digest", "00000000"}},
		{exitError, "somebody else", []string{"policies", "approve", "desk", "--as", "privacy", "--digest", digest}},
		{exitClean, "desk is approved, version 1", []string{"policies", "approve", "desk", "--digest", digest}},
		{exitClean, "Tidy up.", []string{"policies", "show", "desk"}},
		{exitClean, "0 of 1", []string{"policies", "list"}},
		{exitClean, "read and acknowledge", []string{"duties", "--mine", "--as", "nurse"}},
		{exitFound, "desk", []string{"policies", "mine", "--as", "nurse"}},
		{exitError, "no policy \"desk\" concerns you", []string{"policies", "acknowledge", "desk", "--as", "physician"}},
		{exitError, "no policy permits this", []string{"policies", "mine", "--as", "patient"}},
		{exitClean, "Tidy up.", []string{"policies", "acknowledge", "desk", "--as", "nurse"}},
		{exitClean, "version 1 of desk is acknowledged", []string{"policies", "acknowledge", "desk", "--read", "--as", "nurse"}},
		{exitClean, "desk", []string{"policies", "mine", "--as", "nurse"}},
		{exitClean, "1 of 1", []string{"policies", "list"}},
		{exitError, "username or id", []string{"policies", "starter", "--owner", "nobody"}},
		{exitClean, "8 policies are drafted", []string{"policies", "starter", "--owner", "privacy"}},
		{exitClean, "0 policies are drafted", []string{"policies", "starter", "--owner", "privacy"}},
		{exitClean, "access-control is approved", []string{"policies", "approve", "access-control", "--digest", access}},
		{exitClean, "desk is withdrawn", []string{"policies", "withdraw", "desk", "--reason", "no desks"}},
		{exitClean, "withdrawn", []string{"policies", "list", "--all"}},
	} {
		for i, arg := range step.args {
			if id, of := strings.CutPrefix(arg, "DIGEST "); of {
				step.args[i] = shownDigest(t, dir, id)
			}
		}
		code, out, said := command(t, append(step.args, "--data", dir)...)
		if code != step.code || !strings.Contains(out+said, step.says) {
			t.Errorf("%q: %d %s%s; want %d and %q", step.args, code, out, said, step.code, step.says)
		}
	}
}

// shownDigest is what a person is told to approve a policy with.
func shownDigest(t *testing.T, dir, id string) string {
	t.Helper()
	_, out, _ := command(t, "policies", "approve", id, "--data", dir)
	_, digest, found := strings.Cut(out, "--digest ")
	if !found {
		t.Fatalf("no digest of %s is shown: %s", id, out)
	}
	return strings.TrimSpace(digest)
}
