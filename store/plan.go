package store

import (
	"bytes"
	"cmp"
	"slices"
	"strings"
)

// plan is a batch as merged statements in the order of execution: claims, deletes, inserts, and
// what the Stamper adds.
type plan struct {
	merges []*merge
	claims []*Claim
}

// newPlan merges ops. Claims are sorted by table and key, so that two lanes that want the same
// rows wait for each other instead of deadlocking.
func newPlan(ops []*Op) (*plan, error) {
	p := &plan{}
	for _, op := range ops {
		for i := range op.Claims {
			p.claims = append(p.claims, &op.Claims[i])
		}
	}
	slices.SortStableFunc(p.claims, compareClaims)
	if err := p.addClaims(p.claims); err != nil {
		return nil, err
	}
	if err := p.addRows(remove, ops, func(op *Op) []Rows { return op.Deletes }); err != nil {
		return nil, err
	}
	return p, p.addRows(insert, ops, func(op *Op) []Rows { return op.Inserts })
}

func (p *plan) addClaims(claims []*Claim) error {
	group := grouping{}
	for _, c := range claims {
		m := group.of(p, claimStatement(c))
		if err := m.add(append(c.Set[:len(c.Set):len(c.Set)], c.Expect...)...); err != nil {
			return err
		}
	}
	return nil
}

func (p *plan) addRows(v verb, ops []*Op, of func(*Op) []Rows) error {
	group := grouping{}
	for _, op := range ops {
		if err := p.add(group, v, of(op)); err != nil {
			return err
		}
	}
	return nil
}

func (p *plan) addStamped(s Stamped) error {
	claims := make([]*Claim, len(s.Claims))
	for i := range s.Claims {
		claims[i] = &s.Claims[i]
	}
	p.claims = append(p.claims, claims...)
	if err := p.addClaims(claims); err != nil {
		return err
	}
	if err := p.add(grouping{}, insert, s.Inserts); err != nil {
		return err
	}
	return p.add(grouping{}, upsert, s.Upserts)
}

func (p *plan) add(group grouping, v verb, all []Rows) error {
	for _, rows := range all {
		for _, run := range rows.byWidth() {
			if err := group.of(p, run.statement(v)).addAll(run.Rows); err != nil {
				return err
			}
		}
	}
	return nil
}

// claimFailed is the error of a plan of which some claim does not hold.
func (p *plan) claimFailed() error { return claimFailed(p.claims[0].Table) }

// grouping finds the merge of a statement, within one step of a plan.
type grouping map[statement]*merge

func (g grouping) of(p *plan, s statement) *merge {
	m := g[s]
	if m == nil {
		m = newMerge(s)
		g[s] = m
		p.merges = append(p.merges, m)
	}
	return m
}

func compareClaims(a, b *Claim) int {
	return cmp.Or(strings.Compare(a.Table.Name, b.Table.Name), slices.CompareFunc(a.Key, b.Key, compareValues))
}

// compareValues orders values of one column; any order serves that all nodes share.
func compareValues(a, b any) int {
	switch a := a.(type) {
	case int64:
		b, _ := b.(int64)
		return cmp.Compare(a, b)
	case string:
		b, _ := b.(string)
		return strings.Compare(a, b)
	case []byte:
		b, _ := b.([]byte)
		return bytes.Compare(a, b)
	}
	return 0
}
