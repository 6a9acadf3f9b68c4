package records

import (
	"context"
	"slices"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/access"
	"github.com/tutela-health/tutela/r4"
	"github.com/tutela-health/tutela/store"
)

// Disguise makes of records what those may see who get nothing but de-identified ones. A mode is what a
// Grant's Deidentified gives; of one that it does not know, nothing shows. Whatever it is asked, the records
// outside stay as they are.
type Disguise interface {
	// Show MUST give what may be shown of a resource, as compact JSON with the pseudonym that name gives in
	// place of each id, or an error. Dates go by the patient named; BucketGeneral is none.
	Show(mode string, res *r4.Resource, patient tutela.Bucket, name func(tutela.Ref) string) ([]byte, error)
	// Name is the pseudonym of a resource, a FHIR id that tells nothing of it.
	Name(mode, typ string, l tutela.Locator) string
	// Find gives what Name made a pseudonym of; false for anything else.
	Find(mode, typ, id string) (tutela.Locator, bool)
	// Searchable reports whether a search parameter reads nothing but what Show may show.
	Searchable(mode, typ string, p *r4.Param) bool
}

// disguised makes of a record what a Grant shows of it de-identified, and nothing where there is no Disguise
// or it gives none. What stays of the record itself is for the ledger and for what refers to it.
func (s *Store) disguised(d access.Decision, rec *Record) error {
	if s.disguise == nil {
		return notFound(rec.Ref)
	}
	mode := d.Deidentified()
	rec.shown = &disguised{ref: tutela.Ref{Type: rec.Ref.Type, ID: s.disguise.Name(mode, rec.Ref.Type, rec.Locator)}}
	rec.Updated = time.Time{}
	if rec.Deleted {
		rec.JSON = nil
		return nil
	}
	res := rec.resource()
	if res == nil {
		return notFound(rec.Ref)
	}
	patient := tutela.BucketGeneral
	if len(rec.Patients) == 1 {
		patient = rec.Patients[0]
	}
	text, err := s.disguise.Show(mode, res, patient, func(ref tutela.Ref) string { return s.disguise.Name(mode, ref.Type, s.Locate(ref)) })
	if err != nil {
		return notFound(rec.Ref)
	}
	rec.JSON = d.Disguised(rec.Ref.Type, text)
	if rec.shown.part, err = r4.ParsePart(rec.JSON); err != nil {
		return notFound(rec.Ref)
	}
	return nil
}

// disguised is what of a record is shown in its place.
type disguised struct {
	ref  tutela.Ref
	part *r4.Resource
}

// Address is how the caller knows the record: by its Ref, or by a pseudonym.
func (r *Record) Address() tutela.Ref {
	if r.shown != nil {
		return r.shown.ref
	}
	return r.Ref
}

// visible is the record as its caller may see it, for what follows from it.
func (r *Record) visible() *r4.Resource {
	if r.shown != nil {
		return r.shown.part
	}
	return r.parsed
}

// find gives the locator of what a caller calls so; false where there is nothing of that name.
func (s *Store) find(g access.Grant, ref tutela.Ref) (tutela.Locator, bool) {
	mode := g.Deidentified()
	switch {
	case mode == "":
		return s.Locate(ref), true
	case s.disguise == nil:
		return 0, false
	}
	return s.disguise.Find(mode, ref.Type, ref.ID)
}

// Searchable reports whether a Grant lets a search read a parameter of a type: all of them, or those that
// read what is left of de-identified records.
func (s *Store) Searchable(g access.Grant, typ string, p *r4.Param) bool {
	mode := g.Deidentified()
	return mode == "" || s.disguise != nil && s.disguise.Searchable(mode, typ, p)
}

// truly gives a record that was asked for by a pseudonym its own Ref.
func (r *Record) truly(g access.Grant) error {
	if g.Deidentified() == "" {
		return nil
	}
	if r.Deleted {
		ref, ok := r4.ParseReference(r.gone)
		if !ok {
			return notFound(r.Ref)
		}
		r.Ref = ref.Ref()
		return nil
	}
	res := r.resource()
	if res == nil {
		return notFound(r.Ref)
	}
	r.Ref = tutela.Ref{Type: res.Type(), ID: res.ID()}
	return nil
}

// A search of de-identified records finds what answers it as it is shown: nothing that is removed, and no
// date or amount more exactly than it is shown, can be found out by what is found. So the terms that the
// index may narrow by are those that any match of the shown record has in the record itself: codes, which
// show or do not, ids and patients.

// narrowBy says what a term tells of where its matches are, to those who hold a Grant.
func (s *Store) narrowBy(g access.Grant, q *r4.Query, t *r4.Term, x blind) narrowing {
	mode := g.Deidentified()
	switch {
	case mode == "":
		return x.narrow(q, t)
	case s.disguise == nil:
		return narrowing{ids: true}
	case t.Modifier != r4.ModifierNone:
		return narrowing{}
	case t.Param.Name == "_id":
		n := narrowing{ids: true}
		for _, v := range t.Values {
			if l, ok := s.disguise.Find(mode, q.Type, v.Token.Code); ok {
				n.locators = append(n.locators, int64(l))
			}
		}
		slices.Sort(n.locators)
		n.locators = slices.Compact(n.locators)
		return n
	case t.Param.Type == r4.ParamToken && !slices.ContainsFunc(t.Param.Branches, (*r4.Branch).Truth):
		return x.narrow(q, t)
	case t.Param.Type == r4.ParamReference:
		return s.narrowPatients(mode, t)
	}
	return narrowing{}
}

// narrowPatients places what refers to patients by their pseudonyms.
func (s *Store) narrowPatients(mode string, t *r4.Term) narrowing {
	n := narrowing{buckets: []int64{int64(tutela.BucketShared)}}
	for _, v := range t.Values {
		ref := v.Reference
		if ref.Type == "" && len(targets(t.Param)) == 1 {
			ref.Type = targets(t.Param)[0]
		}
		if !ref.Local() || ref.Type != "Patient" {
			return narrowing{}
		}
		if l, ok := s.disguise.Find(mode, ref.Type, ref.ID); ok {
			n.buckets = append(n.buckets, int64(l))
		}
	}
	slices.Sort(n.buckets)
	n.buckets = slices.Compact(n.buckets)
	return n
}

// untimed walks a type in an order that does not tell when anything was written.
type untimed struct{ kinds }

func (s untimed) after(ctx context.Context, q store.Querier, p position, n int) ([]position, error) {
	const order = " ORDER BY bucket, locator"
	const text = "SELECT bucket, 0, locator FROM locators WHERE kind = ? AND (bucket, locator) > (?, ?)"
	if s.where.all {
		return timed(ctx, q, text+order+limitTo(width(n)), n, s.kind, p.Bucket, p.Locator)
	}
	return overBuckets(s.where.buckets, p, n, func(group []int64) ([]position, error) {
		args := padded(group, width(len(group)))
		return timed(ctx, q, text+" AND bucket IN ("+marks(len(args))+")"+order+limitTo(width(n)), n, append([]any{s.kind, p.Bucket, p.Locator}, args...)...)
	})
}

// unordered is a source whose order tells nothing, for those who see de-identified records.
func unordered(g access.Grant, src source) source {
	if k, ok := src.(kinds); ok && g.Deidentified() != "" {
		return untimed{k}
	}
	return src
}

// answers reports whether a record answers a query as its caller may see it.
func (r *Record) answers(q *r4.Query) bool {
	return r.shown == nil || r.shown.part != nil && q.Match(r.shown.part)
}
