package access

import (
	"fmt"
	"io/fs"
	"regexp"
	"strings"

	"github.com/cedar-policy/cedar-go"
)

// A Grant spares a look into the resource and at its patients' consents where neither can change the
// answer, which it finds out by trying the best and the worst that could be found. That holds for
// the shipped limits alone: more labels and a denial only ever take away there. A house's own policy
// may forbid one label and no other, or permit because of one; where one speaks of labels or
// consents, they are always looked up, and whatever a policy of the caller's hides is hidden.

// speaks finds the attributes that a look is needed for, outside of annotations.
func speaks(text string) bool {
	return regexp.MustCompile(`\b(labels|consent)\b`).MatchString(text)
}

// conditions is a policy's text without its annotations.
func conditions(c *cedar.Policy) string {
	var kept []string
	for line := range strings.Lines(string(c.MarshalCedar())) {
		if !strings.HasPrefix(line, "@") {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "")
}

// shippedLimits are the texts of the shipped policies that speak of labels or consents.
func shippedLimits() (map[string]bool, error) {
	text, err := fs.ReadFile(shipped, "policies/limits.cedar")
	if err != nil {
		return nil, err
	}
	list, err := cedar.NewPolicyListFromBytes("limits.cedar", text)
	if err != nil {
		return nil, fmt.Errorf("limits.cedar: %w", err)
	}
	limits := map[string]bool{}
	for _, c := range list {
		if speaks(conditions(c)) {
			limits[conditions(c)] = true
		}
	}
	return limits, nil
}

// learn finds out whether policies beside the shipped limits speak of labels or consents.
func (p *Policies) learn() error {
	limits, err := shippedLimits()
	if err != nil {
		return err
	}
	for i := range p.policies {
		text := conditions(p.policies[i].cedar)
		p.looks = p.looks || speaks(text) && !limits[text]
	}
	return nil
}

// hides reports whether a policy that may speak for the caller hides an element.
func (p *Policies) hides(roles []string, typ, path string) bool {
	for _, one := range p.slice(roles) {
		if one.cedar.Effect() == cedar.Permit && !one.shows.Whole() && one.shows.Hides(typ, path) {
			return true
		}
	}
	return false
}
