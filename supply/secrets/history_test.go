package secrets_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela/internal/clock"
	"github.com/tutela-health/tutela/supply"
)

// clone is a git repository that a test makes.
type clone struct {
	t   *testing.T
	p   *planter
	dir string
}

func newClone(t *testing.T) *clone {
	c := &clone{t, &planter{t: t}, t.TempDir()}
	c.git("init", "-q", "-b", "main", ".")
	return c
}

func (c *clone) git(args ...string) string {
	c.t.Helper()
	cmd := exec.CommandContext(c.t.Context(), "git", append([]string{"-c", "user.name=Ann", "-c", "user.email=ann@clinic.io", "-c", "commit.gpgsign=false", "-c", "protocol.file.allow=always"}, args...)...)
	cmd.Dir = c.dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_NOSYSTEM=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		c.t.Fatalf("git %s: %v: %s", args[0], err, out)
	}
	return strings.TrimSpace(string(out))
}

func (c *clone) write(name, text string) {
	c.t.Helper()
	path := filepath.Join(c.dir, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, c.p.fill(text), 0o600)); err != nil {
		c.t.Fatal(err)
	}
}

// commit writes a file and commits it.
func (c *clone) commit(name, text string) string {
	c.t.Helper()
	c.write(name, text)
	c.git("add", "-A")
	c.git("commit", "-q", "-m", "change "+name)
	return c.git("rev-parse", "HEAD")
}

// scan looks into a folder and its history.
func (c *clone) scan(dir string, cache *supply.Cache) *supply.Report {
	c.t.Helper()
	s := scanner(c.t)
	tree, err := supply.OpenTree(dir)
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = tree.Close() }()
	r, err := supply.Scan{Files: []supply.FileScanner{s}, Trees: []supply.TreeScanner{s.History()}, Cache: cache, Clock: clock.System}.Run(c.t.Context(), tree)
	if err != nil {
		c.t.Fatal(err)
	}
	return r
}

func places(r *supply.Report) []supply.Place {
	list := []supply.Place{}
	for _, f := range r.Findings {
		list = append(list, f.Place)
	}
	slices.SortFunc(list, func(a, b supply.Place) int { return strings.Compare(a.Path+a.Commit, b.Path+b.Commit) })
	return list
}

// What was taken out of the tree is found with the commit that brought it in, once, on every branch and
// in stashes; what the tree still has is found in the tree alone.
func TestTheWholeHistoryIsLookedInto(t *testing.T) {
	c := newClone(t)
	first := c.commit("app.yaml", "a: 1\npassword: {{pass}}\n")
	c.commit("app.yaml", "a: 1\npassword: ${PASSWORD}\n")
	c.commit("still.yaml", "password: {{pass}}\n")
	c.git("checkout", "-q", "-b", "side")
	side := c.commit("side/deploy.yaml", "token: {{hex 40}}\n")
	c.git("checkout", "-q", "main")
	c.write("still.yaml", "password: ${PASSWORD}\n")
	c.git("stash", "-q")
	c.write("stashed.yaml", "token: {{hex 40}}\n")
	c.git("add", "-A")
	c.git("stash", "-q")
	want := []supply.Place{
		{Path: "app.yaml", Line: 2, Column: 1, Commit: first},
		{Path: "side/deploy.yaml", Line: 1, Column: 1, Commit: side},
		{Path: "stashed.yaml", Line: 1, Column: 1, Commit: c.git("rev-parse", "stash^2")},
		{Path: "still.yaml", Line: 1, Column: 1},
	}
	r := c.scan(c.dir, nil)
	if d := cmp.Diff(want, places(r)); d != "" {
		t.Errorf("places (-want +got):\n%s", d)
	}
	if len(r.Checked[0].Failed) > 0 {
		t.Errorf("could not check %v", r.Checked[0].Failed)
	}
	for _, f := range r.Findings {
		for _, secret := range c.p.drawn {
			if strings.Contains(f.Excerpt+f.Message, secret[:6]) {
				t.Errorf("%s shows a secret", f.Place.Path)
			}
		}
	}
}

// A secret that is taken out of the tree and not yet committed is in the history.
func TestWhatLeavesTheTreeIsFoundInTheHistory(t *testing.T) {
	c := newClone(t)
	commit := c.commit("app.yaml", "password: {{pass}}\n")
	folder := t.TempDir()
	again := func() []supply.Place {
		cache, err := supply.OpenCache(folder, c.dir)
		if err != nil {
			t.Fatal(err)
		}
		got := places(c.scan(c.dir, cache))
		if err := cache.Save([]supply.Class{supply.Secrets}); err != nil {
			t.Fatal(err)
		}
		return got
	}
	if d := cmp.Diff([]supply.Place{{Path: "app.yaml", Line: 1, Column: 1}}, again()); d != "" {
		t.Errorf("in the tree (-want +got):\n%s", d)
	}
	c.write("app.yaml", "password: ${PASSWORD}\n")
	want := []supply.Place{{Path: "app.yaml", Line: 1, Column: 1, Commit: commit}}
	for range 2 { // looked into, then remembered
		if d := cmp.Diff(want, again()); d != "" {
			t.Errorf("in the history (-want +got):\n%s", d)
		}
	}
}

// What a policy leaves out of the tree is left out of the history, and so are installed packages.
func TestWhatIsLeftOutIsLeftOutOfTheHistory(t *testing.T) {
	c := newClone(t)
	c.commit("samples/app.yaml", "password: {{pass}}\n")
	c.commit("node_modules/x/app.yaml", "password: {{pass}}\n")
	kept := c.commit("app.yaml", "password: {{pass}}\n")
	c.git("rm", "-q", "-r", ".")
	c.git("commit", "-q", "-m", "clear")
	tree, err := supply.OpenTree(c.dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tree.Close() }()
	tree.LeaveOut(func(path string) bool { return strings.HasPrefix(path, "samples/") }, "samples")
	r, err := supply.Scan{Trees: []supply.TreeScanner{scanner(t).History()}, Clock: clock.System}.Run(t.Context(), tree)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]supply.Place{{Path: "app.yaml", Line: 1, Column: 1, Commit: kept}}, places(r)); d != "" {
		t.Errorf("places (-want +got):\n%s", d)
	}
}

// Nothing that a repository's configuration names is run, and nothing is fetched.
func TestAHostileRepositoryRunsNothing(t *testing.T) {
	c := newClone(t)
	c.commit("app.yaml", "password: {{pass}}\n")
	lost := c.git("rev-parse", "HEAD:app.yaml")
	c.commit(".gitattributes", "* diff=evil filter=evil\n")
	c.commit("app.yaml", "password: ${PASSWORD}\n")
	ran := filepath.Join(t.TempDir(), "ran")
	evil := "touch " + ran
	for name, value := range map[string]string{
		"core.fsmonitor": evil, "core.sshCommand": evil, "core.pager": evil, "core.editor": evil, "core.alternateRefsCommand": evil, "core.hooksPath": c.dir, "diff.external": evil,
		"diff.evil.textconv": evil, "diff.evil.command": evil, "filter.evil.smudge": evil, "filter.evil.process": evil, "alias.rev-list": "!" + evil, "alias.cat-file": "!" + evil,
		"credential.helper": "!" + evil, "gpg.program": evil, "protocol.ext.allow": "always", "protocol.allow": "always", "extensions.partialClone": "origin", "core.repositoryFormatVersion": "1",
		"remote.origin.url": "ext::" + evil, "remote.origin.promisor": "true", "remote.origin.uploadpack": evil, "core.gitProxy": evil, "core.askPass": evil, "uploadpack.packObjectsHook": evil,
		"core.worktree": "/", "trace2.eventTarget": ran,
	} {
		c.git("config", name, value)
	}
	for _, hook := range []string{"post-checkout", "reference-transaction", "pre-auto-gc", "post-index-change"} {
		if err := os.WriteFile(filepath.Join(c.dir, hook), []byte("#!/bin/sh\n"+evil+"\n"), 0o700); err != nil { //nolint:gosec // a hook must be one that could run
			t.Fatal(err)
		}
	}
	whole := c.scan(c.dir, nil)
	if err := os.Remove(filepath.Join(c.dir, ".git", "objects", lost[:2], lost[2:])); err != nil {
		t.Fatal(err)
	}
	partial := c.scan(c.dir, nil)
	if _, err := os.Stat(ran); !errors.Is(err, os.ErrNotExist) {
		t.Error("something ran")
	}
	if len(whole.Findings) != 1 || len(partial.Findings) != 0 || len(partial.Checked[0].Failed) != 1 {
		t.Errorf("%d and %d findings, could not check %v", len(whole.Findings), len(partial.Findings), partial.Checked)
	}
}

// A history that belongs elsewhere, or cannot be read, or is not whole, is not clean; none is fine.
func TestAHistoryThatCannotBeReadIsNotClean(t *testing.T) {
	c := newClone(t)
	c.commit("app.yaml", "password: {{pass}}\n")
	c.commit("app.yaml", "password: ${PASSWORD}\n")
	linked := filepath.Join(t.TempDir(), "linked")
	c.git("worktree", "add", "-q", "-b", "other", linked)
	shallow := filepath.Join(t.TempDir(), "shallow")
	c.git("clone", "-q", "--depth", "1", "file://"+c.dir, shallow)
	folder := func(make func(dir string) error) string {
		dir := t.TempDir()
		if err := make(dir); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	at := filepath.Join(c.dir, ".git")
	for name, test := range map[string]struct {
		dir    string
		found  int
		failed []string
	}{
		"none":          {t.TempDir(), 0, nil},
		"linked":        {linked, 1, nil},
		"shallow":       {shallow, 0, []string{"git history: it is a shallow clone; fetch the rest (git fetch --unshallow; in a workflow, fetch-depth: 0)"}},
		"a link":        {folder(func(d string) error { return os.Symlink(at, filepath.Join(d, ".git")) }), 0, []string{"git history: .git names a folder that does not name this one"}},
		"another's":     {folder(func(d string) error { return os.WriteFile(filepath.Join(d, ".git"), []byte("gitdir: "+at+"\n"), 0o600) }), 0, []string{"git history: .git names a folder that does not name this one"}},
		"no repository": {folder(func(d string) error { return os.Mkdir(filepath.Join(d, ".git"), 0o700) }), 0, []string{"git history: git: not a git repository: '"}},
		"nothing in it": {newClone(t).dir, 0, nil},
	} {
		r := c.scan(test.dir, nil)
		failed := r.Checked[0].Failed
		for i := range failed {
			failed[i], _, _ = strings.Cut(failed[i], "'")
			if len(test.failed) > i && strings.HasSuffix(test.failed[i], "'") {
				failed[i] += "'"
			}
		}
		if d := cmp.Diff(test.failed, failed); d != "" || len(r.Findings) != test.found {
			t.Errorf("%s: %d findings, could not check (-want +got):\n%s", name, len(r.Findings), d)
		}
	}
}
