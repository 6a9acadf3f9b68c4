package source

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/printer"
	"go/token"
	"hash"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"

	"github.com/tutela-health/tutela/supply"
	"github.com/tutela-health/tutela/supply/source/goload"
)

// goVersion changes whenever the same source would give other findings: with gosec, and with what we make of it.
const goVersion = "gosec 2.30.0, 5"

// goKeys name a module's packages by all that findings in them depend on: their files, and what they see of the
// packages that they import, which is everything but the bodies of functions. A package without a key is not remembered.
type goKeys struct {
	of   map[string]string // by package
	base string            // of the module
}

// goKeyMaker works keys out.
type goKeyMaker struct {
	scan   *goScan
	root   string
	base   string
	listed map[string]*goload.Package
	seen   map[string]string // by package: what others see of it
}

// keys gives the keys of a module's packages.
func (g *goScan) keys(m goModule, from *goload.Module, listed []*goload.Package) goKeys {
	keys := goKeys{of: map[string]string{}}
	if g.cache == nil {
		return keys
	}
	keys.base = g.base(m, from.Path)
	k := &goKeyMaker{scan: g, root: m.root, base: keys.base, listed: map[string]*goload.Package{}, seen: map[string]string{}}
	for _, p := range listed {
		if from.Owns(p.Path) {
			k.listed[p.Path] = p
		}
	}
	for _, p := range listed {
		if key, ok := k.whole(p); ok {
			keys.of[p.Path] = key
		}
	}
	return keys
}

// exports are what the last scan knew of other modules.
func (g *goScan) exports(m goModule, keys goKeys) goload.Exports {
	known := goload.Exports{}
	if text, ok := g.cache.Noted(supply.Source, exportsName(m, keys)); ok && keys.base != "" {
		_ = json.Unmarshal([]byte(text), &known) // what cannot be read is asked for again
	}
	return known
}

func (g *goScan) keepExports(m goModule, keys goKeys, lasting goload.Exports) {
	if text, err := json.Marshal(lasting); err == nil && keys.base != "" {
		g.cache.Note(supply.Source, exportsName(m, keys), string(text))
	}
}

func exportsName(m goModule, keys goKeys) string { return "exports " + m.root + " " + keys.base }

// base is what all packages of a module depend on: Go, the modules' versions, and what is vendored or replaced by
// other folders of the tree. It is empty where that cannot be told: then nothing is remembered.
func (g *goScan) base(m goModule, module string) string {
	h := sha256.New()
	fmt.Fprintf(h, "%s\x00%s\x00%s\x00", goVersion, runtime.Version(), g.tools)
	beside := beside{vendored: path.Join(m.root, "vendor")}
	for _, f := range g.tree.Files {
		if dir, name := path.Split(f.Path); path.Clean(dir) != m.root || name != "go.mod" && name != "go.sum" {
			continue
		}
		text, err := f.Read()
		if err != nil || path.Base(f.Path) == "go.mod" && !beside.replacing(m.root, text) {
			return ""
		}
		fmt.Fprintf(h, "%x", sha256.Sum256(text))
	}
	if g.anyMentions(beside, module) {
		beside.folders = []string{"."} // what is replaced uses the module itself, hence anything may matter
	}
	for _, f := range g.tree.Files {
		if !beside.matters(f.Path) {
			continue
		}
		sum, err := f.Sum()
		if err != nil {
			return ""
		}
		fmt.Fprintf(h, "%s\x00%s", f.Path, sum)
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}

// anyMentions reports whether a file that replaces a module mentions another, as an import would.
func (g *goScan) anyMentions(b beside, module string) bool {
	for _, f := range g.tree.Files {
		if module == "" || !b.replaces(f.Path) {
			continue
		}
		if text, err := f.Read(); err != nil || bytes.Contains(text, []byte(`"`+module)) {
			return true
		}
	}
	return false
}

// beside is where files of the tree lie that stand for other modules.
type beside struct {
	vendored string   // the folder of what is vendored
	folders  []string // by which go.mod replaces modules
}

// replacing reads the folders by which go.mod replaces modules. It is false where one of them is not in the tree: nobody
// would see it change. One that does not parse builds nothing, so that whatever is near may matter.
func (b *beside) replacing(root string, gomod []byte) bool {
	f, err := modfile.Parse("go.mod", gomod, nil)
	if err != nil {
		b.folders = []string{"."}
		return true
	}
	for _, r := range f.Replace {
		if r.New.Version != "" {
			continue
		}
		folder := path.Join(root, filepath.ToSlash(r.New.Path))
		if path.IsAbs(r.New.Path) || !filepath.IsLocal(folder) {
			return false
		}
		b.folders = append(b.folders, folder)
	}
	return true
}

// replaces reports whether a file is source of what replaces a module.
func (b beside) replaces(name string) bool {
	return (strings.HasSuffix(name, ".go") || path.Base(name) == "go.mod") && slices.ContainsFunc(b.folders, func(dir string) bool { return within(dir, name) })
}

// matters reports whether a file says something about other modules.
func (b beside) matters(name string) bool {
	vendored := within(b.vendored, name) && (strings.HasSuffix(name, ".go") || path.Base(name) == "modules.txt")
	return vendored || b.replaces(name)
}

// within reports whether a file lies in a folder of the tree, or below.
func within(dir, name string) bool { return dir == "." || strings.HasPrefix(name, dir+"/") }

// whole is the key of a package.
func (k *goKeyMaker) whole(p *goload.Package) (string, bool) {
	if k.base == "" || len(p.Files) == 0 || p.Err != nil {
		return "", false
	}
	h := sha256.New()
	fmt.Fprintf(h, "go\x00%s\x00%s\x00", k.base, p.Path)
	sums, ok := k.sums(p)
	if !ok {
		return "", false
	}
	_, _ = h.Write([]byte(sums)) // a hash takes everything
	k.imports(h, p)
	return fmt.Sprintf("%x", h.Sum(nil)), true
}

// sums names a package's files and their bytes.
func (k *goKeyMaker) sums(p *goload.Package) (string, bool) {
	var b strings.Builder
	for _, name := range p.Files {
		sum, err := k.scan.files[path.Join(k.root, name)].Sum()
		if err != nil {
			return "", false
		}
		fmt.Fprintf(&b, "%s\x00%s\x00", path.Join(k.root, name), sum)
	}
	return b.String(), true
}

// imports adds what a package sees of others.
func (k *goKeyMaker) imports(h hash.Hash, p *goload.Package) {
	for _, name := range slices.Sorted(slices.Values(p.Imports)) {
		fmt.Fprintf(h, "%s\x00%s\x00", name, k.outside(k.listed[name]))
	}
}

// outside digests what others see of a package of the module; of other modules the base says enough.
func (k *goKeyMaker) outside(p *goload.Package) string {
	if p == nil {
		return ""
	}
	if sum, known := k.seen[p.Path]; known {
		return sum // of a cycle, which does not build, too
	}
	k.seen[p.Path] = ""
	h := sha256.New()
	fmt.Fprintf(h, "%s\x00%s\x00", p.Name, k.declarations(p))
	k.imports(h, p)
	k.seen[p.Path] = fmt.Sprintf("%x", h.Sum(nil))
	return k.seen[p.Path]
}

// declarations digests what a package declares. It is worked out once for the same files.
func (k *goKeyMaker) declarations(p *goload.Package) string {
	sums, ok := k.sums(p)
	name := "declares " + goVersion + runtime.Version() + sums
	if sum, known := k.scan.cache.Noted(supply.Source, name); known && ok {
		return sum
	}
	h := sha256.New()
	k.digest(h, p)
	sum := fmt.Sprintf("%x", h.Sum(nil)[:16])
	if ok {
		k.scan.cache.Note(supply.Source, name, sum)
	}
	return sum
}

// digest digests a package's files without comments, the bodies of functions, and functions of its own that
// nothing declared there mentions; a file that is no Go counts as a whole.
func (k *goKeyMaker) digest(h hash.Hash, p *goload.Package) {
	fset := token.NewFileSet()
	var files []*ast.File
	for _, name := range p.Files {
		text, err := k.scan.files[path.Join(k.root, name)].Read()
		if err != nil {
			continue // then the package has no key, and what imports it sees the same
		}
		tree, err := parser.ParseFile(fset, "", text, parser.SkipObjectResolution)
		if err != nil {
			_, _ = h.Write(text) // a hash takes everything
			continue
		}
		files = append(files, tree)
	}
	declared(h, fset, files)
}

// declared writes what files declare.
func declared(h hash.Hash, fset *token.FileSet, files []*ast.File) {
	mentioned := map[string]bool{}
	for _, tree := range files {
		for _, d := range tree.Decls {
			if f, ok := d.(*ast.FuncDecl); ok {
				f.Body = nil
			}
			if !private(d) {
				ast.Inspect(d, func(n ast.Node) bool {
					if name, ok := n.(*ast.Ident); ok {
						mentioned[name.Name] = true
					}
					return true
				})
			}
		}
	}
	for _, tree := range files {
		for _, d := range tree.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && private(d) && !mentioned[f.Name.Name] {
				continue
			}
			_ = (&printer.Config{Mode: printer.RawFormat}).Fprint(h, fset, d) // what was parsed can be printed, and a hash takes everything
			_, _ = h.Write([]byte{0})
		}
	}
}

// private reports whether a declaration is a function that other packages cannot name.
func private(d ast.Decl) bool {
	f, ok := d.(*ast.FuncDecl)
	return ok && f.Recv == nil && !f.Name.IsExported()
}
