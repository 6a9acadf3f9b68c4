package sigma

import (
	"regexp/syntax"
	"slices"
	"strings"
)

// hints are what a text in lower case must hold for an expression to match: of each list one literal at least. None
// means that nothing can be said. Looking for them first spares most texts the expression.
func hints(text string) [][]string {
	re, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return nil
	}
	list := needed(re.Simplify())
	slices.SortStableFunc(list, func(a, b []string) int {
		if better(a, b) {
			return -1
		}
		return 1
	})
	list = slices.CompactFunc(list, slices.Equal)
	return list[:min(len(list), maxHints)]
}

// The bounds of the hints of one expression.
const (
	maxHints    = 6
	maxLiterals = 64 // in one list
	maxClass    = 12 // characters of a class
)

// needed follows an expression down.
func needed(re *syntax.Regexp) [][]string {
	switch re.Op {
	case syntax.OpLiteral:
		return [][]string{{strings.ToLower(string(re.Rune))}}
	case syntax.OpCharClass:
		return class(re.Rune)
	case syntax.OpCapture, syntax.OpPlus:
		return needed(re.Sub[0])
	case syntax.OpRepeat:
		if re.Min > 0 {
			return needed(re.Sub[0])
		}
	case syntax.OpConcat:
		return sequence(re.Sub)
	case syntax.OpAlternate:
		return alternatives(re.Sub)
	}
	return nil
}

// sequence needs what each needs; literals that follow each other are one.
func sequence(subs []*syntax.Regexp) [][]string {
	var all [][]string
	run := ""
	end := func() {
		if run != "" {
			all = append(all, []string{run})
		}
		run = ""
	}
	for _, sub := range subs {
		switch {
		case sub.Op == syntax.OpLiteral:
			run += strings.ToLower(string(sub.Rune))
		case sub.Op == syntax.OpPlus && sub.Sub[0].Op == syntax.OpLiteral:
			run += strings.ToLower(string(sub.Sub[0].Rune))
			end()
		default:
			end()
			all = append(all, needed(sub)...)
		}
	}
	end()
	return all
}

// alternatives need one of what each needs.
func alternatives(subs []*syntax.Regexp) [][]string {
	var all []string
	for _, sub := range subs {
		var best []string
		for _, h := range needed(sub) {
			if better(h, best) {
				best = h
			}
		}
		if best == nil || len(all)+len(best) > maxLiterals {
			return nil
		}
		all = append(all, best...)
	}
	slices.Sort(all)
	return [][]string{slices.Compact(all)}
}

// class is a small class of characters, given as ranges.
func class(ranges []rune) [][]string {
	var all []string
	for i := 0; i+1 < len(ranges); i += 2 {
		for r := ranges[i]; r <= ranges[i+1]; r++ {
			if len(all) == maxClass {
				return nil
			}
			all = append(all, strings.ToLower(string(r)))
		}
	}
	if len(all) == 0 {
		return nil
	}
	slices.Sort(all)
	return [][]string{slices.Compact(all)}
}

// better prefers literals that are rarer: longer, and of two as long the fewer.
func better(a, b []string) bool {
	switch {
	case len(a) == 0 || len(b) == 0:
		return len(a) > 0
	case shortest(a) != shortest(b):
		return shortest(a) > shortest(b)
	}
	return len(a) < len(b)
}

func shortest(list []string) int {
	n := len(list[0])
	for _, s := range list {
		n = min(n, len(s))
	}
	return n
}

// hinted reports whether a text in lower case may hold a match.
func hinted(lower string, hints [][]string) bool {
	for _, list := range hints {
		if !slices.ContainsFunc(list, func(h string) bool { return strings.Contains(lower, h) }) {
			return false
		}
	}
	return true
}
