package main

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/internal/testkit"
)

// A folder that changes nothing passes, one that opens something fails a gate, on a running system; and
// what cannot be asked is said.
func TestPolicyDiffFromTheCommandLine(t *testing.T) {
	dir := sensitiveSystem(t)
	if code, _, said := command(t, "export", "--as", "physician", "--to", t.TempDir(), "--data", dir); code != exitClean {
		t.Fatalf("export: %d %s", code, said)
	}
	folder := filepath.Join(t.TempDir(), "policies")
	if code, _, said := command(t, "policy", "show", "--write", folder); code != exitClean {
		t.Fatalf("show: %d %s", code, said)
	}
	own := filepath.Join(t.TempDir(), "own.cedar")
	if err := os.WriteFile(own, []byte(`@id("own") permit (principal in Role::"physician", action in [Action::"see"], resource);`), 0o600); err != nil {
		t.Fatal(err)
	}
	bad := filepath.Join(t.TempDir(), "bad.cedar")
	if err := os.WriteFile(bad, []byte(`permit`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{folder}, exitClean, "asked again"},
		{[]string{folder, "--format", "json", "--as", "auditor"}, exitClean, `"groups":[]`},
		{[]string{own}, exitFound, "allow (possible)  physician"},
		{[]string{own, "--as", "admin"}, exitFound, "not looked at for"},
		{[]string{own, "--as", "nurse"}, exitError, "403"},
		{[]string{bad}, exitError, "bad.cedar"},
		{[]string{own, folder}, exitError, "is no policy file"},
		{[]string{folder, own}, exitError, "one folder, or files"},
		{[]string{filepath.Join(folder, "none.cedar")}, exitError, "read policies"},
		{[]string{own, "--since", "1000h"}, exitError, "31 days"},
	} {
		code, out, said := command(t, append(append([]string{"policy", "diff"}, c.args...), "--data", dir)...)
		if code != c.code || !strings.Contains(out+said, c.says) {
			t.Errorf("policy diff %v: %d %s%s, want %d and %q", c.args, code, out, said, c.code, c.says)
		}
	}
}

// On a stopped system the store is asked, and the ledger says so.
func TestPolicyDiffOfAStoppedSystem(t *testing.T) {
	t.Parallel()
	for name, database := range map[string]func(testing.TB) string{"sqlite": func(testing.TB) string { return "" }, "postgres": testkit.Postgres} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conf, folder := madeWithPolicies(t, database(t))
			if code, out, said := command(t, "policy", "diff", folder, "--data", conf.dir); code != exitClean || !strings.Contains(out, "requests since") {
				t.Errorf("diff: %d %s%s", code, out, said)
			}
			if err := os.WriteFile(filepath.Join(folder, "bad.cedar"), []byte("permit"), 0o600); err != nil {
				t.Fatal(err)
			}
			if code, _, said := command(t, "policy", "diff", filepath.Join(folder, "bad.cedar"), "--data", conf.dir); code != exitError {
				t.Errorf("bad files: %d %s", code, said)
			}
			if err := os.Remove(filepath.Join(folder, "bad.cedar")); err != nil {
				t.Fatal(err)
			}
			s, err := openSystem(t.Context(), conf, "", slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			var asked []tutela.Entry
			err = s.audit.Search(t.Context(), audit.Query{Action: tutela.ActionPolicyDiff}, func(o audit.Opened) error {
				asked = append(asked, o.Entry)
				return nil
			})
			if err != nil || len(asked) != 1 || asked[0].Actor.ID != "tutela-policy" {
				t.Errorf("the ledger has %+v (%v)", asked, err)
			}
			if err := s.close(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}
