package gate

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tutela-health/tutela/supply"
)

// Verdict is what the gate says.
type Verdict struct {
	Passed   bool             `json:"passed"`
	Reasons  []string         `json:"reasons,omitempty"` // why not
	Failing  []supply.Finding `json:"failing,omitempty"` // the findings that fail, worst first
	Noted    int              `json:"noted"`             // findings that count and do not fail
	Waived   int              `json:"waived"`
	Ending   []string         `json:"ending,omitempty"` // waivers that end within two weeks
	Tests    *TestResults     `json:"tests,omitempty"`
	Coverage *float64         `json:"coverage,omitempty"` // per cent
}

// soon is how long before its end a waiver is pointed out.
const soon = 14 * 24 * time.Hour

// Judge gives the verdict on a report; it marks in the report what is waived.
func (p Policy) Judge(r *supply.Report, tests Outcome, now time.Time) Verdict {
	var v Verdict
	v.Reasons = p.Waive(r, now)
	for i := range r.Findings {
		switch f := &r.Findings[i]; {
		case !f.Counts():
			v.Waived++
		case p.fails(f):
			v.Failing = append(v.Failing, *f)
		default:
			v.Noted++
		}
	}
	if n := len(v.Failing); n > 0 {
		v.Reasons = append(v.Reasons, fmt.Sprintf("%d findings fail", n))
	}
	v.Reasons = append(v.Reasons, p.unchecked(r)...)
	v.Reasons = append(v.Reasons, p.judgeTests(tests)...)
	v.Tests, v.Coverage, v.Ending = tests.Results, tests.Coverage, p.ending(now)
	v.Passed = len(v.Reasons) == 0
	return v
}

// unchecked says what was not checked and had to be.
func (p Policy) unchecked(r *supply.Report) (reasons []string) {
	for _, c := range r.Checked {
		if slices.Contains(p.MayBeBlind, c.Class) {
			continue
		}
		if c.Blind != "" {
			reasons = append(reasons, fmt.Sprintf("%s could not be checked: %s", c.Class, c.Blind))
		}
		for _, why := range c.Failed {
			if !p.mayMiss(why) {
				reasons = append(reasons, fmt.Sprintf("%s could not check %s (mayMiss lets it pass)", c.Class, why))
			}
		}
	}
	for _, why := range r.Failed {
		if !p.mayMiss(why) {
			reasons = append(reasons, fmt.Sprintf("could not check %s (mayMiss lets it pass)", why))
		}
	}
	return reasons
}

// mayMiss reports whether the policy lets a file pass that could not be checked.
func (p Policy) mayMiss(why string) bool {
	name, _, _ := strings.Cut(why, ": ")
	return slices.ContainsFunc(p.MayMiss, func(pattern string) bool { return fits(pattern, name) })
}

func (p Policy) ending(now time.Time) (list []string) {
	for _, e := range slices.Concat(p.Waivers, p.LeaveOut) {
		if e.lacks(now) == "" && e.Expires.Sub(now) < soon {
			list = append(list, fmt.Sprintf("the waiver of %s ends on %s", e.name(), e.Expires.Format(time.DateOnly)))
		}
	}
	return list
}
