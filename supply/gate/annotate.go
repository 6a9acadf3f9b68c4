package gate

import (
	"fmt"
	"html"
	"io"
	"strings"
	"time"

	"github.com/tutela-health/tutela/supply"
	"github.com/tutela-health/tutela/supply/report"
)

// Tell writes the verdict for a person.
func Tell(w io.Writer, r *supply.Report, v Verdict) {
	for _, f := range v.Failing {
		fmt.Fprintf(w, "%-8s %s  %s\n         %s\n         waive it as: finding: %s\n", f.Severity, report.Plain(f.Rule.ID), report.Plain(report.At(f.Place)), report.Plain(message(f)), f.Fingerprint)
	}
	if len(v.Failing) > 0 {
		fmt.Fprintln(w)
	}
	fmt.Fprintln(w, report.Summary(r))
	if t := v.Tests; t != nil {
		fmt.Fprintf(w, "tests: %d passed, %d failed, %d skipped\n", t.Passed, t.Failed, t.Skipped)
	}
	if v.Coverage != nil {
		fmt.Fprintf(w, "coverage: %.1f %%\n", *v.Coverage)
	}
	for _, d := range r.Data {
		fmt.Fprintf(w, "data: %s, the newest entry of %s\n", report.Plain(d.Name), d.Newest.Format(time.DateOnly))
	}
	if v.Passed {
		for _, c := range r.Blind() {
			fmt.Fprintf(w, "NOT CHECKED  %s: %s\n", c.Class, report.Plain(c.Blind))
		}
	}
	for _, e := range v.Ending {
		fmt.Fprintf(w, "soon: %s\n", report.Plain(e))
	}
	if v.Passed {
		fmt.Fprintln(w, "PASSED")
		return
	}
	for _, reason := range v.Reasons {
		fmt.Fprintf(w, "FAILED   %s\n", report.Plain(reason))
	}
}

func message(f supply.Finding) string {
	text := f.Message
	if f.Fix != "" {
		text += "; " + f.Fix
	}
	return text
}

// maxAnnotations is how many GitHub shows of a step, by level (docs.github.com, "Limits").
const maxAnnotations = 10

// GitHub writes the verdict as GitHub Actions' workflow commands, which show it beside the code.
func GitHub(w io.Writer, v Verdict) {
	for i, f := range v.Failing {
		if i == maxAnnotations {
			break
		}
		fmt.Fprintf(w, "::error file=%s,line=%d,title=%s::%s\n", property(f.Place.Path), max(1, f.Place.Line), property(f.Rule.ID), data(message(f)))
	}
	for _, reason := range v.Reasons {
		fmt.Fprintf(w, "::error title=tutela gate::%s\n", data(reason))
	}
	for _, e := range v.Ending {
		fmt.Fprintf(w, "::warning title=tutela gate::%s\n", data(e))
	}
}

// data escapes the text of a workflow command, so that nothing in a tree's names begins another one.
func data(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(report.Plain(s))
}

// property escapes a property of a workflow command.
func property(s string) string {
	return strings.NewReplacer(":", "%3A", ",", "%2C").Replace(data(s))
}

// Markdown writes the verdict for GitHub's summary of a job.
func Markdown(w io.Writer, r *supply.Report, v Verdict) {
	word := "passed"
	if !v.Passed {
		word = "failed"
	}
	fmt.Fprintf(w, "### tutela gate %s\n\n%s\n\n", word, inert(report.Summary(r)))
	for _, reason := range v.Reasons {
		fmt.Fprintf(w, "- %s\n", inert(reason))
	}
	if len(v.Failing) > 0 {
		fmt.Fprint(w, "\n| severity | rule | place | what |\n|---|---|---|---|\n")
	}
	for _, f := range v.Failing {
		fmt.Fprintf(w, "| %s | %s | %s | %s |\n", f.Severity, inert(f.Rule.ID), inert(report.At(f.Place)), inert(message(f)))
	}
}

// inert takes from text what Markdown or HTML would make something of.
func inert(s string) string {
	var b strings.Builder
	for _, r := range html.EscapeString(report.Plain(s)) {
		if strings.ContainsRune("\\`*_{}[]()+!|~", r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}
