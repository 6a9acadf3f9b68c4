package goload

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"go/build"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Toolchain is the go command that is installed.
type Toolchain struct {
	Version    string `json:"GOVERSION"` // as in go1.26.8
	Root       string `json:"GOROOT"`
	OS         string `json:"GOOS"`
	Arch       string `json:"GOARCH"`
	Experiment string `json:"GOEXPERIMENT"`
	Cache      string `json:"GOCACHE"`
}

// Find asks the go command what it is.
func Find(ctx context.Context, dir string) (Toolchain, error) {
	var t Toolchain
	out, err := command(ctx, dir, false, "env", "-json", "GOVERSION", "GOROOT", "GOOS", "GOARCH", "GOEXPERIMENT", "GOCACHE").Output()
	if err == nil {
		err = json.Unmarshal(out, &t)
	}
	if err != nil {
		return t, fmt.Errorf("ask the go command what it is: %w", err)
	}
	return t, nil
}

// String names all of it that findings depend on.
func (t Toolchain) String() string {
	return fmt.Sprintf("%s %s/%s %s %s", t.Version, t.OS, t.Arch, t.Experiment, t.Root)
}

// context is what constraints on building are held against: no cgo, as command has it.
func (t Toolchain) context() *build.Context {
	c := build.Default
	c.GOOS, c.GOARCH, c.GOROOT, c.CgoEnabled, c.Compiler = t.OS, t.Arch, t.Root, false, "gc"
	c.GOPATH = ""
	if minor, ok := strings.CutPrefix(t.Version, "go1."); ok {
		minor, _, _ = strings.Cut(minor, ".")
		if n, err := strconv.Atoi(minor); err == nil && n < 1000 {
			c.ReleaseTags = nil
			for i := 1; i <= n; i++ {
				c.ReleaseTags = append(c.ReleaseTags, fmt.Sprintf("go1.%d", i))
			}
		}
	}
	return &c
}

// command keeps the go command from the network, from other versions of itself, from compilers of other languages,
// and from what the tree could have it run.
func command(ctx context.Context, dir string, loose bool, args ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, "go", args...)
	c.Dir = dir
	c.WaitDelay = 5 * time.Second
	c.Env = append(os.Environ(), "GOPROXY=off", "GOTOOLCHAIN=local", "GOFLAGS=", "CGO_ENABLED=0", "GOVCS=*:off", "GONOSUMDB=*", "GOWORK=off", "PWD="+dir)
	if loose {
		c.Env = append(c.Env, "GO111MODULE=off")
	}
	return c
}

// Exports are the files that hold what packages declare, by import path. One that does not build here is not there.
type Exports map[string]string

// Add asks the go command for what is not there yet. What is compiled already is not compiled again.
func (e Exports) Add(ctx context.Context, m *Module, paths []string) error {
	missing := map[string]bool{}
	for _, p := range paths {
		if file, known := e[p]; p != "unsafe" && p != "C" && !strings.HasPrefix(p, "-") && (!known || file != "" && !there(file)) {
			missing[p] = true
		}
	}
	if len(missing) == 0 {
		return nil
	}
	args := append([]string{"list", "-e", "-export", "-f", "{{.ImportPath}}\t{{.Export}}", "--"}, slices.Sorted(maps.Keys(missing))...)
	out, err := command(ctx, m.Dir, m.Path == "", args...).Output()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil && len(out) == 0 {
		return fmt.Errorf("ask the go command for what others declare: %w", err)
	}
	for p := range missing {
		e[p] = ""
	}
	for line := range bytes.Lines(out) {
		p, file, _ := strings.Cut(strings.TrimSpace(string(line)), "\t")
		if missing[p] {
			e[p] = file
		}
	}
	return nil
}

func there(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}

// Lasting are those whose content never changes while the toolchain and go.mod do not: not of the module itself, and
// kept by the go command under a name that is made of the content.
func (e Exports) Lasting(m *Module, t Toolchain) Exports {
	kept := Exports{}
	for p, file := range e {
		if file != "" && !m.Owns(p) && path.Clean(p) == p && strings.HasPrefix(file, t.Cache+string(filepath.Separator)) {
			kept[p] = file
		}
	}
	return kept
}
