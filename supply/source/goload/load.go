package goload

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"slices"
	"sync"

	"golang.org/x/tools/go/gcexportdata"
	"golang.org/x/tools/go/packages"
)

// maxErrors bounds what is kept of what does not build in one package.
const maxErrors = 1000

// Loader gives packages of one module with their types.
type Loader struct {
	module  *Module
	exports Exports
	listed  map[string]*Package // by import path
	fset    *token.FileSet

	mu      sync.Mutex                // guards what follows
	own     map[string]*declared      // packages of the module, without bodies
	foreign map[string]*types.Package // of others
}

// declared is a package of the module as those see it that import it.
type declared struct {
	types  *types.Package
	broken error
}

// NewLoader is a loader over what a module lists. Exports gets what is needed of other modules.
func NewLoader(m *Module, listed []*Package, exports Exports) *Loader {
	l := &Loader{module: m, exports: exports, listed: map[string]*Package{}, fset: token.NewFileSet(), own: map[string]*declared{}, foreign: map[string]*types.Package{}}
	for _, p := range listed {
		l.listed[p.Path] = p
	}
	return l
}

// Prepare fetches what packages, and those of the module that they import, need of others.
func (l *Loader) Prepare(ctx context.Context, list []*Package) error {
	var foreign []string
	seen := map[string]bool{}
	next := slices.Clone(list)
	for len(next) > 0 {
		p := next[len(next)-1]
		next = next[:len(next)-1]
		for _, i := range p.Imports {
			if seen[i] {
				continue
			}
			seen[i] = true
			if own := l.listed[i]; own != nil {
				next = append(next, own)
			} else {
				foreign = append(foreign, i)
			}
		}
	}
	return l.exports.Add(ctx, l.module, foreign)
}

// Load type-checks a package as a whole. What does not build is among its Errors, and looked at as far as it goes. Safe
// for concurrent use after Prepare.
func (l *Loader) Load(p *Package) *packages.Package {
	out := &packages.Package{
		ID: p.Path, Name: p.Name, PkgPath: p.Path, Fset: l.fset, TypesSizes: l.sizes(),
		TypesInfo: &types.Info{
			Types: map[ast.Expr]types.TypeAndValue{}, Defs: map[*ast.Ident]types.Object{}, Uses: map[*ast.Ident]types.Object{},
			Implicits: map[ast.Node]types.Object{}, Instances: map[*ast.Ident]types.Instance{}, Scopes: map[ast.Node]*types.Scope{},
			Selections: map[*ast.SelectorExpr]*types.Selection{}, FileVersions: map[*ast.File]string{},
		},
	}
	fail := func(err error) {
		if len(out.Errors) < maxErrors {
			out.Errors = append(out.Errors, packages.Error{Msg: err.Error(), Kind: packages.TypeError})
		}
	}
	if p.Err != nil {
		fail(p.Err)
	}
	for _, name := range p.Files {
		out.GoFiles = append(out.GoFiles, l.module.at(name))
		tree, err := l.parse(name, parser.AllErrors|parser.ParseComments)
		if err != nil {
			fail(err)
		}
		if tree != nil {
			out.Syntax = append(out.Syntax, tree)
		}
	}
	out.CompiledGoFiles = out.GoFiles
	out.Types, _ = l.config(importer{l, fail, false}, false, fail).Check(p.Path, l.fset, out.Syntax, out.TypesInfo) // its errors went to fail
	out.IllTyped = len(out.Errors) > 0
	return out
}

func (l *Loader) sizes() types.Sizes { return types.SizesFor("gc", l.module.Go.Arch) }

func (l *Loader) config(i types.Importer, outside bool, fail func(error)) *types.Config {
	return &types.Config{
		Importer: i, Error: fail, IgnoreFuncBodies: outside, Sizes: l.sizes(), GoVersion: l.module.Lang,
	}
}

func (l *Loader) parse(name string, mode parser.Mode) (*ast.File, error) {
	text, err := l.module.Read(name)
	if err != nil {
		return nil, err
	}
	tree, err := parser.ParseFile(l.fset, l.module.at(name), text, mode)
	if err != nil {
		return tree, fmt.Errorf("parse %s: %w", name, err)
	}
	return tree, nil
}

// importer finds packages for the one that is checked, and tells what is wrong with them.
type importer struct {
	loader *Loader
	fail   func(error)
	held   bool // who asks holds the loader's mu already
}

// Import gives a package as others see it.
func (i importer) Import(path string) (*types.Package, error) {
	if path == "unsafe" {
		return types.Unsafe, nil
	}
	l := i.loader
	if !i.held {
		l.mu.Lock()
		defer l.mu.Unlock()
	}
	p := l.listed[path]
	if p == nil || !l.module.Owns(path) {
		return l.read(path)
	}
	d := l.declare(p)
	if d.broken != nil {
		i.fail(fmt.Errorf("it imports %s: %w", path, d.broken))
	}
	return d.types, nil
}

var errCycle = errors.New("packages import each other in a circle")

// declare checks what a package of the module declares, once. It needs mu.
func (l *Loader) declare(p *Package) *declared {
	if d := l.own[p.Path]; d != nil {
		return d
	}
	d := &declared{types: types.NewPackage(p.Path, p.Name), broken: errCycle} // whoever asks while it is worked out
	l.own[p.Path] = d
	broken := p.Err
	fail := func(err error) {
		if broken == nil {
			broken = err
		}
	}
	var files []*ast.File
	for _, name := range p.Files {
		tree, err := l.parse(name, parser.SkipObjectResolution)
		if err != nil {
			fail(err)
		}
		if tree != nil {
			withoutBodies(tree)
			files = append(files, tree)
		}
	}
	d.types, _ = l.config(importer{l, fail, true}, true, fail).Check(p.Path, l.fset, files, nil) // its errors went to fail
	d.broken = broken
	return d
}

// withoutBodies takes away what others do not see of functions, so that it can be forgotten.
func withoutBodies(tree *ast.File) {
	for _, d := range tree.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Body != nil {
			f.Body = &ast.BlockStmt{Lbrace: f.Body.Lbrace, Rbrace: f.Body.Rbrace}
		}
	}
}

// read reads what the go command has compiled. It needs mu.
func (l *Loader) read(path string) (*types.Package, error) {
	if p := l.foreign[path]; p != nil && p.Complete() {
		return p, nil
	}
	file := l.exports[path]
	if file == "" {
		return nil, fmt.Errorf("%s is not there, or does not build without a network", path)
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("read what %s declares: %w", path, err)
	}
	defer func() { _ = f.Close() }() // it was only read
	r, err := gcexportdata.NewReader(f)
	if err != nil {
		return nil, fmt.Errorf("read what %s declares: %w", path, err)
	}
	return gcexportdata.Read(r, l.fset, l.foreign, path)
}
