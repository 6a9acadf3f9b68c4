package main

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/tutela-health/tutela"
)

// A check's planted misuse is found by the running system, listed, shown and judged; only the privacy officer and the
// auditor get to see it.
func TestFindingsFromTheCommandLine(t *testing.T) {
	dir := tryOutSystem(t)
	if code, out, said := command(t, "findings", "list", "--data", dir); code != exitClean {
		t.Fatalf("an empty list: %d %s %s", code, out, said)
	}
	if code, out, said := command(t, "assess", "--data", dir); code == exitError {
		t.Fatalf("assess: %d %s %s", code, out, said)
	}
	code, out, said := command(t, "findings", "list", "--state", "all", "--as", "auditor", "--format", "json", "--data", dir)
	var list []findingLine
	if err := json.Unmarshal([]byte(out), &list); err != nil || code == exitError {
		t.Fatalf("after an assessment: %d %s %s", code, out, said)
	}
	// A check that fails (that of FIPS does, without the certified module) is a finding too.
	list = slices.DeleteFunc(list, func(f findingLine) bool { return !strings.HasPrefix(f.Actor, "tutela-assess-") })
	if len(list) < 2 {
		t.Fatalf("the planted misuse is not listed: %s", out)
	}
	for i := range list {
		if list[i].State != "closed" || list[i].Verdict != "expected" {
			t.Errorf("found %+v", list[i])
		}
	}
	id := list[0].ID
	if code, out, said = command(t, "findings", "show", id, "--data", dir); code != exitClean || !strings.Contains(out, list[0].Title) {
		t.Errorf("show: %d %s %s", code, out, said)
	}
	if code, _, said = command(t, "findings", "feedback", id, "--verdict", "true", "--note", "it was a drill", "--data", dir); code != exitClean {
		t.Errorf("feedback: %d %s", code, said)
	}
	if judged := by(found(t, dir, string(tutela.ActionFindingFeedback)), "privacy"); len(judged) != 1 || judged[0].Subject.ID != id || judged[0].Subject.Detail != "true" {
		t.Errorf("the ledger tells %+v", judged)
	}
	for _, args := range [][]string{{"list", "--as", "admin"}, {"show", id, "--as", "physician"}, {"show", strings.Repeat("0", 32)}, {"feedback", id, "--verdict", "fine"}} {
		if code, _, said := command(t, append([]string{"findings"}, append(args, "--data", dir)...)...); code != exitError {
			t.Errorf("%v: %d %s", args, code, said)
		}
	}
}
