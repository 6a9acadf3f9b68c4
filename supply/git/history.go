package git

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// Limits on what is read of commits.
const (
	maxCommits = 50_000
	maxObject  = 8 << 20 // bytes
)

// Resolve gives the commit that a name stands for; an error where there is none.
func (r *Repository) Resolve(ctx context.Context, name string) (string, error) {
	id := ""
	err := Lines(r.Command(ctx, "rev-parse", "--verify", "--quiet", "--end-of-options", name+"^{commit}"), func(line string) error { id = line; return nil })
	if err != nil || id == "" {
		return "", fmt.Errorf("%q is no commit of this repository", name)
	}
	return id, nil
}

// LastTag is the nearest tag below a commit; empty where there is none.
func (r *Repository) LastTag(ctx context.Context, commit string) string {
	tag := ""
	_ = Lines(r.Command(ctx, "describe", "--tags", "--abbrev=0", commit), func(line string) error { tag = line; return nil }) // there is none
	return tag
}

// Commit is one, as far as it is told.
type Commit struct {
	ID      string    `json:"id"`
	Author  string    `json:"author"`
	Time    time.Time `json:"time"`
	Subject string    `json:"subject"`
	Body    string    `json:"-"`
	Merge   bool      `json:"merge,omitempty"`
}

// Commits lists what to has and from has not, newest first. An empty from is before the first.
func (r *Repository) Commits(ctx context.Context, from, to string) (list []Commit, err error) {
	args := []string{"rev-list", "--topo-order", to}
	if from != "" {
		args = append(args, "^"+from)
	}
	var ids []string
	err = Lines(r.Command(ctx, args...), func(line string) error {
		if ids = append(ids, line); len(ids) > maxCommits {
			return fmt.Errorf("there are more than %d commits", maxCommits)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	err = r.Objects(ctx, ids, func(i int, text []byte) error {
		list = append(list, parseCommit(ids[i], string(text)))
		return nil
	})
	return list, err
}

// parseCommit reads a commit as git keeps it (gitformat-commit): headers, an empty line, the message.
func parseCommit(id, text string) Commit {
	c := Commit{ID: id}
	head, message, _ := strings.Cut(strings.ToValidUTF8(text, "\uFFFD"), "\n\n")
	parents := 0
	for line := range strings.Lines(head) {
		key, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		switch key {
		case "parent":
			parents++
		case "author":
			name, rest, _ := strings.Cut(value, " <")
			c.Author = name
			if _, at, ok := strings.Cut(rest, "> "); ok {
				seconds, _, _ := strings.Cut(at, " ")
				if n, err := strconv.ParseInt(seconds, 10, 64); err == nil {
					c.Time = time.Unix(n, 0).UTC()
				}
			}
		}
	}
	c.Merge = parents > 1
	c.Subject, c.Body, _ = strings.Cut(strings.TrimLeft(message, "\n"), "\n")
	return c
}

// Objects gives the content of objects in turn, each of at most 8 MiB.
func (r *Repository) Objects(ctx context.Context, ids []string, each func(i int, text []byte) error) error {
	cmd := r.Command(ctx, "cat-file", "--batch=%(objectsize)", "--buffer")
	cmd.Stdin = strings.NewReader(strings.Join(ids, "\n") + "\n")
	if len(ids) == 0 {
		return nil
	}
	return Run(cmd, func(out *bufio.Reader) error {
		for i := range ids {
			head, err := out.ReadString('\n')
			if err != nil {
				return fmt.Errorf("read the history: %w", err)
			}
			size, err := strconv.ParseInt(strings.TrimSpace(head), 10, 64)
			if err != nil || size < 0 || size > maxObject {
				return errors.New("an object of the history is not there, or too large")
			}
			text := make([]byte, size+1) // a line end follows
			if _, err := io.ReadFull(out, text); err != nil {
				return fmt.Errorf("read the history: %w", err)
			}
			if err := each(i, text[:size]); err != nil {
				return err
			}
		}
		return nil
	})
}

// Entry is one file of a commit.
type Entry struct {
	Path, ID string
}

// List gives the plain files of a commit.
func (r *Repository) List(ctx context.Context, commit string, each func(Entry)) error {
	return Run(r.Command(ctx, "ls-tree", "-r", "-z", "--full-tree", commit), func(out *bufio.Reader) error {
		for {
			entry, err := name(out)
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return err
			}
			head, path, _ := strings.Cut(entry, "\t")
			if words := strings.Fields(head); len(words) == 3 && words[1] == "blob" && strings.HasPrefix(words[0], "100") {
				each(Entry{path, words[2]})
			}
		}
	})
}

// Changed counts the files that differ between two commits, and their lines; binary files have none.
func (r *Repository) Changed(ctx context.Context, from, to string) (files, added, removed int, err error) {
	err = Lines(r.Command(ctx, "diff-tree", "-r", "--numstat", "--no-renames", "--no-ext-diff", "--no-textconv", from, to), func(line string) error {
		words := strings.SplitN(line, "\t", 3)
		if len(words) != 3 {
			return nil
		}
		files++
		for i, sum := range []*int{&added, &removed} {
			if n, err := strconv.Atoi(words[i]); err == nil {
				*sum += n
			}
		}
		return nil
	})
	return files, added, removed, err
}
