package source

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/tutela-health/tutela/supply"
	"github.com/tutela-health/tutela/supply/source/flow"
)

// Across follows what a request brings from one file of JavaScript, TypeScript or Python to another of the same
// tree: into functions and methods that a file imports by a relative path or an alias (Python: also by the package's name), and what they
// give back. A finding stands where the function is called, and names where the harm is done. It is a
// supply.TreeScanner; what stands in one file alone is Code's.
type Across struct {
	code  Code
	cache *supply.Cache // what is remembered of files that did not change; nil remembers nothing
}

// NewAcross follows by the same rules.
func NewAcross(c Code) Across { return Across{code: c} }

// Class is sast.
func (Across) Class() supply.Class { return supply.Source }

// Using gives the scanner that remembers in c.
func (a Across) Using(c *supply.Cache) supply.TreeScanner { return Across{a.code, c} }

// acrossVersion changes with what is found.
const acrossVersion = "across 3"

// maxAcross is how many files deep a function is followed: into the one that is imported, and what that imports.
const maxAcross = 2

// Scan follows calls from file to file.
func (a Across) Scan(ctx context.Context, t *supply.Tree) (supply.Result, error) {
	c := &crossing{Across: a, files: map[string]supply.File{}, known: map[string]*summarised{}, configs: configs{}, aliases: map[string]*aliases{}}
	for _, f := range t.Files {
		c.configs.take(f)
		if a.code.Wants(f.Path, f.Size) && f.Size <= maxSource {
			c.files[f.Path] = f
		}
	}
	result := supply.Result{Checked: supply.Checked{Class: supply.Source}}
	var callers []caller
	for _, f := range t.Files {
		if _, ours := c.files[f.Path]; !ours {
			continue
		}
		if ctx.Err() != nil {
			return result, ctx.Err()
		}
		if by := c.caller(f.Path); len(by.imports) > 0 {
			callers = append(callers, by)
		}
	}
	found := make([][]supply.Finding, len(callers))
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, by := range callers {
		group.Go(func() error {
			if ctx.Err() == nil {
				found[i] = c.look(by)
			}
			return nil
		})
	}
	_ = group.Wait() // nothing there gives an error
	for _, list := range found {
		result.Findings = append(result.Findings, list...)
	}
	return result, ctx.Err()
}

// crossing is one look at a tree.
type crossing struct {
	Across
	files map[string]supply.File
	known map[string]*summarised // by file and how deep

	configs configs
	aliases map[string]*aliases // by configuration
}

// summarised is what is known of a file's functions.
type summarised struct {
	functions map[string]flow.Summary
	key       string // changes with functions
}

// caller is a file with the functions that it imports, by the path under which it calls them.
type caller struct {
	file    supply.File
	sum     string
	imports map[string]*summarised
	key     string
}

// caller finds what a file imports of files that have anything to tell.
func (c *crossing) caller(name string) caller {
	f := c.files[name]
	by := caller{file: f, imports: map[string]*summarised{}}
	sum, err := f.Sum()
	if err != nil {
		return by
	}
	by.sum = sum
	h := sha256.New()
	fmt.Fprintf(h, "%s\x00%s\x00%s\x00%s", acrossVersion, c.code.Version(), name, sum)
	heads := c.heads(f, sum)
	if !slices.Contains(heads, asked) {
		return by // nothing comes in here
	}
	for _, i := range heads {
		for _, target := range c.resolve(name, i) {
			if s := c.summaries(target.file, maxAcross); s != nil && len(s.functions) > 0 {
				by.imports[target.prefix] = s
				fmt.Fprintf(h, "\x00%s\x00%s", target.prefix, s.key)
			}
		}
	}
	by.key = fmt.Sprintf("%x", h.Sum(nil))
	return by
}

// look follows calls in one file, and gives what is wrong because of what it imports.
func (c *crossing) look(by caller) []supply.Finding {
	if found, known := c.cache.Recall(supply.Source, by.key); known {
		return found
	}
	text, err := by.file.Read()
	if err != nil || readable(text) != nil {
		return nil // Code says so
	}
	src := strings.ToValidUTF8(string(text), "\ufffd")
	finder := c.beyond(by, src)
	for i := range finder.Found {
		finder.Found[i].Class, finder.Found[i].Place.Path = supply.Source, by.file.Path
		finder.Found[i].Excerpt = strikeKey(finder.Found[i])
	}
	c.cache.Keep(supply.Source, by.key, finder.Found)
	return finder.Found
}

// beyond is what is found in a file with what it imports, and not without it.
func (c *crossing) beyond(by caller, src string) supply.Finder {
	tree, l, _ := parse(languageOf(by.file.Path), src) // what cannot be read is Code's to say
	type place struct {
		rule string
		line int
	}
	type told struct {
		rule supply.Rule
		line int
		says string
	}
	var all []told
	used := false
	with := func(called string) (flow.Summary, bool) {
		f, ok := by.imported(called)
		used = used || ok
		return f, ok
	}
	finder := supply.NewFinder([]byte(src), supply.Rule{})
	_ = c.code.rules.Find(tree, l, with, func(r supply.Rule, line int, says string) { all = append(all, told{r, line, says}) })
	if !used || len(all) == 0 {
		return finder
	}
	alone := map[place]bool{}
	_ = c.code.rules.Find(tree, l, nil, func(r supply.Rule, line int, _ string) { alone[place{r.ID, line}] = true })
	for _, f := range all {
		if !alone[place{f.rule.ID, f.line}] {
			finder.Add(f.rule, f.line, "%s", f.says)
		}
	}
	return finder
}

// strikeKey takes a key out of a line that is shown.
func strikeKey(f supply.Finding) string {
	if f.Rule.ID == "code.hard-coded-key" {
		return strike(f.Excerpt)
	}
	return f.Excerpt
}

// imported finds a function by the path of a call.
func (by caller) imported(called string) (flow.Summary, bool) {
	for _, prefix := range slices.Sorted(maps.Keys(by.imports)) {
		s := by.imports[prefix]
		name, ok := "exports", called == prefix
		if !ok {
			name, ok = strings.CutPrefix(called, prefix)
		}
		if f, known := s.function(strings.TrimPrefix(name, ".")); ok && known {
			return f, true
		}
	}
	return flow.Summary{}, false
}

// function finds a function of a file by what follows the file in the path of a call: its name, or a class's method
// as in Store().find.
func (s *summarised) function(name string) (flow.Summary, bool) {
	if f, known := s.functions[name]; known {
		return f, true
	}
	class, method, made := strings.Cut(name, "().")
	if !made || strings.ContainsAny(class, ".()") {
		return flow.Summary{}, false
	}
	if f, known := s.functions[flow.OnInstance+method]; known {
		return f, true
	}
	f, known := s.functions[method]
	return f, known
}

// summaries tells what a file's functions do, with what those do that it imports in turn, so many files deep. Files
// that import each other in a circle know nothing of each other there.
func (c *crossing) summaries(name string, deep int) *summarised {
	if deep == 0 {
		return nil
	}
	memo := fmt.Sprint(deep, " ", name)
	if s, known := c.known[memo]; known {
		return s
	}
	c.known[memo] = nil
	f := c.files[name]
	sum, err := f.Sum()
	if err != nil {
		return nil
	}
	by := caller{file: f, imports: map[string]*summarised{}}
	of := acrossVersion + "\x00" + c.code.Version() + "\x00" + name + "\x00" + sum
	for _, i := range c.heads(f, sum) {
		for _, target := range c.resolve(name, i) {
			if s := c.summaries(target.file, deep-1); s != nil && len(s.functions) > 0 {
				by.imports[target.prefix] = s
				of += "\x00" + target.prefix + "\x00" + s.key
			}
		}
	}
	c.known[memo] = c.summarise(by, of)
	return c.known[memo]
}

// summarise reads a file for its functions, where that is not remembered.
func (c *crossing) summarise(by caller, of string) *summarised {
	s := &summarised{}
	text, known := c.cache.Noted(supply.Source, of)
	if !known || json.Unmarshal([]byte(text), &s.functions) != nil {
		s.functions = c.read(by)
		b, err := json.Marshal(s.functions)
		if err != nil {
			return s
		}
		text = string(b)
		c.cache.Note(supply.Source, of, text)
	}
	s.key = fmt.Sprintf("%x", sha256.Sum256([]byte(text)))
	return s
}

func (c *crossing) read(by caller) (found map[string]flow.Summary) {
	text, err := by.file.Read()
	if err != nil || readable(text) != nil {
		return nil
	}
	defer func() {
		if recover() != nil { // Code says that the file breaks it
			found = nil
		}
	}()
	tree, l, _ := parse(languageOf(by.file.Path), strings.ToValidUTF8(string(text), "\ufffd"))
	return c.code.rules.Summaries(tree, l, by.file.Path, by.imported)
}

// heads are what a file says that it imports, by the words of its import statements: for Python the module, and
// after a space a name of it.
func (c *crossing) heads(f supply.File, sum string) []string {
	name := "imports " + acrossVersion + languageOf(f.Path) + sum
	var list []string
	if text, known := c.cache.Noted(supply.Source, name); known && json.Unmarshal([]byte(text), &list) == nil {
		return list
	}
	text, err := f.Read()
	if err != nil || readable(text) != nil {
		return nil
	}
	if languageOf(f.Path) == "py" {
		list = pythonHeads(text)
	} else {
		for _, m := range scriptImport().FindAllSubmatch(text, maxHeads) {
			list = append(list, string(m[1]))
		}
	}
	if brings(languageOf(f.Path), text) {
		list = append(list, asked)
	}
	slices.Sort(list)
	list = slices.Compact(list)
	if b, err := json.Marshal(list); err == nil {
		c.cache.Note(supply.Source, name, string(b))
	}
	return list
}

// asked stands among the imports of a file that has a word for what a request brings.
const asked = "?"

// brings reports whether a file has a word for what a request brings (flow's sources).
func brings(language string, text []byte) bool {
	words := []string{"req", "ctx", "context", "event", "location", "message", "useSearchParams", "useParams", "headers", "prompt", "@Query", "@Param", "@Body"}
	if language == "py" {
		words = []string{"request", "get_argument", "get_query_argument", "get_body_argument", "get_cookie", ".route(", "app.", "router."}
	}
	return slices.ContainsFunc(words, func(w string) bool { return bytes.Contains(text, []byte(w)) })
}

// maxHeads bounds the imports of a file.
const maxHeads = 500

// scriptImport finds what is imported.
var scriptImport = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?:\brequire\s*\(|\bfrom|\bimport\s*\(?)\s*['"]([^'"\n]{1,100})['"]`)
})

// pythonHeads reads import statements: from MODULE import NAMES, and import MODULES.
func pythonHeads(text []byte) (list []string) {
	for len(text) > 0 && len(list) < maxHeads {
		var line []byte
		line, text, _ = bytes.Cut(text, []byte("\n"))
		line = bytes.TrimSpace(line)
		if rest, ok := bytes.CutPrefix(line, []byte("import ")); ok {
			list = append(list, names(rest)...)
			continue
		}
		rest, ok := bytes.CutPrefix(line, []byte("from "))
		module, imported, found := bytes.Cut(rest, []byte(" import "))
		if !ok || !found {
			continue
		}
		if open, bracket := bytes.CutPrefix(bytes.TrimSpace(imported), []byte("(")); bracket && !bytes.Contains(open, []byte(")")) {
			more, after, _ := bytes.Cut(text, []byte(")"))
			imported, text = append(append(bytes.Clone(open), ','), more...), after
		}
		m := string(bytes.TrimSpace(module))
		list = append(list, m)
		for _, name := range names(imported) {
			list = append(list, m+" "+name)
		}
	}
	return list
}

// names are the first words between commas.
func names(text []byte) (list []string) {
	for part := range bytes.SplitSeq(text, []byte(",")) {
		if words := strings.Fields(strings.Trim(string(part), "() \t\n")); len(words) > 0 && words[0] != "#" && len(list) < maxHeads {
			list = append(list, words[0])
		}
	}
	return list
}

// target is a file that an import means, and the path under which its functions are called.
type target struct{ prefix, file string }

// resolve finds the files of the tree that an import may mean.
func (c *crossing) resolve(from, head string) []target {
	if languageOf(from) == "py" {
		return c.resolvePython(from, head)
	}
	if !strings.HasPrefix(head, "./") && !strings.HasPrefix(head, "../") {
		for _, at := range c.aliased(from, head) {
			if found := c.at(from, head, at); found != nil {
				return found
			}
		}
		return nil
	}
	return c.at(from, head, path.Join(path.Dir(from), head))
}

// at finds the file that a path without its ending may mean.
func (c *crossing) at(from, head, at string) []target {
	stem := strings.TrimSuffix(at, path.Ext(at))
	for _, name := range []string{at, at + ".ts", at + ".tsx", at + ".js", at + ".jsx", at + ".mjs", at + ".cjs", at + "/index.ts", at + "/index.js", stem + ".ts", stem + ".tsx"} {
		if _, ours := c.files[name]; ours && name != from {
			return []target{{head, name}}
		}
	}
	return nil
}

// resolvePython finds a module beside the file, or below one of the folders above it, as where Python is started may be
// any of them; the nearest counts.
func (c *crossing) resolvePython(from, head string) []target {
	module, name, _ := strings.Cut(head, " ")
	prefix := module
	if name != "" {
		prefix += "." + name
	}
	rel := strings.TrimLeft(module, ".")
	level := len(module) - len(rel)
	below := strings.ReplaceAll(strings.Trim(rel+"."+name, "."), ".", "/")
	dir := path.Dir(from)
	for up := 1; up < level; up++ {
		dir = path.Dir(dir)
	}
	for {
		for _, file := range []string{path.Join(dir, below+".py"), path.Join(dir, below, "__init__.py")} {
			if _, ours := c.files[file]; ours && file != from {
				return []target{{prefix, file}}
			}
		}
		if level > 0 || dir == "." {
			return nil
		}
		dir = path.Dir(dir)
	}
}
