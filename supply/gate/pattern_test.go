package gate

import (
	"strings"
	"testing"
)

func TestPathPatterns(t *testing.T) {
	for _, tc := range []struct {
		pattern, name string
		want          bool
	}{
		{"a.go", "a.go", true}, {"a.go", "x/a.go", false}, {"*.go", "a.go", true}, {"*.go", "x/a.go", false}, {"**/*.go", "x/y/a.go", true},
		{"**/*.go", "a.go", true}, {"x/", "x/y/z", true}, {"x/**", "x", true}, {"x/**/z", "x/z", true}, {"x/**/z", "x/a/b/z", true}, {"x/**/z", "x/a/b", false},
		{"**", "anything/at/all", true}, {"a?c", "abc", true}, {"", "a", false}, {"[", "[", false},
		{strings.Repeat("**/a/", 200) + "b", strings.Repeat("a/", 400) + "c", false}, // and not in a lifetime
	} {
		if got := fits(tc.pattern, tc.name); got != tc.want {
			t.Errorf("fits(%.40q, %.40q) = %v", tc.pattern, tc.name, got)
		}
	}
}
