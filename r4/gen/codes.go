package main

import (
	"slices"
	"strings"
)

// codeSet is an enumerated value set. System is set when all of its codes come from one.
type codeSet struct {
	system string
	codes  []string
}

// maxCodes bounds an enumerated value set; larger ones are left to a terminology server.
const maxCodes = 400

type codeSets struct {
	defs *defs
	seen map[string]int
	sets []codeSet
}

func newCodeSets(d *defs) *codeSets { return &codeSets{defs: d, seen: map[string]int{}} }

// index returns the number of the value set's table, 0 where the set is not enumerable.
func (c *codeSets) index(url string) int {
	url, _, _ = strings.Cut(url, "|")
	if i, ok := c.seen[url]; ok {
		return i
	}
	c.seen[url] = 0
	systems := map[string]bool{}
	codes, ok := c.expand(url, systems)
	if !ok || len(codes) == 0 || len(codes) > maxCodes {
		return 0
	}
	slices.Sort(codes)
	set := codeSet{codes: slices.Compact(codes)}
	if len(systems) == 1 {
		for s := range systems {
			set.system = s
		}
	}
	c.sets = append(c.sets, set)
	c.seen[url] = len(c.sets)
	return len(c.sets)
}

func (c *codeSets) expand(url string, systems map[string]bool) ([]string, bool) {
	vs, ok := c.defs.valueSets[url]
	if !ok || len(vs.Compose.Exclude) > 0 {
		return nil, false
	}
	var all []string
	for _, inc := range vs.Compose.Include {
		codes, ok := c.expandInclude(inc, systems)
		if !ok {
			return nil, false
		}
		all = append(all, codes...)
	}
	return all, true
}

func (c *codeSets) expandInclude(inc include, systems map[string]bool) ([]string, bool) {
	if len(inc.Filter) > 0 || inc.System == "" && len(inc.ValueSet) != 1 {
		return nil, false
	}
	if inc.System == "" {
		url, _, _ := strings.Cut(inc.ValueSet[0], "|")
		return c.expand(url, systems)
	}
	if len(inc.ValueSet) > 0 {
		return nil, false
	}
	systems[inc.System] = true
	if len(inc.Concept) > 0 {
		return flatten(inc.Concept), true
	}
	cs, ok := c.defs.codeSystems[inc.System]
	if !ok || cs.Content != "complete" {
		return nil, false
	}
	return flatten(cs.Concept), true
}

func flatten(cs []concept) []string {
	var out []string
	for _, c := range cs {
		out = append(out, c.Code)
		out = append(out, flatten(c.Concept)...)
	}
	return out
}
