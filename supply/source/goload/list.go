package goload

import (
	"bytes"
	"errors"
	"go/build"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/modfile"
)

// Module is the packages below one go.mod, or below none.
type Module struct {
	Dir   string                            // absolute
	Path  string                            // as go.mod says; empty without one
	Lang  string                            // the version of the language, as in go1.26; empty for the newest
	Read  func(file string) ([]byte, error) // a file below Dir, with slashes
	Files map[string][]string               // Go files but tests, by folder below Dir
	Go    Toolchain
	// Remember may give what list gave for the same files of a folder before; nil remembers nothing.
	Remember func(dir string, list func() *Package) *Package
}

// Package is one package as the heads of its files say.
type Package struct {
	Dir     string // below the module, with slashes; "." is the module's own
	Path    string // by which others import it
	Name    string
	Files   []string // that are built here, below the module, with slashes
	Imports []string
	Err     error `json:"-"` // why it does not build; what can be known is there nevertheless
}

// Describe reads go.mod into a module.
func (m *Module) Describe(gomod []byte) {
	f, err := modfile.ParseLax("go.mod", gomod, nil)
	if err != nil || f.Module == nil {
		return
	}
	m.Path = f.Module.Mod.Path
	if f.Go != nil {
		m.Lang = "go" + f.Go.Version
	}
}

// List lists the module's packages, in the order of their folders. A folder of which nothing is built here has none.
func (m *Module) List() []*Package {
	var list []*Package
	for _, dir := range slices.Sorted(maps.Keys(m.Files)) {
		if p := m.known(dir); p != nil {
			list = append(list, p)
		}
	}
	return list
}

// known is the package of a folder, remembered where that is possible.
func (m *Module) known(dir string) *Package {
	if m.Remember == nil {
		return m.one(dir)
	}
	return m.Remember(dir, func() *Package { return m.one(dir) })
}

func (m *Module) one(dir string) *Package {
	p := &Package{Dir: dir, Path: path.Join(m.Path, dir)}
	if m.Path == "" {
		p.Path = "./" + dir // nobody imports it
	}
	b, err := m.context(dir).ImportDir(m.at(dir), 0)
	var none *build.NoGoError
	if errors.As(err, &none) {
		return nil
	}
	p.Name, p.Imports, p.Err = b.Name, b.Imports, err
	for _, name := range slices.Concat(b.GoFiles, b.InvalidGoFiles) {
		if file := path.Join(dir, name); !slices.Contains(p.Files, file) {
			p.Files = append(p.Files, file)
		}
	}
	slices.Sort(p.Files)
	return p
}

// at is where a folder or a file of the module is.
func (m *Module) at(name string) string { return filepath.Join(m.Dir, filepath.FromSlash(name)) }

// context is how the go command sees one folder of the module: through the caller's bytes alone, without cgo.
func (m *Module) context(dir string) *build.Context {
	c := m.Go.context()
	c.IsDir = func(name string) bool { return name == m.at(dir) }
	c.ReadDir = func(string) ([]fs.FileInfo, error) {
		list := make([]fs.FileInfo, len(m.Files[dir]))
		for i, name := range m.Files[dir] {
			list[i] = plainFile(path.Base(name))
		}
		return list, nil
	}
	c.OpenFile = func(name string) (io.ReadCloser, error) {
		rel, err := filepath.Rel(m.Dir, name)
		if err != nil {
			return nil, os.ErrNotExist
		}
		text, err := m.Read(filepath.ToSlash(rel))
		return io.NopCloser(bytes.NewReader(text)), err
	}
	return c
}

// plainFile is a file of which its name is enough.
type plainFile string

// Name and the rest make it an fs.FileInfo.
func (f plainFile) Name() string { return string(f) }

// Size is not asked for.
func (plainFile) Size() int64 { return 0 }

// Mode is that of a plain file.
func (plainFile) Mode() fs.FileMode { return 0o400 }

// ModTime is not asked for.
func (plainFile) ModTime() time.Time { return time.Time{} }

// IsDir is false.
func (plainFile) IsDir() bool { return false }

// Sys is nothing.
func (plainFile) Sys() any { return nil }

// Owns reports whether an import path is one of the module's, there or not.
func (m *Module) Owns(importPath string) bool {
	return m.Path != "" && (importPath == m.Path || strings.HasPrefix(importPath, m.Path+"/"))
}
