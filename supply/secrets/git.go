package secrets

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/tutela-health/tutela/supply/git"
)

// Limits on a history.
const (
	maxObjects = 2_000_000
	maxVersion = 8 << 20 // bytes of one version of a file
	patience   = 10 * time.Minute
)

// repository is one whose history is read.
type repository struct{ *git.Repository }

// version is one state of a file in the history.
type version struct {
	id, path, commit string
	size             int64
}

// versions lists every version of every file, each once, with the first commit that has it, and how
// many are named and not there.
func (r repository) versions(ctx context.Context) (list []version, missing int, err error) {
	cmd := r.Command(ctx, "rev-list", "--objects", "--in-commit-order", "--topo-order", "--reverse", "--all")
	commit := ""
	err = git.Lines(cmd, func(line string) error {
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
func (r repository) sized(ctx context.Context, list []version) (files []version, missing int, err error) {
	cmd := r.Command(ctx, "cat-file", "--batch-check=%(objecttype) %(objectsize)", "--buffer")
	cmd.Stdin = ids(list)
	i := 0
	err = git.Lines(cmd, func(line string) error {
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

// contents gives the text of each version in turn.
func (r repository) contents(ctx context.Context, list []version, each func(v version, text []byte) error) error {
	cmd := r.Command(ctx, "cat-file", "--batch=%(objecttype) %(objectsize)", "--buffer")
	cmd.Stdin = ids(list)
	return git.Run(cmd, func(out *bufio.Reader) error {
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
