package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// flip changes a byte in the middle of the one file that a pattern finds.
func flip(t *testing.T, pattern string) {
	t.Helper()
	list, err := filepath.Glob(pattern)
	if err != nil || len(list) != 1 {
		t.Fatalf("%s: %v %v", pattern, list, err)
	}
	text, err := os.ReadFile(list[0])
	if err != nil {
		t.Fatal(err)
	}
	text[len(text)/2] ^= 1
	if err := os.WriteFile(list[0], text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// listing names what is in a directory.
func listing(t *testing.T, dir string) string {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	text := ""
	for _, e := range list {
		text += e.Name() + " "
	}
	return text
}

// A try-out system is backed up while it serves, tried, and brought back; whatever fails leaves what was there.
func TestBackupFromTheCommandLine(t *testing.T) {
	dir, at := tryOutSystem(t), t.TempDir()
	a, b := filepath.Join(at, "a"), filepath.Join(at, "b")
	file := filepath.Join(at, "p.ndjson")
	if err := os.WriteFile(file, []byte(`{"resourceType":"Patient","id":"p1","name":[{"family":"Backup"}]}`+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, said := command(t, "import", "--data", dir, file); code != exitClean {
		t.Fatalf("import: %d %s", code, said)
	}
	if code, _, said := command(t, "backup", "create", "--data", dir); code != exitError || !strings.Contains(said, "no destination") {
		t.Errorf("nowhere: %d %s", code, said)
	}
	if code, _, _ := command(t, "backup", "create", "--to", a, "--as", "auditor", "--data", dir); code != exitError {
		t.Errorf("as auditor: %d", code)
	}
	if code, out, said := command(t, "backup", "create", "--to", a, "--to", b, "--data", dir); code != exitClean || strings.Count(out, "read back") != 2 {
		t.Fatalf("create: %d %s %s", code, out, said)
	}
	for _, args := range [][]string{{"--from", a}, {"--data", dir}} {
		code, out, said := command(t, append([]string{"backup", "list", "--format", "json"}, args...)...)
		var list []struct{ Kind string }
		if err := json.Unmarshal([]byte(out), &list); err != nil || code != exitClean || len(list) != 1 || list[0].Kind != "full" {
			t.Errorf("list: %d %v %s %s", code, err, out, said)
		}
	}
	keys := filepath.Join(dir, "keys")
	if code, out, said := command(t, "backup", "verify", "--from", b, "--keys", keys, "--data", dir); code != exitClean || !strings.Contains(out, "recorded as evidence") {
		t.Fatalf("verify: %d %s %s", code, out, said)
	}
	if list := found(t, dir, "backup.verify"); len(list) != 1 || list[0].Evidence == nil || list[0].Evidence.Verdict != "pass" {
		t.Errorf("evidence: %+v", list)
	}
	data := filepath.Join(at, "new")
	restore := func(args ...string) (int, string) {
		code, out, said := command(t, append([]string{"backup", "restore", "--keys", keys, "--data", data}, args...)...)
		return code, out + said
	}
	if code, said := restore("--from", a); code != exitClean {
		t.Fatalf("restore: %d %s", code, said)
	}
	if code, out, said := command(t, "audit", "verify", "--deep", "--data", data); code != exitClean {
		t.Errorf("what was restored: %d %s %s", code, out, said)
	}
	before := listing(t, at)
	if code, said := restore("--from", a); code != exitError || !strings.Contains(said, "--force") {
		t.Errorf("over what is there: %d %s", code, said)
	}
	flip(t, filepath.Join(b, "series", "*", "*.backup"))
	if code, said := restore("--from", b, "--force"); code != exitError || !strings.Contains(said, "is not as it was written") {
		t.Errorf("an altered backup: %d %s", code, said)
	}
	if code, _, _ := command(t, "backup", "verify", "--from", b, "--keys", keys, "--data", dir); code != exitFound {
		t.Errorf("verify an altered backup: %d", code)
	}
	if now := listing(t, at); now != before {
		t.Errorf("left behind: %s, before: %s", now, before)
	}
	if code, _, said := command(t, "audit", "verify", "--data", data); code != exitClean {
		t.Errorf("what was there is not as it was: %d %s", code, said)
	}
	if code, out, said := command(t, "backup", "restore", "--from", a, "--keys", keys, "--data", dir, "--force"); code != exitError || !strings.Contains(said, "stop it first") {
		t.Errorf("over a living system: %d %s %s", code, out, said)
	}
	if code, said := restore("--from", a, "--force"); code != exitClean || strings.Count(listing(t, at), "new.before-") != 1 {
		t.Errorf("with --force: %d %s: %s", code, said, listing(t, at))
	}
}

// TestRestoreByShares loses the host and its provider: two of three holders and a backup bring the charts back,
// one of them does not.
func TestRestoreByShares(t *testing.T) {
	dir, at := tryOutSystem(t), t.TempDir()
	data, folder, to := "--data="+dir, filepath.Join(at, "escrow"), filepath.Join(at, "to")
	chart := filepath.Join(at, "p.ndjson")
	if err := os.WriteFile(chart, []byte(`{"resourceType":"Patient","id":"p1"}`+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	want(t, exitClean, "1 resources", "import", chart, data)
	var people, private []string
	for _, name := range []string{"ann", "bob", "cleo"} {
		want(t, exitClean, "fingerprint", "keys", "recovery", "holder", name, "--out", at)
		people = append(people, name+"="+filepath.Join(at, name+".pub"))
		private = append(private, "--holder-key="+filepath.Join(at, name+".key"))
	}
	want(t, exitClean, "hold a drill", "keys", "recovery", "split", "--holders", strings.Join(people, ","), "--threshold", "2", "--out", folder, data)
	want(t, exitClean, "read back", "backup", "create", "--to", to, data)
	keys, lost := filepath.Join(at, "keys"), filepath.Join(at, "lost")
	if err := os.CopyFS(keys, os.DirFS(filepath.Join(dir, "keys"))); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(keys, "provider")); err != nil {
		t.Fatal(err)
	}
	restore := func(more ...string) []string {
		return append([]string{"backup", "restore", "--from", to, "--keys", keys, "--data", lost}, more...)
	}
	want(t, exitError, "do not open", restore()...)
	share := func(name string) string { return "--shares=" + only(t, folder, "recovery-"+name+"-*.share") }
	wrap := "--shares=" + only(t, folder, "*.wrap")
	want(t, exitError, "2 shares of different holders", restore(share("ann"), wrap, private[0])...)
	if list, err := filepath.Glob(lost + "*"); err != nil || len(list) > 0 {
		t.Errorf("left behind: %v %v", list, err)
	}
	want(t, exitClean, "restored", restore(share("ann"), share("cleo"), wrap, private[0], private[2])...)
	want(t, exitClean, "verified", "audit", "verify", "--deep", "--data", lost)
	want(t, exitClean, "read back", "backup", "create", "--to", filepath.Join(at, "again"), "--data", lost)
}

func TestBackupOfAStoppedSystem(t *testing.T) {
	at := t.TempDir()
	data, to := filepath.Join(at, "data"), filepath.Join(at, "to")
	cmd := devCmd{Data: data, Addr: "localhost:0"}
	if _, err := cmd.prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	if code, out, said := command(t, "backup", "create", "--to", to, "--data", data); code != exitClean {
		t.Fatalf("create: %d %s %s", code, out, said)
	}
	if code, out, said := command(t, "backup", "verify", "--from", to, "--keys", filepath.Join(data, "keys"), "--data", data); code != exitClean {
		t.Errorf("verify: %d %s %s", code, out, said)
	}
	if code, _, said := command(t, "backup", "verify", "--from", to, "--keys", to, "--data", data); code != exitError || !strings.Contains(said, "backup.key") {
		t.Errorf("without keys: %d %s", code, said)
	}
}

func TestBackupConfigurationIsChecked(t *testing.T) {
	for name, b := range map[string]backupConfig{
		"nobody opens it": {To: []string{"/mnt/a"}}, "no destination": {To: []string{"ftp://a"}, Recipients: []string{"a"}},
		"all the time": {Every: 1}, "backwards": {KeepDays: -1},
	} {
		if err := b.check(false); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	if err := (backupConfig{To: []string{"/mnt/a"}}).check(true); err != nil {
		t.Errorf("a try-out system has a key of its own: %v", err)
	}
}

// TestTrialsThatWereKilledAreRemoved with the keys that are in them, and neither one that goes on nor what is not ours.
func TestTrialsThatWereKilledAreRemoved(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	made := func(name string, mode os.FileMode) string {
		dir := filepath.Join(os.TempDir(), name)
		if err := os.MkdirAll(filepath.Join(dir, "keys"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(dir, mode); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	made("tutela-verify-killed", 0o700)
	made("tutela-verify-open", 0o755)
	made("another", 0o700)
	if err := os.Symlink(made("behind", 0o700), filepath.Join(os.TempDir(), "tutela-verify-link")); err != nil {
		t.Fatal(err)
	}
	held, err := lockFile(made("tutela-verify-alive", 0o700), false)
	if err != nil {
		t.Fatal(err)
	}
	sweepTrials()
	if got, want := listing(t, os.TempDir()), "another behind tutela-verify-alive tutela-verify-link tutela-verify-open "; got != want {
		t.Errorf("left are %s, want %s", got, want)
	}
	if err := held.Close(); err != nil {
		t.Fatal(err)
	}
	sweepTrials()
	if got, want := listing(t, os.TempDir()), "another behind tutela-verify-link tutela-verify-open "; got != want {
		t.Errorf("left are %s, want %s", got, want)
	}
}
