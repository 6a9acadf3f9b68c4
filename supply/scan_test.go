package supply_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela/supply"
)

// marker finds lines that say "fault", counts how often it was asked, and breaks on "break".
type marker struct{ asked atomic.Int64 }

func (m *marker) Class() supply.Class             { return supply.Source }
func (m *marker) Version() string                 { return "1" }
func (m *marker) Wants(path string, _ int64) bool { return strings.HasSuffix(path, ".txt") }
func (m *marker) File(_ context.Context, _ string, text []byte) ([]supply.Finding, error) {
	m.asked.Add(1)
	if bytes.HasPrefix(text, []byte("break")) {
		panic("broken")
	}
	var found []supply.Finding
	for i, line := range bytes.Split(text, []byte("\n")) {
		if bytes.Contains(line, []byte("fault")) {
			found = append(found, supply.Finding{Rule: supply.Rule{ID: "fault"}, Severity: supply.High, Place: supply.Place{Line: i + 1}, Excerpt: string(line)})
		}
	}
	return found, nil
}

func now() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC) }

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func run(t *testing.T, dir string, m *marker, c *supply.Cache) *supply.Report {
	t.Helper()
	tree, err := supply.OpenTree(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tree.Close() }()
	r, err := supply.Scan{Files: []supply.FileScanner{m}, Cache: c, Clock: now}.Run(t.Context(), tree)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// A finding keeps its fingerprint though lines before it come and go, and twins have two.
func TestFingerprintsSurviveMovedLines(t *testing.T) {
	dir := t.TempDir()
	prints := func(text string) []string {
		write(t, dir, "a.txt", text)
		var list []string
		for _, f := range run(t, dir, &marker{}, nil).Findings {
			list = append(list, f.Fingerprint)
		}
		return list
	}
	before := prints("a fault\na  fault\nanother fault")
	if d := cmp.Diff(before, prints("new\n\n  a fault\na fault\nanother fault")); d != "" {
		t.Errorf("fingerprints changed (-before +after):\n%s", d)
	}
	if before[0] == before[1] || len(before) != 3 {
		t.Errorf("twins share a fingerprint: %v", before)
	}
}

// What did not change is not looked into again; what did is, also when only its name did.
func TestUnchangedFilesAreRemembered(t *testing.T) {
	dir, folder := t.TempDir(), t.TempDir()
	write(t, dir, "a.txt", "a fault")
	write(t, dir, "b.txt", "good")
	m := &marker{}
	again := func() *supply.Report {
		c, err := supply.OpenCache(folder, dir)
		if err != nil {
			t.Fatal(err)
		}
		r := run(t, dir, m, c)
		if err := c.Save([]supply.Class{supply.Source}); err != nil {
			t.Fatal(err)
		}
		return r
	}
	first := again()
	second := again()
	if d := cmp.Diff(first.Findings, second.Findings); d != "" || m.asked.Load() != 2 || second.Cached != 2 {
		t.Errorf("asked %d times, %d of cache: %s", m.asked.Load(), second.Cached, d)
	}
	write(t, dir, "b.txt", "now a fault")
	if err := os.Rename(filepath.Join(dir, "a.txt"), filepath.Join(dir, "c.txt")); err != nil {
		t.Fatal(err)
	}
	if r := again(); len(r.Findings) != 2 || m.asked.Load() != 4 {
		t.Errorf("%d findings, asked %d times", len(r.Findings), m.asked.Load())
	}
}

// A scanner that breaks over a file leaves a file that was not checked, and all others are.
func TestAFileThatBreaksAScannerIsNotClean(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "a.txt", "break")
	write(t, dir, "b.txt", "a fault")
	write(t, dir, "huge.txt", strings.Repeat("x", 9<<20))
	r := run(t, dir, &marker{}, nil)
	want := []supply.Checked{{Class: supply.Source, Files: 1, Failed: []string{"a.txt: the sast scanner failed on it", "huge.txt: larger than 8 MiB"}}}
	if d := cmp.Diff(want, r.Checked); d != "" || len(r.Findings) != 1 {
		t.Errorf("%d findings, checked (-want +got):\n%s", len(r.Findings), d)
	}
}

// Links lead nowhere: neither out of the tree nor round in it; what blocks a reader is not opened.
func TestHostileTreesDoNotEscape(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	write(t, outside, "secret.txt", "a fault outside")
	write(t, dir, "in/a.txt", "a fault")
	for name, to := range map[string]string{"loop": ".", "in/up": "..", "out": outside, "file.txt": filepath.Join(outside, "secret.txt")} {
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe.txt"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := run(t, dir, &marker{}, nil)
	if len(r.Findings) != 1 || r.Findings[0].Place.Path != "in/a.txt" {
		t.Errorf("found %+v", r.Findings)
	}
	if d := cmp.Diff([]string{"pipe.txt: is no plain file"}, r.Failed); d != "" {
		t.Errorf("could not check (-want +got):\n%s", d)
	}
}

// A file that became a link after the tree was listed is not followed either.
func TestAFileThatBecomesALinkIsNotFollowed(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	write(t, outside, "secret.txt", "a fault outside")
	write(t, dir, "a.txt", "good")
	tree, err := supply.OpenTree(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tree.Close() }()
	if err := errors.Join(os.Remove(filepath.Join(dir, "a.txt")), os.Symlink(filepath.Join(outside, "secret.txt"), filepath.Join(dir, "a.txt"))); err != nil {
		t.Fatal(err)
	}
	if text, err := tree.Files[0].Read(); err == nil {
		t.Errorf("read %q through a link", text)
	}
}

// What is asked for by name is bounded too: a pipe where a policy or a lock file is looked for is not waited for, and a
// file without end is not read into memory.
func TestNamesThatAreNoFilesAreNotWaitedFor(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "a.txt", "good")
	write(t, dir, "huge", "")
	if err := errors.Join(syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600), os.Truncate(filepath.Join(dir, "huge"), 1<<40)); err != nil {
		t.Fatal(err)
	}
	tree, err := supply.OpenTree(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tree.Close() }()
	if err := errors.Join(os.Remove(filepath.Join(dir, "a.txt")), syscall.Mkfifo(filepath.Join(dir, "a.txt"), 0o600)); err != nil {
		t.Fatal(err)
	}
	if _, err := tree.Files[0].Read(); err == nil {
		t.Error("a file that became a pipe was read")
	}
	if _, err := fs.ReadFile(tree.FS(), "pipe"); err == nil {
		t.Error("a pipe was read")
	}
	if _, err := tree.FS().Open("pipe"); err == nil {
		t.Error("a pipe was opened")
	}
	if _, err := fs.ReadFile(tree.FS(), "huge"); !errors.Is(err, supply.ErrTooLarge) {
		t.Errorf("a file of a terabyte: %v", err)
	}
	if _, err := fs.ReadFile(tree.FS(), "none"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what is not there: %v", err)
	}
}
