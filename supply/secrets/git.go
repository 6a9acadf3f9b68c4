package secrets

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
	"strconv"
	"strings"
	"time"
)

// repository is a folder of git's that is read by git's own program, and never trusted: nothing that its
// configuration names is run. Only rev-list and cat-file are called, which know no attributes, filters
// or text conversions; hooks and monitors are off; no object is fetched from elsewhere.
type repository struct {
	program string
	dir     string
}

// Limits on a history.
const (
	maxObjects = 2_000_000
	maxVersion = 8 << 20 // bytes of one version of a file
	patience   = 10 * time.Minute
)

// errElsewhere says that the history belongs to another folder.
var errElsewhere = errors.New(".git names a folder that does not name this one")

// openRepository finds the repository of a working tree; nil where there is none.
func openRepository(tree string) (*repository, error) {
	dir, err := gitFolder(filepath.Join(tree, ".git"))
	if err != nil || dir == "" {
		return nil, err
	}
	program, err := exec.LookPath("git")
	if err != nil {
		return nil, errors.New("git is not installed")
	}
	return &repository{program, dir}, nil
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

// command prepares a call of git that runs nothing else and reaches nothing else.
func (r *repository) command(ctx context.Context, args ...string) *exec.Cmd {
	fixed := []string{
		"--git-dir=" + r.dir, "--no-replace-objects", "--no-optional-locks", "--no-pager",
		"-c", "core.fsmonitor=false", "-c", "core.hooksPath=" + os.DevNull, "-c", "core.alternateRefsCommand=", "-c", "protocol.allow=never",
		"-c", "core.bare=true", "-c", "core.deltaBaseCacheLimit=32m", "-c", "core.packedGitLimit=128m", "-c", "core.quotePath=false",
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

// version is one state of a file in the history.
type version struct {
	id, path, commit string
	size             int64
}

// shallow reports whether older commits were not fetched.
func (r *repository) shallow() bool {
	_, err := os.Lstat(filepath.Join(r.dir, "shallow"))
	return err == nil
}

// versions lists every version of every file, each once, with the first commit that has it, and how
// many are named and not there.
func (r *repository) versions(ctx context.Context) (list []version, missing int, err error) {
	cmd := r.command(ctx, "rev-list", "--objects", "--in-commit-order", "--topo-order", "--reverse", "--all")
	commit := ""
	err = lines(cmd, func(line string) error {
		id, path, object := strings.Cut(line, " ")
		if !isID(id) {
			return nil
		}
		if !object {
			commit = id
		} else if path != "" {
			list = append(list, version{id: id, path: path, commit: commit})
		}
		if len(list) > maxObjects {
			return errors.New("the history has more objects than a scan takes")
		}
		return nil
	})
	if err != nil {
		return nil, 0, err
	}
	return r.sized(ctx, list)
}

func isID(s string) bool { return (len(s) == 40 || len(s) == 64) && isHex(s) }

// sized asks for the sizes, and leaves what is no file out.
func (r *repository) sized(ctx context.Context, list []version) (files []version, missing int, err error) {
	cmd := r.command(ctx, "cat-file", "--batch-check=%(objecttype) %(objectsize)", "--buffer")
	cmd.Stdin = ids(list)
	i := 0
	err = lines(cmd, func(line string) error {
		if i >= len(list) {
			return errors.New("git says more than it was asked")
		}
		v := list[i]
		i++
		switch kind, size, _ := strings.Cut(line, " "); {
		case size == "missing":
			missing++
		case kind == "blob":
			n, err := strconv.ParseInt(size, 10, 64)
			if err != nil {
				return fmt.Errorf("read the size of an object: %w", err)
			}
			v.size = n
			files = append(files, v)
		}
		return nil
	})
	return files, missing, err
}

// ids are the names of objects as cat-file reads them.
func ids(list []version) io.Reader {
	var out bytes.Buffer
	for _, v := range list {
		out.WriteString(v.id)
		out.WriteByte('\n')
	}
	return &out
}

// lines runs a call and gives what it says line by line. Of a line that is too long the end is lost.
func lines(cmd *exec.Cmd, each func(line string) error) error {
	return run(cmd, func(out *bufio.Reader) error {
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

// run starts a call, reads what it says, and waits for it.
func run(cmd *exec.Cmd, read func(out *bufio.Reader) error) error {
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

// contents gives the text of each version in turn.
func (r *repository) contents(ctx context.Context, list []version, each func(v version, text []byte) error) error {
	cmd := r.command(ctx, "cat-file", "--batch=%(objecttype) %(objectsize)", "--buffer")
	cmd.Stdin = ids(list)
	return run(cmd, func(out *bufio.Reader) error {
		for _, v := range list {
			head, err := out.ReadString('\n')
			if err != nil {
				return fmt.Errorf("read the history: %w", err)
			}
			if head != fmt.Sprintf("blob %d\n", v.size) {
				return errors.New("an object of the history cannot be read")
			}
			text := make([]byte, v.size+1) // a line end follows
			if _, err := io.ReadFull(out, text); err != nil {
				return fmt.Errorf("read the history: %w", err)
			}
			if err := each(v, text[:v.size]); err != nil {
				return err
			}
		}
		return nil
	})
}
