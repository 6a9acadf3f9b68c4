package records

import (
	"context"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/access"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/r4"
	"github.com/tutela-health/tutela/store"
)

// MaxIncluded bounds what _include and _revinclude add to one page.
const MaxIncluded = 1000

// Grants gives the caller's Grant to read a type; not ok when there is none.
type Grants func(typ string) (access.Grant, bool)

// Include finds what the matches refer to and what refers to them, as the query asks, each once
// and none that is a match itself. What the caller may not see is left out, as if it were not
// there. complete is false when there was more than MaxIncluded.
func (s *Store) Include(ctx context.Context, q *r4.Query, matches []*Record, grants Grants) (list []*Record, complete bool, err error) {
	if len(q.Includes)+len(q.RevIncludes) == 0 || len(matches) == 0 {
		return nil, true, nil
	}
	err = again(func() (err error) {
		list, complete, err = s.include(ctx, q, matches, grants)
		return err
	})
	return list, complete, err
}

func (s *Store) include(ctx context.Context, q *r4.Query, matches []*Record, grants Grants) (list []*Record, complete bool, err error) {
	in := &inclusion{s: s, grants: grants, have: map[tutela.Locator]bool{}}
	for _, m := range matches {
		in.have[m.Locator] = true
	}
	err = s.snapshot(ctx, func(view store.Querier) error {
		index, err := s.indexNow(ctx, view)
		if err != nil {
			return err
		}
		if in.terms, err = s.serving(ctx, index); err != nil {
			return err
		}
		in.view = view
		for _, inc := range q.Includes {
			for _, m := range matches {
				if err := in.forward(ctx, inc, m); err != nil {
					return err
				}
			}
		}
		for _, inc := range q.RevIncludes {
			for _, m := range matches {
				if err := in.backward(ctx, q, inc, m); err != nil {
					return err
				}
			}
		}
		return nil
	})
	return in.list, len(in.list) < MaxIncluded, err
}

// inclusion gathers what is included in one page.
type inclusion struct {
	s      *Store
	view   store.Querier
	terms  slot
	grants Grants
	have   map[tutela.Locator]bool
	list   []*Record
}

func (in *inclusion) add(rec *Record) {
	if !in.have[rec.Locator] && len(in.list) < MaxIncluded {
		in.have[rec.Locator] = true
		in.list = append(in.list, rec)
	}
}

// forward follows one parameter of a match to the resources that it names.
func (in *inclusion) forward(ctx context.Context, inc r4.Include, m *Record) error {
	for _, b := range inc.Param.Branches {
		for _, v := range r4.Extract(m.visible(), b, r4.ParamReference) {
			ref := v.Reference
			if !ref.Local() || inc.Target != "" && ref.Type != inc.Target || !inc.Param.Keeps(&v) {
				continue
			}
			if err := in.read(ctx, ref.Ref()); err != nil {
				return err
			}
		}
	}
	return nil
}

func (in *inclusion) read(ctx context.Context, ref tutela.Ref) error {
	g, ok := in.grants(ref.Type)
	if !ok {
		return nil
	}
	loc, ok := in.s.find(g, ref)
	if !ok || in.have[loc] || len(in.list) >= MaxIncluded {
		return nil
	}
	r, found, err := current(ctx, in.view, loc)
	if err != nil || !found {
		return err
	}
	rec, err := in.s.admit(ctx, in.view, g, ref, r)
	if errs.Is(err, errs.NotFound) || errs.Is(err, errs.Gone) {
		return nil
	}
	if err == nil {
		in.add(rec)
	}
	return err
}

// backward finds the resources of another type that name a match by one parameter.
func (in *inclusion) backward(ctx context.Context, q *r4.Query, inc r4.Include, m *Record) error {
	g, ok := in.grants(inc.Source)
	if !ok || len(in.list) >= MaxIncluded {
		return nil
	}
	at := m.Address()
	reverse := &r4.Query{Type: inc.Source, Now: q.Now, Terms: []r4.Term{{
		Param:  inc.Param,
		Values: []r4.Operand{{Text: at.String(), Reference: r4.Reference{Type: at.Type, ID: at.ID}}},
	}}}
	plans := in.s.plans(g, reverse, in.terms.blind)
	_, src, err := in.s.choose(ctx, in.view, reverse, in.terms, plans)
	if err != nil {
		return err
	}
	return in.s.matches(ctx, in.view, g, reverse, unordered(g, src), beginning(), maxBatch, func(_ position, rec *Record) bool {
		in.add(rec)
		return len(in.list) < MaxIncluded
	})
}
