package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/tutela-health/tutela/internal/testkit"
)

// A restore onto a disk that fills up leaves what was there, and nothing of its own; with room it succeeds.
func TestRestoreSurvivesAFullDisk(t *testing.T) {
	testkit.OnSmallDisk(t, 64<<20, func(t *testing.T, d *testkit.Disk) {
		dir, at := tryOutSystem(t), t.TempDir()
		file := filepath.Join(at, "p.ndjson")
		if err := os.WriteFile(file, []byte(`{"resourceType":"Patient","id":"p1","name":[{"family":"Backup"}]}`+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		clean := func(args ...string) {
			t.Helper()
			if code, out, said := command(t, args...); code != exitClean {
				t.Fatalf("%v: %d %s %s", args, code, out, said)
			}
		}
		clean("import", "--data", dir, file)
		clean("backup", "create", "--to", filepath.Join(at, "b"), "--data", dir)
		data := filepath.Join(d.Dir, "new")
		restore := []string{"backup", "restore", "--from", filepath.Join(at, "b"), "--keys", filepath.Join(dir, "keys"), "--data", data}
		fails := func(before string, args ...string) {
			t.Helper()
			for _, leave := range []int64{0, 16 << 10, 64 << 10, 256 << 10, 512 << 10} {
				d.Fill(leave)
				code, out, said := command(t, append(restore, args...)...)
				d.Free()
				if now := listing(t, d.Dir); code != exitError || now != before {
					t.Errorf("with %d bytes left: %d %s %s; there is %s", leave, code, out, said, now)
				}
			}
		}
		fails("")
		clean(restore...)
		fails("new ", "--force")
		clean("audit", "verify", "--deep", "--data", data)
		clean(append(restore, "--force")...)
		clean("audit", "verify", "--deep", "--data", data)
	})
}
