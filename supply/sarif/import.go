package sarif

import (
	"cmp"
	"fmt"
	"net/url"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/tutela-health/tutela/supply"
)

// Import reads a file of results about a tree. What cannot be read is in the error, and nothing of it is
// taken over; what the tool itself could not do is among what could not be checked.
func Import(name string, text []byte, t *supply.Tree) ([]supply.Result, error) {
	l, err := parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	by := map[supply.Class]*supply.Result{}
	in := importing{tree: t, files: map[string]supply.File{}, lines: map[string][]string{}}
	for _, f := range t.Files {
		in.files[f.Path] = f
	}
	for i := range l.Runs {
		in.run(filepath.Base(name), &l.Runs[i], by)
	}
	var list []supply.Result
	for _, c := range supply.Classes() {
		if r := by[c]; r != nil {
			list = append(list, *r)
		}
	}
	return list, nil
}

// importing is one file being taken in.
type importing struct {
	tree  *supply.Tree
	files map[string]supply.File
	lines map[string][]string // of files that were read
	held  int                 // bytes of these
}

// maxHeld bounds the text that is kept to show lines of, in bytes.
const maxHeld = 64 << 20

func (in *importing) run(file string, r *run, by map[supply.Class]*supply.Result) {
	tool := toolName(r.Tool.Driver.Name)
	of := func(c supply.Class) *supply.Result {
		if by[c] == nil {
			by[c] = &supply.Result{Checked: supply.Checked{Class: c}}
		}
		return by[c]
	}
	index := map[string]rule{} // rules by their ids, of results that name no index
	for _, c := range append([]component{r.Tool.Driver}, r.Tool.Extensions...) {
		for _, one := range c.Rules {
			index[one.ID] = one
		}
	}
	for i := range r.Results {
		res := &r.Results[i]
		if !res.counts() {
			continue
		}
		what := r.rule(res)
		if known, ok := index[what.ID]; ok && len(what.Properties.Tags) == 0 && what.Short.Text == "" {
			what = known
		}
		f := in.finding(tool, what, res)
		if in.tree.LeavesOut(f.Place.Path) {
			continue
		}
		into := of(f.Class)
		into.Findings = append(into.Findings, f)
	}
	for _, inv := range r.Invocations {
		if inv.Successful != nil && !*inv.Successful {
			into := of(supply.Source)
			into.Checked.Failed = append(into.Checked.Failed, fmt.Sprintf("%s: %s says that it did not finish", file, tool))
		}
	}
	detail := fmt.Sprintf("%d results of %s", len(r.Results), strings.TrimSpace(tool+" "+clip(cmp.Or(r.Tool.Driver.Semantic, r.Tool.Driver.Version), 40)))
	into := of(supply.Source)
	into.Checked.Detail = strings.Trim(into.Checked.Detail+"; "+detail, "; ")
}

// finding makes a result one of ours.
func (in *importing) finding(tool string, what rule, res *result) supply.Finding {
	r := translate(tool, what)
	f := supply.Finding{Rule: r, Class: class(what), Severity: severity(what, res), Message: clip(cmp.Or(res.Message.Text, r.Name), 500)}
	r.Severity = f.Severity
	if len(res.Locations) > 0 {
		at := res.Locations[0].Physical
		f.Place = supply.Place{Path: in.below(at.Artifact.URI), Line: max(0, at.Region.Line), Column: max(0, at.Region.Column), End: max(0, at.Region.End)}
	}
	f.Rule = r
	if id := clip(what.ID, 200); id != "" {
		f.Aliases = []string{id}
	}
	if secret(r, f.Class) {
		f.Class, f.Message = supply.Secrets, r.Name // what the tool says of it may hold it
	} else {
		f.Excerpt = in.line(f.Place)
	}
	if why, ok := res.suppressed(); ok {
		f.Waiver = &supply.Waiver{Reason: clip(cmp.Or(why, "suppressed by "+tool), 500), From: "sarif:" + tool}
	}
	return f
}

// notName is what a tool's name is written without.
var notName = regexp.MustCompile(`[^a-z0-9]+`)

// toolName is the first word of a tool's name.
func toolName(name string) string {
	words := strings.Fields(notName.ReplaceAllString(strings.ToLower(clip(name, 100)), " "))
	if len(words) == 0 {
		return "tool"
	}
	return words[0]
}

var (
	cwe   = regexp.MustCompile(`(?i)\bcwe[-/ ]*0*([0-9]{1,5})\b`)
	owasp = regexp.MustCompile(`\bA(0[1-9]|10):20(?:17|21|25)\b`)
)

// translate makes a tool's rule one of ours.
func translate(tool string, what rule) supply.Rule {
	r := supply.Rule{ID: tool + "." + clip(cmp.Or(what.ID, "unnamed"), 200), URL: clip(what.HelpURI, 500)}
	r.Name = clip(cmp.Or(what.Short.Text, what.Name, what.ID, "a result of "+tool), 200)
	r.Help = clip(cmp.Or(what.Full.Text, what.Help.Text, r.Name), 2000)
	tags := slices.Clone(what.Properties.Tags)
	switch c := what.Properties.CWE.(type) {
	case string:
		tags = append(tags, c)
	case []any:
		for _, one := range c {
			tags = append(tags, fmt.Sprint(one))
		}
	}
	for _, tag := range tags[:min(len(tags), 50)] {
		for _, m := range cwe.FindAllStringSubmatch(clip(tag, 200), 5) {
			if name := "CWE-" + m[1]; !slices.Contains(r.CWE, name) {
				r.CWE = append(r.CWE, name)
			}
		}
		for _, name := range owasp.FindAllString(clip(tag, 200), 5) {
			if !slices.Contains(r.OWASP, name) {
				r.OWASP = append(r.OWASP, name)
			}
		}
	}
	return r
}

// advisory is the form of an advisory's id.
var advisory = regexp.MustCompile(`^(CVE|GHSA|GO|PYSEC|RUSTSEC|OSV|MAL)-`)

// class is the kind of check that a rule belongs to: by the tags that Trivy gives, or by its id.
func class(what rule) supply.Class {
	for _, tag := range what.Properties.Tags {
		switch strings.ToLower(tag) {
		case "vulnerability":
			return supply.Dependencies
		case "misconfiguration":
			return supply.Infrastructure
		case "secret", "secrets":
			return supply.Secrets
		}
	}
	if advisory.MatchString(what.ID) {
		return supply.Dependencies
	}
	return supply.Source
}

// secret reports whether a rule looks for credentials.
func secret(r supply.Rule, c supply.Class) bool {
	return c == supply.Secrets || slices.ContainsFunc([]string{"CWE-259", "CWE-321", "CWE-522", "CWE-798"}, func(w string) bool { return slices.Contains(r.CWE, w) })
}

// severity is the score that GitHub reads where there is one (CVSS's bands), else the level.
func severity(what rule, res *result) supply.Severity {
	for _, p := range []properties{res.Properties, what.Properties} {
		score, err := strconv.ParseFloat(fmt.Sprint(p.Severity), 64)
		switch {
		case p.Severity == nil || err != nil:
		case score >= 9:
			return supply.Critical
		case score >= 7:
			return supply.High
		case score >= 4:
			return supply.Medium
		case score > 0:
			return supply.Low
		}
	}
	switch cmp.Or(res.Level, what.Default.Level, "warning") {
	case "error":
		return supply.High
	case "note":
		return supply.Low
	case "none":
		return supply.Info
	}
	return supply.Medium
}

// below gives an address as a path of the tree; what lies elsewhere keeps its name and leads nowhere.
func (in *importing) below(uri string) string {
	name := clip(uri, 1000)
	if u, err := url.Parse(name); err == nil && (u.Scheme == "" || u.Scheme == "file") {
		name = u.Path
	}
	if dir, err := filepath.Abs(in.tree.Dir); err == nil && path.IsAbs(name) {
		name = strings.TrimPrefix(path.Clean(name), filepath.ToSlash(dir)+"/")
	}
	name = strings.TrimPrefix(path.Clean("/"+name), "/")
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == utf8.RuneError {
			return '?'
		}
		return r
	}, name)
}

// line is what the tree's file says at a place, so that a finding stays the same when lines move.
func (in *importing) line(p supply.Place) string {
	lines, known := in.lines[p.Path]
	if !known {
		if f, ok := in.files[p.Path]; ok && in.held < maxHeld {
			if text, err := f.Read(); err == nil {
				in.held += len(text)
				lines = strings.Split(string(text), "\n")
			}
		}
		in.lines[p.Path] = lines
	}
	if p.Line < 1 || p.Line > len(lines) {
		return ""
	}
	return clip(strings.TrimSpace(lines[p.Line-1]), 200)
}

// clip is the beginning of a text, as valid UTF-8.
func clip(s string, limit int) string {
	return strings.ToValidUTF8(s[:min(len(s), limit)], "")
}
