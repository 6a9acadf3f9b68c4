package changelog_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela/internal/checkout"
	"github.com/tutela-health/tutela/supply"
	"github.com/tutela-health/tutela/supply/changelog"
	"github.com/tutela-health/tutela/supply/git"
)

// reader is a scanner of dependencies of a form that is easily written: "name version [advisory]" a line.
type reader struct{ t *testing.T }

func (reader) Class() supply.Class { return supply.Dependencies }

func (r reader) Scan(_ context.Context, tree *supply.Tree) (res supply.Result, err error) {
	for _, f := range tree.Named("requirements.txt") {
		text, err := f.Read()
		if err != nil {
			r.t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			words := append(strings.Fields(line), "")
			c := supply.Component{Ecosystem: "PyPI", Name: words[0], Version: words[1]}
			res.Components = append(res.Components, c)
			if words[2] != "" {
				res.Findings = append(res.Findings, supply.Finding{Rule: supply.Rule{ID: words[2], Severity: supply.High}, Component: &c})
			}
		}
	}
	return res, nil
}

func now() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC) }

func between(t *testing.T, c *checkout.Checkout, from, to string) changelog.Log {
	t.Helper()
	repo, err := git.Open(c.Dir)
	if err != nil || repo == nil {
		t.Fatal(err)
	}
	l, err := changelog.Maker{Repo: repo, Packages: reader{t}, Now: now()}.Between(t.Context(), from, to)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

const waiver = "waivers:\n  - {rule: G1, reason: it is public anyway, owner: ann, approver: bea, expires: 2026-11-01}\n"

// The log tells what changed between two commits, whatever lies in the working tree.
func TestWhatCameBetweenTwoCommits(t *testing.T) {
	c := checkout.New(t)
	one := c.Commit("one", map[string]string{"requirements.txt": "a 1 CVE-1\nb 1\nc 1\n", "x": "1\n2\n"})
	two := c.Commit("two\n\nwhy\n\nReviewed-by: Bea <bea@clinic.example>\nSigned-off-by: Ann", map[string]string{
		"requirements.txt": "a 2\nc 1\nd 1 CVE-2\n", "x": "1\n3\n", ".tutela.yaml": waiver, "sub/requirements.txt": "c 2\n"})
	c.Write(map[string]string{"requirements.txt": "z 9\n"})
	l := between(t, c, one, two)
	if len(l.Commits) != 1 || l.Commits[0].ID != two || l.Commits[0].Subject != "two" || l.Commits[0].Author != "Ann" || l.Commits[0].Time.IsZero() {
		t.Errorf("%+v", l.Commits)
	}
	if l.Files != 4 || l.Added != 6 || l.Removed != 3 {
		t.Errorf("%d files, %d added, %d removed", l.Files, l.Added, l.Removed)
	}
	wantPackages := []changelog.Package{{"PyPI", "a", "1", "2"}, {"PyPI", "b", "1", ""}, {"PyPI", "c", "1", "1, 2"}, {"PyPI", "d", "", "1"}}
	if d := cmp.Diff(wantPackages, l.Packages); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]changelog.Advisory{{ID: "CVE-1", Severity: supply.High, Package: "a"}}, l.Fixed); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]changelog.Advisory{{ID: "CVE-2", Severity: supply.High, Package: "d"}}, l.New); d != "" {
		t.Error(d)
	}
	if len(l.Waivers) != 2 || l.Waivers[0].What != "added" || l.Waivers[1].What != "expired" || l.Waivers[0].Owner != "ann" {
		t.Errorf("%+v", l.Waivers)
	}
	if d := cmp.Diff([]changelog.Approval{{two, "reviewed-by", "Bea <bea@clinic.example>"}}, l.Approvals); d != "" {
		t.Error(d)
	}
	first := between(t, c, "", one)
	if len(first.Commits) != 1 || first.Files != 2 || len(first.Packages) != 3 {
		t.Errorf("from the beginning: %+v", first)
	}
}

// What a committer writes stays words: no markup, no link, no mention, no control of a terminal.
func TestHostileMessagesStayWords(t *testing.T) {
	c := checkout.New(t)
	to := c.Commit("<img src=x onerror=alert(1)> [go](javascript:alert(1)) ![i](http://evil.example) `x` @everyone #1 www.evil.example \x1b[2J \u202e **b** | x\n\nReviewed-by: <script>alert(1)</script>",
		map[string]string{"requirements.txt": "[x](http://evil.example) <b>\n"})
	var b bytes.Buffer
	if err := between(t, c, "", to).Markdown(&b); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"<img", "<script", "<b>", "](", "http:", "@everyone", "#1", "www.", "\x1b", "\u202e", "**b", " `x", " | "} {
		if strings.Contains(b.String(), bad) {
			t.Errorf("%q is in:\n%s", bad, b.String())
		}
	}
}

// Telling runs nothing that the repository names, and writes nothing outside of its own folder.
func TestTellingRunsNothing(t *testing.T) {
	c := checkout.New(t)
	one := c.Commit("one", map[string]string{"requirements.txt": "a 1\n", ".gitattributes": "* diff=evil filter=evil\n"})
	if err := os.Symlink("/etc/passwd", filepath.Join(c.Dir, "go.mod")); err != nil {
		t.Fatal(err)
	}
	two := c.Commit("two", map[string]string{"requirements.txt": "a 2\n"})
	ran := filepath.Join(t.TempDir(), "ran")
	evil := "touch " + ran
	for name, value := range map[string]string{
		"diff.external": evil, "diff.evil.command": evil, "diff.evil.textconv": evil, "filter.evil.smudge": evil, "core.pager": evil, "core.fsmonitor": evil, "log.showSignature": "true", "gpg.program": evil,
		"alias.rev-list": "!" + evil, "alias.diff-tree": "!" + evil, "core.hooksPath": c.Dir, "core.worktree": "/",
	} {
		c.Git("config", name, value)
	}
	c.Write(map[string]string{".git/info/attributes": "* diff=evil filter=evil\n"})
	l := between(t, c, one, two)
	if len(l.Packages) != 1 || len(l.NotKnown) != 0 {
		t.Errorf("%+v", l)
	}
	if _, err := os.Stat(ran); !errors.Is(err, os.ErrNotExist) {
		t.Error("something ran")
	}
	repo, err := git.Open(c.Dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"", "nowhere", "--all", "-h", "HEAD:requirements.txt"} {
		if id, err := repo.Resolve(t.Context(), name); err == nil {
			t.Errorf("%q is the commit %s", name, id)
		}
	}
}
