package supply

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Limits on what is read of a tree that nobody vouches for.
const (
	maxFile  = 8 << 20   // bytes of a file that scanners look into; lock files are all smaller
	maxFiles = 1_000_000 // entries of a tree
	maxDepth = 128       // folders within folders
)

// Tree is a folder that is read and never trusted: links are not followed, nothing outside is
// reached (os.Root), and what is no plain file is left alone. Close must be called.
type Tree struct {
	root   *os.Root
	out    []func(path string) bool // what LeaveOut was told
	listed time.Time                // before its files were
	cache  *Cache                   // knows the sums of files that did not change; may be nil
	Dir    string
	Files  []File   // in the order of their paths
	Left   []string // what is left out on purpose, and why
	Alone  bool     // one file was named, and no folder
	Failed []string // what is there and cannot be looked into, and why
}

// File is one plain file of a Tree.
type File struct {
	Path string // below the tree, with slashes
	Size int64

	tree  *Tree
	stamp stamp // as it was listed
}

// OpenTree lists a folder, or the one file that is named.
func OpenTree(dir string) (*Tree, error) {
	info, err := os.Stat(dir)
	if err != nil {
		return nil, fmt.Errorf("open what is to be scanned: %w", err)
	}
	only := ""
	if !info.IsDir() {
		i := strings.LastIndexByte(dir, os.PathSeparator)
		dir, only = dir[:i+1], dir[i+1:]
		if dir == "" {
			dir = "."
		}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open what is to be scanned: %w", err)
	}
	t := &Tree{root: root, Dir: dir, listed: time.Now()}
	if only != "" {
		t.Alone = true
		t.Files = []File{{Path: only, Size: info.Size(), tree: t}}
		return t, nil
	}
	if err := t.list(); err != nil {
		return nil, errors.Join(err, root.Close())
	}
	return t, nil
}

// Close gives the folder back.
func (t *Tree) Close() error { return t.root.Close() }

// FS gives the tree as a file system, for what reads by name.
func (t *Tree) FS() fs.FS { return bounded{t} }

// bounded is a tree whose files are plain and no larger than scanners take, whatever they are asked by.
type bounded struct{ tree *Tree }

// Open opens a plain file or a folder.
func (b bounded) Open(name string) (fs.File, error) {
	f, err := b.tree.open(name)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.IsDir() && !info.Mode().IsRegular() {
		err = &fs.PathError{Op: "open", Path: name, Err: errNotPlain}
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// ReadFile reads a plain file, or gives ErrTooLarge.
func (b bounded) ReadFile(name string) ([]byte, error) { return File{Path: name, tree: b.tree}.Read() }

// errNotPlain says that something can be opened and is no file: a pipe would be waited for.
var errNotPlain = errors.New("no plain file")

// open does not wait for the other end of a pipe.
func (t *Tree) open(name string) (*os.File, error) {
	return t.root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
}

// Named lists the files whose base name is one of names.
func (t *Tree) Named(names ...string) []File {
	var list []File
	for _, f := range t.Files {
		if slices.Contains(names, path.Base(f.Path)) {
			list = append(list, f)
		}
	}
	return list
}

var errTooMany = errors.New("there are more files than a scan takes; scan a part of it")

func (t *Tree) list() error {
	return fs.WalkDir(t.root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			t.fail(name, "cannot be read")
			return skipFolder(d)
		case d.IsDir():
			return t.enter(name)
		case !d.Type().IsRegular():
			if d.Type()&fs.ModeSymlink == 0 {
				t.fail(name, "is no plain file")
			}
			return nil // what a link leads to is in the tree under its own name, or none of our business
		case len(t.Files) >= maxFiles:
			return errTooMany
		}
		info, err := d.Info()
		if err != nil {
			t.fail(name, "cannot be read")
			return nil
		}
		t.Files = append(t.Files, File{Path: name, Size: info.Size(), tree: t, stamp: stampOf(info)})
		return nil
	})
}

func skipFolder(d fs.DirEntry) error {
	if d != nil && d.IsDir() {
		return fs.SkipDir
	}
	return nil
}

// enter says whether a folder is walked.
func (t *Tree) enter(name string) error {
	switch base := path.Base(name); {
	case name == ".":
		return nil
	case base == ".git":
		return fs.SkipDir // its history is looked into as history
	case installed(base):
		t.Left = append(t.Left, name+": installed packages, whose lock file is checked instead")
		return fs.SkipDir
	case strings.Count(name, "/") >= maxDepth:
		t.fail(name, "is nested too deep")
		return fs.SkipDir
	}
	return nil
}

// installed reports whether a folder of this name is made by a package manager.
func installed(base string) bool {
	switch base {
	case "node_modules", "bower_components", ".venv", "venv", "site-packages", "__pycache__", ".tox", ".gradle", ".terraform", ".bundle":
		return true
	}
	return false
}

func (t *Tree) fail(name, why string) { t.Failed = append(t.Failed, name+": "+why) }

// LeavesOut reports whether a path would not be looked into if it were there, for those who read paths
// elsewhere, such as in the history.
func (t *Tree) LeavesOut(path string) bool {
	return slices.ContainsFunc(strings.Split(path, "/"), installed) || slices.ContainsFunc(t.out, func(out func(string) bool) bool { return out(path) })
}

// LeaveOut takes files out that are not to be looked into, and says why.
func (t *Tree) LeaveOut(out func(path string) bool, why string) {
	t.out = append(t.out, out)
	before := len(t.Files)
	t.Files = slices.DeleteFunc(t.Files, func(f File) bool { return out(f.Path) })
	if n := before - len(t.Files); n > 0 {
		t.Left = append(t.Left, fmt.Sprintf("%d files: %s", n, why))
	}
}

// Keep leaves only those files, and those failures, whose path keep lets through, and says why the others are
// not there. Unlike LeaveOut it says nothing of paths elsewhere.
func (t *Tree) Keep(keep func(path string) bool, why string) {
	before := len(t.Files)
	t.Files = slices.DeleteFunc(t.Files, func(f File) bool { return !keep(f.Path) })
	t.Failed = slices.DeleteFunc(t.Failed, func(failed string) bool {
		name, _, _ := strings.Cut(failed, ": ")
		return !keep(name)
	})
	if n := before - len(t.Files); n > 0 {
		t.Left = append(t.Left, fmt.Sprintf("%d files: %s", n, why))
	}
}

// Has reports whether something of this name is there, a link included.
func (t *Tree) Has(name string) bool {
	_, err := t.root.Lstat(name)
	return err == nil
}

// ErrTooLarge says that a file is larger than scanners look into.
var ErrTooLarge = fmt.Errorf("larger than %d MiB", maxFile>>20)

// Read gives the whole file, or ErrTooLarge.
func (f File) Read() ([]byte, error) { return f.ReadUpTo(maxFile) }

// ReadUpTo gives the whole file when it has at most limit bytes, or ErrTooLarge.
func (f File) ReadUpTo(limit int64) ([]byte, error) {
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(r, limit+1))
	err = errors.Join(err, r.Close())
	if err == nil && int64(len(text)) > limit {
		err = ErrTooLarge
	}
	if err != nil {
		return nil, err
	}
	return text, nil
}

// Open opens the file. A link that took its place since it was listed is not followed out of the tree.
func (f File) Open() (*os.File, error) {
	r, err := f.tree.open(f.Path)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", f.Path, err)
	}
	info, err := r.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("open %s: %w", f.Path, errNotPlain)
	}
	if err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}
