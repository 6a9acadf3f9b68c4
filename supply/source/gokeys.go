package source

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"go/ast"
	"go/parser"
	"go/printer"
	"go/token"
	"hash"
	"maps"
	"path"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/tools/go/packages"
)

// goVersion changes whenever the same source would give other findings: with gosec, and with what we make of it.
const goVersion = "gosec 2.30.0, 2"

// listMode says what packages consist of, without looking into them.
const listMode = packages.NeedName | packages.NeedFiles | packages.NeedCompiledGoFiles | packages.NeedImports

// goKeys names packages by all that findings in them depend on: their files, and what they see of the
// packages that they import, which is everything but the bodies of functions.
type goKeys struct {
	scan   *goScan
	base   string // of the module
	listed map[string]*packages.Package
	seen   map[string]string // by package: what others see of it
}

// keys gives the keys of a module's packages by their ids. A package without a key is not remembered.
func (g *goScan) keys(m goModule, listed []*packages.Package) map[string]string {
	if g.cache == nil {
		return nil
	}
	k := &goKeys{scan: g, base: g.base(m), listed: map[string]*packages.Package{}, seen: map[string]string{}}
	for _, p := range listed {
		k.listed[p.PkgPath] = p
	}
	keys := map[string]string{}
	for _, p := range listed {
		if key, ok := k.whole(p); ok {
			keys[p.ID] = key
		}
	}
	return keys
}

// base is what all packages of a module depend on: Go, the modules' versions, and what is vendored or
// replaced by other folders of the tree.
func (g *goScan) base(m goModule) string {
	h := sha256.New()
	fmt.Fprintf(h, "%s\x00%s\x00%s/%s\x00", goVersion, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	near := false
	for _, f := range g.tree.Files {
		if dir, name := path.Split(f.Path); path.Clean(dir) != m.root || name != "go.mod" && name != "go.sum" {
			continue
		}
		text, err := f.Read()
		if err != nil {
			return "" // nothing is remembered
		}
		near = near || bytes.Contains(text, []byte("=> ."))
		fmt.Fprintf(h, "%x", sha256.Sum256(text))
	}
	for _, f := range g.tree.Files {
		vendored := strings.HasPrefix(path.Join("/", f.Path), path.Join("/", m.root, "vendor")+"/")
		if !strings.HasSuffix(f.Path, ".go") && path.Base(f.Path) != "modules.txt" || !vendored && !near {
			continue
		}
		text, err := f.Read()
		if err != nil {
			return ""
		}
		fmt.Fprintf(h, "%s\x00%x", f.Path, sha256.Sum256(text))
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}

// whole is the key of a package.
func (k *goKeys) whole(p *packages.Package) (string, bool) {
	if k.base == "" || len(p.CompiledGoFiles) == 0 || len(p.Errors) > 0 {
		return "", false
	}
	h := sha256.New()
	fmt.Fprintf(h, "go\x00%s\x00%s\x00", k.base, p.ID)
	for _, name := range slices.Sorted(slices.Values(p.CompiledGoFiles)) {
		below := k.scan.below(name)
		file, ok := k.scan.files[below]
		if !ok {
			return "", false
		}
		text, err := file.Read()
		if err != nil {
			return "", false
		}
		fmt.Fprintf(h, "%s\x00%x", below, sha256.Sum256(text))
	}
	k.imports(h, p)
	return fmt.Sprintf("%x", h.Sum(nil)), true
}

// imports adds what a package sees of others.
func (k *goKeys) imports(h hash.Hash, p *packages.Package) {
	for _, name := range slices.Sorted(maps.Keys(p.Imports)) {
		fmt.Fprintf(h, "%s\x00%s\x00", name, k.outside(k.listed[p.Imports[name].PkgPath]))
	}
}

// outside digests what others see of a package of the module; of other modules the base says enough.
func (k *goKeys) outside(p *packages.Package) string {
	if p == nil {
		return ""
	}
	if sum, known := k.seen[p.PkgPath]; known {
		return sum // of a cycle, which does not build, too
	}
	k.seen[p.PkgPath] = ""
	h := sha256.New()
	k.declarations(h, p)
	k.imports(h, p)
	k.seen[p.PkgPath] = fmt.Sprintf("%x", h.Sum(nil))
	return k.seen[p.PkgPath]
}

// declarations digests a package's files without comments, the bodies of functions, and functions of its own that
// nothing declared there mentions; a file that is no Go counts as a whole.
func (k *goKeys) declarations(h hash.Hash, p *packages.Package) {
	fset := token.NewFileSet()
	var files []*ast.File
	for _, name := range slices.Sorted(slices.Values(p.CompiledGoFiles)) {
		text, err := k.scan.files[k.scan.below(name)].Read()
		if err != nil {
			continue // then the package has no key, and what imports it sees the same
		}
		tree, err := parser.ParseFile(fset, "", text, parser.SkipObjectResolution)
		if err != nil {
			h.Write(text)
			continue
		}
		files = append(files, tree)
	}
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
