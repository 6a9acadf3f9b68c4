package testkit

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Node is Node.js with the npm packages that e2e/clients/package.json names, as scripts/node.sh
// installs them.
type Node struct {
	Bin     string // the program
	Modules string // the folder node_modules
	Scripts string // e2e/clients: a script in it imports the packages by their names
}

// UseNode gives Node.js, installed on first use. Packages tested at the same time share one
// installation: the script holds a lock.
func UseNode(t testing.TB) Node {
	t.Helper()
	n, err := installNode(t.Context())
	if err != nil {
		t.Fatalf("install Node.js: %v", err)
	}
	return n
}

func installNode(ctx context.Context) (Node, error) {
	root, err := moduleRoot()
	if err != nil {
		return Node{}, err
	}
	cmd := exec.CommandContext(ctx, filepath.Join(root, "scripts", "node.sh")) //nolint:gosec // the module's own
	out, err := cmd.Output()
	if err != nil {
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			err = fmt.Errorf("scripts/node.sh: %w: %s", err, exit.Stderr)
		}
		return Node{}, err
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(lines) != 2 {
		return Node{}, fmt.Errorf("scripts/node.sh printed %q", out)
	}
	return Node{Bin: lines[0], Modules: lines[1], Scripts: filepath.Join(root, "e2e", "clients")}, nil
}

// moduleRoot is the nearest folder above the test that holds go.mod.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", errors.New("no go.mod above the test")
		}
		dir = up
	}
}

// Command runs a script of e2e/clients. The child ends with the context.
func (n Node) Command(ctx context.Context, script string, args ...string) *exec.Cmd {
	return exec.CommandContext(ctx, n.Bin, append([]string{filepath.Join(n.Scripts, script)}, args...)...) //nolint:gosec // a test's own script
}
