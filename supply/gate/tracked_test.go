package gate_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela/internal/checkout"
	"github.com/tutela-health/tutela/supply"
	"github.com/tutela-health/tutela/supply/gate"
)

// judged lists the files that the gate would judge, and what it says of others.
func judged(t *testing.T, dir string) (files, left, failed []string, err error) {
	t.Helper()
	tree, err := supply.OpenTree(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tree.Close() }()
	err = gate.Tracked(t.Context(), tree)
	for _, f := range tree.Files {
		files = append(files, f.Path)
	}
	return files, tree.Left, tree.Failed, err
}

// A working copy with a laptop's litter and a fresh clone of what it would commit are judged over the same files.
func TestTheGateJudgesWhatGitTracks(t *testing.T) {
	c := checkout.New(t)
	c.Write(map[string]string{".gitignore": "*.log\n/build/\n", "a.go": "package a\n", "b/c.txt": "x", "kept.log": "tracked though ignored"})
	c.Git("add", "-f", ".")
	c.Git("commit", "-q", "-m", "one")
	c.Write(map[string]string{"new.txt": "not tracked yet", "debug.log": "litter", "build/out.txt": "litter", "mine.txt": "litter by this machine's settings",
		".git/info/exclude": "mine.txt\n", "sub/.gitignore": "*\n!kept\n", "sub/litter": "", "sub/kept": ""})
	files, left, failed, err := judged(t, c.Dir)
	want := []string{".gitignore", "a.go", "b/c.txt", "kept.log", "mine.txt", "new.txt", "sub/kept"}
	if d := cmp.Diff(want, files); d != "" || err != nil || len(failed) > 0 {
		t.Errorf("%v, failed %v (-want +got):\n%s", err, failed, d)
	}
	if d := cmp.Diff([]string{"4 files: git ignores them"}, left); d != "" {
		t.Error(d)
	}
	c.Git("add", "-A")
	c.Git("add", "mine.txt", "-f")
	c.Git("commit", "-q", "-m", "two")
	fresh := filepath.Join(t.TempDir(), "fresh")
	c.Git("clone", "-q", "--depth", "1", "file://"+c.Dir, fresh)
	again, _, failed, err := judged(t, fresh)
	if d := cmp.Diff(files, again); d != "" || err != nil || len(failed) > 0 {
		t.Errorf("a shallow clone: %v, failed %v (-laptop +clone):\n%s", err, failed, d)
	}
}

// What is tracked and not there, as in a sparse checkout, could not be checked.
func TestWhatIsTrackedAndAbsentIsSaid(t *testing.T) {
	c := checkout.New(t)
	files := map[string]string{}
	for _, name := range strings.Split("abcdefghijkl", "") {
		files["d/"+name] = name
	}
	c.Write(files)
	c.Write(map[string]string{"stays": ""})
	if err := os.Symlink("nowhere", filepath.Join(c.Dir, "link")); err != nil {
		t.Fatal(err)
	}
	c.Git("add", ".")
	if err := os.RemoveAll(filepath.Join(c.Dir, "d")); err != nil {
		t.Fatal(err)
	}
	_, _, failed, err := judged(t, c.Dir)
	if err != nil || len(failed) != 11 || failed[0] != "d/a: git tracks it, and it is not here" || failed[10] != "2 more files that git tracks are not here" {
		t.Errorf("%v, %q", err, failed)
	}
}

// A policy that no clone has is no policy; without git, and with a git that cannot be read, every file is judged.
func TestTreesThatGitDoesNotDescribe(t *testing.T) {
	c := checkout.New(t)
	c.Write(map[string]string{".gitignore": ".tutela.yaml\n", ".tutela.yaml": "fail: {all: critical}\n"})
	if _, _, _, err := judged(t, c.Dir); err == nil || !strings.Contains(err.Error(), "git ignores it") {
		t.Errorf("a policy of one machine judges: %v", err)
	}
	plain := checkout.New(t)
	if err := os.RemoveAll(filepath.Join(plain.Dir, ".git")); err != nil {
		t.Fatal(err)
	}
	plain.Write(map[string]string{".gitignore": "*\n", "a": ""})
	if files, _, failed, err := judged(t, plain.Dir); len(files) != 2 || len(failed) > 0 || err != nil {
		t.Errorf("%v, %v, %v", files, failed, err)
	}
	plain.Write(map[string]string{".git": "gitdir: /nowhere\n"})
	if files, _, failed, err := judged(t, plain.Dir); len(files) < 2 || len(failed) != 1 || err != nil {
		t.Errorf("%v, %v, %v", files, failed, err)
	}
}

// Listing the files runs nothing that the repository names.
func TestListingFilesRunsNothing(t *testing.T) {
	c := checkout.New(t)
	c.Write(map[string]string{"a.txt": "a", ".gitattributes": "* filter=evil diff=evil\n", "sub/b.txt": "b"})
	c.Git("add", ".")
	ran := filepath.Join(t.TempDir(), "ran")
	evil := "touch " + ran
	for name, value := range map[string]string{
		"core.fsmonitor": evil, "core.hooksPath": c.Dir, "filter.evil.clean": evil, "filter.evil.process": evil, "diff.evil.textconv": evil, "alias.ls-files": "!" + evil,
		"core.worktree": "/", "core.untrackedCache": "true", "core.splitIndex": "true", "trace2.eventTarget": ran, "core.pager": evil, "core.excludesFile": "/etc/passwd",
	} {
		c.Git("config", name, value)
	}
	hook := filepath.Join(c.Dir, "post-index-change")
	if err := os.WriteFile(hook, []byte("#!/bin/sh\n"+evil+"\n"), 0o700); err != nil { //nolint:gosec // a hook must be one that could run
		t.Fatal(err)
	}
	files, _, failed, err := judged(t, c.Dir)
	if d := cmp.Diff([]string{".gitattributes", "a.txt", "post-index-change", "sub/b.txt"}, files); d != "" || err != nil || len(failed) > 0 {
		t.Errorf("%v, failed %v (-want +got):\n%s", err, failed, d)
	}
	if _, err := os.Stat(ran); !errors.Is(err, os.ErrNotExist) {
		t.Error("something ran")
	}
}
