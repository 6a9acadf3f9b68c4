package assure

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/clock"
)

// Watch is what is known of checks that are tried on schedule.
type Watch struct {
	// Checks are those that are to be tried.
	Checks func() []tutela.Check
	// Newest gives the newest evidence of each, of every node's.
	Newest func(context.Context) (map[string]tutela.Evidence, error)
	Clock  clock.Clock
	Since  time.Time // when this node began to try them
}

// overdue is how much longer than it counts evidence may be the newest: the schedule rests between checks, and others assess.
const overdue = 2 * time.Hour

// Check is that of the schedule itself.
func (w Watch) Check() tutela.Check {
	return tutela.Check{
		ID: "govern.evidence-fresh", Title: "Every check is tried before what it last saw expires",
		Controls: []string{"G02", "45 CFR 164.308(a)(8)"}, Fresh: time.Hour, Try: w.try,
	}
}

// try looks for checks whose evidence has run out, and for those that were never tried though there was time.
func (w Watch) try(ctx context.Context) tutela.Evidence {
	e := tutela.Evidence{On: "the evidence of all checks"}
	newest, err := w.Newest(ctx)
	if err != nil {
		e.Observed = err.Error()
		return e
	}
	var late []string
	all := w.Checks()
	now := w.Clock()
	for _, c := range all {
		due := w.Since.Add(c.Fresh)
		if last, tried := newest[c.ID]; tried && last.Expires.After(due) {
			due = last.Expires
		}
		if now.Sub(due) > overdue {
			late = append(late, c.ID)
		}
	}
	slices.Sort(late)
	switch {
	case len(all) == 0:
		e.Observed = "there are no checks to try"
	case len(late) > 0:
		e.Verdict, e.Observed = tutela.Fail, fmt.Sprintf("%d of %d checks were not tried in time: %s", len(late), len(all), strings.Join(late[:min(len(late), 5)], ", "))
	default:
		e.Verdict, e.Observed = tutela.Pass, fmt.Sprintf("%d checks were tried in time, or are not due yet", len(all))
	}
	return e
}
