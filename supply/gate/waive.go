package gate

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tutela-health/tutela/supply"
)

// fault says what a waiver lacks; empty when it holds now.
func (e Entry) fault(now time.Time) string {
	switch {
	case e.Finding == "" && e.Rule == "" && e.Path == "" && e.Component == "" && e.Ignores == "":
		return "says nothing of what it excuses: give finding, rule, path, component or ignores"
	case e.Finding == "" && e.Rule == "" && e.Component == "" && e.Ignores == "":
		return "excuses whatever is found there: give a finding, rule or component besides the path"
	}
	return e.lacks(now)
}

// lacks says what of a waiver's reason, people and end is missing.
func (e Entry) lacks(now time.Time) string {
	switch {
	case utf8.RuneCountInString(strings.TrimSpace(e.Reason)) < 10:
		return "has no reason that a reader could judge"
	case strings.TrimSpace(e.Owner) == "":
		return "has no owner"
	case strings.TrimSpace(e.Approver) == "":
		return "has no approver"
	case strings.EqualFold(strings.TrimSpace(e.Owner), strings.TrimSpace(e.Approver)):
		return "was approved by its owner: it takes a second person"
	case e.Expires.IsZero():
		return "has no end"
	case !now.Before(e.Expires):
		return fmt.Sprintf("has ended on %s", e.Expires.Format(time.DateOnly))
	case e.Expires.Sub(now) > LongestWaiver:
		return fmt.Sprintf("ends later than in %d days", int(LongestWaiver.Hours()/24))
	}
	return ""
}

// name is how a waiver is called in messages.
func (e Entry) name() string {
	var parts []string
	for _, p := range [][2]string{{"finding", e.Finding}, {"rule", e.Rule}, {"component", e.Component}, {"path", e.Path}, {"ignores", e.Ignores}} {
		if p[1] != "" {
			parts = append(parts, p[0]+" "+p[1])
		}
	}
	if len(parts) == 0 {
		return "(names nothing)"
	}
	return strings.Join(parts, ", ")
}

// covers reports whether a finding is what the waiver names.
func (e Entry) covers(f *supply.Finding) bool {
	if e.Finding != "" && e.Finding != f.Fingerprint {
		return false
	}
	if e.Rule != "" && e.Rule != f.Rule.ID && !slices.Contains(f.Aliases, e.Rule) {
		return false
	}
	if e.Component != "" && (f.Component == nil || f.Component.Name != e.Component) {
		return false
	}
	if e.Path != "" && !fits(e.Path, f.Place.Path) {
		return false
	}
	return e.Ignores == "" || f.Waiver != nil && f.Waiver.From == e.Ignores
}

// Waive lets the policy's waivers excuse findings, and gives those waivers that do not hold, each with
// what it lacks. What other tools' files leave out counts again, unless a waiver adopts the file.
func (p Policy) Waive(r *supply.Report, now time.Time) (faulty []string) {
	holding, faulty := p.holding(now)
	faulty = append(faulty, p.badLeaveOuts(now)...)
	for i := range r.Findings {
		r.Findings[i].Waiver = excuse(&r.Findings[i], holding)
	}
	return faulty
}

// Show is Waive for looking, not for judging: what other tools' files leave out stays left out.
func (p Policy) Show(r *supply.Report, now time.Time) (faulty []string) {
	holding, faulty := p.holding(now)
	for i := range r.Findings {
		if w := excuse(&r.Findings[i], holding); w != nil {
			r.Findings[i].Waiver = w
		}
	}
	return faulty
}

// Prune leaves out of a tree what the policy leaves out, with a reason, two people and an end.
func (p Policy) Prune(t *supply.Tree, now time.Time) {
	for _, e := range p.LeaveOut {
		if e.misplaced() == "" && e.lacks(now) == "" {
			t.LeaveOut(func(name string) bool { return fits(e.Path, name) }, fmt.Sprintf("%s, %s (until %s)", e.Path, e.Reason, e.Expires.Format(time.DateOnly)))
		}
	}
}

// misplaced says what a leaveOut has that it cannot have.
func (e Entry) misplaced() string {
	if e.Path == "" || e.Finding != "" || e.Rule != "" || e.Component != "" || e.Ignores != "" {
		return "takes a path, and nothing else that names findings"
	}
	return ""
}

func (p Policy) badLeaveOuts(now time.Time) (faulty []string) {
	for _, e := range p.LeaveOut {
		for _, why := range []string{e.misplaced(), e.lacks(now)} {
			if why != "" {
				faulty = append(faulty, "leaving out "+e.name()+" "+why)
				break
			}
		}
	}
	return faulty
}

// holding are the waivers that hold, and what is wrong with the others.
func (p Policy) holding(now time.Time) (list []Entry, faulty []string) {
	for _, e := range p.Waivers {
		if why := e.fault(now); why != "" {
			faulty = append(faulty, "the waiver of "+e.name()+" "+why)
			continue
		}
		list = append(list, e)
	}
	return list, faulty
}

func excuse(f *supply.Finding, holding []Entry) *supply.Waiver {
	for _, e := range holding {
		if e.covers(f) {
			w := e.Waiver
			w.From = File
			if e.Ignores != "" {
				w.From = e.Ignores
			}
			return &w
		}
	}
	return nil
}

// String says what the entry names.
func (e Entry) String() string { return e.name() }
