package main

import (
	"fmt"
	"slices"
	"sort"
	"strings"
)

// search is every search parameter, cut by resource type.
type search struct {
	params      []param
	branches    []branch
	branchIndex map[string]int
	unsupported []unsupported
}

type param struct {
	base     string
	name     string
	typ      string
	targets  []string
	only     string
	branches []int
}

// unsupported is a parameter that does not compile, with the reason.
type unsupported struct{ base, name, reason string }

func buildSearch(d *defs, m *model) (*search, error) {
	s := &search{branchIndex: map[string]int{}}
	for _, p := range d.params {
		for _, base := range p.Base {
			if err := s.add(m, p, base); err != nil {
				return nil, fmt.Errorf("%s %s: %w", base, p.Code, err)
			}
		}
	}
	sort.Slice(s.params, func(i, j int) bool {
		a, b := s.params[i], s.params[j]
		return a.base < b.base || a.base == b.base && a.name < b.name
	})
	sort.Slice(s.unsupported, func(i, j int) bool {
		a, b := s.unsupported[i], s.unsupported[j]
		return a.base < b.base || a.base == b.base && a.name < b.name
	})
	return s, nil
}

func (s *search) add(m *model, p searchParameter, base string) error {
	if reason := refusal(p); reason != "" {
		s.unsupported = append(s.unsupported, unsupported{base, p.Code, reason})
		return nil
	}
	out := param{base: base, name: p.Code, typ: p.Type, targets: p.Target}
	for _, expr := range splitUnion(p.Expression) {
		if expr[0] >= 'a' && expr[0] <= 'z' { // a few expressions leave the type out
			expr = base + "." + expr
		}
		if rootOf(expr) != base {
			continue
		}
		b, err := compile(m, expr)
		if err != nil {
			s.unsupported = append(s.unsupported, unsupported{base, p.Code, "expression: " + err.Error()})
			return nil
		}
		if len(out.branches) > 0 && out.only != b.only {
			return fmt.Errorf("branches resolve to different types")
		}
		out.only = b.only
		if i := s.intern(b); !slices.Contains(out.branches, i) {
			out.branches = append(out.branches, i)
		}
	}
	if len(out.branches) == 0 {
		return fmt.Errorf("no branch of %q starts from it", p.Expression)
	}
	if out.only != "" {
		out.targets = []string{out.only}
	}
	s.params = append(s.params, out)
	return nil
}

func refusal(p searchParameter) string {
	switch {
	case p.Type == "composite" || p.Type == "special":
		return p.Type + " parameters are not offered"
	case p.Expression == "":
		return "has no expression"
	}
	return ""
}

func (s *search) intern(b branch) int {
	b.only = ""
	key := b.key()
	if i, ok := s.branchIndex[key]; ok {
		return i
	}
	s.branches = append(s.branches, b)
	s.branchIndex[key] = len(s.branches) - 1
	return len(s.branches) - 1
}

func exported(typ string) string { return strings.ToUpper(typ[:1]) + typ[1:] }
