package sigma_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/detect/event"
	"github.com/tutela-health/tutela/detect/finding"
	"github.com/tutela-health/tutela/detect/sigma"
)

// set joins rules of one text, which must be sound.
func set(t testing.TB, text string) *sigma.Set {
	t.Helper()
	rules, problems := sigma.Parse("test.yml", []byte(text))
	s, more := sigma.NewSet(rules)
	for _, p := range append(problems, more...) {
		t.Fatal(p)
	}
	return s
}

// detects makes a rule about logs from its detection section.
func detects(detection string) string {
	return "title: t\nid: r\nlogsource: {category: application}\ndetection:\n" + indent(detection)
}

func indent(s string) string {
	return "  " + strings.ReplaceAll(strings.TrimSpace(s), "\n", "\n  ") + "\n"
}

func line(text string, fields map[string]string) *event.Event {
	return &event.Event{Entry: tutela.Entry{ID: "e", Time: start(), Action: event.ActionLog}, Log: &event.Log{Text: text, Fields: fields}}
}

func start() time.Time { return time.Date(2026, 11, 22, 9, 30, 0, 0, time.UTC) }

// Each row is a statement of the specification about values, modifiers or conditions.
func TestDetectionsMeanWhatTheSpecificationSays(t *testing.T) {
	type f = map[string]string
	for _, row := range []struct {
		detection string
		hits      []f
		misses    []f
	}{
		// Rules specification, "Lists" and "Maps".
		{"s: {a: 1, b: x}\ncondition: s", []f{{"a": "1", "b": "x"}}, []f{{"a": "1"}, {"a": "1", "b": "y"}}},
		{"s: {a: [1, 2]}\ncondition: s", []f{{"a": "1"}, {"a": "2"}}, []f{{"a": "12"}, {}}},
		{"s: [{a: 1}, {b: 2, c: 3}]\ncondition: s", []f{{"a": "1"}, {"b": "2", "c": "3"}}, []f{{"b": "2"}}},
		// Case, wildcards and escapes.
		{"s: {a: FooBar}\ncondition: s", []f{{"a": "foobar"}, {"a": "FOOBAR"}}, []f{{"a": "foobarx"}}},
		{"s: {a|cased: FooBar}\ncondition: s", []f{{"a": "FooBar"}}, []f{{"a": "foobar"}}},
		{"s: {a: 'f*r'}\ncondition: s", []f{{"a": "fr"}, {"a": "foo bar"}}, []f{{"a": "fro"}, {"a": "xfr"}}},
		{"s: {a: 'f?o*'}\ncondition: s", []f{{"a": "foo"}, {"a": "fäo!"}}, []f{{"a": "fo"}, {"a": "fooo"[1:]}}},
		{"s: {a: '*?b'}\ncondition: s", []f{{"a": "ab"}, {"a": "xäb"}}, []f{{"a": "b"}}},
		{`s: {a: 'x\*y'}` + "\ncondition: s", []f{{"a": "x*y"}}, []f{{"a": "xzy"}}},
		{`s: {a: 'x\\*y'}` + "\ncondition: s", []f{{"a": `x\..y`}}, []f{{"a": "x*y"}}},
		{`s: {a: 'C:\dir\x'}` + "\ncondition: s", []f{{"a": `c:\DIR\x`}}, []f{{"a": "C:dirx"}}},
		{"s: {a: '*'}\ncondition: s", []f{{"a": ""}, {"a": "x"}}, []f{{}}},
		{"s: {a: 'ab*ab'}\ncondition: s", []f{{"a": "abab"}, {"a": "abxab"}}, []f{{"a": "ab"}, {"a": "aba"}}},
		// Special values.
		{"s: {a: ''}\ncondition: s", []f{{"a": ""}}, []f{{"a": "x"}, {}}},
		{"s: {a: null}\ncondition: s", []f{{}, {"a": ""}}, []f{{"a": "x"}}},
		{"s: {b: 1}\nn: {a: null}\ncondition: s and not n", []f{{"b": "1", "a": "x"}}, []f{{"b": "1"}}},
		// Generic modifiers.
		{"s: {a|contains: oo}\ncondition: s", []f{{"a": "FOOBAR"}, {"a": "oo"}}, []f{{"a": "fo"}}},
		{"s: {a|contains|all: [oo, ba]}\ncondition: s", []f{{"a": "foobar"}}, []f{{"a": "foo"}}},
		{"s: {a|startswith: [fo, ba]}\ncondition: s", []f{{"a": "bar"}}, []f{{"a": "xbar"}}},
		{"s: {a|endswith: '?r'}\ncondition: s", []f{{"a": "bar"}}, []f{{"a": "r"}, {"a": "ra"}}},
		{"s: {a|exists: true}\ncondition: s", []f{{"a": ""}}, []f{{"b": "1"}}},
		{"s: {a|exists: false}\ncondition: s", []f{{}}, []f{{"a": ""}}},
		{"s: {a|neq: [1, 2]}\ncondition: s", []f{{"a": "3"}}, []f{{"a": "1"}, {"a": "2"}}},
		// String modifiers.
		{"s: {a|re: '^x[0-9]{2}$'}\ncondition: s", []f{{"a": "x12"}}, []f{{"a": "X12"}, {"a": "x123"}}},
		{"s: {a|re|i|s: 'x.y'}\ncondition: s", []f{{"a": "aX\nYb"}}, []f{{"a": "xy"}}},
		{"s: {a|windash|contains: ' -enc '}\ncondition: s", []f{{"a": "p /enc x"}, {"a": "p ―ENC x"}}, []f{{"a": "p +enc x"}}},
		{"s: {a|base64: foobar}\ncondition: s", []f{{"a": "Zm9vYmFy"}}, []f{{"a": "zm9vymfy"}}},
		{"s: {a|base64offset|contains: foobar}\ncondition: s", []f{{"a": "eGZvb2Jhcg=="}, {"a": "eHhmb29iYXI="}, {"a": "Zm9vYmFyeA=="}}, []f{{"a": "eGZvb2Jhcg"[:6]}}},
		{"s: {a|wide|base64: cmd}\ncondition: s", []f{{"a": "YwBtAGQA"}}, []f{{"a": "Y21k"}}},
		{"s: {a|utf16be|base64: cmd}\ncondition: s", []f{{"a": "AGMAbQBk"}}, []f{{"a": "YwBtAGQA"}}},
		{"s: {a|utf16|base64: cmd}\ncondition: s", []f{{"a": "//5jAG0AZAA="}}, nil},
		// Numeric, time and network modifiers.
		{"s: {a|gt: 5}\ncondition: s", []f{{"a": "5.5"}}, []f{{"a": "5"}, {"a": "x"}, {}}},
		{"s: {a|lte: 5}\ncondition: s", []f{{"a": "5"}, {"a": "-1e3"}}, []f{{"a": "6"}}},
		{"s: {a|hour|gte: 22}\ncondition: s", []f{{"a": "2026-11-22T23:10:00Z"}}, []f{{"a": "2026-11-22T09:10:00Z"}, {"a": "?"}}},
		{"s: {a|week: 48}\ncondition: s", []f{{"a": "2026-11-23T00:00:00Z"}}, []f{{"a": "2026-11-22T00:00:00Z"}}},
		{"s: {a|cidr: 10.0.0.0/8}\ncondition: s", []f{{"a": "10.1.2.3"}, {"a": "::ffff:10.0.0.1"}}, []f{{"a": "11.0.0.1"}, {"a": "x"}}},
		{"s: {a|cidr: '2001:db8::/32'}\ncondition: s", []f{{"a": "2001:db8::1"}}, []f{{"a": "10.0.0.1"}}},
		// Field references.
		{"s: {a|fieldref: b}\ncondition: s", []f{{"a": "X", "b": "x"}}, []f{{"a": "x", "b": "y"}, {"a": "x"}, {}}},
		{"s: {a|fieldref|neq: b}\ncondition: s", []f{{"a": "x", "b": "y"}}, []f{{"a": "x", "b": "x"}}},
		{"s: {a|fieldref|startswith: b}\ncondition: s", []f{{"a": "xyz", "b": "xy"}}, []f{{"a": "xy", "b": "xyz"}}},
		// Keywords.
		{"k: [evil, 'b?d']\ncondition: k", []f{{"x": "an EVIL word"}, {"y": "bad"}}, []f{{"x": "good"}}},
		{"k: {'|all': [evil, bad]}\ncondition: k", []f{{"x": "evil", "y": "bad"}}, []f{{"x": "evil"}}},
		// Conditions.
		{"a1: {a: 1}\na2: {a: 2}\nb: {b: 1}\ncondition: 1 of a* and not b", []f{{"a": "2"}}, []f{{"a": "2", "b": "1"}, {"a": "3"}}},
		{"a1: {a: 1}\na2: {b: 2}\ncondition: all of a*", []f{{"a": "1", "b": "2"}}, []f{{"a": "1"}}},
		{"a: {a: 1}\n_b: {b: 1}\ncondition: 1 of them", []f{{"a": "1"}}, []f{{"b": "1"}}},
		{"a: {a: 1}\nb: {b: 1}\nc: {c: 1}\ncondition: a or b and c", []f{{"a": "1"}, {"b": "1", "c": "1"}}, []f{{"b": "1"}}},
		{"a: {a: 1}\nb: {b: 1}\nc: {c: 1}\ncondition: (a or b) and c", []f{{"a": "1", "c": "1"}}, []f{{"a": "1"}}},
		{"a: {a: 1}\nb: {b: 1}\ncondition: not a and b", []f{{"b": "1"}}, []f{{"a": "1", "b": "1"}}},
		{"a: {a: 1}\nb: {b: 1}\ncondition: [a, b]", []f{{"a": "1"}, {"b": "1"}}, []f{{}}},
	} {
		x := sigma.New(set(t, detects(row.detection)))
		for _, fields := range row.hits {
			if len(x.Observe(line("m", fields))) != 1 {
				t.Errorf("no hit for %v\n%s", fields, row.detection)
			}
		}
		for _, fields := range row.misses {
			if len(x.Observe(line("m", fields))) != 0 {
				t.Errorf("a hit for %v\n%s", fields, row.detection)
			}
		}
	}
}

// What a rule says and nobody understands is an error with its line, never a condition that does not hold.
func TestRulesThatAreNotUnderstoodAreRefused(t *testing.T) {
	correlates := func(s string) string {
		return detects("s: {a: 1}\ncondition: s") + "---\ntitle: c\nid: c\ncorrelation:\n" + indent(s)
	}
	for _, row := range []struct{ text, want string }{
		{detects("s: {a|sounds: x}\ncondition: s"), `test.yml:5: rule "t": has an unknown modifier "sounds"`},
		{detects("s: {a|expand: '%x%'}\ncondition: s"), "no placeholders"},
		{detects("s: {a|re: 'x('}\ncondition: s"), "no regular expression"},
		{detects("s: {a|re: '(?=x)'}\ncondition: s"), "no regular expression"},
		{detects("s: {a|cidr: 10.0.0.1/99}\ncondition: s"), "is no network"},
		{detects("s: {a|gt: x}\ncondition: s"), "is no number"},
		{detects("s: {a|all: [x]}\ncondition: s"), "for a single value"},
		{detects("s: {a: [x, null]}\ncondition: s"), "null cannot stand in a list"},
		{detects("s: {a|i: x}\ncondition: s"), "belongs to re"},
		{detects("s: {a|re|cidr: x}\ncondition: s"), "exclude each other"},
		{detects("s: {a: x}\ncondition: s and q"), `names "q"`},
		{detects("s: {a: x}\ncondition: s and"), "ends where"},
		{detects("s: {a: x}\ncondition: (s"), "closing bracket"},
		{detects("s: {a: x}\ncondition: s s"), "is over"},
		{detects("s: {a: x}\ncondition: 1 of q*"), "there are none"},
		{detects("s: {a: x}\ncondition: s | count() > 5"), "is over"},
		{detects("s: {a: x}"), "has no condition"},
		{detects("s: {a: x}\ns: {a: y}\ncondition: s"), `has "s" twice`},
		{detects("s: {a: &x [1], b: *x}\ncondition: s"), "alias"},
		{strings.Replace(detects("s: {a: x}\ncondition: s"), "category: application", "product: tutela", 1), `there is no field "a"`},
		{strings.Replace(detects("s: {a: x}\ncondition: s"), "id: r", "level: bad", 1), "level"},
		{strings.Replace(detects("s: {a: x}\ncondition: s"), "id: r\n", "", 1), "neither id nor name"},
		{"title: t\nid: x\n", "either a detection or a correlation"},
		{"- a", "is no rule"},
		{"a: [", "is no YAML"},
		{correlates("type: near\nrules: [r]\ntimespan: 1h"), "has the type"},
		{correlates("type: event_count\nrules: [r]\ncondition: {gte: 3}"), "no timespan"},
		{correlates("type: event_count\nrules: [r]\ntimespan: 1w\ncondition: {gte: 3}"), "timespan is"},
		{correlates("type: event_count\nrules: [q]\ntimespan: 1h\ncondition: {gte: 3}"), `refers to "q"`},
		{correlates("type: event_count\nrules: [c]\ntimespan: 1h\ncondition: {gte: 3}"), "refers to itself"},
		{correlates("type: value_count\nrules: [r]\ntimespan: 1h\ncondition: {gte: 3}"), "without the field"},
		{correlates("type: temporal\nrules: [r]\ntimespan: 1h"), "of a single rule"},
		{correlates("type: event_count\nrules: [r]\ntimespan: 1h\ncondition: {about: 3}"), `no "about"`},
		{detects("s: {a: 1}\ncondition: s") + "---\n" + detects("s: {a: 1}\ncondition: s"), `another rule is called "r" too`},
	} {
		rules, problems := sigma.Parse("test.yml", []byte(row.text))
		_, more := sigma.NewSet(rules)
		problems = append(problems, more...)
		if len(problems) != 1 || !strings.Contains(problems[0].Error(), row.want) {
			t.Errorf("%v, want %q of\n%s", problems, row.want, row.text)
		}
	}
}

// step is an event of a story: after a while, by rule letters.
type step struct {
	after  time.Duration
	fields string // "a=1 user=x"
	hits   []string
}

// stories runs events through rules and compares the ids of the rules that hit.
func stories(t *testing.T, s *sigma.Set, steps []step) {
	t.Helper()
	x, at := sigma.New(s), start()
	for i, st := range steps {
		at = at.Add(st.after)
		fields := map[string]string{}
		for _, f := range strings.Fields(st.fields) {
			k, v, _ := strings.Cut(f, "=")
			fields[k] = v
		}
		e := line("", fields)
		e.Time, e.ID = at, fmt.Sprintf("e%d", i)
		var got []string
		for _, h := range x.Observe(e) {
			got = append(got, h.Rule)
		}
		slices.Sort(got)
		if d := cmp.Diff(st.hits, got); d != "" {
			t.Errorf("step %d (%s): %s", i, st.fields, d)
		}
		if i == len(steps)/2 { // a restart in the middle changes nothing
			x = restarted(t, s, x)
		}
	}
}

func restarted(t *testing.T, s *sigma.Set, x *sigma.Engine) *sigma.Engine {
	t.Helper()
	var b, again bytes.Buffer
	if err := x.Snapshot(&b); err != nil {
		t.Fatal(err)
	}
	y := sigma.New(s)
	if err := y.Restore(bytes.NewReader(b.Bytes())); err != nil {
		t.Fatal(err)
	}
	if err := y.Snapshot(&again); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(b.String(), again.String()); d != "" {
		t.Errorf("what was restored is something else: %s", d)
	}
	return y
}

const base = `title: failed
name: failed
logsource: {category: application}
detection:
  s: {did: fail}
  condition: s
---
title: success
name: success
logsource: {category: application}
detection:
  s: {did: log-in}
  condition: s
---
title: changed
name: changed
logsource: {category: application}
detection:
  s: {did: change}
  condition: s
---
`

// Correlation rules specification, "Correlation Types".
func TestEventCountWithinATimespan(t *testing.T) {
	s := set(t, base+"title: many\nid: many\ncorrelation: {type: event_count, rules: [failed], group-by: [user], timespan: 10m, condition: {gte: 3}}\n")
	stories(t, s, []step{
		{0, "did=fail user=x", nil},
		{time.Minute, "did=fail user=y", nil},
		{time.Minute, "did=fail user=x", nil},
		{9 * time.Minute, "did=fail user=x", nil}, // the first has run out
		{time.Minute, "did=fail user=x", []string{"many"}},
		{0, "did=fail user=x", nil}, // begins anew
		{0, "did=fail", nil},        // of nobody: in no group
		{0, "did=fail user=x", nil},
		{0, "did=fail user=x", []string{"many"}},
		{0, "did=log-in user=x", []string{"success"}}, // nothing counts it: reported by itself
	})
}

func TestValueCountCountsDistinctValues(t *testing.T) {
	s := set(t, base+"title: spray\nid: spray\ncorrelation: {type: value_count, rules: [failed], group-by: [ip], timespan: 1h, condition: {field: user, gt: 2}}\n")
	stories(t, s, []step{
		{0, "did=fail ip=1 user=a", nil},
		{0, "did=fail ip=1 user=a", nil},
		{time.Minute, "did=fail ip=1 user=b", nil},
		{time.Minute, "did=fail ip=2 user=c", nil},
		{time.Minute, "did=fail ip=1", nil},
		{58 * time.Minute, "did=fail ip=1 user=c", nil}, // a has run out
		{0, "did=fail ip=1 user=a", []string{"spray"}},
	})
}

func TestTemporalJoinsRulesInAnyOrder(t *testing.T) {
	s := set(t, base+"title: both\nid: both\ncorrelation: {type: temporal, rules: [success, changed], group-by: [user], timespan: 5m, generate: true}\n")
	stories(t, s, []step{
		{0, "did=change user=x", []string{"changed"}},
		{time.Minute, "did=log-in user=y", []string{"success"}},
		{time.Minute, "did=log-in user=x", []string{"both", "success"}},
		{time.Minute, "did=change user=y", []string{"both", "changed"}},
		{time.Minute, "did=change user=x", []string{"changed"}},
		{6 * time.Minute, "did=log-in user=x", []string{"success"}},
	})
}

func TestOrderedTemporalMindsTheOrder(t *testing.T) {
	s := set(t, base+"title: then\nid: then\ncorrelation: {type: temporal_ordered, rules: [failed, success, changed], group-by: [user], timespan: 10m}\n")
	stories(t, s, []step{
		{0, "did=log-in user=x", nil},
		{time.Minute, "did=fail user=x", nil},
		{time.Minute, "did=change user=x", nil},
		{time.Minute, "did=log-in user=x", nil},
		{time.Minute, "did=log-in user=x", nil},
		{time.Minute, "did=fail user=x", nil},
		{time.Minute, "did=change user=x", []string{"then"}},
		{0, "did=fail user=x", nil},
		{time.Minute, "did=log-in user=x", nil},
		{10 * time.Minute, "did=change user=x", nil}, // too late
	})
}

// A flood of one link cannot wash out the chain that another has begun.
func TestAFloodDoesNotHideAnOrder(t *testing.T) {
	s := set(t, base+"title: then\nid: then\ncorrelation: {type: temporal_ordered, rules: [failed, success, changed], group-by: [user], timespan: 10m}\n")
	x := sigma.New(s)
	send := func(n int, did string) (hits []finding.Hit) {
		for i := range n {
			e := line("", map[string]string{"did": did, "user": "x"})
			e.ID = fmt.Sprintf("%s-%d", did, i)
			hits = append(hits, x.Observe(e)...)
		}
		return hits
	}
	send(1, "fail")
	send(30_000, "log-in")
	if hits := send(1, "change"); len(hits) != 1 {
		t.Errorf("%d hits, want 1", len(hits))
	}
}

// "101 to 200" can be judged only when no more can come.
func TestRangesAreJudgedAtTheEnd(t *testing.T) {
	s := set(t, base+"title: few\nid: few\ncorrelation: {type: event_count, rules: [failed], group-by: [user], timespan: 1h, condition: {gt: 1, lte: 3}}\n")
	stories(t, s, []step{
		{0, "did=fail user=x", nil},
		{0, "did=fail user=y", nil},
		{time.Minute, "did=fail user=x", nil},
		{time.Minute, "did=fail user=z", nil},
		{time.Minute, "did=fail user=z", nil},
		{time.Minute, "did=fail user=z", nil},
		{time.Minute, "did=fail user=z", nil},
		{57 * time.Minute, "did=x user=x", []string{"few"}}, // x: two; y: one
		{time.Hour, "did=x user=x", nil},                    // z: four
	})
}

func TestSumsAndPercentiles(t *testing.T) {
	s := set(t, base+`title: sum
id: sum
correlation: {type: value_sum, rules: [failed], group-by: [user], timespan: 1h, condition: {field: bytes, gte: 100}}
---
title: high
id: high
correlation: {type: value_percentile, rules: [success], group-by: [user], timespan: 1h, condition: {field: bytes, percentile: 50, gt: 10}}
---
title: mean
id: mean
correlation: {type: value_avg, rules: [success], group-by: [user], timespan: 1h, condition: {field: bytes, gt: 10}}
`)
	stories(t, s, []step{
		{0, "did=fail user=x bytes=60", nil},
		{0, "did=fail user=x bytes=none", nil},
		{0, "did=fail user=x bytes=40", []string{"sum"}},
		{0, "did=log-in user=x bytes=1", nil},
		{0, "did=log-in user=x bytes=2", nil},
		{0, "did=log-in user=x bytes=100", nil},
		{2 * time.Hour, "did=x", []string{"mean"}},
	})
}

func TestAliasesAndChains(t *testing.T) {
	s := set(t, base+`title: many
name: many
correlation: {type: event_count, rules: [failed], group-by: [ip, user], timespan: 10m, condition: {gte: 2}}
---
title: guessed
id: guessed
level: high
correlation:
  type: temporal_ordered
  rules: [many, success]
  aliases: {who: {many: user, success: login}}
  group-by: [who]
  timespan: 1h
`)
	stories(t, s, []step{
		{0, "did=fail ip=1 user=x", nil},
		{0, "did=fail ip=1 user=x", nil},
		{time.Minute, "did=log-in login=y", nil},
		{time.Minute, "did=log-in login=x", []string{"guessed"}},
	})
}

// Aggregated entries stand for as many as they say.
func TestAggregatedEntriesCount(t *testing.T) {
	s := set(t, `title: denied
name: denied
logsource: {product: tutela, service: ledger}
detection:
  s: {metadata.event_code: authenticate, unmapped.outcome: denied}
  condition: s
---
title: brute force
id: brute
level: high
tutela: {answer: step up, likelihood: 0.7}
correlation: {type: event_count, rules: [denied], group-by: [src_endpoint.ip], timespan: 10m, condition: {gte: 100}}
`)
	x := sigma.New(s)
	e := &event.Event{Entry: tutela.Entry{ID: "e1", Time: start(), Action: tutela.ActionAuthenticate, Outcome: tutela.OutcomeDenied, Address: "192.0.2.1", Count: 60,
		Patients: []tutela.Touched{{Patient: 7, Flags: []string{"vip"}}}}}
	if hits := x.Observe(e); len(hits) != 0 {
		t.Error("60 are no 100")
	}
	e.ID, e.Address = "e2", "192.0.2.2"
	x.Observe(e)
	e.ID, e.Address = "e3", "192.0.2.1"
	want := []finding.Hit{{
		Rule: "brute", Title: "brute force", Level: finding.High, Likelihood: 0.7, Group: "192.0.2.1", Patients: []tutela.Bucket{7}, Sensitive: []tutela.Bucket{7},
		Entries: []string{"e1", "e3"}, Reasons: []string{"brute force", "120 within 10m"}, Answer: "step up", At: start(),
	}}
	if d := cmp.Diff(want, x.Observe(e)); d != "" {
		t.Error(d)
	}
	e.Source = "other EHR"
	for range 9 {
		if len(x.Observe(e)) > 0 {
			t.Error("an event of another system counts as the ledger's")
		}
	}
}

// Whatever comes, what is remembered stays within bounds, and the newest is what is kept.
func TestMemoryIsBounded(t *testing.T) {
	s := set(t, base+"title: many\nid: many\ncorrelation: {type: event_count, rules: [failed], group-by: [user], timespan: 1d, condition: {gte: 3}}\n")
	x := sigma.New(s)
	for i := range 300_000 {
		e := line("", map[string]string{"did": "fail", "user": fmt.Sprint(i)})
		e.Time = start().Add(time.Duration(i) * time.Millisecond)
		x.Observe(e)
	}
	if n := x.Remembers(); n > 200_000 || n < 50_000 {
		t.Errorf("%d samples are remembered", n)
	}
	if x.Forgotten() == 0 {
		t.Error("nobody is told that something was forgotten")
	}
	e := line("", map[string]string{"did": "fail", "user": "299999"})
	e.Time = start().Add(time.Hour)
	x.Observe(e)
	if len(x.Observe(e)) != 1 {
		t.Error("the newest was forgotten")
	}
}

// A rule that changed begins anew; others remember.
func TestSnapshotsAreOfARulesText(t *testing.T) {
	const rule = "title: many\nid: many\ncorrelation: {type: event_count, rules: [failed], group-by: [user], timespan: 1d, condition: {gte: 2}}\n"
	before := sigma.New(set(t, base+rule))
	before.Observe(line("", map[string]string{"did": "fail", "user": "x"}))
	var b bytes.Buffer
	if err := before.Snapshot(&b); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		text string
		want int
	}{{base + rule, 1}, {base + strings.Replace(rule, "1d", "2d", 1), 0}, {strings.Replace(base, "did: fail", "did: [fail, error]", 1) + rule, 0}} {
		x := sigma.New(set(t, row.text))
		if err := x.Restore(bytes.NewReader(b.Bytes())); err != nil {
			t.Fatal(err)
		}
		if hits := x.Observe(line("", map[string]string{"did": "fail", "user": "x"})); len(hits) != row.want {
			t.Errorf("%d hits, want %d", len(hits), row.want)
		}
	}
	if err := before.Restore(strings.NewReader(`{"Form":9}`)); err == nil {
		t.Error("a form of another version is taken")
	}
}
