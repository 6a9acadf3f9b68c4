package baseline

import (
	"time"

	"github.com/tutela-health/tutela/detect/finding"
)

// Rule is the id under which the model's findings appear.
const Rule = "baseline"

const (
	titleDay     = "A day that care and habit do not explain"
	titleCertain = "Charts were opened with the account of somebody who has left"
	answerDay    = "Ask the person, or who leads the unit, why these charts were opened; a privacy officer decides what follows."
	answerNow    = "End the account's access now, then find out who used it and whom the charts belong to."
)

// Hit tells a flagged day as detection tells everything. A day that was not flagged gives none.
func (d Day) Hit() (finding.Hit, bool) {
	if !d.Flagged {
		return finding.Hit{}, false
	}
	h := finding.Hit{
		Rule: Rule, Title: titleDay, Answer: answerDay, Level: d.level(), Likelihood: d.Score,
		Actor: d.Staff, Group: d.Day.Format(time.DateOnly), Patients: d.Patients, Sensitive: d.Sensitive,
		Entries: d.Events, Reasons: d.Reasons, At: d.Last,
	}
	if d.Certain {
		h.Title, h.Answer = titleCertain, answerNow
	}
	return h, true
}

func (d Day) level() finding.Level {
	switch {
	case d.Certain:
		return finding.Critical
	case d.Score >= .8:
		return finding.High
	}
	return finding.Medium
}

// Hits gives the hits of the flagged among days.
func Hits(days []Day) []finding.Hit {
	var hits []finding.Hit
	for _, d := range days {
		if h, ok := d.Hit(); ok {
			hits = append(hits, h)
		}
	}
	return hits
}
