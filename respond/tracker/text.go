package tracker

import (
	"fmt"
	"strings"
	"time"

	"github.com/tutela-health/tutela/respond/deliver"
)

// The longest title and marker's prefix of a ticket. Jira's summaries take 255 characters.
const (
	maxTitle = 200 // bytes
	marker   = "tutela-"
)

// headline is a ticket in a line.
func (t Ticket) headline() string {
	if t.Kind == OfStep {
		return deliver.Clip(fmt.Sprintf("[%s] Incident %s: %s", t.Level, t.Subject, t.Title), maxTitle)
	}
	return deliver.Clip(fmt.Sprintf("[%s] %s", t.Level, t.Title), maxTitle)
}

// lines are what a ticket says: ids and titles, and nothing about a patient or an account.
func (t Ticket) lines() []string {
	list := []string{t.headline()}
	if t.Kind == OfStep {
		list = append(list, fmt.Sprintf("Step %s of incident %s.", t.Step, t.Subject))
		if !t.Due.IsZero() {
			list = append(list, "Due "+t.Due.UTC().Format(time.RFC3339)+".")
		}
		list = append(list, fmt.Sprintf("Done: tutela incidents step %s %s --note …", t.Subject, t.Step))
	} else {
		list = append(list, "Finding "+t.Subject+".", fmt.Sprintf("Judge it: tutela findings feedback %s --verdict true|benign|expected", t.Subject))
	}
	return append(list, "Closing this ticket closes nothing there: it proposes it.", "Marker: "+marker+t.ID)
}

// fenced are lines of text that GitHub shows as they are: no link, mention, image or reference comes of them.
func fenced(lines []string) string {
	return "```text\n" + strings.ReplaceAll(strings.Join(lines, "\n"), "`", "'") + "\n```\n"
}
