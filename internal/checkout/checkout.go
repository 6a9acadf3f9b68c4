// Package checkout makes git repositories for tests.
package checkout

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Checkout is a working tree that a test makes, on the branch main.
type Checkout struct {
	t   testing.TB
	Dir string
}

// New makes an empty one.
func New(t testing.TB) *Checkout {
	t.Helper()
	c := &Checkout{t, t.TempDir()}
	c.Git("init", "-q", "-b", "main", ".")
	return c
}

// Write writes files, by their paths.
func (c *Checkout) Write(files map[string]string) {
	c.t.Helper()
	for name, text := range files {
		at := filepath.Join(c.Dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(at), 0o700), os.WriteFile(at, []byte(text), 0o600)); err != nil {
			c.t.Fatal(err)
		}
	}
}

// Commit writes files and commits everything; it gives the commit.
func (c *Checkout) Commit(message string, files map[string]string) string {
	c.t.Helper()
	c.Write(files)
	c.Git("add", "-A")
	c.Git("commit", "-q", "--allow-empty", "-m", message)
	return c.Git("rev-parse", "HEAD")
}

// Git runs git as nobody in particular, with nobody's settings, and gives what it says.
func (c *Checkout) Git(args ...string) string {
	c.t.Helper()
	cmd := exec.CommandContext(c.t.Context(), "git", append([]string{"-c", "user.name=Ann", "-c", "user.email=ann@clinic.example", "-c", "commit.gpgsign=false"}, args...)...)
	cmd.Dir = c.Dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_NOSYSTEM=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		c.t.Fatalf("git %s: %v: %s", args[0], err, out)
	}
	return strings.TrimSpace(string(out))
}
