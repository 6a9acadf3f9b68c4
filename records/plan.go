package records

import (
	"context"
	"math"
	"slices"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/access"
	"github.com/tutela-health/tutela/r4"
	"github.com/tutela-health/tutela/store"
)

// area is where to look: in all buckets, or in some. The zero value is nowhere.
type area struct {
	all     bool
	buckets []int64 // sorted
}

func areaOf[B ~int64](buckets []B) area {
	a := area{buckets: make([]int64, len(buckets))}
	for i, b := range buckets {
		a.buckets[i] = int64(b)
	}
	slices.Sort(a.buckets)
	return a
}

func (a area) nowhere() bool { return !a.all && len(a.buckets) == 0 }

// within is what two areas have in common.
func (a area) within(b area) area {
	switch {
	case a.all:
		return b
	case b.all:
		return a
	}
	var both []int64
	for _, x := range a.buckets {
		if _, found := slices.BinarySearch(b.buckets, x); found {
			both = append(both, x)
		}
	}
	return area{buckets: both}
}

// reach is where a Grant admits anything, and where it may admit what is sensitive.
func reach(g access.Grant) (anything, sensitive area) {
	of := func(buckets []tutela.Bucket, limited bool) area {
		if !limited {
			return area{all: true}
		}
		return areaOf(buckets)
	}
	anything, sensitive = of(g.Reach()), of(g.ReachSensitive())
	return anything, sensitive.within(anything)
}

// plan is one way to find a search's candidates: what narrows it, and where to look.
type plan struct {
	narrowing
	where     area
	sensitive area // for sensitive resources, where the tokens are of one patient
}

// plans are the useful ways to find what a query asks for, each within the Grant's reach.
func (s *Store) plans(g access.Grant, q *r4.Query, x blind) []plan {
	where, sensitive := reach(g)
	var useful []narrowing
	for i := range q.Terms {
		switch n := s.narrowBy(g, q, &q.Terms[i], x); {
		case n.useless():
		case len(n.buckets) > 0:
			where = where.within(areaOf(n.buckets))
		default:
			useful = append(useful, n)
		}
	}
	if where.nowhere() {
		return []plan{{narrowing: narrowing{ids: true}}} // nothing can be admitted: nowhere to look
	}
	if !where.all {
		useful = append(useful, narrowing{}) // everything of the type in those buckets
	}
	plans := make([]plan, len(useful))
	for i, n := range useful {
		plans[i] = plan{n, where, sensitive.within(where)}
	}
	return plans
}

// slot is the one of the index that serves.
type slot struct {
	table  string
	made   layout
	engine store.Engine
	blind  blind
}

func (s *Store) serving(ctx context.Context, index indexState) (slot, error) {
	made := index.made[index.slot]
	x, err := s.blind(ctx, made.key)
	return slot{s.tables.terms[index.slot].Name, made.layout, s.db.Engine(), x}, err
}

// source makes the chosen plan's source; -1 is everything of the type.
func (s *Store) source(q *r4.Query, in slot, plans []plan, chosen int) source {
	if chosen < 0 {
		return s.kinds(q.Type, area{all: true})
	}
	p := plans[chosen]
	open := postings{in: in, tokens: p.tokens, where: p.where}
	switch {
	case p.ids:
		return listedSource(p.locators)
	case len(p.tokens) == 0:
		return s.kinds(q.Type, p.where)
	case in.made < layoutInPatient || p.sensitive.nowhere():
		return open
	default:
		return carrying{open, discreet{s: s, in: in, marker: in.blind.marker(q.Type), tokens: p.tokens, where: p.sensitive}}
	}
}

// enough is how many candidates a plan may have to be taken without looking at the others.
const enough = 32

// choose takes the plan with the fewest candidates, counting no further than needed. Where that has
// found all of them, the source is their list.
func (s *Store) choose(ctx context.Context, view store.Querier, q *r4.Query, in slot, plans []plan) (int, source, error) {
	if len(plans) < 2 {
		return len(plans) - 1, s.source(q, in, plans, len(plans)-1), nil
	}
	if i := slices.IndexFunc(plans, func(p plan) bool { return p.ids }); i >= 0 {
		return i, s.source(q, in, plans, i), nil
	}
	order := make([]int, len(plans))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return plans[a].weight() - plans[b].weight() })
	for limit := enough; limit <= 4096; limit *= 8 {
		for _, i := range order {
			if len(plans[i].tokens) == 0 {
				continue // a whole type: no fewer than any other
			}
			found, err := s.source(q, in, plans, i).after(ctx, view, beginning(), limit)
			if err != nil || len(found) < limit {
				return i, listed{found}, err
			}
		}
	}
	return order[0], s.source(q, in, plans, order[0]), nil
}

// weight orders plans by what they cost to look at.
func (p *plan) weight() int {
	if len(p.tokens) == 0 {
		return math.MaxInt32 // a whole type: last
	}
	return len(p.tokens)
}
