package source

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"log" //nolint:depguard // gosec takes no other kind
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/securego/gosec/v2"
	"github.com/securego/gosec/v2/issue"
	"github.com/securego/gosec/v2/rules"
	"golang.org/x/sync/errgroup"
	"golang.org/x/tools/go/packages"

	"github.com/tutela-health/tutela/supply"
	"github.com/tutela-health/tutela/supply/source/goload"
)

// Go checks Go by gosec. It is a supply.TreeScanner: types reach across files.
type Go struct {
	cache *supply.Cache // what is remembered of packages that did not change; nil remembers nothing
}

// Class is sast.
func (Go) Class() supply.Class { return supply.Source }

// Using gives the scanner that remembers in c.
func (g Go) Using(c *supply.Cache) supply.TreeScanner { return Go{c} }

// goModule is the packages of one module, or of none.
type goModule struct {
	root  string // below the tree
	loose bool   // no go.mod is above them
	dirs  []string
}

// Scan checks every package of the tree but its tests.
func (o Go) Scan(ctx context.Context, t *supply.Tree) (supply.Result, error) {
	g := &goScan{tree: t, cache: o.cache, files: map[string]supply.File{}, mods: map[string]supply.File{}, folders: map[string][]string{}, result: supply.Result{Checked: supply.Checked{Class: supply.Source}}}
	modules := g.modules()
	if len(modules) == 0 {
		return g.result, nil
	}
	if _, err := exec.LookPath("go"); err != nil {
		g.result.Checked.Failed = append(g.result.Checked.Failed, "Go sources: the go command is not installed, and types are not known without it")
		return g.result, nil
	}
	dir, err := filepath.Abs(t.Dir)
	if err != nil {
		return supply.Result{}, fmt.Errorf("find the tree: %w", err)
	}
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		return supply.Result{}, fmt.Errorf("find the tree: %w", err)
	}
	g.dir = dir
	if g.tools, err = goload.Find(ctx, dir); err != nil {
		g.miss(".", "the go command does not answer")
		return g.result, nil
	}
	for _, m := range modules {
		g.module(ctx, m)
		if ctx.Err() != nil {
			return supply.Result{}, ctx.Err()
		}
	}
	return g.result, nil
}

// goScan is one look at a tree.
type goScan struct {
	tree   *supply.Tree
	cache  *supply.Cache
	dir    string // absolute
	tools  goload.Toolchain
	files  map[string]supply.File // Go files but tests
	mods   map[string]supply.File // go.mod
	result supply.Result

	folders map[string][]string // the files of a folder
}

// modules groups the tree's packages by the go.mod nearest above them.
func (g *goScan) modules() []goModule {
	roots := map[string]bool{}
	dirs := map[string]bool{}
	for _, f := range g.tree.Files {
		base, dir := path.Base(f.Path), path.Dir(f.Path)
		switch {
		case base == "go.mod":
			roots[dir] = true
			g.mods[f.Path] = f
		case strings.HasSuffix(base, ".go") && !strings.HasSuffix(base, "_test.go") && !ignoredByGo(dir):
			g.files[f.Path] = f
			g.folders[dir] = append(g.folders[dir], f.Path)
			dirs[dir] = true
		}
	}
	byRoot := map[string]*goModule{}
	for dir := range dirs {
		root, ok := above(roots, dir)
		m := byRoot[root]
		if m == nil {
			m = &goModule{root: root, loose: !ok}
			byRoot[root] = m
		}
		m.dirs = append(m.dirs, dir)
	}
	var list []goModule
	for _, m := range byRoot {
		slices.Sort(m.dirs)
		list = append(list, *m)
	}
	slices.SortFunc(list, func(a, b goModule) int { return strings.Compare(a.root, b.root) })
	return list
}

// ignoredByGo reports whether the go command leaves a folder out. What lies below a folder named vendor is somebody
// else's, and what lies in it is a package like any other (go help packages).
func ignoredByGo(dir string) bool {
	for part := range strings.SplitSeq(dir, "/") {
		if part == "testdata" || len(part) > 1 && (part[0] == '_' || part[0] == '.') {
			return true
		}
	}
	return strings.Contains("/"+dir, "/vendor/")
}

// above finds the nearest folder of a set at or above dir; the tree itself where there is none.
func above(roots map[string]bool, dir string) (root string, ok bool) {
	for {
		if roots[dir] {
			return dir, true
		}
		if dir == "." {
			return ".", false
		}
		dir = path.Dir(dir)
	}
}

// loadFor bounds a module: source can be written to be checked for ever.
const loadFor = 5 * time.Minute

// batch is how many files are held with their types at a time, which bounds memory.
const batch = 400

// module checks the packages of a module: those of which nothing is remembered.
func (g *goScan) module(ctx context.Context, m goModule) {
	ctx, cancel := context.WithTimeout(ctx, loadFor)
	defer cancel()
	from := g.describe(m)
	listed := from.List()
	keys := g.keys(m, from, listed)
	exports := g.exports(m, keys)
	loader := goload.NewLoader(from, listed, exports)
	fresh := map[string][]supply.Finding{}
	var open []*goload.Package
	files := 0
	for _, p := range listed {
		if found, known := g.cache.Recall(supply.Source, keys.of[p.Path]); known && keys.of[p.Path] != "" {
			g.result.Findings = append(g.result.Findings, found...)
			g.result.Checked.Files += len(p.Files)
			continue
		}
		open, files = append(open, p), files+len(p.Files)
		if files >= batch {
			g.look(ctx, m, loader, open, fresh)
			open, files = nil, 0
		}
	}
	g.look(ctx, m, loader, open, fresh)
	g.keep(listed, keys, fresh)
	g.keepExports(m, keys, exports.Lasting(from, g.tools))
}

// describe is the module as the loader takes it.
func (g *goScan) describe(m goModule) *goload.Module {
	below := func(name string) string { return path.Join(m.root, name) }
	from := &goload.Module{
		Dir: filepath.Join(g.dir, filepath.FromSlash(m.root)), Files: map[string][]string{}, Go: g.tools,
		Read: func(name string) ([]byte, error) {
			f, ok := g.files[below(name)]
			if !ok {
				return nil, fs.ErrNotExist
			}
			return f.Read()
		},
	}
	for _, dir := range m.dirs {
		rel := dir
		if m.root != "." {
			rel = path.Clean("./" + strings.TrimPrefix(strings.TrimPrefix(dir, m.root), "/"))
		}
		for _, name := range g.folders[dir] {
			from.Files[rel] = append(from.Files[rel], path.Join(rel, path.Base(name)))
		}
	}
	from.Remember = func(dir string, list func() *goload.Package) *goload.Package {
		return g.remember(path.Join(m.root, dir), list, from)
	}
	if f, ok := g.mods[below("go.mod")]; ok && !m.loose {
		if text, err := f.Read(); err == nil {
			from.Describe(text)
		}
	}
	return from
}

// remember keeps what the heads of a folder's files say, as long as they build.
func (g *goScan) remember(dir string, list func() *goload.Package, from *goload.Module) *goload.Package {
	name := fmt.Sprintf("heads %s\x00%s\x00%s\x00%s\x00", goVersion, g.tools, from.Path, dir)
	for _, file := range g.folders[dir] {
		sum, err := g.files[file].Sum()
		if err != nil {
			return list()
		}
		name += file + "\x00" + sum + "\x00"
	}
	if text, known := g.cache.Noted(supply.Source, name); known {
		var p *goload.Package
		if json.Unmarshal([]byte(text), &p) == nil {
			return p
		}
	}
	p := list()
	if text, err := json.Marshal(p); err == nil && (p == nil || p.Err == nil) {
		g.cache.Note(supply.Source, name, string(text))
	}
	return p
}

// keep remembers what was found in packages that build, with all that they import of the module: of
// others more may be known another time, though nothing of them changed.
func (g *goScan) keep(listed []*goload.Package, keys goKeys, fresh map[string][]supply.Finding) {
	if g.cache == nil {
		return
	}
	broken, importers := map[string]bool{}, map[string][]string{}
	var next []string
	for _, p := range listed {
		_, looked := fresh[p.Path]
		_, known := g.cache.Recall(supply.Source, keys.of[p.Path])
		if !looked && !known {
			next = append(next, p.Path)
		}
		for _, i := range p.Imports {
			importers[i] = append(importers[i], p.Path)
		}
	}
	for len(next) > 0 {
		name := next[0]
		if next = next[1:]; !broken[name] {
			broken[name] = true
			next = append(next, importers[name]...)
		}
	}
	for _, p := range listed {
		if found, looked := fresh[p.Path]; looked && keys.of[p.Path] != "" && !broken[p.Path] {
			g.cache.Keep(supply.Source, keys.of[p.Path], found)
		}
	}
}

// look runs gosec over packages, and gives what it found in those that build by their paths.
func (g *goScan) look(ctx context.Context, m goModule, loader *goload.Loader, open []*goload.Package, fresh map[string][]supply.Finding) {
	if len(open) == 0 {
		return
	}
	if err := loader.Prepare(ctx, open); err != nil {
		g.miss(m.root, "the go command could not load what it imports")
		return
	}
	loaded := make([]*packages.Package, len(open))
	found := make([][]supply.Finding, len(open))
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, p := range open {
		group.Go(func() error {
			if ctx.Err() == nil {
				loaded[i], found[i] = g.check(loader, p)
			}
			return nil
		})
	}
	_ = group.Wait() // nothing there gives an error
	for i, p := range open {
		if loaded[i] == nil {
			g.miss(path.Join(m.root, p.Dir), "it takes too long")
			continue
		}
		if n := len(loaded[i].Errors); n > 0 {
			g.miss(path.Join(m.root, p.Dir), fmt.Sprintf("%d errors without which more would be known: it does not build here without a network", n))
		} else {
			fresh[p.Path] = found[i]
		}
		g.result.Checked.Files += len(p.Files)
		g.result.Findings = append(g.result.Findings, found[i]...)
	}
}

// check runs gosec on a package; what breaks it breaks nothing else.
func (g *goScan) check(loader *goload.Loader, from *goload.Package) (p *packages.Package, found []supply.Finding) {
	defer func() {
		if recover() != nil { // types of what does not build
			p = &packages.Package{Errors: []packages.Error{{Msg: "it cannot be checked"}}}
		}
	}()
	p = loader.Load(from)
	a := gosec.NewAnalyzer(gosec.NewConfig(), false, true, true, 1, log.New(io.Discard, "", 0))
	a.LoadRules(rules.Generate(true).RulesInfo())
	for _, one := range analyzersInOrder() {
		a.LoadAnalyzers(one, nil)
	}
	func() {
		defer func() { _ = recover() }() // gosec reports what of its own failed among its errors
		a.CheckRules(p)
		a.CheckAnalyzers(p)
	}()
	issues, _, _ := a.Report()
	for _, i := range issues {
		if f, ok := g.finding(i); ok && !randomNonce(p, i) {
			found = append(found, f)
		}
	}
	p.Syntax, p.Types, p.TypesInfo = nil, nil, nil // the rest of the batch needs the room
	return p, found
}

func (g *goScan) miss(place, why string) {
	g.result.Checked.Failed = append(g.result.Checked.Failed, place+": "+why)
}

// below gives a path as the tree has it; empty for what is not in it.
func (g *goScan) below(file string) string {
	rel, err := filepath.Rel(g.dir, file)
	if err != nil || !filepath.IsLocal(rel) {
		return ""
	}
	return filepath.ToSlash(rel)
}

// finding takes an issue over, where it is in a file of the tree: a link may have led the go command elsewhere.
func (g *goScan) finding(i *issue.Issue) (supply.Finding, bool) {
	name := g.below(i.File)
	file, ok := g.files[name]
	if !ok {
		return supply.Finding{}, false
	}
	text, err := file.Read()
	if err != nil {
		return supply.Finding{}, false
	}
	begin, end, _ := strings.Cut(i.Line, "-")
	line, _ := strconv.Atoi(begin)
	last, _ := strconv.Atoi(end)
	column, _ := strconv.Atoi(i.Col)
	f := supply.NewFinder(text, supply.Rule{ID: "go.G101"})
	f.Add(goRule(i), line, "%s", i.What)
	found := f.Found[0]
	found.Class = supply.Source
	found.Place = supply.Place{Path: name, Line: line, End: last, Column: column}
	if len(i.Suppressions) > 0 || i.NoSec {
		found.Waiver = &supply.Waiver{Reason: "a #nosec comment", From: "#nosec"}
	}
	return found, true
}

// goRule is gosec's rule in our terms. What gosec is not sure of is a step less severe.
func goRule(i *issue.Issue) supply.Rule {
	severity := map[issue.Score]supply.Severity{issue.Low: supply.Low, issue.Medium: supply.Medium, issue.High: supply.High}[i.Severity]
	if i.Confidence != issue.High {
		severity = max(supply.Info, severity-1)
	}
	r := supply.Rule{ID: "go." + i.RuleID, Name: i.What, Help: "gosec " + i.RuleID + ": " + i.What, Severity: severity}
	if i.Cwe != nil && i.Cwe.ID != "" {
		cwe := "CWE-" + i.Cwe.ID
		r.CWE = []string{cwe}
		if c := category(cwe); c != "" {
			r.OWASP = []string{c}
		}
	}
	return r
}

// category is where the OWASP Top 10 of 2021 lists a weakness ("List of Mapped CWEs" of each category).
func category(cwe string) string {
	return map[string]string{
		"CWE-22": "A01:2021", "CWE-200": "A01:2021", "CWE-276": "A01:2021", "CWE-377": "A01:2021",
		"CWE-295": "A07:2021", "CWE-798": "A07:2021",
		"CWE-310": "A02:2021", "CWE-326": "A02:2021", "CWE-327": "A02:2021", "CWE-328": "A02:2021", "CWE-338": "A02:2021",
		"CWE-78": "A03:2021", "CWE-79": "A03:2021", "CWE-88": "A03:2021", "CWE-89": "A03:2021", "CWE-94": "A03:2021",
		"CWE-502": "A08:2021", "CWE-918": "A10:2021",
	}[cwe]
}
