package fhir

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/access"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/r4"
)

// bundle carries out a batch or transaction (FHIR R4, http.html#transaction).
func (h *Handler) bundle(ctx context.Context, in *interaction, _ access.Grant) (*answer, error) {
	res, refused, err := r4.ParseBatch(in.body)
	if err != nil {
		return nil, err
	}
	if res.Type() != "Bundle" {
		return nil, errs.New(errs.Invalid, "the base address takes a Bundle")
	}
	switch res.Root().Child("type").Text() {
	case "batch":
		return h.batch(ctx, in, readEntries(res, refused))
	case "transaction":
		in.action = tutela.ActionTransaction
		if len(refused) > 0 {
			_, err := r4.Parse(in.body) // says all that is wrong
			return nil, err
		}
		return h.transaction(ctx, in, readEntries(res, nil))
	default:
		return nil, errs.New(errs.Invalid, "the Bundle's type must be batch or transaction")
	}
}

// entry is one request within a Bundle.
type entry struct {
	at       int // position in the Bundle
	fullURL  string
	method   string
	url      string // as written, relative to the base
	path     []string
	query    string
	resource *r4.Resource
	header   http.Header
	err      error // why it cannot be carried out
}

// readEntries reads the requests of a Bundle; refused are the resources that break a rule, by entry.
func readEntries(res *r4.Resource, refused map[int]*r4.Invalid) []*entry {
	var list []*entry
	for n := range res.Root().Child("entry").Items() {
		e := &entry{at: len(list), fullURL: n.Child("fullUrl").Text(), resource: n.Child("resource").Resource(), header: http.Header{}}
		if e.err = e.read(n.Child("request")); refused[e.at] != nil {
			e.err = errs.Wrap(errs.Invalid, refused[e.at], "not a valid FHIR R4 resource")
		}
		list = append(list, e)
	}
	return list
}

func (e *entry) read(request r4.Node) error {
	if !request.Exists() {
		return errs.New(errs.Invalid, "the entry has no request")
	}
	e.method, e.url = request.Child("method").Text(), request.Child("url").Text()
	for element, name := range map[string]string{
		"ifMatch": "If-Match", "ifNoneMatch": "If-None-Match", "ifNoneExist": "If-None-Exist",
	} {
		if text := request.Child(element).Text(); text != "" {
			e.header.Set(name, text)
		}
	}
	return e.split()
}

// split reads the entry's address.
func (e *entry) split() error {
	path, query, _ := strings.Cut(e.url, "?")
	path, err := url.PathUnescape(path)
	if err != nil || path == "" {
		return errs.New(errs.Invalid, "request.url is not a relative address")
	}
	e.path, e.query = strings.Split(strings.Trim(path, "/"), "/"), query
	if (e.method == http.MethodPost || e.method == http.MethodPut) && e.resource == nil {
		return errs.New(errs.Invalid, "the entry has no resource")
	}
	return nil
}

// at says in which entry of a Bundle an error lies.
func at(e *entry, err error) error {
	if err == nil || errs.Is(err, errs.Internal) {
		return err
	}
	return errs.Wrap(errs.KindOf(err), err, "Bundle.entry["+strconv.Itoa(e.at)+"]: "+detail(err))
}

// detail is an error's public text, with what a validation found.
func detail(err error) string {
	return errs.Public(err)
}

// batch carries out each entry on its own, each with its own decision and ledger entry.
func (h *Handler) batch(ctx context.Context, in *interaction, entries []*entry) (*answer, error) {
	b := newBundle("batch-response")
	for _, e := range entries {
		sub, op := h.single(in, e)
		a := h.do(ctx, sub, op)
		b.entry(responseEntry(e, a, wantsResource(in, e)))
	}
	return &answer{status: http.StatusOK, body: b.bytes()}, nil
}

// single is an entry as an interaction of its own.
func (h *Handler) single(in *interaction, e *entry) (*interaction, operation) {
	sub := &interaction{query: e.query, header: e.header, caller: in.caller, request: in.request, purpose: in.purpose, resource: e.resource}
	sub.header["Prefer"] = in.header.Values("Prefer")
	if e.err != nil {
		sub.action = tutela.ActionBatch
		return sub, func(context.Context, *interaction, access.Grant) (*answer, error) { return nil, e.err }
	}
	sub.typ = e.path[0]
	if len(e.path) > 1 {
		sub.id = e.path[1]
	}
	shape := e.method + " " + strconv.Itoa(len(e.path))
	if len(e.path) > 2 && e.path[2] == "_history" {
		shape += " history"
	}
	if len(e.path) == 4 {
		sub.version = e.path[3]
	}
	var op operation
	switch shape {
	case "GET 1":
		sub.action, op = tutela.ActionSearch, h.search
	case "GET 2":
		sub.action, op = tutela.ActionRead, h.read
	case "GET 3 history":
		sub.action, op = tutela.ActionHistory, h.history
	case "GET 4 history":
		sub.action, op = tutela.ActionVRead, h.vread
	case "POST 1":
		sub.action, op = tutela.ActionCreate, h.create
	case "PUT 2":
		sub.action, op = tutela.ActionUpdate, h.update
	case "DELETE 2":
		sub.action, op = tutela.ActionDelete, h.remove
	default:
		sub.action, op, sub.typ, sub.id = tutela.ActionBatch, refuse, "", ""
	}
	return sub, op
}

func refuse(context.Context, *interaction, access.Grant) (*answer, error) {
	return nil, errs.New(errs.Unsupported, "this request is not offered within a Bundle")
}

// wantsResource reports whether an answer within a Bundle carries the resource: reads always,
// writes when the caller prefers it.
func wantsResource(in *interaction, e *entry) bool {
	return e.method == http.MethodGet || prefers(in.header, "return=representation")
}

// responseEntry is an entry's answer within a Bundle.
func responseEntry(e *entry, a *answer, withResource bool) bundleEntry {
	out := bundleEntry{Response: &bundleResponse{
		Status: strconv.Itoa(a.status) + " " + http.StatusText(a.status), Location: a.location,
	}}
	if a.record != nil {
		out.Response.ETag = a.record.ETag()
		out.Response.LastModified = modified(a.record, time.RFC3339Nano)
	}
	switch {
	case a.status >= http.StatusBadRequest:
		out.Response.Outcome = a.body
	case withResource && len(a.body) > 0:
		out.Resource = a.body
	}
	return out
}
