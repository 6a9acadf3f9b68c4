package mask

import (
	"fmt"
	"strings"

	"github.com/tutela-health/tutela/r4"
)

// clauses are the views that a spec asks for, by type.
type clauses struct {
	show, hide map[string][]*view
}

// Parse reads a Mask from its written form; see the package's documentation. The error names the clause:
// a type or path that R4 does not have is refused, since it would hide nothing.
func Parse(spec string) (Mask, error) {
	c := clauses{show: map[string][]*view{}, hide: map[string][]*view{}}
	verb := ""
	for line := range strings.Lines(spec) {
		line, _, _ = strings.Cut(line, "#")
		for clause := range strings.SplitSeq(line, ";") {
			clause = strings.TrimSpace(clause)
			if clause == "" {
				continue
			}
			var err error
			if verb, err = c.read(clause, verb); err != nil {
				return Mask{}, fmt.Errorf("mask: %q: %w", clause, err)
			}
		}
	}
	if len(c.show)+len(c.hide) == 0 {
		return Mask{}, fmt.Errorf("mask: no clause")
	}
	return c.mask(), nil
}

// read takes in one clause. A clause without a verb has that of the one before.
func (c *clauses) read(clause, verb string) (string, error) {
	head, paths, ok := strings.Cut(clause, ":")
	words := strings.Fields(head)
	if len(words) == 2 {
		verb, words = words[0], words[1:]
	}
	if !ok || len(words) != 1 || verb != "show" && verb != "hide" {
		return verb, fmt.Errorf("a clause is show or hide, a type, a colon and paths")
	}
	typ := words[0]
	if typ != "*" && !r4.IsResourceType(typ) {
		return verb, fmt.Errorf("%s is no resource type", typ)
	}
	into := c.hide
	if verb == "show" {
		into = c.show
		into[typ] = append(into[typ], nil)
	}
	for path := range strings.SplitSeq(paths, ",") {
		v, err := viewOf(typ, strings.Split(strings.TrimSpace(path), "."), verb == "show")
		if err != nil {
			return verb, err
		}
		into[typ] = append(into[typ], v)
	}
	return verb, nil
}

// viewOf is the view that shows one path alone, or hides it alone.
func viewOf(typ string, steps []string, show bool) (*view, error) {
	if steps[0] == "meta" || steps[0] == "id" || steps[0] == "resourceType" {
		return nil, fmt.Errorf("%s is not for masks: the package says what of it shows", steps[0])
	}
	if typ != "*" {
		return pathView(typ, steps, show)
	}
	var out *view
	for _, t := range r4.ResourceTypes() {
		if v, err := pathView(t, steps, show); err == nil {
			if out == nil {
				out = v
			}
			out = unlike(out, v, show)
		}
	}
	if out == nil {
		return nil, fmt.Errorf("no resource type has %s", strings.Join(steps, "."))
	}
	return out, nil
}

// unlike joins what one path means for two types: a path into what nests may reach deeper in one of them.
func unlike(a, b *view, show bool) *view {
	if show {
		return unite(a, b)
	}
	return intersect(a, b)
}

func pathView(typ string, steps []string, show bool) (*view, error) {
	child, err := memberType(typ, steps[0])
	if err != nil {
		return nil, err
	}
	leaf := leafOf(show)
	if len(steps) > 1 {
		if leaf, err = pathView(child, steps[1:], show); err != nil {
			return nil, err
		}
	}
	step := part{steps[0], leaf}
	if show {
		return only(step), nil
	}
	if strings.Contains(child, ".") && leaf != nil {
		nest{child, leaf}.close(leaf, child, map[string]bool{})
	}
	return except(step), nil
}

func leafOf(show bool) *view {
	if show {
		return shown()
	}
	return nil
}

// memberType gives the type of an element, "" where a choice leaves several.
func memberType(typ, name string) (string, error) {
	for _, m := range r4.Members(typ) {
		if m.Name == name {
			return m.Type, nil
		}
		if name != "" && m.Choice == name {
			return "", nil
		}
	}
	return "", fmt.Errorf("%s has no element %s", typ, name)
}

// nest is a backbone element whose kind may stand again within it, and what of it shows.
type nest struct {
	typ string
	of  *view
}

// close gives every element of the nest's own type below v, an object of type typ, the nest's view.
func (n nest) close(v *view, typ string, seen map[string]bool) {
	seen[typ] = true
	for _, m := range r4.Members(typ) {
		below, listed := v.listed(m.Name)
		switch {
		case m.Type == n.typ && !listed:
			v.add(part{m.Name, n.of})
		case strings.Contains(m.Type, ".") && !seen[m.Type] && (!listed || below != nil):
			if !listed {
				below = except()
			}
			n.close(below, m.Type, seen)
			if !listed && len(below.members) > 0 {
				v.add(part{m.Name, below})
			}
		}
	}
}

// mask puts the clauses together.
func (c *clauses) mask() Mask {
	m := Mask{rest: settled(c.of("*")), types: map[string]*view{}}
	for _, by := range []map[string][]*view{c.show, c.hide} {
		for typ := range by {
			if typ != "*" {
				m.types[typ] = settled(c.of(typ))
			}
		}
	}
	return m
}

func (c *clauses) of(typ string) *view {
	shows, ok := c.show[typ]
	if !ok {
		shows = c.show["*"]
	}
	out := leafOf(len(shows) == 0)
	for _, v := range shows {
		out = unite(out, v)
	}
	for _, v := range c.hide["*"] {
		out = intersect(out, v)
	}
	for _, v := range c.hide[typ] {
		out = intersect(out, v)
	}
	return out
}
