package main

import (
	"strings"
	"testing"
	"time"
)

// A risk is written down, waits for a second person, is agreed to and closed.
func TestRisksAreKept(t *testing.T) {
	dir := tryOutSystem(t)
	review := time.Now().AddDate(0, 3, 0).Format(time.DateOnly)
	set := func(id, inherent, residual string, more ...string) []string {
		return append([]string{"risks", "set", id, "--title", "=cmd()", "--asset", "the record", "--threat", "it is encrypted", "--inherent", inherent, "--residual", residual,
			"--treatment", "mitigate", "--reason", "backups", "--owner", "privacy", "--review", review, "--control", "S01"}, more...)
	}
	for _, step := range []struct {
		code int
		says string
		args []string
	}{
		{exitClean, "RISK", []string{"risks", "list"}},
		{exitError, "three numbers", set("a", "4,5", "2,3,2")},
		{exitError, "from 1 to 5", set("a", "4,5,9", "2,3,2")},
		{exitError, "username or id", set("a", "4,5,5", "2,3,2", "--owner", "nobody")},
		{exitError, "no policy permits this", set("a", "4,5,5", "2,3,2", "--as", "auditor")},
		{exitClean, "a is open, revision 1; 6 of 20 is left", set("a", "4,5,5", "2,3,2")},
		{exitClean, "a second person is to agree", set("b", "4,5,5", "4,5,2")},
		{exitFound, "waiting", []string{"risks", "list"}},
		{exitClean, "tutela risks agree b --revision 1", []string{"risks", "agree", "b"}},
		{exitError, "somebody else", []string{"risks", "agree", "b", "--revision", "1", "--as", "privacy"}},
		{exitError, "read it again", []string{"risks", "agree", "b", "--revision", "7"}},
		{exitClean, "b is open", []string{"risks", "agree", "b", "--revision", "1"}},
		{exitClean, "b is open, revision 3; 6 of 20 is left", set("b", "4,5,5", "2,3,2")},
		{exitClean, "2 ", []string{"risks", "show", "b"}},
		{exitClean, ",'=cmd(),", []string{"risks", "list", "--format", "csv"}},
		{exitClean, "a is closed", []string{"risks", "close", "a", "--reason", "gone"}},
		{exitError, "closed already", []string{"risks", "close", "a", "--reason", "gone"}},
	} {
		code, out, said := command(t, append(step.args, "--data", dir)...)
		if code != step.code || !strings.Contains(out+said, step.says) {
			t.Errorf("%q: %d %s%s; want %d and %q", step.args, code, out, said, step.code, step.says)
		}
	}
}
