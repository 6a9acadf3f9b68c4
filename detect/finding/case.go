package finding

import (
	"fmt"
	"slices"
	"time"

	"github.com/tutela-health/tutela"
)

// The bounds of what a finding keeps.
const (
	maxPatients = 2000 // who are told apart; shown are the first maxShown
	maxShown    = 100
	maxEntries  = 20 // the first so many, and as many of the last
	maxReasons  = 10
	maxText     = 400 // bytes of a reason, a title, an answer
	maxEntry    = 128 // bytes of an id, as sources give them
)

// Together is how long after its last hit a finding still takes in what is alike.
const Together = 7 * 24 * time.Hour

// Case is a finding with what is needed to add to it.
type Case struct {
	Finding

	Seen      []tutela.Bucket `json:"seen,omitempty"` // patients told apart
	Delicate  []tutela.Bucket `json:"delicate,omitempty"`
	Strongest float64         `json:"strongest"` // likelihood of the strongest hit
	Factor    float64         `json:"factor"`    // what feedback on the like of it makes of the likelihood
	Judged    time.Time       `json:"judged,omitzero"`
	Before    int             `json:"before,omitempty"` // patients touched when it was judged
	Opened    time.Time       `json:"opened"`           // when it was written, by the writer's clock
}

// New opens a case with its first hit.
func New(id string, h Hit, f Favour) *Case {
	c := &Case{
		Finding: Finding{
			ID: id, Rule: h.Rule, Title: cut(h.Title, maxText), Level: h.Level, Actor: h.Actor, Group: h.Group, State: Open, First: h.At,
			Answer: cut(h.Answer, maxText),
		},
		Factor: f.Factor(),
	}
	if said := f.Reason(); said != "" {
		c.Reasons = []string{said}
	}
	c.Add(h)
	return c
}

// Takes reports whether a hit of the same rule, actor and group belongs to the case.
func (c *Case) Takes(h Hit) bool { return c.State == Open && h.At.Sub(c.Last).Abs() <= Together }

// Told reports whether the case shows every entry of a hit already: it is the same hit once more.
func (c *Case) Told(h Hit) bool {
	for _, e := range h.Entries {
		if !slices.Contains(c.Entries, cut(e, maxEntry)) {
			return false
		}
	}
	return len(h.Entries) > 0
}

// Add takes a hit in.
func (c *Case) Add(h Hit) {
	c.Hits++
	c.First, c.Last = earlier(c.First, h.At), later(c.Last, h.At)
	if h.Level.Severity() > c.Level.Severity() {
		c.Level = h.Level
	}
	c.Seen = joined(c.Seen, h.Patients)
	c.Delicate = joined(c.Delicate, h.Sensitive)
	c.Touched, c.Sensitive = len(c.Seen), len(c.Delicate)
	for _, b := range c.Seen[len(c.Patients):min(len(c.Seen), maxShown)] {
		c.Patients = append(c.Patients, fmt.Sprintf("%016x", uint64(b)))
	}
	for _, e := range h.Entries {
		c.show(e)
	}
	for _, r := range h.Reasons {
		if r = cut(r, maxText); len(c.Reasons) < maxReasons && !slices.Contains(c.Reasons, r) {
			c.Reasons = append(c.Reasons, r)
		}
	}
	c.Strongest = max(c.Strongest, h.likelihood())
	c.rank()
}

// rank works the risk out anew.
func (c *Case) rank() {
	c.Likelihood = min(repeated(c.Strongest, c.Hits)*c.Factor, 0.99)
	c.Risk = Risk(c.Level, c.Likelihood, c.Touched, c.Sensitive)
}

// show keeps the first entries, and the last ones by pushing out what lies between.
func (c *Case) show(entry string) {
	entry = cut(entry, maxEntry)
	if slices.Contains(c.Entries, entry) {
		return
	}
	c.Shown++
	if len(c.Entries) == 2*maxEntries {
		c.Entries = slices.Delete(c.Entries, maxEntries, maxEntries+1)
	}
	c.Entries = append(c.Entries, entry)
}

// joined adds to a list whatever is not in it, up to its bound.
func joined(list, more []tutela.Bucket) []tutela.Bucket {
	for _, b := range more {
		if len(list) < maxPatients && !slices.Contains(list, b) {
			list = append(list, b)
		}
	}
	return list
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// cut shortens a text between characters.
func cut(s string, size int) string {
	if len(s) <= size {
		return s
	}
	for size > 0 && s[size]&0xC0 == 0x80 {
		size--
	}
	return s[:size]
}
