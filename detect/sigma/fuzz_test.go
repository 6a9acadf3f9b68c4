package sigma_test

import (
	"testing"

	"github.com/tutela-health/tutela/detect/sigma"
)

// Whatever a file holds, it is rules or problems, and what is a rule can be asked.
func FuzzParse(f *testing.F) {
	f.Add(detects("s: {a|contains|all: [x, 'y*']}\nk: [e, {b|re: 'x.*'}]\ncondition: 1 of s* and not (k or s)"), "x")
	f.Add(base+"title: c\nid: c\ncorrelation: {type: value_count, rules: [failed], group-by: [a], timespan: 1h, condition: {field: b, gte: 1, lt: 5}}", "y")
	f.Add("title: [", "")
	f.Fuzz(func(t *testing.T, text, value string) {
		rules, _ := sigma.Parse("f.yml", []byte(text))
		s, _ := sigma.NewSet(rules)
		x := sigma.New(s)
		for range 3 {
			x.Observe(line(value, map[string]string{"a": value, "b": "1", "did": "fail"}))
		}
	})
}
