package deps

import (
	"go/build/constraint"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"

	"github.com/tutela-health/tutela/supply"
	"github.com/tutela-health/tutela/supply/deps/osv"
)

// Limits on how far imports are followed.
const (
	maxImported = 20_000  // packages
	maxSource   = 4 << 20 // bytes of one file that is read for its imports
)

// reach knows which Go packages a tree imports, itself or by what it imports. It looks at packages and
// not at calls: what is imported may be called, and what is not imported is not in the program.
type reach struct {
	tree    *supply.Tree
	cache   string // the module cache; empty where there is none
	modules map[string]*imported
}

// imported is what one module of the tree imports.
type imported struct {
	paths map[string]bool
	whole bool // everything was followed to its end: what is not in paths is not in the program
}

func newReach(t *supply.Tree) *reach {
	return &reach{tree: t, cache: moduleCache(), modules: map[string]*imported{}}
}

// moduleCache is where the go command keeps sources (go help environment); it may not be there.
func moduleCache() string {
	if dir := os.Getenv("GOMODCACHE"); dir != "" {
		return dir
	}
	gopath, _, _ := strings.Cut(os.Getenv("GOPATH"), string(os.PathListSeparator))
	if gopath == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return ""
		}
		gopath = filepath.Join(home, "go")
	}
	return filepath.Join(gopath, "pkg", "mod")
}

// judge says whether a fault's packages are imported, where the advisories name packages. One that is not in
// the program is of low severity.
func (r *reach) judge(out *supply.Finding, f fault) {
	wanted := vulnerable(f.advisories)
	if len(wanted) == 0 || path.Base(out.Place.Path) != "go.mod" {
		return
	}
	m := r.module(out.Place.Path)
	for _, w := range wanted {
		if m.paths[w] {
			yes := true
			out.Reachable = &yes
			out.Message += "; " + w + " is imported"
			return
		}
	}
	if m.whole && out.Component.Name != "stdlib" { // how the standard library imports itself is not looked at
		no := false
		out.Reachable, out.Severity = &no, min(out.Severity, supply.Low)
		out.Message += "; nothing imports the package at fault"
	}
}

// vulnerable are the packages at fault; none where one of the advisories does not say which.
func vulnerable(list []osv.Advisory) (paths []string) {
	for _, a := range list {
		for _, f := range a.Affected {
			if len(f.Imports) == 0 && rank(a.ID) == rank("GO-") {
				return nil
			}
			for _, i := range f.Imports {
				paths = append(paths, i.Path)
			}
		}
	}
	return paths
}

// module follows the imports of the module of a go.mod, once.
func (r *reach) module(gomod string) *imported {
	if m := r.modules[gomod]; m != nil {
		return m
	}
	m := &imported{paths: map[string]bool{}}
	r.modules[gomod] = m
	text, err := fs.ReadFile(r.tree.FS(), gomod)
	if err != nil {
		return m
	}
	mod, err := modfile.Parse(gomod, text, nil)
	if err != nil || mod.Module == nil {
		return m
	}
	m.whole = true
	w := walk{reach: r, mod: mod, dir: path.Dir(gomod), imported: m}
	w.own()
	m.whole = m.whole && len(w.queue) > 0 // without sources here there is nothing to tell by
	w.follow()
	return m
}

// walk is the following of one module's imports.
type walk struct {
	*imported
	reach *reach
	mod   *modfile.File
	dir   string
	queue []string // what was imported and not looked into yet
}

// own takes the imports of the module's own files, tests too.
func (w *walk) own() {
	nested := map[string]bool{}
	for _, f := range w.reach.tree.Named("go.mod") {
		nested[path.Dir(f.Path)] = true
	}
	for _, f := range w.reach.tree.Files {
		if path.Ext(f.Path) != ".go" || home(nested, f.Path) != w.dir || strings.Contains("/"+f.Path, "/vendor/") {
			continue
		}
		text, err := f.ReadUpTo(maxSource)
		if err != nil {
			w.whole = false
			continue
		}
		w.add(text)
	}
}

// home is the folder of the module that a file belongs to.
func home(modules map[string]bool, file string) string {
	for dir := path.Dir(file); ; dir = path.Dir(dir) {
		if modules[dir] || dir == "." {
			return dir
		}
	}
}

// add takes the imports of one file, whatever system it is built for; what "ignore" leaves out is run by hand.
func (w *walk) add(text []byte) {
	if ignored(text) {
		return
	}
	f, err := parser.ParseFile(token.NewFileSet(), "", text, parser.ImportsOnly|parser.ParseComments)
	if err != nil {
		w.whole = false
	}
	if f == nil {
		return
	}
	for _, i := range f.Imports {
		p, err := strconv.Unquote(i.Path.Value)
		if err == nil && p != "" && !w.paths[p] {
			w.paths[p] = true
			w.queue = append(w.queue, p)
		}
	}
}

// ignored reports whether a file is built only where somebody asks for the tag "ignore".
func ignored(text []byte) bool {
	for line := range strings.Lines(string(text[:min(len(text), 4096)])) {
		if strings.HasPrefix(line, "package ") {
			return false
		}
		if constraint.IsGoBuild(strings.TrimSpace(line)) {
			x, err := constraint.Parse(strings.TrimSpace(line))
			return err == nil && !x.Eval(func(tag string) bool { return tag != "ignore" })
		}
	}
	return false
}

// follow takes the imports of what was imported, as far as its source is there.
func (w *walk) follow() {
	for len(w.queue) > 0 {
		p := w.queue[0]
		w.queue = w.queue[1:]
		if len(w.paths) > maxImported {
			w.whole = false
			return
		}
		if first, _, _ := strings.Cut(p, "/"); !strings.Contains(first, ".") || within(p, w.mod.Module.Mod.Path) {
			continue // the standard library's, or the tree's own
		}
		if !w.vendored(p) && !w.cached(p) {
			w.whole = false
		}
	}
}

// vendored reads a package in the vendor folder.
func (w *walk) vendored(p string) bool {
	dir := path.Join(w.dir, "vendor", p)
	entries, err := fs.ReadDir(w.reach.tree.FS(), dir)
	if err != nil {
		return false
	}
	return w.folder(entries, func(name string) ([]byte, error) { return fs.ReadFile(w.reach.tree.FS(), path.Join(dir, name)) })
}

// cached reads a package in the module cache, of the module that go.mod takes it from.
func (w *walk) cached(p string) bool {
	if w.reach.cache == "" {
		return false
	}
	found := false
	for _, r := range w.mod.Require {
		if !within(p, r.Mod.Path) {
			continue
		}
		mod := w.replaced(r.Mod)
		at, err := module.EscapePath(mod.Path)
		version, err2 := module.EscapeVersion(mod.Version)
		if err != nil || err2 != nil {
			return false
		}
		dir := filepath.Join(w.reach.cache, filepath.FromSlash(at)+"@"+version, filepath.FromSlash(strings.TrimPrefix(p, r.Mod.Path)))
		entries, err := os.ReadDir(dir)
		if err == nil {
			found = w.folder(entries, func(name string) ([]byte, error) { return os.ReadFile(filepath.Join(dir, name)) }) || found
		}
	}
	return found
}

func (w *walk) replaced(v module.Version) module.Version {
	for _, r := range w.mod.Replace {
		if r.Old.Path == v.Path && (r.Old.Version == "" || r.Old.Version == v.Version) {
			return r.New
		}
	}
	return v
}

// folder takes the imports of a package's files; those of its tests are not in the program.
func (w *walk) folder(entries []fs.DirEntry, read func(string) ([]byte, error)) bool {
	files := slices.DeleteFunc(entries, func(e fs.DirEntry) bool {
		return !e.Type().IsRegular() || path.Ext(e.Name()) != ".go" || strings.HasSuffix(e.Name(), "_test.go")
	})
	for _, e := range files {
		if info, err := e.Info(); err != nil || info.Size() > maxSource {
			w.whole = false
			continue
		}
		text, err := read(e.Name())
		if err != nil {
			w.whole = false
			continue
		}
		w.add(text)
	}
	return len(files) > 0
}

// within reports whether a package belongs to a module of this path.
func within(pkg, module string) bool { return pkg == module || strings.HasPrefix(pkg, module+"/") }
