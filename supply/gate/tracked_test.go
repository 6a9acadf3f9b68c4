package gate_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela/supply"
	"github.com/tutela-health/tutela/supply/gate"
)

// checkout is a repository that a test makes.
type checkout struct {
	t   *testing.T
	dir string
}

func (c checkout) write(files map[string]string) {
	c.t.Helper()
	for name, text := range files {
		at := filepath.Join(c.dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(at), 0o700), os.WriteFile(at, []byte(text), 0o600)); err != nil {
			c.t.Fatal(err)
		}
	}
}

func (c checkout) git(args ...string) {
	c.t.Helper()
	cmd := exec.CommandContext(c.t.Context(), "git", append([]string{"-c", "user.name=Ann", "-c", "user.email=ann@clinic.io", "-c", "commit.gpgsign=false"}, args...)...)
	cmd.Dir = c.dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_NOSYSTEM=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		c.t.Fatalf("git %s: %v: %s", args[0], err, out)
	}
}

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
	c := checkout{t, t.TempDir()}
	c.git("init", "-q", "-b", "main", ".")
	c.write(map[string]string{".gitignore": "*.log\n/build/\n", "a.go": "package a\n", "b/c.txt": "x", "kept.log": "tracked though ignored"})
	c.git("add", "-f", ".")
	c.git("commit", "-q", "-m", "one")
	c.write(map[string]string{"new.txt": "not tracked yet", "debug.log": "litter", "build/out.txt": "litter", "mine.txt": "litter by this machine's settings",
		".git/info/exclude": "mine.txt\n", "sub/.gitignore": "*\n!kept\n", "sub/litter": "", "sub/kept": ""})
	files, left, failed, err := judged(t, c.dir)
	want := []string{".gitignore", "a.go", "b/c.txt", "kept.log", "mine.txt", "new.txt", "sub/kept"}
	if d := cmp.Diff(want, files); d != "" || err != nil || len(failed) > 0 {
		t.Errorf("%v, failed %v (-want +got):\n%s", err, failed, d)
	}
	if d := cmp.Diff([]string{"4 files: git ignores them"}, left); d != "" {
		t.Error(d)
	}
	c.git("add", "-A")
	c.git("add", "mine.txt", "-f")
	c.git("commit", "-q", "-m", "two")
	fresh := filepath.Join(t.TempDir(), "fresh")
	c.git("clone", "-q", "--depth", "1", "file://"+c.dir, fresh)
	again, _, failed, err := judged(t, fresh)
	if d := cmp.Diff(files, again); d != "" || err != nil || len(failed) > 0 {
		t.Errorf("a shallow clone: %v, failed %v (-laptop +clone):\n%s", err, failed, d)
	}
}

// What is tracked and not there, as in a sparse checkout, could not be checked.
func TestWhatIsTrackedAndAbsentIsSaid(t *testing.T) {
	c := checkout{t, t.TempDir()}
	c.git("init", "-q", ".")
	files := map[string]string{}
	for _, name := range strings.Split("abcdefghijkl", "") {
		files["d/"+name] = name
	}
	c.write(files)
	c.write(map[string]string{"stays": ""})
	if err := os.Symlink("nowhere", filepath.Join(c.dir, "link")); err != nil {
		t.Fatal(err)
	}
	c.git("add", ".")
	if err := os.RemoveAll(filepath.Join(c.dir, "d")); err != nil {
		t.Fatal(err)
	}
	_, _, failed, err := judged(t, c.dir)
	if err != nil || len(failed) != 11 || failed[0] != "d/a: git tracks it, and it is not here" || failed[10] != "2 more files that git tracks are not here" {
		t.Errorf("%v, %q", err, failed)
	}
}

// A policy that no clone has is no policy; without git, and with a git that cannot be read, every file is judged.
func TestTreesThatGitDoesNotDescribe(t *testing.T) {
	c := checkout{t, t.TempDir()}
	c.git("init", "-q", ".")
	c.write(map[string]string{".gitignore": ".tutela.yaml\n", ".tutela.yaml": "fail: {all: critical}\n"})
	if _, _, _, err := judged(t, c.dir); err == nil || !strings.Contains(err.Error(), "git ignores it") {
		t.Errorf("a policy of one machine judges: %v", err)
	}
	plain := checkout{t, t.TempDir()}
	plain.write(map[string]string{".gitignore": "*\n", "a": ""})
	if files, _, failed, err := judged(t, plain.dir); len(files) != 2 || len(failed) > 0 || err != nil {
		t.Errorf("%v, %v, %v", files, failed, err)
	}
	plain.write(map[string]string{".git": "gitdir: /nowhere\n"})
	if files, _, failed, err := judged(t, plain.dir); len(files) < 2 || len(failed) != 1 || err != nil {
		t.Errorf("%v, %v, %v", files, failed, err)
	}
}

// Listing the files runs nothing that the repository names.
func TestListingFilesRunsNothing(t *testing.T) {
	c := checkout{t, t.TempDir()}
	c.git("init", "-q", ".")
	c.write(map[string]string{"a.txt": "a", ".gitattributes": "* filter=evil diff=evil\n", "sub/b.txt": "b"})
	c.git("add", ".")
	ran := filepath.Join(t.TempDir(), "ran")
	evil := "touch " + ran
	for name, value := range map[string]string{
		"core.fsmonitor": evil, "core.hooksPath": c.dir, "filter.evil.clean": evil, "filter.evil.process": evil, "diff.evil.textconv": evil, "alias.ls-files": "!" + evil,
		"core.worktree": "/", "core.untrackedCache": "true", "core.splitIndex": "true", "trace2.eventTarget": ran, "core.pager": evil, "core.excludesFile": "/etc/passwd",
	} {
		c.git("config", name, value)
	}
	hook := filepath.Join(c.dir, "post-index-change")
	if err := os.WriteFile(hook, []byte("#!/bin/sh\n"+evil+"\n"), 0o700); err != nil { //nolint:gosec // a hook must be one that could run
		t.Fatal(err)
	}
	files, _, failed, err := judged(t, c.dir)
	if d := cmp.Diff([]string{".gitattributes", "a.txt", "post-index-change", "sub/b.txt"}, files); d != "" || err != nil || len(failed) > 0 {
		t.Errorf("%v, failed %v (-want +got):\n%s", err, failed, d)
	}
	if _, err := os.Stat(ran); !errors.Is(err, os.ErrNotExist) {
		t.Error("something ran")
	}
}
