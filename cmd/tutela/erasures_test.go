package main

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tutela-health/tutela"
)

// opens tells how many versions of a patient open in a stopped system, and how many there are.
func opens(t *testing.T, dir string, p tutela.PatientID) (opened, rows int) {
	t.Helper()
	conf, err := readConfig(filepath.Join(dir, configFile))
	if err != nil {
		t.Fatal(err)
	}
	s, err := openSystem(t.Context(), conf, "-test", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	opened, rows, err = s.records.Opens(t.Context(), s.records.Bucket(p))
	if err != nil {
		t.Error(err)
	}
	if err := s.close(t.Context()); err != nil {
		t.Error(err)
	}
	return opened, rows
}

// A patient is erased from the command line by two people, and stays erased in what is restored from a backup of before, and
// from a copy of the destination as it was before.
func TestEraseFromTheCommandLineReachesBackups(t *testing.T) {
	dir, at := tryOutSystem(t), t.TempDir()
	to, kept, chart := filepath.Join(at, "to"), filepath.Join(at, "kept"), filepath.Join(at, "p.ndjson")
	text := `{"resourceType":"Patient","id":"p1","name":[{"family":"Canary"}]}
{"resourceType":"Patient","id":"p2","name":[{"family":"Other"}]}
{"resourceType":"Observation","id":"o1","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/p1"}}
`
	if err := os.WriteFile(chart, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	step := func(want int, says string, args ...string) {
		t.Helper()
		code, out, said := command(t, args...)
		if code != want || !strings.Contains(out+said, says) {
			t.Fatalf("%v: %d %s%s, want %d and %q", args, code, out, said, want, says)
		}
	}
	data := "--data=" + dir
	step(exitClean, "", "import", data, chart)
	step(exitClean, "read back", "backup", "create", "--to", to, data)
	if err := os.CopyFS(kept, os.DirFS(to)); err != nil {
		t.Fatal(err)
	}
	series, err := filepath.Glob(filepath.Join(kept, "series", "*"))
	if err != nil || len(series) != 1 {
		t.Fatalf("series %q, %v", series, err)
	}

	step(exitError, "--reason", "patient", "erase", "p1", data)
	step(exitError, "403", "patient", "erase", "p1", "--reason", "r", "--as", "physician", data)
	step(exitClean, "is held", "patient", "hold", "p1", "--reason", "litigation", data)
	step(exitError, "a legal hold", "patient", "erase", "p1", "--reason", "article 17", "--as", "privacy", "--approve-as", "admin", data)
	step(exitError, "asked for already", "patient", "erase", "p1", "--reason", "article 17", data)
	step(exitClean, "is not held", "patient", "hold", "p1", "--lift", data)
	_, out, _ := command(t, "patient", "erase", "--list", data)
	_, id, _ := strings.Cut(out, `"id":"`)
	id, _, _ = strings.Cut(id, `"`)
	step(exitError, "403", "patient", "erase", "--approve", id, "--as", "privacy", data)
	step(exitClean, "approved", "patient", "erase", "--approve", id, data)
	for start := time.Now(); !strings.Contains(out, `"final":true`) && time.Since(start) < 2*time.Minute; time.Sleep(100 * time.Millisecond) {
		_, out, _ = command(t, "patient", "erase", "--list", data)
	}
	if !strings.Contains(out, `"final":true`) {
		t.Fatalf("no certificate: %s", out)
	}
	step(exitClean, "verified", "audit", "verify", "--deep", data)
	step(exitClean, "read back", "backup", "create", "--to", to, data)

	keys, restored := filepath.Join(dir, "keys"), filepath.Join(at, "restored")
	step(exitClean, "", "backup", "restore", "--from", to, "--at", filepath.Base(series[0]), "--keys", keys, "--data", restored)
	if opened, rows := opens(t, restored, "p1"); opened > 0 || rows == 0 {
		t.Errorf("%d of %d rows of the erased patient open after a restore of a backup from before", opened, rows)
	}
	if opened, rows := opens(t, restored, "p2"); opened != rows || rows == 0 {
		t.Errorf("%d of %d rows of another patient open", opened, rows)
	}
	never := filepath.Join(at, "never")
	if code, _, _ := command(t, "backup", "restore", "--from", kept, "--keys", keys, "--data", never); code != exitClean {
		return // the keyring that lay there opens no more
	}
	if opened, rows := opens(t, never, "p1"); opened > 0 || rows == 0 { // the newest keyring lies beside the provider
		t.Errorf("%d of %d rows of the erased patient open after a restore of a copy of the destination", opened, rows)
	}
}
