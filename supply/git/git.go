package git

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Repository is a folder of git's that is read by git's own program, and never trusted: nothing that its
// configuration names is run. Only calls that know no filters, drivers or text conversions are made;
// hooks and monitors are off; no object is fetched from elsewhere.
type Repository struct {
	program string
	dir     string // git's own folder
	tree    string // the working tree, absolute
}

// errElsewhere says that the history belongs to another folder.
var errElsewhere = errors.New(".git names a folder that does not name this one")

// Open finds the repository of a working tree; nil where there is none.
func Open(tree string) (*Repository, error) {
	tree, err := filepath.Abs(tree)
	if err != nil {
		return nil, fmt.Errorf("find .git: %w", err)
	}
	dir, err := gitFolder(filepath.Join(tree, ".git"))
	if err != nil || dir == "" {
		return nil, err
	}
	program, err := exec.LookPath("git")
	if err != nil {
		return nil, errors.New("git is not installed")
	}
	return &Repository{program, dir, tree}, nil
}

// gitFolder gives the folder that .git is or names. A linked working tree's file must be named by the
// folder in turn, so that a tree cannot have the history of another one read.
func gitFolder(at string) (string, error) {
	at, err := filepath.Abs(at)
	if err != nil {
		return "", fmt.Errorf("find .git: %w", err)
	}
	info, err := os.Lstat(at)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return "", nil
	case err != nil:
		return "", fmt.Errorf("find .git: %w", err)
	case info.IsDir():
		return at, nil
	case !info.Mode().IsRegular():
		return "", errElsewhere
	}
	dir, found := strings.CutPrefix(firstLine(at), "gitdir: ")
	if !found || !filepath.IsAbs(dir) {
		return "", errElsewhere
	}
	if back := firstLine(filepath.Join(dir, "gitdir")); back != at {
		return "", errElsewhere
	}
	return dir, nil
}

// firstLine reads the beginning of a small file; nothing where it cannot.
func firstLine(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer func() { _ = f.Close() }() // it was only read
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return ""
	}
	text, err := io.ReadAll(io.LimitReader(f, 4096))
	if err != nil {
		return ""
	}
	line, _, _ := strings.Cut(string(text), "\n")
	return strings.TrimRight(line, "\r")
}

// Command prepares a call of git that runs nothing else and reaches nothing else. It knows no working tree.
func (r *Repository) Command(ctx context.Context, args ...string) *exec.Cmd {
	return r.command(ctx, "true", args...)
}

func (r *Repository) command(ctx context.Context, bare string, args ...string) *exec.Cmd {
	fixed := []string{
		"--git-dir=" + r.dir, "--no-replace-objects", "--no-optional-locks", "--no-pager",
		"-c", "core.fsmonitor=false", "-c", "core.hooksPath=" + os.DevNull, "-c", "core.alternateRefsCommand=", "-c", "protocol.allow=never",
		"-c", "core.bare=" + bare, "-c", "core.ignoreCase=false", "-c", "core.deltaBaseCacheLimit=32m", "-c", "core.packedGitLimit=128m", "-c", "core.quotePath=false",
	}
	cmd := exec.CommandContext(ctx, r.program, append(fixed, args...)...)
	cmd.Dir = r.dir
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + os.DevNull, "LC_ALL=C", "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=" + os.DevNull,
		"GIT_TERMINAL_PROMPT=0", "GIT_NO_LAZY_FETCH=1", "GIT_ALLOW_PROTOCOL=none", "GIT_ATTR_NOSYSTEM=1",
	}
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

// Shallow reports whether older commits were not fetched.
func (r *Repository) Shallow() bool {
	_, err := os.Lstat(filepath.Join(r.dir, "shallow"))
	return err == nil
}

// Lines runs a call and gives what it says line by line. Of a line that is too long the end is lost.
func Lines(cmd *exec.Cmd, each func(line string) error) error {
	return Run(cmd, func(out *bufio.Reader) error {
		for {
			part, err := out.ReadSlice('\n')
			line := strings.TrimSuffix(string(part), "\n")
			for errors.Is(err, bufio.ErrBufferFull) {
				_, err = out.ReadSlice('\n')
			}
			if line != "" {
				if err := each(line); err != nil {
					return err
				}
			}
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return err
			}
		}
	})
}

// Run starts a call, reads what it says, and waits for it.
func Run(cmd *exec.Cmd, read func(out *bufio.Reader) error) error {
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		return fmt.Errorf("ask git: %w", err)
	}
	var said bytes.Buffer
	cmd.Stderr = &limited{&said, 512}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("ask git: %w", err)
	}
	err = read(bufio.NewReaderSize(pipe, 64<<10))
	if err != nil {
		_ = cmd.Process.Kill() // it is waited for below, and err says why
	}
	if ended := cmd.Wait(); err == nil && ended != nil {
		line, _, _ := strings.Cut(said.String(), "\n")
		err = fmt.Errorf("git: %s", strings.TrimPrefix(line, "fatal: "))
	}
	return err
}

// limited keeps the beginning of what is written.
type limited struct {
	to   *bytes.Buffer
	left int
}

func (l *limited) Write(p []byte) (int, error) {
	n := min(len(p), l.left)
	l.to.Write(p[:n])
	l.left -= n
	return len(p), nil
}
