package fhir

import (
	"context"
	"slices"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/access"
	"github.com/tutela-health/tutela/r4"
)

// withoutHidden takes out of a query what reads an element that is hidden from the caller, and
// counts it among the parameters that the type does not have: a search must not find out, by what it
// returns or in which order, what a read would not show.
func (h *Handler) withoutHidden(ctx context.Context, in *interaction, g access.Grant, q *r4.Query) {
	hide := func(name string) { q.Unknown = append(q.Unknown, name) }
	q.Terms = slices.DeleteFunc(q.Terms, func(t r4.Term) bool {
		hidden := h.reads(g, in.typ, t.Param)
		if hidden {
			hide(t.Param.Name)
		}
		return hidden
	})
	if g.Deidentified() != "" && q.Sort != r4.SortNone { // by the time of the last update
		q.Sort = r4.SortNone
		hide("_sort")
	}
	q.Includes = slices.DeleteFunc(q.Includes, func(inc r4.Include) bool {
		hidden := h.reads(g, in.typ, inc.Param)
		if hidden {
			hide("_include")
		}
		return hidden
	})
	q.RevIncludes = slices.DeleteFunc(q.RevIncludes, func(inc r4.Include) bool {
		source, err := h.access.Authorize(ctx, in.caller, access.Request{Action: tutela.ActionRead, Type: inc.Source, Purpose: in.purpose})
		hidden := err == nil && h.reads(source, inc.Source, inc.Param)
		if hidden {
			hide("_revinclude")
		}
		return hidden
	})
}

// reads reports whether a parameter reads an element of the type that the Grant hides, or one that is not left
// of what is de-identified.
func (h *Handler) reads(g access.Grant, typ string, p *r4.Param) bool {
	return !h.records.Searchable(g, typ, p) || slices.ContainsFunc(p.Branches, func(b *r4.Branch) bool { return g.Hides(typ, b.Key()) })
}
