package alert

import (
	"fmt"
	"strings"
	"time"

	"github.com/tutela-health/tutela/detect/finding"
	"github.com/tutela-health/tutela/respond/deliver"
)

// Sort is what a note is about.
type Sort string

// The sorts.
const (
	Opened     Sort = "opened"
	Raised     Sort = "raised" // it has become riskier
	Escalated  Sort = "escalated"
	Acked      Sort = "acknowledged"
	Tested     Sort = "test"
	Summed     Sort = "digest"
	Aggregated Sort = "flood" // many at once
	Reminded   Sort = "reminder"
)

// Note is one message for one channel. It holds nothing about a patient or an account.
type Note struct {
	ID      string        `json:"id"`              // the same for every attempt
	Alert   string        `json:"alert,omitempty"` // empty for what is about none
	Finding string        `json:"finding,omitempty"`
	Sort    Sort          `json:"sort"`
	Title   string        `json:"title"`
	Level   finding.Level `json:"level"`
	Risk    int           `json:"risk,omitempty"`
	Touched int           `json:"patients,omitempty"` // how many
	Hits    int           `json:"hits,omitempty"`
	At      time.Time     `json:"at"`
	Lines   []string      `json:"lines,omitempty"` // of a digest, or of many at once
	Link    string        `json:"link,omitempty"`
}

// maxTitle bounds what a rule's own words take, in bytes.
const maxTitle = 200

// title keeps a rule's words to one plain line.
func title(s string) string { return deliver.Line(s, maxTitle) }

// Subject is a note in a line.
func (n Note) Subject() string {
	switch n.Sort {
	case Opened:
		return fmt.Sprintf("[%s] %s", n.Level, n.Title)
	case Raised, Escalated, Acked:
		return fmt.Sprintf("[%s, %s] %s", n.Level, n.Sort, n.Title)
	case Tested, Summed, Aggregated, Reminded:
	}
	return n.Title
}

// Text is a note in some lines.
func (n Note) Text() string {
	var b strings.Builder
	fmt.Fprintln(&b, n.Subject())
	if n.Finding != "" {
		fmt.Fprintf(&b, "Finding %s, risk %d of 100, %d times, %d patients concerned.\n", n.Finding, n.Risk, n.Hits, n.Touched)
	}
	for _, l := range n.Lines {
		fmt.Fprintln(&b, l)
	}
	fmt.Fprintf(&b, "At %s.\n", n.At.UTC().Format(time.RFC3339))
	if n.Alert != "" {
		fmt.Fprintf(&b, "Seen it: tutela alerts ack %s\n", n.Alert)
	}
	if n.Link != "" {
		fmt.Fprintln(&b, n.Link)
	}
	return b.String()
}
