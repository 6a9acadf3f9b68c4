package changelog

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/tutela-health/tutela/supply/report"
)

// Markdown writes the log for people. Whatever others wrote (messages, names, versions) is escaped: it
// makes no link, no markup, no mention, and moves no cursor.
func (l Log) Markdown(w io.Writer) error {
	p := &page{w: w}
	p.line("# Changes %s to %s", cut(l.From, "from the beginning"), cut(l.To, ""))
	p.line("")
	p.line("%d commits; %d files, %d lines added, %d removed.", len(l.Commits), l.Files, l.Added, l.Removed)
	p.section("Security updates", len(l.Fixed), func(i int) string { return advisory(l.Fixed[i]) })
	p.section("Vulnerabilities that came in", len(l.New), func(i int) string { return advisory(l.New[i]) })
	p.section("Dependencies", len(l.Packages), func(i int) string { return dependency(l.Packages[i]) })
	p.section("Waivers", len(l.Waivers), func(i int) string {
		x := l.Waivers[i]
		return fmt.Sprintf("%s: %s (%s; owner %s, approved by %s, until %s)", x.What, escape(x.Waives), escape(x.Reason), escape(x.Owner), escape(x.Approver), x.Expires.Format(time.DateOnly))
	})
	p.section("Approvals, as commits say", len(l.Approvals), func(i int) string {
		x := l.Approvals[i]
		return fmt.Sprintf("%.12s %s %s", x.Commit, escape(x.Kind), escape(x.Who))
	})
	l.Recorded.markdown(p)
	p.section("Commits", len(l.Commits), func(i int) string {
		x := l.Commits[i]
		return fmt.Sprintf("%.12s %s %s (%s)", x.ID, x.Time.Format(time.DateOnly), escape(x.Subject), escape(x.Author))
	})
	p.section("Could not be checked", len(l.NotKnown), func(i int) string { return escape(l.NotKnown[i]) })
	return p.err
}

// markdown writes what the ledger has.
func (r *Recorded) markdown(p *page) {
	if r == nil {
		return
	}
	if len(r.Gates)+len(r.Waivers)+len(r.Approvals) == 0 {
		p.line("\nThe ledger has nothing of these commits.")
	}
	p.section("Gate results, by the ledger", len(r.Gates), func(i int) string {
		x := r.Gates[i]
		text := fmt.Sprintf("%.12s %s %s (%s, entry %s)", x.Commit, x.At.UTC().Format(time.DateTime), escape(x.Result), escape(x.Pipeline), escape(x.Entry))
		if len(x.Reasons) > 0 {
			text += ": " + escape(strings.Join(x.Reasons, "; "))
		}
		return text
	})
	p.section("Waivers that excused findings, by the ledger", len(r.Waivers), func(i int) string {
		x := r.Waivers[i]
		return fmt.Sprintf("%.12s %s, %d findings: %s (owner %s, approved by %s, until %s)", x.Commit, escape(x.Rule), x.Findings, escape(x.Reason), escape(x.Owner), escape(x.Approver), x.Expires.Format(time.DateOnly))
	})
	p.section("Approvals, by the ledger", len(r.Approvals), func(i int) string {
		x := r.Approvals[i]
		return fmt.Sprintf("%.12s %s by %s (%s, entry %s) %s", x.Commit, x.At.UTC().Format(time.DateTime), escape(x.Who), escape(strings.Join(x.Roles, " ")), escape(x.Entry), escape(x.Note))
	})
}

// page keeps the first error of writing.
type page struct {
	w   io.Writer
	err error
}

func (p *page) line(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format+"\n", args...)
	}
}

func (p *page) section(title string, n int, item func(i int) string) {
	if n == 0 {
		return
	}
	p.line("\n## %s\n", title)
	for i := range n {
		p.line("- %s", item(i))
	}
}

func advisory(a Advisory) string {
	names := append([]string{a.ID}, a.Aliases...)
	return fmt.Sprintf("%s: %s (%s)", a.Severity, escape(a.Package), escape(strings.Join(names, ", ")))
}

func dependency(d Package) string {
	name := escape(d.Ecosystem + " " + d.Name)
	switch {
	case d.From == "":
		return fmt.Sprintf("added %s %s", name, escape(d.To))
	case d.To == "":
		return fmt.Sprintf("removed %s %s", name, escape(d.From))
	}
	return fmt.Sprintf("changed %s from %s to %s", name, escape(d.From), escape(d.To))
}

func cut(id, otherwise string) string {
	if id == "" {
		return otherwise
	}
	return id[:min(len(id), 12)]
}

// maxWords is how much is shown of what somebody wrote, in characters.
const maxWords = 300

// escape makes words of whatever it is handed: every sign that Markdown or HTML may read as more is escaped.
func escape(s string) string {
	var b strings.Builder
	n := 0
	for _, r := range report.Plain(strings.ToValidUTF8(s, "\uFFFD")) {
		if n++; n > maxWords {
			b.WriteString("…")
			break
		}
		switch {
		case r == '<':
			b.WriteString("&lt;")
		case r == '>':
			b.WriteString("&gt;")
		case r == '&':
			b.WriteString("&amp;")
		case r == '@' || r == '#':
			b.WriteString("\\" + string(r) + "\u2060") // viewers read mentions after the markup: a word joiner ends them
		case r == '.' && strings.HasSuffix(strings.ToLower(b.String()), "www"):
			b.WriteString("\\.") // an address without a scheme
		case r == '.' || r == '-' || r == ',' || r == '\'' || r == '"' || r == '/' || r == ';' || r == '+' || r == '%':
			b.WriteRune(r)
		case r > ' ' && r < '0' || r > '9' && r < 'A' || r > 'Z' && r < 'a' || r > 'z' && r < 0x7f:
			b.WriteByte('\\')
			b.WriteRune(r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
