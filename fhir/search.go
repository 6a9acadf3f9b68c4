package fhir

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/access"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/r4"
	"github.com/tutela-health/tutela/records"
)

// Page sizes: what a search without _count gets, and the most that one may ask for.
const (
	defaultCount = 50
	maxCount     = 1000
)

// pageParam carries a sealed page link.
const pageParam = "_page"

// search answers a search of one type, or a page of one.
func (h *Handler) search(ctx context.Context, in *interaction, g access.Grant) (*answer, error) {
	params, err := in.params()
	if err != nil {
		return nil, err
	}
	link := records.Link{Type: in.typ, Params: params}
	var after *records.Cursor
	if page, ok := pageOf(params); ok {
		if link, err = h.records.OpenLink(ctx, in.caller.ID, page); err != nil {
			return nil, err
		}
		if link.Type != in.typ {
			return nil, errs.New(errs.Invalid, "not a page link of this search")
		}
		after = &link.Cursor
		in.query = strings.TrimPrefix(encodeParams(link.Params, nil), "?") // the ledger tells what was asked, not the link
	}
	q, err := h.query(ctx, in, g, link.Params)
	if err != nil {
		return nil, err
	}
	return h.page(ctx, in, g, q, link, after)
}

// pageOf finds a page link. Clients add _format to any address; beside a link nothing else counts.
func pageOf(params [][2]string) (link string, ok bool) {
	for _, p := range params {
		if p[0] == pageParam {
			return p[1], true
		}
	}
	return "", false
}

// query parses search parameters. Those that the type does not have are refused, unless the
// caller asked for leniency (FHIR R4, search.html#errors); and so are, in the same words, those
// that read what is hidden from the caller.
func (h *Handler) query(ctx context.Context, in *interaction, g access.Grant, params [][2]string) (*r4.Query, error) {
	q, err := r4.ParseQuery(in.typ, h.relative(in.typ, params))
	if err != nil {
		return nil, err
	}
	h.withoutHidden(ctx, in, g, q)
	if len(q.Unknown) > 0 && !prefers(in.header, "handling=lenient") {
		return nil, errs.New(errs.Unsupported, "%s has no search parameter of the name given; send Prefer: handling=lenient to have it ignored", in.typ)
	}
	q.Now = h.clock()
	return q, nil
}

// relative takes the server's own base off reference values: stored references are relative.
func (h *Handler) relative(typ string, params [][2]string) [][2]string {
	own := slices.Clone(params)
	for i, p := range own {
		name, _, _ := strings.Cut(p[0], ":")
		if param, ok := r4.Lookup(typ, name); ok && param.Type == r4.ParamReference {
			own[i][1] = strings.TrimPrefix(p[1], h.base+"/")
		}
	}
	return own
}

func (h *Handler) page(ctx context.Context, in *interaction, g access.Grant, q *r4.Query, link records.Link, after *records.Cursor) (*answer, error) {
	count := min(q.Count, maxCount)
	if count < 0 {
		count = defaultCount
	}
	if count == 0 || q.CountOnly {
		count, q.CountOnly = 0, true
	}
	page, err := h.records.Search(ctx, g, q, count, after)
	if err != nil {
		return nil, err
	}
	included, complete, err := h.records.Include(ctx, q, page.Matches, func(typ string) (access.Grant, bool) {
		g, err := h.access.Authorize(ctx, in.caller, access.Request{Action: tutela.ActionRead, Type: typ, Purpose: in.purpose})
		return g, err == nil
	})
	if err != nil {
		return nil, err
	}
	b := newBundle("searchset")
	if page.Total >= 0 {
		b.total(page.Total)
	}
	b.link("self", h.base+"/"+in.typ+encodeParams(link.Params, q.Unknown))
	if page.Next != nil {
		next := link
		next.Cursor, next.Shown = *page.Next, link.Shown+len(page.Matches)
		sealed, err := h.records.SealLink(ctx, in.caller.ID, next)
		if err != nil {
			return nil, err
		}
		b.link("next", h.base+"/"+in.typ+"?"+pageParam+"="+sealed)
	}
	for _, m := range page.Matches {
		b.resource(h.base, m, "match")
	}
	for _, rec := range included {
		b.resource(h.base, rec, "include")
	}
	if !complete {
		b.outcome(information("more resources would be included than one page holds"))
	}
	if page.Total == records.MaxTotal {
		b.outcome(information("the total is counted no further than this"))
	}
	return &answer{status: http.StatusOK, body: b.bytes(), touched: records.Touch(append(slices.Clone(page.Matches), included...)...)}, nil
}

// params are the parameters of a search in order, from the address and a form.
func (in *interaction) params() ([][2]string, error) {
	var params [][2]string
	for _, text := range []string{in.query, in.form} {
		for pair := range strings.SplitSeq(text, "&") {
			if pair == "" {
				continue
			}
			name, value, _ := strings.Cut(pair, "=")
			n, err1 := url.QueryUnescape(name)
			v, err2 := url.QueryUnescape(value)
			if err1 != nil || err2 != nil {
				return nil, errs.New(errs.Invalid, "the search parameters are not URL-encoded")
			}
			params = append(params, [2]string{n, v})
		}
	}
	return params, nil
}

// encodeParams is the query part that was understood.
func encodeParams(params [][2]string, unknown []string) string {
	var b strings.Builder
	sep := byte('?')
	for _, p := range params {
		name, _, _ := strings.Cut(p[0], ":")
		if slices.Contains(unknown, p[0]) || slices.Contains(unknown, name) {
			continue
		}
		b.WriteByte(sep)
		b.WriteString(url.QueryEscape(p[0]) + "=" + url.QueryEscape(p[1]))
		sep = '&'
	}
	return b.String()
}

// find runs a search as a condition of something else: at most two matches. It tells what exists,
// so it has an entry of its own.
func (h *Handler) find(ctx context.Context, in *interaction, typ, criteria string) ([]*records.Record, error) {
	g, err := h.access.Authorize(ctx, in.caller, access.Request{Action: tutela.ActionSearch, Type: typ, Purpose: in.purpose})
	if err != nil {
		return nil, err
	}
	cond := conditionOf(in, typ, criteria)
	q, err := h.criteria(ctx, cond, g)
	if err != nil {
		return nil, err
	}
	page, err := h.records.Search(ctx, g, q, 2, nil)
	if err != nil {
		return nil, err
	}
	a := &answer{status: http.StatusOK, touched: records.Touch(page.Matches...)}
	return page.Matches, h.appendEntry(ctx, cond, a, nil)
}

// conditionOf is the search that an interaction makes a condition of.
func conditionOf(in *interaction, typ, criteria string) *interaction {
	return &interaction{
		action: tutela.ActionSearch, typ: typ, query: criteria, header: http.Header{},
		caller: in.caller, purpose: in.purpose, request: in.request,
	}
}

// criteria parses a condition, which must narrow.
func (h *Handler) criteria(ctx context.Context, cond *interaction, g access.Grant) (*r4.Query, error) {
	params, err := cond.params()
	if err != nil {
		return nil, err
	}
	q, err := h.query(ctx, cond, g, params)
	if err == nil && len(q.Terms) == 0 {
		err = errs.New(errs.Invalid, "a condition must name a search parameter")
	}
	return q, err
}
