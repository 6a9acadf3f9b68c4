package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tutela-health/tutela"
)

// found gives the entries of an action.
func found(t *testing.T, dir, action string) []tutela.Entry {
	t.Helper()
	code, out, said := command(t, "audit", "search", "--data", dir, "--action", action, "--format", "json")
	var list []struct{ Entry tutela.Entry }
	if err := json.Unmarshal([]byte(out), &list); err != nil || code != exitClean {
		t.Fatalf("exit code %d, %v: %s", code, err, said)
	}
	entries := make([]tutela.Entry, len(list))
	for i, f := range list {
		entries[i] = f.Entry
	}
	return entries
}

// by are those of an actor.
func by(list []tutela.Entry, name string) (own []tutela.Entry) {
	for _, e := range list {
		if e.Actor.Name == name {
			own = append(own, e)
		}
	}
	return own
}

// A person's token comes of two factors, a consent and a code, bound to a session; the next one
// of the session without a login. The loader's comes through the try-out's door.
func TestTryOutTokensComeTheRealWay(t *testing.T) {
	dir := tryOutSystem(t)
	tokens := map[string]bool{}
	for _, as := range []string{"physician", "physician", "loader"} {
		code, out, said := command(t, "token", "--data", dir, "--as", as)
		if code != exitClean || !strings.HasPrefix(out, "tut_") || tokens[out] {
			t.Fatalf("%s: exit code %d: %s", as, code, said)
		}
		tokens[out] = true
	}
	for action, want := range map[string]int{"authenticate": 1, "consent.give": 1, "authorize": 2, "token.issue": 2} {
		list := by(found(t, dir, action), "physician")
		if len(list) != want {
			t.Errorf("%s: %d entries, want %d", action, len(list), want)
		}
		for _, e := range list {
			if e.Assurance != "aal2" || e.Session == "" || e.Outcome != tutela.OutcomeSuccess {
				t.Errorf("%s: %+v", action, e)
			}
		}
	}
	if list := by(found(t, dir, "token.issue"), "loader"); len(list) != 1 || list[0].Assurance != "tryout" {
		t.Errorf("loader: %+v", list)
	}
	if info, err := os.Stat(filepath.Join(dir, sessionsFile)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("kept sessions: %v, %v", info, err)
	}
}

// A kept session that has ended, or a file that nobody can read, costs a login and nothing else.
// One-time passwords that were used are not taken again: each login takes the next.
func TestLostSessionsCostALogin(t *testing.T) {
	dir := tryOutSystem(t)
	path := filepath.Join(dir, sessionsFile)
	for i, text := range []string{"", "null", `{"nurse":{"__Host-tutela-session":"x.y"}}`} {
		if i > 0 {
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if code, _, said := command(t, "token", "--data", dir, "--as", "nurse"); code != exitClean {
			t.Fatalf("with %q: %s", text, said)
		}
	}
	if n := len(by(found(t, dir, "authenticate"), "nurse")); n != 3 {
		t.Errorf("%d logins, want 3", n)
	}
}

func TestAPatientWithoutAChartGetsATokenForTheDirectory(t *testing.T) {
	dir := tryOutSystem(t)
	if code, out, said := command(t, "token", "--data", dir, "--as", "patient"); code != exitClean || !strings.HasPrefix(out, "tut_") {
		t.Fatalf("exit code %d: %s", code, said)
	}
}

func TestTokensOfNobodyAndOfStoppedSystems(t *testing.T) {
	dir := tryOutSystem(t)
	for name, c := range map[string]struct {
		args []string
		say  string
	}{
		"nobody":  {[]string{"token", "--data", dir, "--as", "nobody"}, "no try-out identity"},
		"stopped": {[]string{"token", "--data", t.TempDir(), "--as", "nurse"}, "no server is running"},
	} {
		if code, out, said := command(t, c.args...); code != exitError || out != "" || !strings.Contains(said, c.say) || strings.Count(said, "\n") != 1 {
			t.Errorf("%s: exit code %d: %s%s", name, code, out, said)
		}
	}
}
