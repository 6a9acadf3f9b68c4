package main

import (
	"strings"
	"testing"
	"time"
)

// Reviews are planned, opened, decided and carried out; what is to be done later is somebody's.
func TestReviewsAreHeld(t *testing.T) {
	dir := tryOutSystem(t)
	until := time.Now().AddDate(0, 1, 0).Format(time.DateOnly)
	for _, step := range []struct {
		code int
		says string
		args []string
	}{
		{exitClean, "nothing is reviewed yet", []string{"reviews", "list"}},
		{exitClean, "nothing is to be done", []string{"duties"}},
		{exitError, "nobody has planned", []string{"reviews", "start", "access-rights"}},
		{exitError, "username or id", []string{"reviews", "plan", "--owner", "nobody"}},
		{exitError, "no policy permits this", []string{"reviews", "plan", "--owner", "privacy", "--as", "auditor"}},
		{exitError, "nothing that is reviewed", []string{"reviews", "plan", "weather", "--owner", "privacy"}},
		{exitClean, "privacy reviews access-rights every 3 months", []string{"reviews", "plan", "--owner", "privacy"}},
		{exitClean, "authentication-logs", []string{"reviews", "list"}},
		{exitClean, "hold the review", []string{"duties", "--mine"}},
		{exitClean, "nothing is to be done", []string{"duties", "--mine", "--as", "nurse"}},
		{exitError, "no policy permits this", []string{"duties", "--as", "nurse"}},
		{exitError, "no round of access-rights was opened", []string{"reviews", "show", "access-rights"}},
		{exitClean, "round 1 of access-rights is open", []string{"reviews", "start", "access-rights"}},
		{exitError, "is open", []string{"reviews", "start", "access-rights"}},
		{exitClean, "it administers", []string{"reviews", "show", "access-rights"}},
		{exitError, "name items", []string{"reviews", "decide", "access-rights"}},
		{exitError, "no item", []string{"reviews", "decide", "access-rights", "nobody"}},
		{exitError, "say why", []string{"reviews", "decide", "access-rights", "admin"}},
		{exitError, "own account", []string{"reviews", "decide", "access-rights", "privacy"}},
		{exitClean, "1 decisions to carry out", []string{"reviews", "decide", "access-rights", "billing", "--choice", "disable", "--reason", "=left()"}},
		{exitFound, "access-rights", []string{"reviews", "list"}},
		{exitClean, "nothing is carried out yet", []string{"reviews", "carry", "access-rights"}},
		{exitClean, "0 decisions to carry out", []string{"reviews", "carry", "access-rights", "--yes"}},
		{exitClean, "'=left()", []string{"reviews", "show", "access-rights", "--format", "csv"}},
		{exitClean, "open", []string{"reviews", "decide", "access-rights", "--rest", "--as", "admin"}},
		{exitClean, "is done", []string{"reviews", "decide", "access-rights", "admin", "--reason", "it runs the house"}},
		{exitClean, "round 1 of laws", []string{"reviews", "start", "laws"}},
		{exitClean, "is open", []string{"reviews", "decide", "laws", "gdpr", "--choice", "follow-up", "--reason", "read it", "--owner", "admin", "--until", until}},
		{exitClean, "read it", []string{"reviews", "list"}},
		{exitClean, "follow up", []string{"duties", "--format", "csv"}},
	} {
		code, out, said := command(t, append(step.args, "--data", dir)...)
		if code != step.code || !strings.Contains(out+said, step.says) {
			t.Errorf("%q: %d %s%s; want %d and %q", step.args, code, out, said, step.code, step.says)
		}
	}
	_, out, _ := command(t, "duties", "--mine", "--as", "admin", "--data", dir)
	_, id, found := strings.Cut(out, "tutela reviews done ")
	if !found {
		t.Fatalf("no follow-up: %s", out)
	}
	if code, out, said := command(t, "reviews", "done", strings.TrimSpace(id), "--how", "read", "--data", dir); code != exitClean {
		t.Errorf("%d %s%s", code, out, said)
	}
}
