package lock

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// sorted lists a map's keys in order, so that the same file always reads the same.
func sorted[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }

func or(a, b string) string { return cmp.Or(a, b) }

// unquoted takes a pair of quotes off.
func unquoted(s string) string {
	if len(s) >= 2 && (s[0] == '"' || s[0] == '\'') && s[len(s)-1] == s[0] {
		return s[1 : len(s)-1]
	}
	return s
}

// indent counts the spaces that a line begins with.
func indent(line string) int { return len(line) - len(strings.TrimLeft(line, " ")) }
