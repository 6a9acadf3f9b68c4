package git

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
)

// Limits on what git says of a working tree.
const (
	maxListed = 2_000_000 // files
	maxName   = 64 << 10  // bytes of a path
)

// Files are the files of a working tree that git tracks or would: whoever clones the repository gets
// them, or the next commit brings them in.
type Files struct {
	listed map[string]bool
	above  map[string]bool // folders that they lie in
}

func (f Files) add(name string) {
	f.listed[name] = true
	for at := path.Dir(name); at != "." && !f.above[at]; at = path.Dir(at) {
		f.above[at] = true
	}
}

// Has reports whether a path is one of them, a folder of theirs, or lies in a repository within this one.
func (f Files) Has(name string) bool {
	if name == "." || f.above[name] {
		return true
	}
	for at := name; at != "."; at = path.Dir(at) {
		if f.listed[at] {
			return true
		}
	}
	return false
}

// Absent lists what is tracked and not there, by a look at each path; ten at most, and how many there are.
func (f Files) Absent(there func(name string) bool) (some []string, count int) {
	for name := range f.listed {
		if !there(name) {
			some = append(some, name)
		}
	}
	slices.Sort(some)
	return some[:min(len(some), 10)], len(some)
}

// Files asks which files git tracks, and which it does not and no .gitignore of the tree names. What a
// machine ignores by its own settings (core.excludesFile, .git/info/exclude) is not ignored: the answer
// is the same wherever the tree lies.
func (r *Repository) Files(ctx context.Context) (Files, error) {
	cmd := r.command(ctx, "false", "--work-tree="+r.tree, "ls-files", "-z", "--cached", "--others", "--exclude-per-directory=.gitignore")
	cmd.Dir = r.tree
	f := Files{map[string]bool{}, map[string]bool{}}
	err := Run(cmd, func(out *bufio.Reader) error {
		for {
			name, err := name(out)
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return err
			}
			if len(f.listed) >= maxListed {
				return errors.New("git lists more files than a scan takes")
			}
			f.add(strings.TrimSuffix(name, "/")) // a slash ends the name of a repository within this one
		}
	})
	if err != nil {
		return Files{}, fmt.Errorf("ask git for its files: %w", err)
	}
	return f, nil
}

// name reads a path up to the zero byte after it.
func name(out *bufio.Reader) (string, error) {
	var name []byte
	for {
		c, err := out.ReadByte()
		switch {
		case errors.Is(err, io.EOF) && len(name) > 0:
			return "", io.ErrUnexpectedEOF
		case err != nil:
			return "", err
		case c == 0:
			return string(name), nil
		case len(name) >= maxName:
			return "", errors.New("git names a path that is too long")
		}
		name = append(name, c)
	}
}

// Head is the commit that the working tree stands on; empty before the first.
func (r *Repository) Head(ctx context.Context) string {
	id := ""
	_ = Lines(r.Command(ctx, "rev-parse", "--verify", "--quiet", "HEAD^{commit}"), func(line string) error { id = line; return nil }) // no commit yet
	return id
}
