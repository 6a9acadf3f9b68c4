package consent_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/access/consent"
	"github.com/tutela-health/tutela/r4"
)

// drawProvision draws a provision of a kind, with exceptions of some kinds down to a depth.
func drawProvision(t *rapid.T, kind string, depth int, kinds ...string) object {
	var words []string
	for key, values := range map[string][]string{
		"to":          {"Practitioner/ada", "Practitioner/bob", "words"},
		"purpose":     {"TREAT", "ETREAT", "HRESCH", "HPAYMT"},
		"action":      {"access", "use", "disclose", "text"},
		"label":       {"N", "R", "PSY", "SPI"},
		"class":       {"Observation", "Condition", "urn:x|y"},
		"code":        {"s|1", "s|2", "words"},
		"data":        {"instance:Observation/o", "related:Encounter/e", "authoredby:Practitioner/bob"},
		"data-period": {"/2019", "2020/"},
		"period":      {"2026/", "/2025"},
		"actor":       {"AUT:Practitioner/bob", "CST:Organization/here", "http://x|y:Practitioner/ada"},
	} {
		if rapid.IntRange(0, 6).Draw(t, key+"?") == 0 {
			words = append(words, key+"="+rapid.SampledFrom(values).Draw(t, key))
		}
	}
	if rapid.IntRange(0, 20).Draw(t, "modifier?") == 0 {
		words = append(words, "modifier")
	}
	p := readProvision(nil, kind, words)
	if depth > 0 {
		var below []object
		for range rapid.IntRange(0, 2).Draw(t, "exceptions") {
			below = append(below, drawProvision(t, rapid.SampledFrom(kinds).Draw(t, "kind"), depth-1, kinds...))
		}
		if below != nil {
			p["provision"] = below
		}
	}
	return p
}

func drawConsent(t *rapid.T) object {
	words := []string{"patient=Patient/" + rapid.SampledFrom([]string{"p", "p", "p", "q"}).Draw(t, "patient")}
	if base := rapid.SampledFrom([]string{"", "OPTIN", "OPTOUT", "EMRGONLY", "NOPP", "text"}).Draw(t, "base"); base != "" {
		words = append(words, "base="+base)
	}
	words = append(words, "scope="+rapid.SampledFrom([]string{"patient-privacy", "patient-privacy", "research", "adr", "x|y"}).Draw(t, "scope"))
	c := readConsent(nil, rapid.SampledFrom([]string{"a", "b"}).Draw(t, "id"), words)
	if kind := rapid.SampledFrom([]string{"", "root", "permit", "deny"}).Draw(t, "first"); kind != "" {
		c["provision"] = drawProvision(t, kind, 2, "permit", "deny")
	}
	return c
}

func drawQuestion(t *rapid.T) consent.Question {
	q := usual()
	q.Caller = rapid.SampledFrom([][]tutela.Ref{nil, refs("Practitioner/ada"), refs("Practitioner/bob,Organization/here")}).Draw(t, "caller")
	q.Complete = rapid.Bool().Draw(t, "complete")
	q.Custodians = rapid.SampledFrom([][]tutela.Ref{nil, refs("Organization/here")}).Draw(t, "custodian")
	q.Purpose = rapid.SampledFrom([]tutela.Purpose{"", "TREAT", "ETREAT", "HPAYMT", "HRESCH"}).Draw(t, "purpose")
	q.Action = rapid.SampledFrom([]consent.Action{"", consent.Access, consent.Disclose, consent.Correct}).Draw(t, "action")
	q.Data.Labels = rapid.SampledFrom([][]r4.Token{nil, {}, labels("R"), labels("PSY,N")}).Draw(t, "labels")
	q.Data.Codes = rapid.SampledFrom([][]r4.Token{nil, {}, tokens("s|1")}).Draw(t, "codes")
	q.Data.Links = rapid.SampledFrom([][]tutela.Ref{nil, {}, refs("Encounter/e")}).Draw(t, "links")
	q.Data.Authors = rapid.SampledFrom([][]tutela.Ref{nil, refs("Practitioner/bob")}).Draw(t, "authors")
	return q
}

func drawRegime(t *rapid.T) consent.Regime {
	return rapid.SampledFrom([]consent.Regime{consent.OptIn, consent.OptOut}).Draw(t, "regime")
}

// scene is some consents, a question and a regime.
type scene struct {
	consents []object
	q        consent.Question
	regime   consent.Regime
}

func drawScene(t *rapid.T) scene {
	var s scene
	for range rapid.IntRange(0, 3).Draw(t, "consents") {
		s.consents = append(s.consents, drawConsent(t))
	}
	s.q, s.regime = drawQuestion(t), drawRegime(t)
	return s
}

func (s scene) allowed(t testing.TB, more ...object) bool {
	all := append(slices.Clone(s.consents), more...)
	return consent.Decide(directives(t, all), s.q, s.regime).Allowed
}

func TestAddingADenialNeverPermitsMore(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		s := drawScene(rt)
		denial := readConsent(t, "d", nil)
		denial["provision"] = drawProvision(rt, "deny", 0)
		if s.allowed(t, denial) && !s.allowed(t) {
			rt.Error("a denial opened what was closed")
		}
	})
}

func TestAddingANestedDenialNeverPermitsMore(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		s := drawScene(rt)
		s.regime = consent.OptIn
		c := readConsent(t, "n", []string{"base=" + rapid.SampledFrom([]string{"OPTIN", "OPTOUT"}).Draw(rt, "base of n")})
		first := drawProvision(rt, rapid.SampledFrom([]string{"permit", "deny"}).Draw(rt, "first of n"), 1, "permit", "deny")
		c["provision"] = first
		before := s.allowed(t, c)
		below, _ := first["provision"].([]object)
		first["provision"] = append(slices.Clone(below), drawProvision(rt, "deny", 0))
		if s.allowed(t, c) && !before {
			rt.Error("an exception that denies opened what was closed")
		}
	})
}

func TestRevokingAPermitNeverPermitsMoreUnderOptIn(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		s := drawScene(rt)
		s.regime = consent.OptIn
		permit := readConsent(t, "d", nil)
		permit["provision"] = drawProvision(rt, "permit", 2, "permit")
		before := s.allowed(t, permit)
		permit["status"] = "inactive"
		if s.allowed(t, permit) && !before {
			rt.Error("revoking a permit opened what was closed")
		}
	})
}

func TestInactiveDirectiveChangesNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		s := drawScene(rt)
		idle := drawConsent(rt)
		idle["status"] = rapid.SampledFrom([]string{"draft", "proposed", "rejected", "inactive", "entered-in-error"}).Draw(rt, "status")
		if s.allowed(t, idle) != s.allowed(t) {
			rt.Error("a consent that is not active changed the answer")
		}
	})
}

func TestOrderOfConsentsDoesNotMatter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		s := drawScene(rt)
		before := s.allowed(t)
		slices.Reverse(s.consents)
		if s.allowed(t) != before {
			rt.Error("the order of consents changed the answer")
		}
	})
}

// TestKnowingLessNeverPermitsMore forgets a fact and asks again.
func TestKnowingLessNeverPermitsMore(t *testing.T) {
	t.Parallel()
	forget := []func(*consent.Question){
		func(q *consent.Question) { q.Complete = false },
		func(q *consent.Question) { q.Custodians = nil },
		func(q *consent.Question) { q.Purpose = "" },
		func(q *consent.Question) { q.Action = "" },
		func(q *consent.Question) { q.Data.Labels = nil },
		func(q *consent.Question) { q.Data.Codes = nil },
		func(q *consent.Question) { q.Data.Links = nil },
		func(q *consent.Question) { q.Data.Authors = nil },
		func(q *consent.Question) { q.Data.Period = r4.Interval{} },
		func(q *consent.Question) { q.When = consent.Question{}.When },
	}
	rapid.Check(t, func(rt *rapid.T) {
		s := drawScene(rt)
		before := s.allowed(t)
		rapid.SampledFrom(forget).Draw(rt, "forget")(&s.q)
		if s.allowed(t) && !before {
			rt.Error("knowing less opened what was closed")
		}
	})
}
