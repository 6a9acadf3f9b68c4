package fhir_test

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

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

// values gives what a random resource has for a parameter.
func (a asker) values(typ string, p *r4.Param) []r4.Value {
	for range 6 {
		s := pick(a.rng, a.c.byType[typ])
		var all []r4.Value
		for _, b := range p.Branches {
			all = append(all, r4.Extract(s.parsed, b, p.Type)...)
		}
		if len(all) > 0 {
			return all
		}
	}
	return nil
}

func (a asker) wanted(typ string, p *r4.Param, modifier string) (wanted, bool) {
	values := a.values(typ, p)
	if len(values) == 0 {
		return wanted{}, false
	}
	v := pick(a.rng, values)
	switch p.Type {
	case r4.ParamToken:
		return a.token(v.Token)
	case r4.ParamString:
		return a.words(v.Text)
	case r4.ParamDate:
		return a.date(v.Date)
	case r4.ParamReference:
		return a.target(v.Reference, modifier)
	case r4.ParamNumber, r4.ParamQuantity:
		return a.amount(v.Quantity, p.Type == r4.ParamQuantity)
	default:
		return a.uri(v.Text, modifier)
	}
}

func (a asker) token(v r4.Token) (wanted, bool) {
	w := wanted{text: a.near(v.Code)}
	if v.Implied {
		if none := ""; a.chance(10) {
			w.system = &none
		}
		return w, w.text != ""
	}
	switch a.rng.IntN(4) {
	case 0:
		w.system = &v.System
	case 1:
		if system := a.near(v.System); system != "" {
			w.system = &system
		}
	case 2:
		if a.chance(40) && v.System != "" {
			w.text, w.system = "", &v.System
		}
	}
	return w, w.text != "" || w.system != nil && *w.system != ""
}

// near gives a value back, or one that differs in its last letter.
func (a asker) near(s string) string {
	if !a.chance(12) || s == "" {
		return s
	}
	if a.chance(50) {
		return s + "0"
	}
	return strings.ToUpper(s[:len(s)-1])
}

func (a asker) words(s string) (wanted, bool) {
	runes := []rune(s)
	if a.chance(60) {
		runes = runes[:1+a.rng.IntN(len(runes))]
	}
	w := wanted{text: string(runes)}
	switch a.rng.IntN(4) {
	case 0:
		w.text = strings.ToUpper(w.text)
	case 1:
		w.text = plain(w.text)
	}
	return w, plain(w.text) != ""
}

// date gives a time near the value's, in any precision, under any prefix.
func (a asker) date(v r4.Interval) (wanted, bool) {
	at := v.Low
	if at.IsZero() || a.chance(30) && !v.High.IsZero() {
		at = v.High
	}
	if a.chance(40) {
		at = at.Add(time.Duration(a.rng.Int64N(int64(400*24*time.Hour))) - 200*24*time.Hour)
	}
	at = at.In(time.FixedZone("", (a.rng.IntN(25)-12)*3600))
	layout := pick(a.rng, []string{"2006", "2006-01", "2006-01-02", "2006-01-02", "2006-01-02T15:04Z07:00", time.RFC3339, "2006-01-02T15:04:05.000Z07:00"})
	prefix := pick(a.rng, []string{"", "", "eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"})
	return wanted{prefix: prefix, text: at.Format(layout)}, at.Year() > 1000
}

func (a asker) target(v r4.Reference, modifier string) (wanted, bool) {
	if modifier == "identifier" {
		return wanted{text: v.Identifier.Code, system: &v.Identifier.System}, v.Identifier.Code != "" && v.Identifier.System != ""
	}
	if v.URL != "" {
		return wanted{text: v.URL}, modifier == ""
	}
	if v.ID == "" {
		return wanted{}, false
	}
	if a.chance(40) || modifier != "" && modifier != v.Type {
		return wanted{text: v.ID}, true
	}
	return wanted{text: v.Type + "/" + v.ID}, true
}

func (a asker) amount(v r4.Quantity, quantity bool) (wanted, bool) {
	at := v.Low
	if at == nil {
		at = v.High
	}
	if at == nil {
		return wanted{}, false
	}
	if a.chance(30) {
		at = new(big.Rat).Mul(at, big.NewRat(int64(80+a.rng.IntN(40)), 100))
	}
	w := wanted{prefix: pick(a.rng, []string{"", "", "eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"}), text: at.FloatString(a.rng.IntN(8))}
	if quantity && a.chance(40) {
		system, unit := v.System, v.Code
		if a.chance(30) {
			system, unit = "", v.Unit
		}
		w.system, w.unit = &system, &unit
		return w, system != "" || unit != ""
	}
	return w, true
}

func (a asker) uri(v, modifier string) (wanted, bool) {
	if modifier != "" && a.chance(50) {
		v = v[:1+a.rng.IntN(len(v))]
	}
	return wanted{text: a.near(v)}, v != ""
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
