package fhir

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/tutela-health/tutela/records"
)

// bundle writes a Bundle: stored resources go in as they are, without being parsed again.
type bundle struct {
	kind    string
	count   int // -1: no total
	links   []bundleLink
	entries []byte
	n       int
}

type bundleLink struct {
	Relation string `json:"relation"`
	URL      string `json:"url"`
}

func newBundle(kind string) *bundle { return &bundle{kind: kind, count: -1} }

func (b *bundle) total(n int) { b.count = n }

func (b *bundle) link(relation, url string) { b.links = append(b.links, bundleLink{relation, url}) }

func (b *bundle) next() {
	if b.n++; b.n > 1 {
		b.entries = append(b.entries, ',')
	}
}

// resource adds a search result.
func (b *bundle) resource(base string, r *records.Record, mode string) {
	b.next()
	b.entries = append(b.entries, `{"fullUrl":"`+base+"/"+r.Address().String()+`","resource":`...)
	b.entries = append(b.entries, r.JSON...)
	b.entries = append(b.entries, `,"search":{"mode":"`+mode+`"}}`...)
}

// outcome adds an OperationOutcome to a search result.
func (b *bundle) outcome(o []byte) {
	b.next()
	b.entries = append(b.entries, `{"resource":`...)
	b.entries = append(b.entries, o...)
	b.entries = append(b.entries, `,"search":{"mode":"outcome"}}`...)
}

// bundleResponse is Bundle.entry.response.
type bundleResponse struct {
	Status       string          `json:"status"`
	Location     string          `json:"location,omitempty"`
	ETag         string          `json:"etag,omitempty"`
	LastModified string          `json:"lastModified,omitempty"`
	Outcome      json.RawMessage `json:"outcome,omitempty"`
}

// bundleEntry is one entry of a response, history or batch.
type bundleEntry struct {
	FullURL  string
	Resource []byte // as it is stored
	Request  *bundleRequest
	Response *bundleResponse
}

type bundleRequest struct {
	Method string `json:"method"`
	URL    string `json:"url"`
}

func (b *bundle) entry(e bundleEntry) {
	b.next()
	sep := byte('{')
	member := func(name string, value []byte) {
		b.entries = append(b.entries, sep, '"')
		b.entries = append(b.entries, name...)
		b.entries = append(b.entries, `":`...)
		b.entries = append(b.entries, value...)
		sep = ','
	}
	if e.FullURL != "" {
		member("fullUrl", mustJSON(e.FullURL))
	}
	if len(e.Resource) > 0 {
		member("resource", e.Resource)
	}
	if e.Request != nil {
		member("request", mustJSON(e.Request))
	}
	if e.Response != nil {
		member("response", mustJSON(e.Response))
	}
	b.entries = append(b.entries, '}')
}

func (b *bundle) bytes() []byte {
	out := append([]byte(`{"resourceType":"Bundle","type":"`), b.kind...)
	out = append(out, '"')
	if b.count >= 0 {
		out = append(out, `,"total":`...)
		out = strconv.AppendInt(out, int64(b.count), 10)
	}
	if len(b.links) > 0 {
		out = append(out, `,"link":`...)
		out = append(out, mustJSON(b.links)...)
	}
	if b.n > 0 { // FHIR has no empty lists
		out = append(out, `,"entry":[`...)
		out = append(out, b.entries...)
		out = append(out, ']')
	}
	return append(out, '}')
}

// modified is when a record was last changed; empty where the caller may not know it.
func modified(r *records.Record, format string) string {
	if r.Updated.IsZero() {
		return ""
	}
	return r.Updated.UTC().Format(format)
}

// historyBundle tells the versions of a resource, newest first.
func (h *Handler) historyBundle(in *interaction, list []*records.Record) []byte {
	b := newBundle("history")
	b.total(len(list))
	b.link("self", h.base+"/"+in.ref().String()+"/_history")
	for _, r := range list {
		e := bundleEntry{
			FullURL: h.base + "/" + in.ref().String(), Resource: r.JSON,
			Request:  &bundleRequest{Method: "PUT", URL: in.ref().String()},
			Response: &bundleResponse{Status: "200 OK", ETag: r.ETag(), LastModified: modified(r, time.RFC3339Nano)},
		}
		switch {
		case r.Deleted:
			e.Resource, e.Request.Method, e.Response.Status = nil, "DELETE", "204 No Content"
		case r.Version == 1:
			e.Request.Method, e.Request.URL, e.Response.Status = "POST", in.typ, "201 Created"
		}
		b.entry(e)
	}
	return b.bytes()
}
