package source

import (
	"context"
	"fmt"
	"io"
	"log" //nolint:depguard // gosec takes no other kind
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/securego/gosec/v2"
	"github.com/securego/gosec/v2/analyzers"
	"github.com/securego/gosec/v2/issue"
	"github.com/securego/gosec/v2/rules"
	"golang.org/x/sync/errgroup"
	"golang.org/x/tools/go/packages"

	"github.com/tutela-health/tutela/supply"
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
	g := &goScan{tree: t, cache: o.cache, files: map[string]supply.File{}, result: supply.Result{Checked: supply.Checked{Class: supply.Source}}}
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
	files  map[string]supply.File
	result supply.Result
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
		case strings.HasSuffix(base, ".go") && !strings.HasSuffix(base, "_test.go") && !ignoredByGo(dir):
			g.files[f.Path] = f
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

// ignoredByGo reports whether the go command leaves a folder out.
func ignoredByGo(dir string) bool {
	for part := range strings.SplitSeq(dir, "/") {
		if part == "testdata" || part == "vendor" || len(part) > 1 && (part[0] == '_' || part[0] == '.') {
			return true
		}
	}
	return false
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

// loadFor bounds the go command over a module: source can be written to be compiled for ever.
const loadFor = 5 * time.Minute

// batch is how many files are held with their types at a time, which bounds memory.
const batch = 400

// module checks the packages of a module: those of which nothing is remembered.
func (g *goScan) module(ctx context.Context, m goModule) {
	ctx, cancel := context.WithTimeout(ctx, loadFor)
	defer cancel()
	listed, err := packages.Load(g.config(ctx, m, listMode), patterns(m)...)
	if err != nil {
		g.miss(m.root, "the go command could not load it")
		return
	}
	keys := g.keys(m, listed)
	fresh := map[string][]supply.Finding{}
	var open []string
	files := 0
	for _, p := range listed {
		if found, known := g.cache.Recall(supply.Source, keys[p.ID]); known && keys[p.ID] != "" {
			g.result.Findings = append(g.result.Findings, found...)
			g.result.Checked.Files += len(p.CompiledGoFiles)
			continue
		}
		if len(p.GoFiles) == 0 { // nothing of it is built here
			continue
		}
		open, files = append(open, g.pattern(m, filepath.Dir(p.GoFiles[0]))), files+len(p.GoFiles)
		if files >= batch {
			g.look(ctx, m, open, fresh)
			open, files = nil, 0
		}
	}
	g.look(ctx, m, open, fresh)
	g.keep(listed, keys, fresh)
}

// keep remembers what was found in packages that build, with all that they import of the module: of
// others more may be known another time, though nothing of them changed.
func (g *goScan) keep(listed []*packages.Package, keys map[string]string, fresh map[string][]supply.Finding) {
	if g.cache == nil {
		return
	}
	broken, importers := map[string]bool{}, map[string][]string{}
	var next []string
	for _, p := range listed {
		_, looked := fresh[p.ID]
		_, known := g.cache.Recall(supply.Source, keys[p.ID])
		if len(p.GoFiles) > 0 && !looked && !known {
			next = append(next, p.PkgPath)
		}
		for _, i := range p.Imports {
			importers[i.PkgPath] = append(importers[i.PkgPath], p.PkgPath)
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
		if found, looked := fresh[p.ID]; looked && keys[p.ID] != "" && !broken[p.PkgPath] {
			g.cache.Keep(supply.Source, keys[p.ID], found)
		}
	}
}

// look runs gosec over packages, and gives what it found in those that build by their ids.
func (g *goScan) look(ctx context.Context, m goModule, names []string, fresh map[string][]supply.Finding) {
	if len(names) == 0 {
		return
	}
	loaded, err := packages.Load(g.config(ctx, m, gosec.LoadMode), names...)
	if err != nil {
		g.miss(m.root, "the go command could not load it")
		return
	}
	found := make([][]supply.Finding, len(loaded))
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, p := range loaded {
		group.Go(func() error { found[i] = g.check(p); return nil })
	}
	_ = group.Wait() // nothing there gives an error
	for i, p := range loaded {
		if len(p.GoFiles) == 0 {
			continue
		}
		if n := len(p.Errors); n > 0 {
			g.miss(g.below(filepath.Dir(p.GoFiles[0])), fmt.Sprintf("%d errors without which more would be known: it does not build here without a network", n))
		} else {
			fresh[p.ID] = found[i]
		}
		g.result.Checked.Files += len(p.CompiledGoFiles)
		g.result.Findings = append(g.result.Findings, found[i]...)
	}
}

// check runs gosec on a package; what breaks it breaks nothing else.
func (g *goScan) check(p *packages.Package) (found []supply.Finding) {
	a := gosec.NewAnalyzer(gosec.NewConfig(), false, true, true, 1, log.New(io.Discard, "", 0))
	a.LoadRules(rules.Generate(true).RulesInfo())
	a.LoadAnalyzers(analyzers.Generate(true).AnalyzersInfo())
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
	return found
}

// config keeps the go command from the network, from other versions of itself and from compilers of other languages.
func (g *goScan) config(ctx context.Context, m goModule, mode packages.LoadMode) *packages.Config {
	env := append(os.Environ(), "GOPROXY=off", "GOTOOLCHAIN=local", "GOFLAGS=", "CGO_ENABLED=0", "GOVCS=*:off", "GONOSUMDB=*", "GOWORK=off")
	if m.loose {
		env = append(env, "GO111MODULE=off")
	}
	return &packages.Config{Context: ctx, Mode: mode, Dir: filepath.Join(g.dir, filepath.FromSlash(m.root)), Env: env}
}

// pattern names a folder for the go command.
func (g *goScan) pattern(m goModule, dir string) string {
	rel, err := filepath.Rel(filepath.Join(g.dir, filepath.FromSlash(m.root)), dir)
	if err != nil || !filepath.IsLocal(rel) {
		return "./nowhere" // a link led elsewhere: its findings would not be taken over
	}
	return "./" + filepath.ToSlash(rel)
}

// patterns name a module's folders for the go command.
func patterns(m goModule) []string {
	list := make([]string, len(m.dirs))
	for i, dir := range m.dirs {
		rel := strings.TrimPrefix(strings.TrimPrefix(dir, m.root), "/")
		if m.root == "." {
			rel = dir
		}
		list[i] = "./" + rel
	}
	return list
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
