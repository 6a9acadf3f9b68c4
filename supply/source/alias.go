package source

import (
	"bytes"
	"encoding/json"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/tutela-health/tutela/supply"
)

// configs are a tree's configurations of TypeScript, by path.
type configs map[string]supply.File

// Limits on configurations: bytes of one, how many extend each other, and aliases of one.
const (
	maxConfig  = 64 << 10
	maxExtends = 5
	maxAliases = 200
)

// take keeps a file that may be one.
func (c configs) take(f supply.File) {
	base := path.Base(f.Path)
	if f.Size <= maxConfig && path.Ext(base) == ".json" && (strings.HasPrefix(base, "tsconfig") || strings.HasPrefix(base, "jsconfig")) {
		c[f.Path] = f
	}
}

// aliases are what a configuration says of paths that are not relative (TypeScript's handbook, "Path mapping").
type aliases struct {
	base  string // a folder of the tree from which such paths may begin; empty for none
	paths []alias
}

// alias is one pattern with at most one star, and what may stand for it.
type alias struct {
	before, after string
	exact         bool // it has no star
	to            []string
}

// aliased gives the places that a path may mean, without endings: those of the longest pattern that fits, then those
// from the base.
func (c *crossing) aliased(from, head string) []string {
	a := c.aliasesOf(from)
	if a == nil {
		return nil
	}
	var places []string
	for _, p := range a.paths {
		if middle, ok := p.fits(head); ok {
			for _, to := range p.to {
				places = append(places, path.Clean(strings.Replace(to, "*", middle, 1)))
			}
			break
		}
	}
	if a.base != "" {
		places = append(places, path.Join(a.base, head))
	}
	return places
}

// fits gives what the star stands for.
func (a alias) fits(head string) (middle string, ok bool) {
	if a.exact {
		return "", head == a.before
	}
	rest, ok := strings.CutPrefix(head, a.before)
	if !ok {
		return "", false
	}
	return strings.CutSuffix(rest, a.after)
}

// aliasesOf finds the configuration nearest above a file.
func (c *crossing) aliasesOf(from string) *aliases {
	if len(c.configs) == 0 {
		return nil
	}
	for dir := path.Dir(from); ; dir = path.Dir(dir) {
		for _, name := range []string{"tsconfig.json", "jsconfig.json"} {
			if at := path.Join(dir, name); c.configs.has(at) {
				return c.readAliases(at)
			}
		}
		if dir == "." {
			return nil
		}
	}
}

func (c configs) has(name string) bool { _, ok := c[name]; return ok }

func (c *crossing) readAliases(name string) *aliases {
	if a, known := c.aliases[name]; known {
		return a
	}
	a := &aliases{}
	c.configs.read(name, a, maxExtends)
	slices.SortStableFunc(a.paths, func(x, y alias) int {
		if x.exact != y.exact {
			return map[bool]int{true: -1, false: 1}[x.exact]
		}
		return len(y.before) - len(x.before)
	})
	c.aliases[name] = a
	return a
}

// read reads a configuration, and those that it extends for what it does not say itself.
func (c configs) read(name string, into *aliases, deep int) {
	f, ok := c[name]
	if !ok || deep == 0 {
		return
	}
	var said struct {
		Extends  json.RawMessage `json:"extends"`
		Compiler struct {
			Base  string              `json:"baseUrl"`
			Paths map[string][]string `json:"paths"`
		} `json:"compilerOptions"`
	}
	text, err := f.Read()
	if err != nil || json.Unmarshal(plainJSON(text), &said) != nil {
		return // then imports by aliases are not followed
	}
	dir := path.Dir(name)
	if said.Compiler.Base != "" && into.base == "" {
		into.base = path.Join(dir, said.Compiler.Base)
	}
	if into.paths == nil {
		from := dir
		if said.Compiler.Base != "" {
			from = path.Join(dir, said.Compiler.Base)
		}
		into.take(from, said.Compiler.Paths)
	}
	for _, up := range extended(said.Extends) {
		if strings.HasPrefix(up, ".") {
			if path.Ext(up) != ".json" {
				up += ".json"
			}
			c.read(path.Join(dir, up), into, deep-1)
		}
	}
}

// take takes patterns in whose places begin at a folder.
func (a *aliases) take(from string, paths map[string][]string) {
	for _, pattern := range slices.Sorted(maps.Keys(paths)) {
		if len(a.paths) == maxAliases {
			return
		}
		one := alias{}
		var star bool
		one.before, one.after, star = strings.Cut(pattern, "*")
		one.exact = !star
		to := paths[pattern]
		for _, place := range to[:min(len(to), 10)] {
			one.to = append(one.to, path.Join(from, place))
		}
		a.paths = append(a.paths, one)
	}
}

// extended is one name or a list of them.
func extended(raw json.RawMessage) (list []string) {
	var one string
	if json.Unmarshal(raw, &one) == nil {
		return []string{one}
	}
	if json.Unmarshal(raw, &list) != nil {
		return nil
	}
	slices.Reverse(list) // the last one counts first
	return list[:min(len(list), maxExtends)]
}

// plainJSON takes comments out of JSON, and commas before a closing bracket.
func plainJSON(text []byte) []byte {
	var out []byte
	for i := 0; i < len(text); {
		switch rest := string(text[i:min(len(text), i+2)]); {
		case text[i] == '"':
			n := quoted(text[i:])
			out = append(out, text[i:i+n]...)
			i += n
			continue
		case rest == "//":
			for i < len(text) && text[i] != '\n' {
				i++
			}
			continue
		case rest == "/*":
			_, after, _ := bytes.Cut(text[i+2:], []byte("*/"))
			i = len(text) - len(after)
			continue
		case text[i] == '}' || text[i] == ']':
			out = bytes.TrimSuffix(bytes.TrimRight(out, " \t\r\n"), []byte(","))
		}
		out = append(out, text[i])
		i++
	}
	return out
}

// quoted is how long a text in quotes is, with them.
func quoted(text []byte) int {
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(text)
}
