package deps

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/tutela-health/tutela/supply"
	"github.com/tutela-health/tutela/supply/deps/osv"
)

// rule is what all findings of this class share: CWE-1395 is "Dependency on Vulnerable Third-Party
// Component", A06:2021 "Vulnerable and Outdated Components".
func rule(id, name string) supply.Rule {
	return supply.Rule{
		ID: id, Name: name, CWE: []string{"CWE-1395"}, OWASP: []string{"A06:2021"}, URL: "https://osv.dev/vulnerability/" + id,
		Help: "A package that this tree is built from has a published fault. Upgrade to the version that fixes it; where there is none, find out whether the fault can be reached and replace the package if so.",
	}
}

// finding describes a fault.
func (m *matcher) finding(c *supply.Component, f fault) supply.Finding {
	lead := f.advisories[0]
	r := rule(lead.ID, cmp.Or(lead.Summary, "fault in "+c.Name))
	out := supply.Finding{Class: supply.Dependencies, Component: c, Place: supply.Place{Path: c.Path}, Excerpt: c.Name + " " + c.Version}
	for _, a := range f.advisories {
		r.Severity = max(r.Severity, a.Severity())
		for _, name := range a.Names() {
			if name != lead.ID && !slices.Contains(out.Aliases, name) {
				out.Aliases = append(out.Aliases, name)
			}
		}
		for _, cwe := range a.CWE {
			if !slices.Contains(r.CWE, cwe) {
				r.CWE = append(r.CWE, cwe)
			}
		}
	}
	slices.Sort(out.Aliases)
	out.Message = fmt.Sprintf("%s %s: %s", c.Name, c.Version, r.Name)
	m.judge(&out, &r, f)
	if fix := m.fix(c, f); fix != "" {
		if strings.HasPrefix(c.Version, "v") && !strings.HasPrefix(fix, "v") {
			fix = "v" + fix // as go.mod writes it
		}
		out.Fix = "upgrade to " + fix
	}
	out.Rule = r
	return out
}

// judge says how bad it is here.
func (m *matcher) judge(out *supply.Finding, r *supply.Rule, f fault) {
	lead := f.advisories[0]
	switch {
	case strings.HasPrefix(lead.ID, "MAL-"):
		r.Severity = supply.Critical
		r.Help = "The package was made to do harm. Remove it, and treat what it ran on, and every secret there, as known to others."
	case lead.Unmaintained():
		r.Severity = supply.Low
		r.Help = "Nobody looks after the package any more, so that faults found from now on are not mended. Replace it."
	case r.Severity == supply.Unknown:
		r.Severity = unrated(out.Component.Ecosystem)
		out.Message += " (nobody has rated it)"
	}
	out.Severity = r.Severity
	if m.reach != nil && out.Component.Ecosystem == "Go" {
		m.reach.judge(out, f)
	}
	if out.Exploited = m.store.Exploited(append([]string{lead.ID}, out.Aliases...)); out.Exploited {
		out.Severity = supply.Critical
	}
}

// unrated is the severity of what nobody has rated: it counts until someone looks. Distributions list
// every fault that was ever reported, and leave most unrated because they are slight.
func unrated(ecosystem string) supply.Severity {
	switch osv.Base(ecosystem) {
	case "Debian", "Ubuntu", "Alpine", "Wolfi", "Chainguard", "Red Hat", "Rocky Linux", "AlmaLinux", "SUSE", "openSUSE", "openEuler", "Mageia", "Azure Linux":
		return supply.Medium
	}
	return supply.High
}

// fix is the version to go to: the smallest that none of the advisories affects, else the largest.
func (m *matcher) fix(c *supply.Component, f fault) string {
	var all []string
	for i := range f.advisories {
		if v := f.advisories[i].Fix(c.Ecosystem, f.version, m.now); v != "" {
			all = append(all, v)
		}
	}
	slices.SortFunc(all, func(a, b string) int {
		n, err := osv.Compare(c.Ecosystem, a, b)
		if err != nil {
			return strings.Compare(a, b)
		}
		return n
	})
	for _, v := range all {
		if !slices.ContainsFunc(f.advisories, func(a osv.Advisory) bool { yes, err := a.Affects(c.Ecosystem, v, m.now); return yes || err != nil }) {
			return v
		}
	}
	return ""
}

// ended gives a finding for each component whose publisher says that it came to its end.
func ended(list []supply.Component) []supply.Finding {
	var found []supply.Finding
	for i := range list {
		c := &list[i]
		if c.Deprecated == "" {
			continue
		}
		severity := supply.Info
		if c.Direct {
			severity = supply.Low
		}
		r := rule("deps.deprecated", "package that its publisher gave up")
		r.URL, r.Severity, r.CWE = "", supply.Low, []string{"CWE-1104"} // Use of Unmaintained Third Party Components
		r.Help = "The publisher of this package says that it is not to be used any more, so that faults found from now on are not mended. Replace it."
		found = append(found, supply.Finding{
			Class: supply.Dependencies, Rule: r, Severity: severity, Component: c, Place: supply.Place{Path: c.Path}, Excerpt: c.Name + " " + c.Version,
			Message: fmt.Sprintf("%s %s: its publisher says: %s", c.Name, c.Version, c.Deprecated),
		})
	}
	return found
}

// maxLocated bounds how many bytes are searched for the lines of what was found, in all.
const maxLocated = 1 << 30

// locate finds the lines at which files name what was found. It is a help for readers: where a name stands in
// several places, the one with the version on it or close after it.
func locate(inv *inventory, found []supply.Finding) {
	var text []byte
	last, searched := "", 0
	for i := range found {
		p := &found[i].Place
		if isArchive(p.Path) {
			continue
		}
		if p.Path != last {
			text, _ = inv.read(p.Path) //nolint:errcheck // a file that went away since has no lines
			text, last = bytes.ToLower(text), p.Path
		}
		if searched += len(text); searched > maxLocated {
			return
		}
		p.Line = lineOf(text, found[i].Component)
	}
}

const (
	near  = 3  // lines after a name at which its version may stand
	tries = 50 // places at which a name may stand
)

func lineOf(text []byte, c *supply.Component) int {
	name, version := []byte(strings.ToLower(shortName(c))), []byte(strings.ToLower(strings.TrimPrefix(c.Version, "v")))
	first, at := -1, 0
	for range tries {
		i := bytes.Index(text[at:], name)
		if i < 0 {
			break
		}
		at += i
		if first < 0 {
			first = at
		}
		if bytes.Contains(lines(text[at:], near+1), version) {
			return bytes.Count(text[:at], []byte("\n")) + 1
		}
		at += len(name)
	}
	if first < 0 {
		return 0
	}
	return bytes.Count(text[:first], []byte("\n")) + 1
}

// lines gives the first n lines, or a part of them where they are long.
func lines(text []byte, n int) []byte {
	text = text[:min(len(text), 4096)]
	end := 0
	for range n {
		i := bytes.IndexByte(text[end:], '\n')
		if i < 0 {
			return text
		}
		end += i + 1
	}
	return text[:end]
}

// shortName is the name as its file writes it: a Maven artifact stands alone, the standard library is a line of go.mod.
func shortName(c *supply.Component) string {
	if c.Ecosystem == "Go" && c.Name == "stdlib" {
		return "go"
	}
	if _, artifact, ok := strings.Cut(c.Name, ":"); ok && c.Ecosystem == "Maven" {
		return artifact
	}
	return c.Name
}
