package fhir_test

import (
	"maps"
	"math/rand/v2"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela/internal/clock"
	"github.com/tutela-health/tutela/internal/rig"
	"github.com/tutela-health/tutela/r4"
)

// The oracle's size: how many searches, over how many charts.
const (
	oracleSearches = 5000
	oracleCharts   = 8 // unless TUTELA_CHARTS says otherwise
	oracleSeed     = 20261122
	maxPages       = 10 // a search that finds more than that many pages gets larger ones
)

// TestSearchAgreesWithOracle asks the server random questions and holds each answer, over all its
// pages, against two evaluators that look at every resource in plaintext: r4's matching without the
// blind index, and a naive one that shares no code with the server.
func TestSearchAgreesWithOracle(t *testing.T) {
	t.Parallel()
	for _, engine := range rig.Engines() {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			now, stop := ticking(7 * time.Millisecond)
			r := rig.Open(t, rig.Config{Engine: engine, Clock: now})
			o := &oracle{r: r, c: load(t, r, charts(t))}
			for _, p := range append(o.c.byType["Patient"][:3:3], &stored{ref: "physician"}) {
				r.Token(t, strings.TrimPrefix(p.ref, "Patient/"))
			}
			o.now = stop()
			o.run(t)
		})
	}
}

// charts is how many charts are loaded: a few in every run, all there are in `make oracle`.
func charts(t *testing.T) int {
	t.Helper()
	text := os.Getenv("TUTELA_CHARTS")
	if text == "" {
		return oracleCharts
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("TUTELA_CHARTS: %v", err)
	}
	return n
}

// ticking is a clock that goes on at each look until it is stopped, and then stands still: so that ap
// means the same to the server and to the oracle.
func ticking(step time.Duration) (now clock.Clock, stop func() time.Time) {
	start := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	var looks, stopped atomic.Int64
	now = func() time.Time {
		if stopped.Load() == 0 {
			looks.Add(1)
		}
		return start.Add(time.Duration(looks.Load()) * step)
	}
	return now, func() time.Time { stopped.Store(1); return now() }
}

// oracle knows everything that is stored.
type oracle struct {
	r   *rig.Rig
	c   *corpus
	now time.Time

	matched, naive, paged, included, discreet atomic.Int64
}

func (o *oracle) run(t *testing.T) {
	t.Helper()
	var workers sync.WaitGroup
	var next atomic.Int64
	for range 3 {
		workers.Go(func() {
			for i := next.Add(1); i <= oracleSearches && !t.Failed(); i = next.Add(1) {
				q := asker{rand.New(rand.NewPCG(oracleSeed, uint64(i))), o.c}.question()
				o.ask(t, q)
			}
		})
	}
	workers.Wait()
	t.Logf("%d searches: %d found something, %d were checked by the naive evaluator, %d had several pages, %d included, %d found what is sensitive",
		oracleSearches, o.matched.Load(), o.naive.Load(), o.paged.Load(), o.included.Load(), o.discreet.Load())
	for what, n := range map[string]int64{"found something": o.matched.Load(), "naive": o.naive.Load(), "paged": o.paged.Load() * 10, "included": o.included.Load() * 20, "sensitive": o.discreet.Load() * 5} {
		if n < oracleSearches/4 && !t.Failed() {
			t.Errorf("%s: too few (%d) of the questions for the test to mean anything", what, n)
		}
	}
}

// ask holds one answer against the evaluators.
func (o *oracle) ask(t *testing.T, q question) {
	t.Helper()
	want := o.byMatch(t, q)
	if naive, ok := o.byNaive(q); ok {
		o.naive.Add(1)
		if diff := cmp.Diff(naive, want); diff != "" {
			t.Errorf("%s: r4 disagrees with the naive evaluator (-naive +r4):\n%s", q, diff)
			return
		}
	}
	q.count = max(q.count, len(want)/maxPages)
	pages, failed := fetch(t, o.r, q.as, q.path(), q.post)
	if pages == nil {
		t.Errorf("%s: %d %s", q, failed.Status, failed.Body)
		return
	}
	if len(want) > 0 {
		o.matched.Add(1)
	}
	if slices.ContainsFunc(want, func(ref string) bool { return o.c.byRef[ref].sensitive }) {
		o.discreet.Add(1)
	}
	if len(pages) > 1 {
		o.paged.Add(1)
	}
	o.totals(t, q, pages, len(want))
	if !q.only {
		o.matches(t, q, pages, want)
	}
}

// byMatch are the references of what r4.Query.Match and the role table let through, sorted.
func (o *oracle) byMatch(t *testing.T, q question) []string {
	t.Helper()
	_, query, _ := strings.Cut(q.path(), "?")
	var params [][2]string
	for pair := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(pair, "=")
		n, _ := url.QueryUnescape(name)
		v, _ := url.QueryUnescape(value)
		params = append(params, [2]string{n, v})
	}
	parsed, err := r4.ParseQuery(q.typ, params)
	if err != nil {
		t.Errorf("%s: %v", q, err)
		return nil
	}
	parsed.Now = o.now
	return o.filter(q, func(s *stored) bool { return parsed.Match(s.parsed) })
}

// byNaive is the same by the naive evaluator; not ok when it does not know a parameter.
func (o *oracle) byNaive(q question) ([]string, bool) {
	places := make([]where, len(q.clauses))
	for i, c := range q.clauses {
		var ok bool
		if places[i], ok = wherever(q.typ, c.name); !ok || !c.naive(places[i].form) {
			return nil, false
		}
	}
	return o.filter(q, func(s *stored) bool {
		for i, c := range q.clauses {
			if !c.answers(places[i], s.object) {
				return false
			}
		}
		return true
	}), true
}

// naive reports whether the naive evaluator knows what the clause asks: it has no now for dates
// that are about right, and no paths of URIs.
func (c clause) naive(f form) bool {
	for _, w := range c.any {
		if f == formDate && w.prefix == "ap" || f == formReference && strings.Contains(w.text, ":") {
			return false
		}
	}
	return f != formURI || c.modifier == "" || c.modifier == "missing"
}

func (o *oracle) filter(q question, match func(*stored) bool) []string {
	found := []string{}
	for _, s := range o.c.byType[q.typ] {
		if o.c.visible(s, q.as) && match(s) {
			found = append(found, s.ref)
		}
	}
	slices.Sort(found)
	return found
}

func (o *oracle) totals(t *testing.T, q question, pages []rig.Bundle, want int) {
	t.Helper()
	for i, p := range pages {
		switch {
		case !q.total && !q.only && p.Total != nil:
			t.Errorf("%s: page %d tells a total that nobody asked for", q, i)
		case (q.total || q.only) && (p.Total == nil || *p.Total != want):
			t.Errorf("%s: page %d: total %v, want %d", q, i, p.Total, want)
		}
	}
}

// matches checks the pages: each match once, in order, every page but the last full, and with each
// page what its matches include.
func (o *oracle) matches(t *testing.T, q question, pages []rig.Bundle, want []string) {
	t.Helper()
	var got []string
	for i, p := range pages {
		var matched, others []string
		for _, e := range p.Entry {
			ref := strings.TrimPrefix(e.FullURL, rig.Base+"/")
			if e.Search.Mode == "match" {
				matched = append(matched, ref)
			} else {
				others = append(others, ref)
			}
		}
		if len(matched) != q.count && i < len(pages)-1 || len(matched) > q.count {
			t.Errorf("%s: page %d of %d has %d matches", q, i, len(pages), len(matched))
		}
		o.inclusions(t, q, matched, others)
		got = append(got, matched...)
	}
	o.order(t, q, got)
	slices.Sort(got)
	if diff := cmp.Diff(want, append([]string{}, got...)); diff != "" {
		t.Errorf("%s (-oracle +server):\n%s", q, diff)
	}
}

func (o *oracle) order(t *testing.T, q question, got []string) {
	t.Helper()
	for i := 1; i < len(got) && q.sort != ""; i++ {
		c := o.c.byRef[got[i-1]].updated.Compare(o.c.byRef[got[i]].updated)
		if q.sort == "_lastUpdated" && c > 0 || q.sort == "-_lastUpdated" && c < 0 {
			t.Errorf("%s: %s and %s are not in order", q, got[i-1], got[i])
			return
		}
	}
}

// inclusions are what the matches of one page name, and what names them.
func (o *oracle) inclusions(t *testing.T, q question, matched, others []string) {
	t.Helper()
	want := map[string]bool{}
	for _, ref := range matched {
		for _, to := range o.targets(q.include, o.c.byRef[ref]) {
			want[to] = true
		}
	}
	if source, _, ok := strings.Cut(q.reverse, ":"); ok {
		for _, s := range o.c.byType[source] {
			if slices.ContainsFunc(o.targets(q.reverse, s), func(to string) bool { return slices.Contains(matched, to) }) {
				want[s.ref] = true
			}
		}
	}
	for ref := range want {
		if s := o.c.byRef[ref]; s == nil || !o.c.visible(s, q.as) || slices.Contains(matched, ref) {
			delete(want, ref)
		}
	}
	if len(want) > 0 {
		o.included.Add(1)
	}
	slices.Sort(others)
	if diff := cmp.Diff(slices.Sorted(maps.Keys(want)), others); diff != "" {
		t.Errorf("%s: included (-oracle +server):\n%s", q, diff)
	}
}

// targets are what a resource names by an include's parameter.
func (o *oracle) targets(include string, s *stored) []string {
	typ, name, _ := strings.Cut(include, ":")
	w, ok := naivePaths()[typ][name]
	if !ok {
		return nil
	}
	var list []string
	for _, e := range w.elements(s.object) {
		list = append(list, member(e, "reference"))
	}
	return list
}
