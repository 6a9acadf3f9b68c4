package fhir_test

import (
	"net/url"
	"slices"
	"strings"

	"pgregory.net/rapid"

	"github.com/tutela-health/tutela/internal/rig"
	"github.com/tutela-health/tutela/r4"
)

// inquiry is one request that is made in both worlds.
type inquiry struct {
	call  rig.Call
	pages bool // a search, of which all pages are asked for
}

// inquire draws a request about a world.
func (w *realm) inquire(t *rapid.T) inquiry {
	ref := func() string { return rapid.SampledFrom(w.things).Draw(t, "of").ref }
	switch rapid.IntRange(0, 9).Draw(t, "kind") {
	case 9:
		return inquiry{call: get(ref() + "/_history")}
	case 8:
		return inquiry{call: get(ref() + "/_history/" + rapid.SampledFrom([]string{"1", "2"}).Draw(t, "version"))}
	case 7:
		return inquiry{call: post("", bundle(rapid.SampledFrom([]string{"batch", "transaction"}).Draw(t, "bundle"),
			req{method: "GET", url: ref()}, req{method: "GET", url: w.search(t)}, req{method: "GET", url: ref() + "/_history"}, req{method: "GET", url: ref()}))}
	}
	path := w.search(t)
	c := get(path)
	if typ, query, _ := strings.Cut(path, "?"); rapid.IntRange(0, 4).Draw(t, "by form") == 0 && query != "" {
		c = post(typ+"/_search", query, "Content-Type", "application/x-www-form-urlencoded")
	}
	if rapid.Bool().Draw(t, "lenient") {
		c.Header["Prefer"] = "handling=lenient"
	}
	return inquiry{call: c, pages: true}
}

// search draws a search: filters, what it includes, in which order, counted or not, in pages of a size.
func (w *realm) search(t *rapid.T) string {
	typ := rapid.SampledFrom(w.things).Draw(t, "searched").typ
	var query []string
	add := func(name, value string) { query = append(query, name+"="+url.QueryEscape(value)) }
	for range rapid.SampledFrom([]int{0, 1, 0, 1, 2}).Draw(t, "filters") {
		p := rapid.SampledFrom(r4.Params(typ)).Draw(t, "parameter")
		switch modifier := rapid.IntRange(0, 5).Draw(t, "modifier"); {
		case modifier == 0:
			add(p.Name+":missing", rapid.SampledFrom([]string{"true", "false"}).Draw(t, "missing"))
		case modifier == 1 && p.Type == r4.ParamToken:
			add(p.Name+":not", w.value(t, p))
		default:
			add(p.Name, w.value(t, p))
		}
	}
	w.inclusions(t, typ, add)
	if sort := rapid.SampledFrom([]string{"", "", "_lastUpdated", "-_lastUpdated"}).Draw(t, "sort"); sort != "" {
		add("_sort", sort)
	}
	if total := rapid.SampledFrom([]string{"", "", "accurate", "none", "estimate"}).Draw(t, "total"); total != "" {
		add("_total", total)
	}
	if count := rapid.SampledFrom([]string{"1", "2", "", "3", "1", "0"}).Draw(t, "count"); count != "" {
		add("_count", count)
	}
	if rapid.IntRange(0, 9).Draw(t, "summary") == 9 {
		add("_summary", "count")
	}
	return strings.TrimSuffix(typ+"?"+strings.Join(query, "&"), "?")
}

// inclusions draws what is included, forwards and backwards.
func (w *realm) inclusions(t *rapid.T, typ string, add func(name, value string)) {
	if refs := references(typ); len(refs) > 0 && rapid.IntRange(0, 2).Draw(t, "include") == 2 {
		add("_include", typ+":"+rapid.SampledFrom(refs).Draw(t, "included").Name)
	}
	if rapid.IntRange(0, 2).Draw(t, "revinclude") != 2 {
		return
	}
	source := rapid.SampledFrom(w.things).Draw(t, "including").typ
	refs := slices.DeleteFunc(references(source), func(p *r4.Param) bool { return !slices.Contains(p.Targets, typ) })
	if len(refs) > 0 {
		add("_revinclude", source+":"+rapid.SampledFrom(refs).Draw(t, "by").Name)
	}
}

func references(typ string) []*r4.Param {
	return slices.DeleteFunc(slices.Clone(r4.Params(typ)), func(p *r4.Param) bool { return p.Type != r4.ParamReference })
}

// value draws what a parameter is asked for: what there is, or nearly.
func (w *realm) value(t *rapid.T, p *r4.Param) string {
	one := func(list ...string) string { return rapid.SampledFrom(list).Draw(t, "value") }
	switch p.Type {
	case r4.ParamToken:
		if p.Name == "_id" {
			return rapid.SampledFrom(w.things).Draw(t, "id").id() + "," + rapid.SampledFrom(w.things).Draw(t, "id").id()
		}
		return one("final", "active", "laboratory", "t", "R", "booked", "other", "planned")
	case r4.ParamReference:
		return rapid.SampledFrom(w.things).Draw(t, "reference").ref
	case r4.ParamDate:
		return one("ge2020", "lt2021", "2020-05", "ne2019")
	case r4.ParamNumber, r4.ParamQuantity:
		return one("gt5", "lt5", "5", "ne5")
	case r4.ParamURI:
		return "urn:p"
	default:
		return one("d", "Doe", "x", "Clinic")
	}
}
