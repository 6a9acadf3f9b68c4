package flow

import (
	"maps"
	"slices"
	"strings"

	"github.com/tutela-health/tutela/supply/source/syntax"
)

// OnInstance stands before the name of a method that is known by its class alone, as in Python, where a function of a
// file has the same call.
const OnInstance = "()."

// called is what a method does as who calls it counts: without what it is called on.
func (f Summary) called() Summary {
	out := Summary{Returns: map[int]uint16{}, Gives: f.Gives, Cleared: f.Cleared}
	for _, leak := range f.Leaks {
		if leak.Param--; leak.Param >= 0 {
			out.Leaks = append(out.Leaks, leak)
		}
	}
	for i, cleared := range f.Returns {
		if i > 0 {
			out.Returns[i-1] = cleared
		}
	}
	return out
}

// instances adds the methods of what a file makes of its own classes, under the name that it has.
func (s *scan) instances(root *syntax.Node, found map[string]Summary) {
	methods := map[string][]string{}
	made := map[string]string{}
	root.Walk(func(n *syntax.Node) bool {
		switch {
		case n.Is(syntax.Class):
			for _, k := range n.Body().Kids {
				if k.Is(syntax.Function) {
					methods[n.Text] = append(methods[n.Text], k.Text)
				}
			}
		case n.Is(syntax.Assign) && (n.Kid(1).Is(syntax.New) || n.Kid(1).Is(syntax.Call)) && n.Kid(1).Kid(0).Is(syntax.Name):
			made[n.Kid(0).Last()] = n.Kid(1).Kid(0).Text
		}
		return !n.Is(syntax.Function)
	})
	known := maps.Clone(found)
	for _, name := range slices.Sorted(maps.Keys(made)) {
		for _, m := range methods[made[name]] {
			sum, ok := known[m]
			if s.lang == Python {
				sum, ok = known[OnInstance+m]
			}
			if ok && name != "" && len(found) < maxSummarised {
				found[name+"."+m] = sum
			}
		}
	}
}

// fields are the members of a class that its constructor makes, or is given, of classes of other files.
func (s *scan) fields(members *syntax.Node) map[string]value {
	vars := map[string]value{}
	for _, f := range members.Kids {
		if !f.Is(syntax.Function) || f.Text != "constructor" && f.Text != "__init__" {
			continue
		}
		given := map[string]string{}
		for _, p := range f.Params() {
			if of := s.instanceOf(p); of != "" {
				given[p.Text] = of
				if s.lang == Script {
					vars["this."+p.Text] = value{path: of} // TypeScript's parameter properties
				}
			}
		}
		f.Body().Walk(func(n *syntax.Node) bool {
			if d := n.Kid(0).Dotted(); n.Is(syntax.Assign) && strings.Count(d, ".") == 1 && oneOf(d[:strings.IndexByte(d, '.')], "this self") {
				if of := s.madeOf(n.Kid(1)); of != "" {
					vars[d] = value{path: of}
				} else if of := given[n.Kid(1).Dotted()]; of != "" {
					vars[d] = value{path: of}
				}
			}
			return !n.Is(syntax.Function)
		})
	}
	return vars
}

// instanceOf is the path of what a parameter is, where its type is a class of another file.
func (s *scan) instanceOf(p *syntax.Node) string {
	if oneOf(canonical(p.Text, s.lang), "req res ctx event message next") {
		return ""
	}
	if of := s.near(strings.TrimSpace(p.Type)); of != "" {
		return of + "()"
	}
	return ""
}

// madeOf is the path of what a class of another file makes.
func (s *scan) madeOf(n *syntax.Node) string {
	if !n.Is(syntax.New) && !n.Is(syntax.Call) {
		return ""
	}
	if of := s.near(n.Kid(0).Dotted()); of != "" {
		return of + "()"
	}
	return ""
}

// near is the path of a class that is imported from another file of the same tree, as far as its path tells: what
// packages give is known by the names of variables.
func (s *scan) near(name string) string {
	local, rest, inner := strings.Cut(name, ".")
	of := s.imports[local]
	if inner {
		of += "." + rest
	}
	class := last(of)
	switch {
	case s.imported == nil || local == "" || s.imports[local] == "" || class == "":
		return ""
	case s.lang == Script && !strings.ContainsAny(of[:1], ".@~#") && !strings.HasPrefix(of, "src/") && !strings.HasPrefix(of, "app/"):
		return ""
	case s.lang == Python && (class[0] < 'A' || class[0] > 'Z'):
		return ""
	}
	return of
}
