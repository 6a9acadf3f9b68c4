package main

import (
	"fmt"
	"regexp"
	"strings"
)

// branch is one alternative of a search parameter's expression, resolved against the model.
type branch struct {
	root  string
	steps []step
	only  string // from where(resolve() is X): the parameter keeps references to X only
	truth bool   // from "X.exists() and X != false": the answer is a boolean
}

// step goes from an element to its members of one name.
type step struct {
	name   string
	choice bool   // name is the base of a choice element
	first  bool   // [0]
	field  string // where(field='value')
	value  string
}

// key is the branch's stable name. Branches that select the same nodes have the same key.
func (b branch) key() string {
	var s strings.Builder
	s.WriteString(b.root)
	for _, st := range b.steps {
		s.WriteString("." + st.name)
		if st.choice {
			s.WriteString("[x]")
		}
		if st.first {
			s.WriteString("[0]")
		}
		if st.field != "" {
			s.WriteString("[" + st.field + "=" + st.value + "]")
		}
	}
	if b.truth {
		s.WriteString("?")
	}
	return s.String()
}

var (
	truthForm   = regexp.MustCompile(`^([A-Za-z.]+)\.exists\(\) and ([A-Za-z.]+) != false$`)
	resolveForm = regexp.MustCompile(`^where\(resolve\(\) is ([A-Za-z]+)\)$`)
	equalForm   = regexp.MustCompile(`^where\(([a-z]+)\s*=\s*'([^']*)'\)$`)
	typeForm    = regexp.MustCompile(`^(?:as|ofType)\(([A-Za-z]+)\)$`)
	nameForm    = regexp.MustCompile(`^([A-Za-z]+)(\[0\])?$`)
)

// splitUnion cuts an expression at the | outside parentheses and quotes.
func splitUnion(expr string) []string {
	var out []string
	for _, s := range splitOutside(expr, '|') {
		out = append(out, strings.TrimSpace(s))
	}
	return out
}

func splitOutside(s string, sep rune) []string {
	var out []string
	depth, quoted, from := 0, false, 0
	for i, r := range s {
		switch {
		case r == '\'':
			quoted = !quoted
		case quoted:
		case r == '(':
			depth++
		case r == ')':
			depth--
		case r == sep && depth == 0:
			out = append(out, s[from:i])
			from = i + 1
		}
	}
	return append(out, s[from:])
}

// rootOf gives the type that a branch starts from.
func rootOf(expr string) string {
	root, _, _ := strings.Cut(strings.TrimLeft(expr, "("), ".")
	return root
}

// compile resolves one branch. Every form of the R4 expressions is covered; any other is an error.
func compile(m *model, expr string) (branch, error) {
	if t := truthForm.FindStringSubmatch(expr); t != nil && t[1] == t[2] {
		b, err := compile(m, t[1])
		b.truth = true
		return b, err
	}
	c := compiler{model: m, branch: branch{root: rootOf(expr)}}
	t := m.byName[c.branch.root]
	if t == nil {
		return branch{}, fmt.Errorf("unknown root type %q", c.branch.root)
	}
	c.at = []*typeInfo{t}
	if err := c.path(expr); err != nil {
		return branch{}, err
	}
	return c.branch, nil
}

type compiler struct {
	model  *model
	branch branch
	at     []*typeInfo // the types that the path so far may end in
	owners []*typeInfo // the types that hold the last step
}

func (c *compiler) path(expr string) error {
	if strings.HasPrefix(expr, "(") {
		return c.parenthesised(expr)
	}
	for _, part := range splitOutside(expr, '.')[1:] {
		if err := c.part(strings.TrimSpace(part)); err != nil {
			return err
		}
	}
	return nil
}

// parenthesised compiles "(path as Type)" and "(path as Type).rest".
func (c *compiler) parenthesised(expr string) error {
	end := strings.LastIndexByte(expr, ')')
	path, typ, ok := strings.Cut(expr[1:end], " as ")
	if !ok {
		return fmt.Errorf("unknown form in parentheses")
	}
	if err := c.path(path); err != nil {
		return err
	}
	if err := c.narrow(strings.TrimSpace(typ)); err != nil {
		return err
	}
	return c.path("x" + expr[end+1:])
}

func (c *compiler) part(part string) error {
	if t := typeForm.FindStringSubmatch(part); t != nil {
		return c.narrow(t[1])
	}
	if t := resolveForm.FindStringSubmatch(part); t != nil {
		c.branch.only = t[1]
		return nil
	}
	if t := equalForm.FindStringSubmatch(part); t != nil {
		last := c.last()
		last.field, last.value = t[1], t[2]
		return nil
	}
	t := nameForm.FindStringSubmatch(part)
	if t == nil {
		return fmt.Errorf("unknown form %q", part)
	}
	return c.member(t[1], t[2] != "")
}

func (c *compiler) last() *step { return &c.branch.steps[len(c.branch.steps)-1] }

func (c *compiler) member(name string, first bool) error {
	var next []*typeInfo
	choice := false
	for _, t := range c.at {
		for _, e := range t.elementsNamed(name) {
			next = append(next, c.model.byName[e.typ])
			choice = choice || e.choice > 0 && e.name != name
		}
	}
	if len(next) == 0 {
		return fmt.Errorf("no element %q", name)
	}
	c.owners, c.at = c.at, next
	c.branch.steps = append(c.branch.steps, step{name: name, choice: choice, first: first})
	return nil
}

// narrow turns a choice step into the member of one type.
func (c *compiler) narrow(typ string) error {
	last := c.last()
	for _, t := range c.owners {
		for _, e := range t.elementsNamed(last.name) {
			if e.typ == typ {
				last.name, last.choice = e.name, false
				c.at = []*typeInfo{c.model.byName[typ]}
				return nil
			}
		}
	}
	return fmt.Errorf("%q is never a %s", last.name, typ)
}
