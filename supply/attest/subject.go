package attest

import (
	"bufio"
	"context"
	"crypto/sha1" //nolint:gosec // git names its objects by it
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tutela-health/tutela/supply"
	"github.com/tutela-health/tutela/supply/git"
)

// Tree names a tree by the digest of its files (in-toto's dirHash: Go's directory Hash1, in hex), and by
// its commit where every file is byte for byte what that commit has, and no file lacks. Its URI is where
// the repository says that it came from.
func Tree(ctx context.Context, t *supply.Tree) (Resource, error) {
	dir, err := filepath.Abs(t.Dir)
	if err != nil {
		return Resource{}, fmt.Errorf("name the tree: %w", err)
	}
	r := Resource{Name: filepath.Base(dir), Digest: map[string]string{}}
	all := sha256.New()
	blobs := map[string]string{}
	files := slices.SortedFunc(slices.Values(t.Files), func(a, b supply.File) int { return strings.Compare(a.Path, b.Path) })
	for _, f := range files { // in the order of their bytes, which is not the order of folders
		sum, blob, err := digests(f)
		if err != nil {
			return Resource{}, fmt.Errorf("digest %s: %w", f.Path, err)
		}
		blobs[f.Path] = blob
		if !strings.Contains(f.Path, "\n") { // Hash1 takes no such names; they keep the commit from being named too
			fmt.Fprintf(all, "%s  %s\n", sum, f.Path)
		}
	}
	r.Digest["dirHash"] = hex.EncodeToString(all.Sum(nil))
	repo, err := git.Open(t.Dir)
	if err != nil || repo == nil {
		return r, nil //nolint:nilerr // the digest of the files names the tree
	}
	r.URI = Origin(ctx, repo)
	if head := repo.Head(ctx); head != "" && unchanged(ctx, repo, head, blobs, t.Has) {
		r.Digest["gitCommit"] = head
	}
	return r, nil
}

// digests are a file's SHA-256 and its name as an object of git.
func digests(f supply.File) (sum, blob string, err error) {
	r, err := f.Open()
	if err != nil {
		return "", "", err
	}
	defer func() { _ = r.Close() }() // it was only read
	info, err := r.Stat()
	if err != nil {
		return "", "", fmt.Errorf("look at it: %w", err)
	}
	a, b := sha256.New(), gitHash("blob", info.Size())
	if _, err := io.Copy(io.MultiWriter(a, b), r); err != nil {
		return "", "", fmt.Errorf("read it: %w", err)
	}
	return hex.EncodeToString(a.Sum(nil)), hex.EncodeToString(b.Sum(nil)), nil
}

// gitHash begins the digest by which git names an object, in repositories of SHA-1; those of SHA-256 are named by their files alone.
func gitHash(kind string, size int64) hash.Hash {
	h := sha1.New() //nolint:gosec // git's own
	fmt.Fprintf(h, "%s %d\x00", kind, size)
	return h
}

// unchanged reports whether the files of a tree are those of a commit. Links are not read, and count as
// long as they are there; a repository within this one cannot be told and counts as a change.
func unchanged(ctx context.Context, repo *git.Repository, commit string, blobs map[string]string, there func(string) bool) bool {
	same, seen := true, 0
	err := git.Run(repo.Command(ctx, "ls-tree", "-r", "-z", "--full-tree", commit), func(out *bufio.Reader) error {
		for {
			entry, err := out.ReadString(0)
			if err == io.EOF { //nolint:errorlint // a reader's own
				return nil
			}
			if err != nil {
				return fmt.Errorf("read what a commit has: %w", err)
			}
			head, name, _ := strings.Cut(strings.TrimSuffix(entry, "\x00"), "\t")
			words := strings.Fields(head)
			switch {
			case len(words) != 3:
				same = false
			case words[0] == "120000":
				same = same && there(name)
			default:
				seen++
				same = same && words[1] == "blob" && blobs[name] == words[2]
			}
		}
	})
	return err == nil && same && seen == len(blobs)
}

// Files names artifacts by their SHA-256.
func Files(paths ...string) ([]Resource, error) {
	var list []Resource
	for _, p := range paths {
		t, err := supply.OpenTree(p)
		if err != nil {
			return nil, err
		}
		if !t.Alone {
			_ = t.Close() // it was only read
			return nil, fmt.Errorf("%s is no file", p)
		}
		sum, _, err := digests(t.Files[0])
		_ = t.Close() // it was only read
		if err != nil {
			return nil, fmt.Errorf("digest %s: %w", p, err)
		}
		list = append(list, Resource{Name: filepath.Base(p), Digest: map[string]string{"sha256": sum}})
	}
	slices.SortFunc(list, func(a, b Resource) int { return strings.Compare(a.Name, b.Name) })
	return list, nil
}
