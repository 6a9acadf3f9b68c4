package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/server"
)

// want runs a command and holds it to its exit code and to words of what it says.
func want(t *testing.T, code int, words string, args ...string) (out string) {
	t.Helper()
	got, out, said := command(t, args...)
	if got != code || !strings.Contains(out+said, words) {
		t.Errorf("tutela %s: %d %s%s, want %d and %q", strings.Join(args, " "), got, out, said, code, words)
	}
	return out
}

// TestRecoveryAsItsManualHasIt: holders make keys, a split, a drill, and what goes wrong is named.
func TestRecoveryAsItsManualHasIt(t *testing.T) {
	dir := tryOutSystem(t)
	data, folder, sticks := "--data="+dir, filepath.Join(t.TempDir(), "escrow"), t.TempDir()
	want(t, exitFound, "no recovery key was split", "keys", "recovery", data)
	want(t, exitError, "no recovery key was split", "keys", "recovery", "renew", "--out", folder, data)
	var people, private []string
	for _, name := range []string{"ann", "bob", "cleo"} {
		want(t, exitClean, "fingerprint", "keys", "recovery", "holder", name, "--out", sticks)
		people = append(people, name+"="+filepath.Join(sticks, name+".pub"))
		private = append(private, "--holder-key="+filepath.Join(sticks, name+".key"))
	}
	want(t, exitError, "exists", "keys", "recovery", "holder", "ann", "--out", sticks)
	want(t, exitError, "holders of whom", "keys", "recovery", "split", "--holders", "ann,bob", "--threshold", "3", "--out", folder, data)
	want(t, exitClean, "hold a drill", "keys", "recovery", "split", "--holders", strings.Join(people, ","), "--threshold", "2", "--out", folder, data)
	want(t, exitFound, "no recovery drill has passed", "keys", "recovery", "status", data)

	ann, wrap := only(t, folder, "recovery-ann-*.share"), only(t, folder, "*.wrap")
	want(t, exitError, "sealed to a key", "keys", "recovery", "drill", folder, data)
	want(t, exitError, "2 shares of different holders", "keys", "recovery", "drill", ann, wrap, private[0], data)
	want(t, exitError, "no recovery wrap among", "keys", "recovery", "drill", ann, private[0], data)
	whole := textOf(t, ann)
	if err := os.WriteFile(ann, []byte(strings.Replace(whole, `"point": 1`, `"point": 3`, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	want(t, exitError, `the share of "ann" was altered`, append([]string{"keys", "recovery", "drill", folder, data}, private...)...)
	if err := os.WriteFile(ann, []byte(whole), 0o600); err != nil {
		t.Fatal(err)
	}
	want(t, exitClean, "the drill passed", append([]string{"keys", "recovery", "drill", folder, data}, private...)...)
	want(t, exitClean, "2 of 3", "keys", "recovery", data)

	stranger := filepath.Join(t.TempDir(), "other")
	want(t, exitClean, "wrap", "keys", "recovery", "renew", "--out", stranger, data)
	want(t, exitError, "no older recovery wrap", "keys", "recovery", "destroyed", "1", data)
	for _, path := range []string{ann, wrap, filepath.Join(sticks, "ann.key")} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v (%v)", path, info.Mode(), err)
		}
	}
	want(t, exitError, "403", "keys", "recovery", data, "--as", "auditor")
}

func only(t *testing.T, folder, pattern string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(folder, pattern))
	if err != nil || len(found) != 1 {
		t.Fatalf("%s in %s: %v (%v)", pattern, folder, found, err)
	}
	return found[0]
}

func textOf(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestKeysMoveUnderLoad by the command: no request fails, tutela.yaml names the new provider and keeps the
// rest, and the system starts on it.
func TestKeysMoveUnderLoad(t *testing.T) {
	dir := tryOutSystem(t)
	data, second := "--data="+dir, filepath.Join(dir, "keys", "second")
	settings := filepath.Join(t.TempDir(), "to.yaml")
	if err := os.WriteFile(settings, []byte("{provider: local, dir: "+second+"}"), 0o600); err != nil {
		t.Fatal(err)
	}
	want(t, exitClean, "generations  1", "keys", "provider", data)
	want(t, exitError, "names no provider", "keys", "provider", "migrate", data)

	client, err := target{Data: dir}.connect(t.Context(), "loader")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var load sync.WaitGroup
	first := make(chan struct{})
	begun := sync.OnceFunc(func() { close(first) })
	load.Go(func() {
		for n := 0; ctx.Err() == nil; n++ {
			body := fmt.Sprintf(`{"resourceType":"Patient","id":"p%d"}`, n)
			if _, err := client.do(t.Context(), http.MethodPut, fmt.Sprintf("/fhir/r4/Patient/p%d", n), []byte(body)); err != nil {
				t.Errorf("while keys moved: %v", err)
			}
			begun()
		}
	})
	<-first
	want(t, exitClean, "make a full backup now", "keys", "provider", "migrate", "--to", settings, data)
	stop()
	load.Wait()
	var p server.KeyProvider
	if err := json.Unmarshal([]byte(want(t, exitClean, "", "keys", "provider", data, "--format", "json")), &p); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]int{1}, p.Generations); diff != "" || p.MovingFrom != "" {
		t.Error(diff, p.MovingFrom)
	}
	conf, err := readConfig(filepath.Join(dir, configFile))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(localKeys(second), conf.Keys); diff != "" || !conf.TryOut {
		t.Error(diff, "or the rest of tutela.yaml is gone")
	}
	if old, err := filepath.Glob(filepath.Join(dir, "keys", "provider", "generation-*.key")); err != nil || len(old) > 0 {
		t.Errorf("the old provider still has %v (%v)", old, err)
	}
	want(t, exitClean, "", "audit", "verify", "--deep", data)
}

// TestAMoveThatCannotBeginChangesNothing: a provider that does not open leaves tutela.yaml as it was.
func TestAMoveThatCannotBeginChangesNothing(t *testing.T) {
	dir := tryOutSystem(t)
	before := textOf(t, filepath.Join(dir, configFile))
	folder := t.TempDir()
	link := filepath.Join(folder, "link")
	if err := os.Symlink(filepath.Join(dir, "keys", "provider"), link); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"token":   "{provider: transit, address: 'https://127.0.0.1:1', prefix: x, token_file: none}",
		"itself":  "{provider: local, dir: " + filepath.Join(dir, "keys", "provider") + "}",
		"a link":  "{provider: local, dir: " + link + "}",
		"nothing": "{provider: abacus}",
	} {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		want(t, exitError, "", "keys", "provider", "migrate", "--to", path, "--data="+dir)
		if diff := cmp.Diff(before, textOf(t, filepath.Join(dir, configFile))); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	want(t, exitClean, "local", "keys", "provider", "--data="+dir)
}

// TestARestartInTheMiddleOfAMoveGoesOn: tutela.yaml names both providers, one row has moved and the old
// generation is not destroyed yet.
func TestARestartInTheMiddleOfAMoveGoesOn(t *testing.T) {
	l := moveIn(t, t.TempDir(), "alpha", "")
	to := localKeys(l.conf.path("keys/second"))
	if _, err := to.openOrMake(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := nameProvider(l.conf.dir, to); err != nil {
		t.Fatal(err)
	}
	var err error
	if l.conf, err = readConfig(filepath.Join(l.conf.dir, configFile)); err != nil {
		t.Fatal(err)
	}
	l.inside(t, func(s *system) error { // a process that ended before it was asked to go on
		p, err := s.keyProvider(t.Context())
		if err == nil && (p.MovingFrom != "local" || fmt.Sprint(p.Left) != "[1]") {
			t.Errorf("moving from %q, where %v are left", p.MovingFrom, p.Left)
		}
		return err
	})
	l.inside(t, func(s *system) error {
		p, err := s.moveKeys(t.Context(), tutela.Entry{Actor: systemActor("test"), Action: tutela.ActionKeyProviderMove})
		if err == nil && (p.MovingFrom != "" || len(p.Left) > 0) {
			t.Errorf("moved, and still from %q with %v", p.MovingFrom, p.Left)
		}
		return err
	})
	if l.conf, err = readConfig(filepath.Join(l.conf.dir, configFile)); err != nil || l.conf.Keys.From != nil {
		t.Fatalf("tutela.yaml says %+v (%v)", l.conf.Keys, err)
	}
	l.inside(t, func(*system) error { return nil })
}

// TestServeWarnsUntilADrillHasPassed, once at the start.
func TestServeWarnsUntilADrillHasPassed(t *testing.T) {
	l := moveIn(t, t.TempDir(), "alpha", "")
	l.conf.TryOut = false
	said := make(chan string, 10)
	s, err := openSystem(t.Context(), l.conf, "", slog.New(slog.NewTextHandler(lineWriter(said), nil)))
	if err != nil {
		t.Fatal(err)
	}
	s.run(t.Context())
	if line := <-said; !strings.Contains(line, "no recovery key was split") {
		t.Errorf("the log says %s", line)
	}
	if err := s.close(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// lineWriter passes each write on.
type lineWriter chan<- string

func (w lineWriter) Write(b []byte) (int, error) {
	w <- string(b)
	return len(b), nil
}
