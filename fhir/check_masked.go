package fhir

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/tutela-health/tutela/access"
)

// guess is a search that finds the planted observation, and one that does not, to who sees its value.
type guess struct{ param, right, wrong string }

// maskedElement has billing, which sees that something was measured and not what, search for the value.
// A right guess and a wrong one must be answered alike.
func maskedElement(ctx context.Context, s *stage) (wrong []string, told string, err error) {
	if err := s.plantPatients(ctx, ours); err != nil {
		return nil, "", err
	}
	if err := s.plant(ctx, s.observation(ours, ours)); err != nil {
		return nil, "", err
	}
	who := caller(access.RoleBilling, "user/*.rs")
	seen := s.ask(ctx, who, read("Observation/"+ours))
	switch {
	case !strings.Contains(seen.body, called(ours)):
		return nil, "", fmt.Errorf("billing is answered %d for an observation, so that there is nothing of which a part is hidden", seen.status)
	case strings.Contains(seen.body, "valueQuantity"):
		return []string{"billing is shown what was measured"}, "", nil
	}
	asked := 0
	for _, g := range []guess{{"value-quantity", "5", "7"}, {"combo-value-quantity", "gt4", "lt4"}, {"value-quantity:missing", "false", "true"}} {
		if !s.differs(ctx, g) {
			return nil, "", errors.New("a search by " + g.param + " finds nothing for those who may see the value, so that silence would prove nothing")
		}
		for _, lenient := range []bool{false, true} {
			for _, more := range []string{"", "&_total=accurate", "&_summary=count", "&_include=Observation:subject"} {
				asked++
				q := func(value string) request {
					r := read("Observation?_id=" + ours + "&" + g.param + "=" + value + more)
					r.lenient = lenient
					return r
				}
				right, other := s.ask(ctx, who, q(g.right)), s.ask(ctx, who, q(g.wrong))
				if right.status != other.status || strings.ReplaceAll(right.body, "="+g.right, "="+g.wrong) != other.body {
					wrong = append(wrong, fmt.Sprintf("a search by %s%s tells billing whether a value was guessed", g.param, more))
				}
			}
		}
	}
	return wrong, fmt.Sprintf("billing saw that something was measured and not what; %d pairs of searches with a right and a wrong guess were answered alike", asked), nil
}

// differs reports whether a right guess finds the observation for who may see it, and a wrong one does not.
func (s *stage) differs(ctx context.Context, g guess) bool {
	find := func(value string) bool {
		return s.marked(s.ask(ctx, keeper(), read("Observation?_id="+ours+"&"+g.param+"="+value)))
	}
	return find(g.right) && !find(g.wrong)
}
