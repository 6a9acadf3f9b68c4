// Package flow judges a syntax tree: it follows what a request brings from where it comes in to where it does
// harm, and knows calls that are wrong whatever they are given.
//
// The invariant: a finding names a source and a sink that stand in the file, a sink in a function of another file
// whose Summary was handed in, or a call that is a fault by itself. What a function does of which there is no
// summary is not known, and what it gives counts as harmless.
package flow

import (
	"errors"
	"strings"

	"github.com/tutela-health/tutela/supply"
	"github.com/tutela-health/tutela/supply/source/syntax"
)

// Language is what a tree was read from.
type Language uint8

// The languages.
const (
	Script Language = iota // JavaScript and TypeScript
	Python
)

// Report is told what is wrong on a line.
type Report func(r supply.Rule, line int, says string)

// Rules are the tables that a look needs, made once.
type Rules struct {
	exact   map[string][]sink
	methods map[string][]sink
	harms   map[string]hazard // by rule, what a value must be able to do
}

// NewRules makes the tables.
func NewRules() *Rules {
	r := &Rules{exact: map[string][]sink{}, methods: map[string][]sink{}, harms: map[string]hazard{}}
	for _, s := range sinks() {
		r.harms[s.rule().ID] = s.harm
		for _, name := range strings.Fields(s.calls) {
			if method, ok := strings.CutPrefix(name, "*."); ok {
				r.methods[method] = append(r.methods[method], s)
			} else {
				r.exact[name] = append(r.exact[name], s)
			}
		}
	}
	return r
}

// look begins a look at a file.
func (r *Rules) look(l Language, report Report) *scan {
	return &scan{
		rules: r, lang: l, report: report, told: map[finding]bool{}, functions: map[string]*syntax.Node{}, imports: map[string]string{},
		inlined: map[string]value{}, bindings: map[*syntax.Node][]value{},
	}
}

// Find judges a tree, with what is known of functions of other files, which may be nothing (nil). An error says that
// there was too much to follow; what was found until then is told.
func (r *Rules) Find(root *syntax.Node, l Language, imported Imported, report Report) error {
	s := r.look(l, nil)
	s.imported = imported
	s.report = func(rule supply.Rule, line int, says string) {
		if key := (finding{rule.ID, line}); !s.told[key] {
			s.told[key] = true
			report(rule, line, says)
		}
	}
	root.Walk(s.declare)
	s.budget = patience * (s.budget + 1000)
	s.block(root, &scope{vars: map[string]value{}, function: true})
	s.unguarded(root)
	if s.budget < 0 {
		return errTooMuch
	}
	return nil
}

// patience is how often each node may be judged on average: functions are followed from where they are called.
const patience = 50

var errTooMuch = errors.New("it takes too long to follow what happens in it")

type finding struct {
	rule string
	line int
}

// scan is one look at one file.
type scan struct {
	rules     *Rules
	imported  Imported // knows functions of other files; may be nil
	lang      Language
	report    Report
	told      map[finding]bool
	imports   map[string]string        // by local name, what it names
	functions map[string]*syntax.Node  // of the file, by name; nil where two have it
	bindings  map[*syntax.Node][]value // what is known of the arguments that a function literal gets
	inlined   map[string]value         // by function and what it is called with, what it gives
	first     *value                   // the first element of a list that is the first argument of the call being judged
	budget    int                      // how many nodes may still be judged
	depth     int                      // of calls that are followed
}

// declare notes imports and functions, wherever they stand.
func (s *scan) declare(n *syntax.Node) bool {
	s.budget++
	switch n.Kind {
	case syntax.Import:
		s.imports[n.Kid(0).Text] = strings.TrimPrefix(n.Text, "node:")
	case syntax.Function:
		s.name(n.Text, n)
	case syntax.Assign:
		if n.Kid(1).Is(syntax.Function) {
			s.name(n.Kid(0).Last(), n.Kid(1))
		}
	}
	return true
}

func (s *scan) name(name string, f *syntax.Node) {
	if name == "" {
		return
	}
	if have, ok := s.functions[name]; ok && have != f {
		f = nil
	}
	s.functions[name] = f
}

// scope holds what variables hold.
type scope struct {
	vars     map[string]value
	up       *scope
	function bool // of a whole function
	maybe    bool // of a block that does not always run
	returns  *value
}

func (sc *scope) child(maybe bool) *scope {
	return &scope{vars: map[string]value{}, up: sc, maybe: maybe}
}

func (sc *scope) find(name string) (value, bool) {
	for ; sc != nil; sc = sc.up {
		if v, ok := sc.vars[name]; ok {
			return v, true
		}
	}
	return value{}, false
}

// set assigns to a variable where it lives; what only may be assigned is added to what it held.
func (sc *scope) set(name string, v value) {
	maybe := false
	for at := sc; at != nil; at = at.up {
		if old, ok := at.vars[name]; ok {
			if maybe {
				v = join(old, v)
			}
			at.vars[name] = v
			return
		}
		if at.function {
			at.vars[name] = v
			return
		}
		maybe = maybe || at.maybe
	}
}

// returned is where a function's values are gathered.
func (sc *scope) returned() *value {
	for ; sc != nil; sc = sc.up {
		if sc.function {
			return sc.returns
		}
	}
	return nil
}
