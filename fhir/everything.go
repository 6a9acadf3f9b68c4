package fhir

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/access"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/internal/httpx"
	"github.com/tutela-health/tutela/r4"
	"github.com/tutela-health/tutela/records"
)

// everythingName is the operation's name in addresses (FHIR R4, patient-operation-everything.html).
const everythingName = "$everything"

// serveEverything turns a request into the operation.
func (h *Handler) serveEverything(w http.ResponseWriter, r *http.Request) {
	in := h.everythingOf(r.Context(), httpx.Principal(r.Context()), r.PathValue("id"))
	in.query, in.header = r.URL.RawQuery, r.Header
	a := h.do(r.Context(), in, func(ctx context.Context, in *interaction, g access.Grant) (*answer, error) {
		if err := acceptable(r); err != nil {
			return nil, err
		}
		return h.everything(ctx, in, g)
	})
	a.write(w, r.Method)
}

// everythingOf is the operation for a caller: a complete copy for those who may take one out, and
// for anybody else what he may see.
func (h *Handler) everythingOf(ctx context.Context, caller tutela.Principal, id string) *interaction {
	in := &interaction{
		action: tutela.ActionExport, typ: "Patient", id: id, header: http.Header{},
		caller: caller, request: httpx.RequestID(ctx), purpose: purposeOf(caller),
	}
	whole := access.Request{Action: tutela.ActionPatientExport, Type: in.typ, About: tutela.PatientID(id)}
	if _, err := h.access.Authorize(ctx, caller, whole); err == nil && r4.ValidID(id) {
		in.action, in.about, in.purpose = whole.Action, whole.About, tutela.PurposePatient
	}
	return in
}

// Resource is one of a copy.
type Resource struct {
	URL  string // its address on this server
	JSON json.RawMessage
}

// Copy gives all that concerns a patient and what it refers to, each once, as the operation would: every
// page is decided and in the ledger. whole says that it is the complete copy, which no limit cut down; then
// purpose counts, where there is one.
func (h *Handler) Copy(ctx context.Context, caller tutela.Principal, patient tutela.PatientID, purpose tutela.Purpose) (list []Resource, whole bool, err error) {
	in := h.everythingOf(ctx, caller, string(patient))
	if whole = in.about != ""; whole && purpose != "" {
		in.purpose = purpose
	}
	have := map[string]bool{}
	for {
		a, err := h.recorded(ctx, in, h.everything)
		if err != nil {
			return nil, false, err
		}
		page, err := readPage(a.body)
		if err != nil {
			return nil, false, err
		}
		for _, e := range page.Entry {
			if e.FullURL != "" && !have[e.FullURL] {
				have[e.FullURL] = true
				list = append(list, Resource{e.FullURL, e.Resource})
			}
		}
		if in.query = page.next(); in.query == "" {
			return list, whole, nil
		}
	}
}

// pageRead is a page of our own.
type pageRead struct {
	Link  []bundleLink `json:"link"`
	Entry []struct {
		FullURL  string          `json:"fullUrl"`
		Resource json.RawMessage `json:"resource"`
	} `json:"entry"`
}

func readPage(body []byte) (p pageRead, err error) {
	if err = json.Unmarshal(body, &p); err != nil {
		err = fmt.Errorf("read a page: %w", err)
	}
	return p, err
}

// next is the query of the next page.
func (p pageRead) next() string {
	for _, l := range p.Link {
		if l.Relation == "next" {
			_, query, _ := strings.Cut(l.URL, "?")
			return query
		}
	}
	return ""
}

// everything answers with a page of all that concerns a patient and what it refers to.
func (h *Handler) everything(ctx context.Context, in *interaction, _ access.Grant) (*answer, error) {
	link, after, err := h.everythingLink(ctx, in)
	if err != nil {
		return nil, err
	}
	asked, count, err := everythingAsked(in, link.Params)
	if err != nil {
		return nil, err
	}
	page, referred, complete, err := h.records.Everything(ctx, asked, func(typ string) (access.Grant, bool) {
		g, err := h.access.Authorize(ctx, in.caller, access.Request{Action: in.action, Type: typ, Purpose: in.purpose, About: in.about})
		return g, err == nil
	}, count, after)
	if err != nil {
		return nil, err
	}
	b := newBundle("searchset")
	b.link("self", h.base+"/"+in.ref().String()+"/"+everythingName+encodeParams(link.Params, nil))
	if page.Next != nil {
		link.Cursor, link.Shown = *page.Next, link.Shown+len(page.Matches)
		sealed, err := h.records.SealLink(ctx, in.caller.ID, link)
		if err != nil {
			return nil, err
		}
		b.link("next", h.base+"/"+in.ref().String()+"/"+everythingName+"?"+pageParam+"="+sealed)
	}
	for _, m := range page.Matches {
		b.resource(h.base, m, "match")
	}
	for _, rec := range referred {
		b.resource(h.base, rec, "include")
	}
	if !complete {
		b.outcome(information("more resources are referred to than one page holds"))
	}
	return &answer{status: http.StatusOK, body: b.bytes(), touched: records.Touch(append(slices.Clone(page.Matches), referred...)...)}, nil
}

// everythingLink is what was asked, and where a page link goes on.
func (h *Handler) everythingLink(ctx context.Context, in *interaction) (records.Link, *records.Cursor, error) {
	params, err := in.params()
	if err != nil {
		return records.Link{}, nil, err
	}
	link := records.Link{Type: in.ref().String() + "/" + everythingName, Params: params}
	sealed, ok := pageOf(params)
	if !ok {
		return link, nil, nil
	}
	opened, err := h.records.OpenLink(ctx, in.caller.ID, sealed)
	if err == nil && opened.Type != link.Type {
		err = errs.New(errs.Invalid, "not a page link of this search")
	}
	in.query = strings.TrimPrefix(encodeParams(opened.Params, nil), "?") // the ledger tells what was asked, not the link
	return opened, &opened.Cursor, err
}

// everythingAsked reads the operation's parameters. start and end, which are about dates of care, are not
// offered.
func everythingAsked(in *interaction, params [][2]string) (asked records.Everything, count int, err error) {
	asked, count = records.Everything{Patient: tutela.PatientID(in.id)}, maxCount
	for _, p := range params {
		switch p[0] {
		case "_format", "_pretty":
		case "_type":
			asked.Types = append(asked.Types, strings.Split(p[1], ",")...)
		case "_count":
			if count, err = strconv.Atoi(p[1]); err != nil || count < 1 {
				return asked, 0, errs.New(errs.Invalid, "_count is a number of resources, 1 at least")
			}
			count = min(count, maxCount)
		case "_since":
			if asked.Since, err = time.Parse(time.RFC3339, p[1]); err != nil {
				return asked, 0, errs.New(errs.Invalid, "_since is an instant, as in 2026-11-22T10:00:00Z")
			}
		default:
			if !prefers(in.header, "handling=lenient") {
				return asked, 0, errs.New(errs.Unsupported, "%s takes _type, _since and _count", everythingName)
			}
		}
	}
	if slices.ContainsFunc(asked.Types, func(typ string) bool { return !r4.IsResourceType(typ) }) {
		return asked, 0, errs.New(errs.Invalid, "_type names resource types of FHIR R4")
	}
	return asked, count, nil
}
