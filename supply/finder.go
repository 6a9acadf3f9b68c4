package supply

import (
	"fmt"
	"strings"
)

// Finder gathers what is wrong with one file of text.
type Finder struct {
	Found []Finding
	lines []string
	// strikes names the rule under which a line holds a secret: its excerpt ends where the value begins.
	strikes string
}

// NewFinder begins a look at a text. Findings of the rule strikes show no value.
func NewFinder(text []byte, strikes Rule) Finder {
	return Finder{lines: strings.Split(string(text), "\n"), strikes: strikes.ID}
}

// Lines are the text's lines.
func (f *Finder) Lines() []string { return f.lines }

// maxExcerpt is how much of a line is shown, in bytes.
const maxExcerpt = 200

// Add notes a finding at a line, from 1.
func (f *Finder) Add(r Rule, line int, format string, args ...any) {
	f.Found = append(f.Found, Finding{
		Rule: r, Severity: r.Severity, Message: fmt.Sprintf(format, args...), Place: Place{Line: line}, Excerpt: f.excerpt(r, line),
	})
}

func (f *Finder) excerpt(r Rule, line int) string {
	if line < 1 || line > len(f.lines) {
		return ""
	}
	text := strings.TrimSpace(f.lines[line-1])
	if r.ID == f.strikes {
		if at := strings.IndexAny(text, ":= "); at >= 0 {
			text = text[:at]
		}
		text += " \u2026"
	}
	return strings.ToValidUTF8(text[:min(len(text), maxExcerpt)], "")
}
