package answer_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela/detect/rules"
	"github.com/tutela-health/tutela/respond/answer"
)

func TestShippedPolicyIsUnderstoodAndNamesRulesThatThereAre(t *testing.T) {
	p, err := answer.Shipped()
	must(t, err)
	known := map[string]bool{rules.RuleDeparted: true, rules.RuleDormant: true, rules.RuleUnreviewed: true, rules.RuleWalk: true}
	for _, r := range rules.Open(nil).Edition().Set.Rules() {
		known[r.ID] = true
	}
	if len(p.Orders) == 0 {
		t.Fatal("nothing is answered")
	}
	for _, o := range p.Orders {
		for _, id := range o.When.Rules {
			if !known[id] {
				t.Errorf("there is no rule %s", id)
			}
		}
	}
}

func TestPoliciesThatMakeNoSenseAreRefused(t *testing.T) {
	const head = "version: 1\ncare_roles: [nurse]\nanswers:\n  - "
	cases := map[string]string{
		"version: 2\ncare_roles: [nurse]\n":                                           "version is 2",
		"version: 1\n":                                                                "care_roles names nobody",
		"version: 1\ncare_roles: [nurse]\nfoo: 1\n":                                   "foo not found",
		"version: 1\ncare_roles: [nurse]\ncaps: {explode: 3}\n":                       "explode",
		"version: 1\ncare_roles: [nurse]\nnever: {addresses: [here]}\n":               "here",
		head + "{when: {level: high}, do: explode, for: 1h}":                          "explode",
		head + "{when: {level: high}, do: lock, for: 1s}":                             "an answer lasts",
		head + "{when: {level: high}, do: lock, for: 1000h}":                          "an answer lasts",
		head + "{when: {level: high}, do: lock}":                                      "an answer lasts",
		head + "{when: {level: high}, do: throttle, for: 1h}":                         "a throttle is on",
		head + "{when: {level: high}, do: lock, on: address, for: 1h}":                "lock is for an account",
		head + "{when: {level: high}, do: narrow, for: 1h}":                           "names a role",
		head + "{when: {level: high}, do: narrow, role: researcher, for: 1h}":         "would see more",
		head + "{when: {}, do: lock, for: 1h}":                                        "name rules, a level or a risk",
		head + "{when: {level: awful}, do: lock, for: 1h}":                            "level is",
		head + "{when: {risk: 101}, do: lock, for: 1h}":                               "risk is",
		head + "{when: {level: high, actor: system}, do: lock, for: 1h}":              "actor is",
		head + "{when: {level: high, colour: red}, do: lock, for: 1h}":                "colour not found",
		"version: 1\nname: " + strings.Repeat("a", 300<<10) + "\ncare_roles: [nurse]": "bytes at most",
		"": "policy of answers",
	}
	for text, want := range cases {
		if _, err := answer.Parse([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60q: %v, not %q", text, err, want)
		}
	}
}

// A changed policy takes force whole or not at all, and the ledger hears of it first.
func TestPoliciesAreReloaded(t *testing.T) {
	text, failing := policy("read", "do: lock"), false
	var said []answer.Reload
	b := &answer.Book{
		Read: func() ([]byte, error) { return []byte(text), nil },
		Record: func(_ context.Context, r answer.Reload) error {
			if failing {
				return errors.New("no ledger")
			}
			said = append(said, r)
			return nil
		},
	}
	must(t, b.Open())
	first := b.Policy()
	must(t, b.Look(t.Context()))
	text = policy("read", "do: explode")
	must(t, b.Look(t.Context()))
	if b.Policy() != first || b.Problem() == "" || len(said) != 1 || said[0].Refused == "" {
		t.Errorf("a policy that is not understood: in force %v, said %+v", b.Policy() != first, said)
	}
	text, failing = policy("read", "do: revoke"), true
	if err := b.Look(t.Context()); err == nil || b.Policy() != first {
		t.Errorf("what could not be recorded took force: %v", err)
	}
	failing = false
	must(t, b.Look(t.Context()))
	if d := cmp.Diff(answer.Revoke, b.Policy().Orders[0].Do); d != "" || b.Problem() != "" || len(said) != 2 {
		t.Errorf("%s, problem %q, said %+v", d, b.Problem(), said)
	}
}

func FuzzPolicy(f *testing.F) {
	f.Add([]byte(policy("read", "do: lock")))
	f.Add([]byte("version: 1\ncare_roles: [a]\nanswers: [{when: {risk: 3}, do: block, for: 2h}]"))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := answer.Parse(text)
		if err != nil {
			return
		}
		for _, o := range p.Orders {
			if o.For <= 0 || o.For > answer.LongestFor {
				t.Errorf("an answer lasts %v", o.For)
			}
		}
	})
}
