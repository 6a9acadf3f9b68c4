package fhir_test

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/tutela-health/tutela/internal/rig"
	"github.com/tutela-health/tutela/r4"
)

// question is one random search.
type question struct {
	as      string
	post    bool
	typ     string
	clauses []clause
	sort    string // "", _lastUpdated or -_lastUpdated
	total   bool
	count   int
	only    bool // the number alone
	include string
	reverse string
}

// asker makes questions from values that are in the corpus, and from near misses.
type asker struct {
	rng *rand.Rand
	c   *corpus
}

func pick[T any](rng *rand.Rand, list []T) T { return list[rng.IntN(len(list))] }

func (a asker) chance(percent int) bool { return a.rng.IntN(100) < percent }

func (a asker) question() question {
	q := question{typ: a.typ(), as: rig.Loader, post: a.chance(20), total: a.chance(15), count: 1 + a.rng.IntN(50)}
	switch {
	case a.chance(15):
		q.as = "physician"
	case a.chance(20):
		q.as = pick(a.rng, a.c.byType["Patient"][:3]).parsed.ID()
	}
	for range 1 + a.rng.IntN(2) + a.rng.IntN(2) {
		if cl, ok := a.clause(q.typ); ok {
			q.clauses = append(q.clauses, cl)
		}
	}
	if a.chance(30) {
		q.scope(a)
	}
	if a.chance(25) {
		q.sort = pick(a.rng, []string{"_lastUpdated", "-_lastUpdated"})
	}
	q.only = a.chance(5)
	if !q.only && a.chance(15) {
		q.include = a.reference(q.typ)
	}
	if !q.only && a.chance(10) {
		q.reverse = a.reverse(q.typ)
	}
	return q
}

// typ prefers the types that have many resources and many parameters.
func (a asker) typ() string {
	if a.chance(60) {
		return pick(a.rng, []string{"Observation", "Observation", "Patient", "Encounter", "Condition", "RiskAssessment", "DiagnosticReport"})
	}
	return pick(a.rng, a.c.types)
}

// scope asks for one patient's resources, by the parameter that the type has for it.
func (q *question) scope(a asker) {
	for _, name := range []string{"patient", "subject"} {
		if p, ok := r4.Lookup(q.typ, name); ok && p.Type == r4.ParamReference {
			id := pick(a.rng, a.c.byType["Patient"]).parsed.ID()
			q.clauses = append(q.clauses, clause{name: name, any: []wanted{{text: pick(a.rng, []string{id, "Patient/" + id})}}})
			return
		}
	}
}

// reference gives an _include that the naive table knows.
func (a asker) reference(typ string) string {
	var names []string
	for name, w := range naivePaths()[typ] {
		if w.form == formReference {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return ""
	}
	slices.Sort(names)
	return typ + ":" + pick(a.rng, names)
}

// reverse gives a _revinclude onto a type.
func (a asker) reverse(onto string) string {
	inc := a.reference(pick(a.rng, a.c.types))
	source, name, ok := strings.Cut(inc, ":")
	if p, known := r4.Lookup(source, name); ok && known && slices.Contains(p.Targets, onto) {
		return inc
	}
	return ""
}

// clause asks for a value that some resource of the type has, or nearly has.
func (a asker) clause(typ string) (clause, bool) {
	p := pick(a.rng, r4.Params(typ))
	if a.chance(50) {
		var names []string
		for name := range naivePaths()[typ] {
			names = append(names, name)
		}
		if slices.Sort(names); len(names) > 0 {
			p, _ = r4.Lookup(typ, pick(a.rng, names))
		}
	}
	cl := clause{name: p.Name}
	if a.chance(8) {
		cl.modifier, cl.missing = "missing", a.chance(50)
		return cl, true
	}
	cl.modifier = a.modifier(p)
	for range 1 + a.rng.IntN(3)/2*a.rng.IntN(3) {
		if w, ok := a.wanted(typ, p, cl.modifier); ok {
			cl.any = append(cl.any, w)
		}
	}
	return cl, len(cl.any) > 0
}

func (a asker) modifier(p *r4.Param) string {
	if !a.chance(25) {
		return ""
	}
	switch p.Type {
	case r4.ParamToken:
		return "not"
	case r4.ParamString:
		return pick(a.rng, []string{"exact", "contains"})
	case r4.ParamReference:
		return pick(a.rng, append([]string{"identifier"}, p.Targets...))
	case r4.ParamURI:
		return pick(a.rng, []string{"above", "below"})
	default:
		return ""
	}
}

// path renders the question as a URL.
func (q question) path() string {
	var parts []string
	add := func(name, value string) { parts = append(parts, url.QueryEscape(name)+"="+url.QueryEscape(value)) }
	for _, c := range q.clauses {
		name := c.name
		if c.modifier != "" {
			name += ":" + c.modifier
		}
		add(name, c.value())
	}
	if q.sort != "" {
		add("_sort", q.sort)
	}
	if q.total {
		add("_total", "accurate")
	}
	if q.only {
		add("_summary", "count")
	} else {
		add("_count", strconv.Itoa(q.count))
	}
	for name, inc := range map[string]string{"_include": q.include, "_revinclude": q.reverse} {
		if inc != "" {
			add(name, inc)
		}
	}
	return q.typ + "?" + strings.Join(parts, "&")
}

func (c clause) value() string {
	if c.modifier == "missing" {
		return strconv.FormatBool(c.missing)
	}
	escape := strings.NewReplacer(`\`, `\\`, `,`, `\,`, `|`, `\|`, `$`, `\$`)
	var alternatives []string
	for _, w := range c.any {
		s := w.prefix
		switch {
		case w.unit != nil:
			s += w.text + "|" + escape.Replace(*w.system) + "|" + escape.Replace(*w.unit)
		case w.system != nil:
			s += escape.Replace(*w.system) + "|" + escape.Replace(w.text)
		default:
			s += escape.Replace(w.text)
		}
		alternatives = append(alternatives, s)
	}
	return strings.Join(alternatives, ",")
}

func (q question) String() string { return fmt.Sprintf("%s (as %s)", q.path(), q.as) }
