package flow

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/tutela-health/tutela/supply"
	"github.com/tutela-health/tutela/supply/source/syntax"
)

// Summary is what a function does with what it is given, as callers in other files see it.
type Summary struct {
	Leaks   []Leak         `json:"leaks,omitempty"`
	Returns map[int]uint16 `json:"returns,omitempty"` // by parameter that it gives back, the harm that it took away
	Gives   string         `json:"gives,omitempty"`   // what a request brings, where it gives that by itself
	Cleared uint16         `json:"cleared,omitempty"` // harm that it took away from what it gives by itself
}

// Leak is a parameter that reaches where it does harm.
type Leak struct {
	Param int         `json:"param"`
	Rule  supply.Rule `json:"rule"`
	Harm  uint16      `json:"harm"`
	Says  string      `json:"says"`
	Place string      `json:"place"` // file and line
}

// empty reports whether nothing is known that callers need.
func (f Summary) empty() bool { return len(f.Leaks) == 0 && len(f.Returns) == 0 && f.Gives == "" }

// Imported gives what is known of a function of another file, by the path that a call has: what is imported, and
// the function's name.
type Imported func(path string) (Summary, bool)

// Limits on summaries of one file.
const (
	maxSummarised = 300 // functions
	maxParams     = 6
	maxLeaks      = 20 // of one function
)

// param marks a parameter as a source; no source's name has this letter.
const param = "\x00"

// Summaries says what the functions of a tree do, by name; "exports" is what stands for the file itself. Functions
// of which callers need know nothing are left out. name is the file's, for messages.
func (r *Rules) Summaries(root *syntax.Node, l Language, name string, imported Imported) map[string]Summary {
	s := r.look(l, func(supply.Rule, int, string) {})
	s.imported = imported
	root.Walk(s.declare)
	s.budget = patience * (s.budget + 1000)
	top := &scope{vars: map[string]value{}, function: true}
	s.block(root, top)
	found := map[string]Summary{}
	for _, fn := range slices.Sorted(maps.Keys(s.functions)) {
		f := s.functions[fn]
		if f == nil || s.budget < 0 || len(found) >= maxSummarised {
			continue
		}
		sum := s.summary(f, top, name)
		if method(f, l) {
			fn, sum = OnInstance+fn, sum.called()
		}
		if !sum.empty() {
			found[fn] = sum
		}
	}
	s.instances(root, found)
	return found
}

// method reports whether a function is one of a class of Python, which is called on what it takes first.
func method(f *syntax.Node, l Language) bool {
	params := f.Params()
	return l == Python && len(params) > 0 && oneOf(params[0].Text, "self cls")
}

func (s *scan) summary(f *syntax.Node, top *scope, name string) Summary {
	out := Summary{Returns: map[int]uint16{}}
	if !s.matters(f, top) {
		return out
	}
	if v := s.called(f, top, none); v.from != "" {
		out.Gives, out.Cleared = v.from, uint16(v.cleared)
	}
	for i, p := range f.Params()[:min(len(f.Params()), maxParams)] {
		if s.given(f, i, p, "").cleared == all {
			continue
		}
		s.report = func(rule supply.Rule, line int, says string) {
			if rest, ok := strings.CutPrefix(says, param); ok && len(out.Leaks) < maxLeaks {
				_, what, _ := strings.Cut(rest, " ")
				out.Leaks = append(out.Leaks, Leak{i, rule, uint16(s.rules.harm(rule.ID)), what, name + ":" + strconv.Itoa(line)})
			}
		}
		if v := s.called(f, top, i); strings.HasPrefix(v.from, param) {
			out.Returns[i] = uint16(v.cleared)
		}
		s.report = func(supply.Rule, int, string) {}
	}
	return out
}

// Which parameters come from outside, beside a single one.
const (
	none  = -1
	every = -2
)

// matters reports whether a function does anything with what it is given, or gives what a request brings: most do not,
// and are followed once and not for each parameter.
func (s *scan) matters(f *syntax.Node, top *scope) bool {
	leaks := false
	s.report = func(_ supply.Rule, _ int, says string) { leaks = leaks || strings.HasPrefix(says, param) }
	given := s.called(f, top, every)
	s.report = func(supply.Rule, int, string) {}
	return leaks || given.from != ""
}

// called follows a function with one parameter from outside, none or all of them.
func (s *scan) called(f *syntax.Node, top *scope, which int) value {
	s.inlined = map[string]value{}
	inner := &scope{vars: map[string]value{}, up: top, function: true, returns: &value{}}
	for i, p := range f.Params() {
		v := value{path: p.Text} // "req" is not the request of a handler here: that is judged in its own file
		if i == which || which == every {
			v.from = param + p.Text
		}
		s.into(p.Kid(0), v, inner)
	}
	if b := f.Body(); b != nil {
		s.block(b, inner)
	}
	return *inner.returns
}

// harm is what a rule's sinks need a value to be able to do.
func (r *Rules) harm(id string) hazard {
	if h, known := r.harms[id]; known {
		return h
	}
	return all
}

// elsewhere is what a call of another file's function gives, and reports what it does with what it is given.
func (s *scan) elsewhere(c *call) (value, bool) {
	if s.imported == nil || c.path == "" {
		return value{}, false
	}
	f, ok := s.imported(c.path)
	if !ok {
		return value{}, false
	}
	for _, leak := range f.Leaks {
		if v, n := c.one(strconv.Itoa(leak.Param)); n != nil && v.harms(hazard(leak.Harm)) {
			s.report(leak.Rule, c.n.Line, tell(v, leak.Says+", in "+leak.Place))
		}
	}
	v := value{from: f.Gives, cleared: hazard(f.Cleared)}
	for i, cleared := range f.Returns {
		if a, n := c.one(strconv.Itoa(i)); n != nil && a.from != "" {
			a.path = ""
			v = join(v, a.clean(hazard(cleared)))
		}
	}
	return v, true
}
