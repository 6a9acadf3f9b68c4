package flow

import (
	"strings"

	"github.com/tutela-health/tutela/supply/source/syntax"
)

// door is a route: what of its calls or decorators is a check of who asks.
type door struct {
	line    int
	path    string
	guarded bool
}

// unguarded reports the few routes of a file that lack the check which most have.
func (s *scan) unguarded(root *syntax.Node) {
	doors := map[string][]door{}
	covered := map[string]bool{} // routers that check all that follows
	root.Walk(func(n *syntax.Node) bool {
		if s.lang == Python && n.Is(syntax.Function) {
			if d, ok := s.decoratedDoor(n); ok {
				doors[""] = append(doors[""], d)
			}
		}
		if s.lang == Script && n.Is(syntax.Call) && n.Kid(0).Is(syntax.Member) {
			s.scriptDoor(n, doors, covered)
		}
		return true
	})
	for router, list := range doors {
		guarded, open := 0, 0
		for _, d := range list {
			switch {
			case d.guarded:
				guarded++
			case !public(d.path):
				open++
			}
		}
		if covered[router] || guarded < 3 || guarded < 2*open {
			continue
		}
		for _, d := range list {
			if !d.guarded && !public(d.path) {
				s.report(missingAuthorization(), d.line, "this route has no check, and "+plural(guarded)+" beside it have one")
			}
		}
	}
}

func plural(n int) string {
	if n > 9 {
		return "most"
	}
	return strings.Split("none one two three four five six seven eight nine", " ")[n]
}

func (s *scan) scriptDoor(n *syntax.Node, doors map[string][]door, covered map[string]bool) {
	router := n.Kid(0).Kid(0).Dotted()
	method := n.Kid(0).Text
	switch {
	case router == "":
	case method == "use":
		for _, k := range n.Kids[1:] {
			covered[router] = covered[router] || guards(k)
		}
	case oneOf(method, "get post put patch delete") && strings.HasPrefix(literal(n.Kid(1)), "/") && len(n.Kids) > 2:
		d := door{line: n.Line, path: n.Kid(1).Text}
		for _, k := range n.Kids[2 : len(n.Kids)-1] {
			d.guarded = d.guarded || guards(k)
		}
		doors[router] = append(doors[router], d)
	}
}

func (s *scan) decoratedDoor(f *syntax.Node) (door, bool) {
	route := s.route(f)
	if route == "" {
		return door{}, false
	}
	d := door{line: f.Line, path: strings.TrimPrefix(route, "route ")}
	for _, m := range f.Marks {
		d.guarded = d.guarded || guards(m)
	}
	for _, p := range f.Params() {
		d.guarded = d.guarded || p.Kid(1).Is(syntax.Call) && oneOf(p.Kid(1).Last(), "Depends Security") && guards(p.Kid(1).Kid(1)) || guarding(p.Type)
	}
	return d, true
}

// guards reports whether something is named like a check of who asks.
func guards(n *syntax.Node) bool {
	if n == nil || n.Is(syntax.Function) {
		return false
	}
	if n.Is(syntax.List) {
		for _, k := range n.Kids {
			if guards(k) {
				return true
			}
		}
		return false
	}
	name := n.Dotted()
	if n.Is(syntax.Call) {
		name = n.Kid(0).Dotted()
	}
	return guarding(name)
}

func guarding(name string) bool {
	return anyOf(strings.ReplaceAll(strings.ToLower(name), "author", "name"), "auth login logged protect verifytoken verifyjwt verifyuser isadmin require ensure permission guard currentuser jwt role restrict") ||
		anyOf(name, "authoriz authoris")
}

// public reports whether a path says that everybody may come.
func public(path string) bool {
	low := strings.ToLower(path)
	for _, word := range []string{"login", "logout", "signin", "sign-in", "signup", "sign-up", "register", "health", "public", "forgot", "reset", "token", "oauth", "callback", "docs", "ping", "status", "version", "metrics", "refresh", "webhook", "static", "favicon", "index", "about", "contact", "home", "auth", "verify", "robots", "terms", "privacy", "error"} {
		if strings.Contains(low, word) {
			return true
		}
	}
	return low == "/" || low == ""
}
