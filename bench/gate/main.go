// Command gate measures `tutela gate` over a repository of 2,000 files, made of this one: everything
// that git tracks here, and folders of it again until there are enough. It prints the time and the
// memory of a first look, of a second, and of one after ten files changed.
//
//	go build -trimpath -o bin/tutela ./cmd/tutela && go run ./bench/gate
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

func main() {
	binary := flag.String("binary", "bin/tutela", "the tutela to measure")
	files := flag.Int("files", 2000, "how many files the repository has")
	flag.Parse()
	if err := run(context.Background(), *binary, *files); err != nil {
		fmt.Fprintln(os.Stderr, "gate:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, binary string, files int) error {
	binary, err := filepath.Abs(binary)
	if err != nil {
		return err
	}
	temp, err := os.MkdirTemp("", "tutela-gate-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(temp) }() // scratch
	tree := filepath.Join(temp, "tree")
	sources, err := grow(ctx, tree, files)
	if err != nil {
		return err
	}
	for _, step := range []struct {
		name   string
		change func() error
	}{
		{"nothing known", func() error { return nil }},
		{"nothing known, compiled", func() error { return os.RemoveAll(filepath.Join(temp, "cache")) }},
		{"nothing changed", func() error { return nil }},
		{"ten files of one package changed", func() error { return change(together(sources)) }},
		{"ten files of ten packages changed", func() error { return change(apart(sources)) }},
	} {
		if err := step.change(); err != nil {
			return err
		}
		if err := measure(ctx, step.name, binary, temp); err != nil {
			return err
		}
	}
	return nil
}

// grow makes the repository, and gives its Go files.
func grow(ctx context.Context, tree string, files int) (sources []string, err error) {
	listed, err := exec.CommandContext(ctx, "git", "ls-files", "-z").Output()
	if err != nil {
		return nil, fmt.Errorf("list this repository's files: %w", err)
	}
	names := strings.Split(strings.Trim(string(listed), "\x00"), "\x00")
	made := 0
	for round := 0; made < files; round++ {
		for _, name := range names {
			to := name
			if round > 0 {
				if strings.Count(name, "/") == 0 {
					continue // what stands at the top is there once
				}
				to = fmt.Sprintf("%s/copy%d/%s", path.Dir(name), round, path.Base(name)) // beside it, so that internal packages may be imported
			}
			text, err := os.ReadFile(name)
			if err != nil || made == files {
				continue // a link, or enough
			}
			at := filepath.Join(tree, to)
			if err := errors.Join(os.MkdirAll(filepath.Dir(at), 0o700), os.WriteFile(at, text, 0o600)); err != nil {
				return nil, err
			}
			if made++; strings.HasSuffix(to, ".go") && !strings.HasSuffix(to, "_test.go") {
				sources = append(sources, at)
			}
		}
	}
	for _, args := range [][]string{{"init", "-q", "."}, {"add", "-A"}, {"-c", "user.name=a", "-c", "user.email=a@b.example", "commit", "-q", "-m", "all"}} {
		cmd := exec.CommandContext(ctx, "git", args...)
		cmd.Dir = tree
		if out, err := cmd.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("git %s: %w: %s", args[0], err, out)
		}
	}
	return sources, nil
}

// together are ten Go files of the last folder that has so many, which few others import.
func together(sources []string) (list []string) {
	for _, name := range slices.Backward(sources) {
		if len(list) > 0 && filepath.Dir(list[0]) != filepath.Dir(name) {
			list = nil
		}
		if list = append(list, name); len(list) == 10 {
			break
		}
	}
	return list
}

// apart are ten Go files that lie far from each other.
func apart(sources []string) (list []string) {
	for i := range 10 {
		list = append(list, sources[i*len(sources)/10])
	}
	return list
}

// change adds a function to files.
func change(files []string) error {
	for i, name := range files {
		f, err := os.OpenFile(name, os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(f, "\nfunc changed%d() int { return %d }\n", i, i)
		if err := errors.Join(err, f.Close()); err != nil {
			return err
		}
	}
	return nil
}

// measure runs the gate once; whether it passes is not the question.
func measure(ctx context.Context, name, binary, temp string) error {
	cmd := exec.CommandContext(ctx, binary, "gate", filepath.Join(temp, "tree"))
	cmd.Env = append(os.Environ(), "XDG_CACHE_HOME="+filepath.Join(temp, "cache"), "GOCACHE="+goCache(ctx))
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	began := time.Now()
	err := cmd.Run()
	var ended *exec.ExitError
	if err != nil && !errors.As(err, &ended) {
		return err
	}
	usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		return errors.New("memory is not known here")
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	fmt.Printf("%-33s %5.1f s, %5.1f s of processors, %4d MiB at most (%s)\n", name, time.Since(began).Seconds(),
		(cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds(), usage.Maxrss>>10, lines[max(0, len(lines)-2)])
	return nil
}

// goCache is where Go keeps what it compiled: that is warm, as after a build.
func goCache(ctx context.Context) string {
	out, err := exec.CommandContext(ctx, "go", "env", "GOCACHE").Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}
