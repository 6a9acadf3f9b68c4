package report

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/tutela-health/tutela/supply"
)

// JSON writes the report as it is.
func JSON(w io.Writer, r *supply.Report) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

// Table writes what counts, worst first, then what was looked at and what could not be.
func Table(w io.Writer, r *supply.Report) error {
	counting := r.Counting()
	if len(counting) > 0 {
		t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		fmt.Fprintln(t, "SEVERITY\tRULE\tPLACE\tWHAT")
		for _, f := range counting {
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", f.Severity, Plain(f.Rule.ID), Plain(At(f.Place)), Plain(sentence(f)))
		}
		if err := t.Flush(); err != nil {
			return err
		}
		fmt.Fprintln(w)
	}
	for _, c := range r.Checked {
		tellChecked(w, c)
	}
	tellList(w, "could not check", r.Failed)
	tellList(w, "left out", r.LeftOut)
	for _, d := range r.Data {
		fmt.Fprintf(w, "data     %s: %d entries, the newest of %s (%s)\n", Plain(d.Name), d.Entries, d.Newest.Format(time.DateOnly), age(r.Began, d.Newest))
	}
	_, err := fmt.Fprintf(w, "\n%s\n", Summary(r))
	return err
}

func tellChecked(w io.Writer, c supply.Checked) {
	if c.Blind != "" {
		fmt.Fprintf(w, "BLIND    %s: %s\n", c.Class, Plain(c.Blind))
	} else {
		fmt.Fprintf(w, "checked  %s: %s\n", c.Class, Plain(strings.TrimPrefix(c.Detail+fmt.Sprintf(", %d files", c.Files), ", ")))
	}
	tellList(w, "could not check", c.Failed)
}

// tellList writes the first of a list.
func tellList(w io.Writer, what string, list []string) {
	const shown = 10
	for i, why := range list {
		if i == shown {
			fmt.Fprintf(w, "         … and %d more (all of them with --format json)\n", len(list)-shown)
			break
		}
		fmt.Fprintf(w, "         %s %s\n", what, Plain(why))
	}
}

// Summary is the report in one line.
func Summary(r *supply.Report) string {
	count := map[supply.Severity]int{}
	waived, missed := 0, len(r.Failed)
	for i := range r.Findings {
		if r.Findings[i].Counts() {
			count[r.Findings[i].Severity]++
		} else {
			waived++
		}
	}
	for _, c := range r.Checked {
		missed += len(c.Failed)
	}
	var parts []string
	for s := supply.Critical; s >= supply.Unknown; s-- {
		if count[s] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", count[s], s))
		}
	}
	text := "nothing found"
	if len(parts) > 0 {
		text = "found " + strings.Join(parts, ", ")
	}
	if waived > 0 {
		text += fmt.Sprintf("; %d waived", waived)
	}
	if missed > 0 {
		text += fmt.Sprintf("; %d could not be checked", missed)
	}
	if blind := r.Blind(); len(blind) > 0 {
		text += fmt.Sprintf("; %d of %d kinds of check could not run at all", len(blind), len(r.Checked))
	}
	return fmt.Sprintf("%s. %d files (%d unchanged) in %.1f s.", text, r.Files, r.Cached, r.Took)
}

// At is a place in one word.
func At(p supply.Place) string {
	at := p.Path
	if p.Line > 0 {
		at += ":" + strconv.Itoa(p.Line)
	}
	if p.Commit != "" {
		at += "@" + p.Commit[:min(10, len(p.Commit))]
	}
	return at
}

// sentence is a finding in one line.
func sentence(f supply.Finding) string {
	text := f.Message
	if f.Exploited {
		text += " (known to be exploited)"
	}
	if f.Fix != "" {
		text += "; " + f.Fix
	}
	return text
}

// Plain takes out what would move a terminal's cursor or break a line.
func Plain(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == unicode.ReplacementChar {
			return '\u00b7'
		}
		return r
	}, s)
}

// age is how old data is, in days.
func age(now, then time.Time) string {
	if then.IsZero() {
		return "of unknown age"
	}
	return fmt.Sprintf("%d days old", int(now.Sub(then).Hours()/24))
}
