package flow

import (
	"strings"

	"github.com/tutela-health/tutela/supply/source/syntax"
)

// block runs statements in order.
func (s *scan) block(n *syntax.Node, sc *scope) {
	for _, k := range n.Kids {
		s.run(k, sc)
	}
}

// run follows a statement.
func (s *scan) run(n *syntax.Node, sc *scope) {
	if s.budget--; n == nil || s.budget < 0 {
		return
	}
	switch n.Kind {
	case syntax.Block:
		if s.lang == Script && n.Text == "" {
			sc = sc.child(false)
		}
		s.block(n, sc)
	case syntax.If:
		s.condition(n, sc)
	case syntax.Loop:
		inner := sc.child(true)
		for _, k := range n.Kids {
			s.run(k, inner)
		}
	case syntax.Return:
		v := s.eval(n.Kid(0), sc)
		if into := sc.returned(); into != nil {
			*into = join(*into, v)
		}
	case syntax.Class:
		s.class(n, sc)
	default:
		s.eval(n, sc)
	}
}

func (s *scan) class(n *syntax.Node, sc *scope) {
	for _, k := range n.Kids {
		if k.Is(syntax.Block) {
			s.block(k, &scope{vars: s.fields(k), up: sc, function: true})
		} else {
			s.eval(k, sc)
		}
	}
}

// condition follows if: what a condition checks against a list or a pattern is harmless after it.
func (s *scan) condition(n *syntax.Node, sc *scope) {
	s.eval(n.Kid(0), sc)
	names, negated := checks(n.Kid(0))
	then := sc.child(true)
	if !negated {
		clear(then, names, s, sc)
	}
	s.run(n.Kid(1), then)
	if other := n.Kid(2); other != nil {
		inner := sc.child(true)
		if negated {
			clear(inner, names, s, sc)
		}
		s.run(other, inner)
	}
	if leaves(n.Kid(1)) && negated {
		clear(sc, names, s, sc)
	}
}

func clear(into *scope, names []string, s *scan, sc *scope) {
	for _, name := range names {
		into.vars[name] = vetted(name)
	}
}

// leaves reports whether a block ends what it is in.
func leaves(n *syntax.Node) bool {
	if n == nil || len(n.Kids) == 0 {
		return false
	}
	last := n.Kids[len(n.Kids)-1]
	if last.Is(syntax.Call) {
		name := last.Last()
		return name == "abort" || name == "exit"
	}
	return last.Is(syntax.Return) || last.Is(syntax.Throw) || last.Is(syntax.Block) && leaves(last)
}

// checks lists the names that a condition holds against something known, and whether it is true where they are bad.
func checks(n *syntax.Node) (names []string, negated bool) {
	n.Walk(func(k *syntax.Node) bool {
		switch {
		case k.Is(syntax.Unary) && (k.Text == "!" || k.Text == "not"), k.Is(syntax.Binary) && (k.Text == "not in" || k.Text == "!==" || k.Text == "!=" || k.Text == "is"):
			negated = true
		}
		switch {
		case k.Is(syntax.Call) && validates(k.Last()):
			for _, a := range k.Kids[1:] {
				names = appendDotted(names, a)
			}
			if of := k.Kid(0).Kid(0); of != nil && k.Kid(0).Is(syntax.Member) {
				names = appendDotted(names, of)
			}
		case k.Is(syntax.Binary) && (k.Text == "in" || k.Text == "not in"):
			names = appendDotted(names, k.Kid(0))
		case k.Is(syntax.Binary) && (k.Text == "===" || k.Text == "!==" || k.Text == "==" || k.Text == "!=") && k.Kid(1).Is(syntax.Text) && k.Kid(1).Text != "":
			names = appendDotted(names, k.Kid(0))
		}
		return !k.Is(syntax.Function)
	})
	return names, negated
}

func appendDotted(names []string, n *syntax.Node) []string {
	if d := n.Dotted(); d != "" {
		return append(names, d)
	}
	return names
}

func validates(name string) bool {
	switch name {
	case "includes", "has", "test", "match", "fullmatch", "startsWith", "startswith", "indexOf", "isInteger", "isNaN", "isdigit", "isdecimal", "isnumeric", "isalnum", "isUUID",
		"hasOwnProperty", "hasOwn", "is_relative_to", "url_has_allowed_host_and_scheme", "is_safe_url", "isalpha", "isidentifier":
		return true
	}
	return strings.HasPrefix(name, "isValid") || strings.HasPrefix(name, "is_valid") || strings.HasPrefix(name, "isSafe") || strings.HasPrefix(name, "is_safe") ||
		strings.HasPrefix(name, "isAllowed") || strings.HasPrefix(name, "is_allowed") || strings.HasPrefix(name, "validate")
}

// eval gives what is known of an expression, and judges the calls in it.
func (s *scan) eval(n *syntax.Node, sc *scope) value {
	if s.budget--; n == nil || s.budget < 0 {
		return value{}
	}
	switch n.Kind {
	case syntax.Text:
		return constant(n.Text)
	case syntax.Constant, syntax.Regex:
		return value{known: true, text: n.Text}
	case syntax.Name:
		return s.variable(n.Text, sc)
	case syntax.Member:
		return s.member(n, sc)
	case syntax.Index:
		return s.index(n, sc)
	case syntax.Template:
		return compose(s.each(n.Kids, sc))
	case syntax.Tagged:
		return s.tagged(n, sc)
	case syntax.Call, syntax.New:
		return s.call(n, sc)
	case syntax.Assign:
		return s.assign(n, sc)
	case syntax.Binary:
		return s.binary(n, sc)
	case syntax.Unary:
		v := s.eval(n.Kid(0), sc)
		if n.Text == "await" || n.Text == "yield" {
			return v
		}
		return value{}
	case syntax.Choice:
		s.eval(n.Kid(0), sc)
		inner := sc.child(true)
		if names, negated := checks(n.Kid(0)); !negated {
			clear(inner, names, s, sc)
		}
		return join(s.eval(n.Kid(1), inner), s.eval(n.Kid(2), sc))
	case syntax.Sequence:
		var v value
		for _, k := range n.Kids {
			v = s.eval(k, sc)
		}
		return v
	case syntax.Object, syntax.List:
		return s.gathered(n, sc)
	case syntax.Pair, syntax.Spread, syntax.Argument:
		v := s.eval(n.Kid(0), sc)
		s.eval(n.Kid(1), sc)
		return v
	case syntax.Function:
		s.function(n, sc)
		return value{}
	case syntax.Element:
		s.element(n, sc)
		return value{}
	case syntax.Throw, syntax.Unknown, syntax.Return:
		for _, k := range n.Kids {
			s.eval(k, sc)
		}
		return value{}
	}
	if n.Kind != syntax.Import {
		s.run(n, sc)
	}
	return value{}
}

func (s *scan) each(list []*syntax.Node, sc *scope) []value {
	vs := make([]value, len(list))
	for i, k := range list {
		vs[i] = s.eval(k, sc)
	}
	return vs
}

// gathered is an object or a list, which is as harmful as what is in it.
func (s *scan) gathered(n *syntax.Node, sc *scope) value {
	v := value{known: true}
	for _, k := range n.Kids {
		p := s.eval(k, sc)
		v.known = v.known && p.known
		v.text = (v.text + " " + p.text)[:min(len(v.text)+1+len(p.text), maxText)]
		if p.from != "" {
			if v.from == "" {
				v.cleared = p.cleared
			}
			v.from, v.cleared = p.from, v.cleared&p.cleared
		}
		v.pieces = v.pieces || p.pieces
		v.composed = v.composed || p.composed
	}
	if n.Is(syntax.Object) && v.from != "" {
		v.cleared |= markup // it is sent as JSON
	}
	s.settings(n, sc)
	return v
}

func (s *scan) variable(name string, sc *scope) value {
	if v, ok := sc.find(name); ok {
		if v.path == "" {
			v.path = name
		}
		return v
	}
	if module, ok := s.imports[name]; ok {
		return value{path: module}
	}
	return s.free(name)
}

// free is a name that nothing in the file explains.
func (s *scan) free(name string) value {
	v := value{path: canonical(name, s.lang)}
	if s.lang == Script && browser(v.path) {
		v.from, v.cleared = name, redirect // itself
	}
	return v
}

func (s *scan) member(n *syntax.Node, sc *scope) value {
	if d := n.Dotted(); d != "" {
		if v, ok := sc.find(d); ok {
			return v
		}
	}
	return s.of(s.eval(n.Kid(0), sc), n.Text)
}

// of is a member of a value.
func (s *scan) of(base value, name string) value {
	v := value{path: base.path + "." + name}
	if base.path == "" {
		v.path = "?." + name
	}
	switch {
	case name == "length" || name == "size" || name == "user" || name == "session":
		return v
	case base.from != "":
		v.from, v.cleared = base.from, base.cleared
	case s.comesIn(v.path):
		v.from = strings.TrimPrefix(v.path, "?.")
	}
	if v.from != "" && s.lang == Script {
		v.cleared = tame(v, base.from == "", name)
	}
	return v
}

func (s *scan) index(n *syntax.Node, sc *scope) value {
	base := s.eval(n.Kid(0), sc)
	at := s.eval(n.Kid(1), sc)
	if at.known && n.Kid(1).Is(syntax.Text) {
		v := s.of(base, at.text)
		if have, ok := sc.find(n.Kid(0).Dotted() + "." + at.text); ok && n.Kid(0).Dotted() != "" {
			return have
		}
		return v
	}
	v := value{from: base.from, cleared: base.cleared, path: base.path + "[]", known: base.known}
	if v.known {
		v.text = base.text
	}
	return v
}

func (s *scan) binary(n *syntax.Node, sc *scope) value {
	a := s.eval(n.Kid(0), sc)
	b := s.eval(n.Kid(1), sc)
	switch n.Text {
	case "+":
		return compose([]value{a, b})
	case "%":
		if s.lang == Python && (a.text != "" || a.from != "") {
			v := compose([]value{a, b})
			if !a.known && a.from == "" && a.text == "" {
				return value{}
			}
			return v
		}
	case "/":
		if s.lang == Python && (a.from != "" || b.from != "") {
			return join(a, b)
		}
	case "||", "??", "or":
		return join(a, b)
	case "&&", "and":
		return b // or what is nothing
	}
	return value{}
}

// tagged is a template that a function takes apart: it keeps values and text separate.
func (s *scan) tagged(n *syntax.Node, sc *scope) value {
	s.each(n.Kid(1).Kids, sc)
	return value{path: s.eval(n.Kid(0), sc).path + "()"}
}

// assign follows an assignment.
func (s *scan) assign(n *syntax.Node, sc *scope) value {
	target, given := n.Kid(0), n.Kid(1)
	if given == nil {
		if n.Text == "var" && target.Is(syntax.Name) {
			sc.vars[target.Text] = value{}
		}
		return value{}
	}
	v := s.eval(given, sc)
	if n.Text == "+=" {
		v = compose([]value{s.eval(target, sc), v})
	} else if n.Text == "of" || n.Text == "in" {
		v.path = ""
	}
	s.into(target, v, sc)
	s.assigned(n, target, given, v, sc)
	return v
}

// into gives a target its value: a pattern takes it apart.
func (s *scan) into(target *syntax.Node, v value, sc *scope) {
	switch target.Kind {
	case syntax.Name:
		sc.set(target.Text, v)
	case syntax.Member:
		if d := target.Dotted(); d != "" {
			sc.set(d, v)
		}
		s.eval(target.Kid(0), sc)
	case syntax.Index:
		s.keyed(target, v, sc)
	case syntax.Object:
		for _, k := range target.Kids {
			s.intoPair(k, v, sc)
		}
	case syntax.List:
		for _, k := range target.Kids {
			part := v
			part.path = ""
			s.into(k, part, sc)
		}
	case syntax.Spread, syntax.Argument, syntax.Param:
		s.into(target.Kid(0), v, sc)
	case syntax.Assign: // a default
		s.into(target.Kid(0), join(v, s.eval(target.Kid(1), sc)), sc)
	}
}

func (s *scan) intoPair(k *syntax.Node, v value, sc *scope) {
	switch {
	case k.Is(syntax.Pair) && k.Kid(0) != nil:
		s.into(k.Kid(0), s.of(v, k.Text), sc)
	case k.Is(syntax.Spread):
		s.into(k.Kid(0), v, sc)
	}
}

// function follows a function's body with nothing known of its arguments but their names.
func (s *scan) function(n *syntax.Node, sc *scope) {
	inner := &scope{vars: map[string]value{}, up: sc, function: true, returns: &value{}}
	for _, m := range n.Marks {
		s.eval(m, sc)
	}
	route := s.route(n)
	for i, p := range n.Params() {
		s.parameter(n, i, p, route, inner)
	}
	if b := n.Body(); b != nil {
		s.block(b, inner)
	}
	s.answered(n, route, *inner.returns)
}

func (s *scan) parameter(f *syntax.Node, i int, p *syntax.Node, route string, sc *scope) {
	if d := p.Kid(1); d != nil {
		s.eval(d, sc)
	}
	v := s.given(f, i, p, route)
	if p.Text != "" {
		sc.vars[p.Text] = v
		return
	}
	for _, k := range bound(p.Kid(0), nil) {
		sc.vars[k] = value{path: k}
	}
	s.into(p.Kid(0), v, sc)
}

// bound lists the names that a pattern binds.
func bound(n *syntax.Node, list []string) []string {
	switch {
	case n.Is(syntax.Name):
		return append(list, n.Text)
	case n.Is(syntax.Pair), n.Is(syntax.Assign), n.Is(syntax.Spread):
		return bound(n.Kid(0), list)
	case n.Is(syntax.Object), n.Is(syntax.List):
		for _, k := range n.Kids {
			list = bound(k, list)
		}
	}
	return list
}
