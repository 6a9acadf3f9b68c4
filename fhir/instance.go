package fhir

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/access"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/r4"
	"github.com/tutela-health/tutela/records"
)

func (h *Handler) read(ctx context.Context, in *interaction, g access.Grant) (*answer, error) {
	rec, err := h.records.Read(ctx, g, in.ref())
	return one(in, rec, err)
}

func (h *Handler) vread(ctx context.Context, in *interaction, g access.Grant) (*answer, error) {
	version, err := strconv.ParseInt(in.version, 10, 64)
	if err != nil || version < 1 {
		return nil, errs.New(errs.NotFound, "no such version")
	}
	rec, err := h.records.VRead(ctx, g, in.ref(), version)
	return one(in, rec, err)
}

// one answers with a record. A tombstone tells its version along with errs.Gone.
func one(in *interaction, rec *records.Record, err error) (*answer, error) {
	if rec == nil {
		return nil, err
	}
	a := &answer{status: http.StatusOK, body: rec.JSON, record: rec, touched: records.Touch(rec)}
	if err != nil {
		return a, err
	}
	if matches(in.header.Get("If-None-Match"), rec.ETag()) {
		a.status, a.body = http.StatusNotModified, nil
	}
	return a, nil
}

// matches reports whether a list of entity tags names tag (RFC 9110, 13.1.2, weak comparison).
func matches(list, tag string) bool {
	for part := range strings.SplitSeq(list, ",") {
		part = strings.TrimSpace(part)
		if part == "*" || part != "" && strings.TrimPrefix(part, "W/") == strings.TrimPrefix(tag, "W/") {
			return true
		}
	}
	return false
}

func (h *Handler) create(ctx context.Context, in *interaction, g access.Grant) (*answer, error) {
	res, err := h.parse(in)
	if err != nil {
		return nil, err
	}
	change := records.Change{Kind: records.Create, Ref: tutela.Ref{Type: in.typ, ID: newID()}, Resource: res, Grant: g}
	if criteria := in.header.Get("If-None-Exist"); criteria != "" {
		return h.createUnlessFound(ctx, in, change, criteria)
	}
	return h.write(ctx, in, change)
}

func (h *Handler) update(ctx context.Context, in *interaction, g access.Grant) (*answer, error) {
	res, err := h.parse(in)
	if err != nil {
		return nil, err
	}
	if res.ID() != in.id {
		return nil, errs.New(errs.Invalid, "the id in the resource must be the id in the address")
	}
	change := records.Change{Kind: records.Update, Ref: in.ref(), Resource: res, Grant: g, MustExist: !mayChooseIDs(in.caller)}
	if change.IfMatch, err = ifMatch(in.header); err != nil {
		return nil, err
	}
	return h.write(ctx, in, change)
}

func (h *Handler) remove(ctx context.Context, in *interaction, g access.Grant) (*answer, error) {
	change := records.Change{Kind: records.Delete, Ref: in.ref(), Grant: g, MustExist: !mayChooseIDs(in.caller)}
	var err error
	if change.IfMatch, err = ifMatch(in.header); err != nil {
		return nil, err
	}
	return h.write(ctx, in, change)
}

// write carries out one change; its entry goes with it.
func (h *Handler) write(ctx context.Context, in *interaction, c records.Change, guards ...records.Guard) (*answer, error) {
	c.Shows = h.shows(ctx, in)
	base := h.entry(in)
	base.Basis = c.Grant.Basis()
	results, err := h.records.Transact(ctx, base, in.asked(), []records.Change{c}, guards...)
	if err != nil {
		return nil, err
	}
	return h.written(in, &results[0]), nil
}

// shows is the caller's Grant to read what it writes: the answer tells no more than a read. It is the
// zero Grant, which shows nothing, for who may not read, and for who does not want to see it.
func (h *Handler) shows(ctx context.Context, in *interaction) access.Grant {
	if in.action == tutela.ActionDelete || prefers(in.header, "return=minimal") || prefers(in.header, "return=OperationOutcome") {
		return access.Grant{}
	}
	g, err := h.access.Authorize(ctx, in.caller, access.Request{Action: tutela.ActionRead, Type: in.typ, Purpose: in.purpose})
	if err != nil {
		return access.Grant{}
	}
	return g
}

// written answers a change (FHIR R4, http.html#ops: Prefer, Location, 201 or 200).
func (h *Handler) written(in *interaction, r *records.Result) *answer {
	a := &answer{status: http.StatusOK, record: &r.Record, written: true, body: r.JSON}
	switch {
	case r.Deleted:
		a.status, a.body = http.StatusNoContent, nil
		if r.Version == 0 {
			a.record = nil
		}
		return a
	case r.Created:
		a.status = http.StatusCreated
	}
	a.location = h.base + "/" + r.Ref.String() + "/_history/" + strconv.FormatInt(r.Version, 10)
	switch {
	case prefers(in.header, "return=minimal"):
		a.body = nil
	case prefers(in.header, "return=OperationOutcome"):
		a.body = information("stored")
	}
	return a
}

func (h *Handler) history(ctx context.Context, in *interaction, g access.Grant) (*answer, error) {
	list, err := h.records.History(ctx, g, in.ref())
	if err != nil {
		return nil, err
	}
	return &answer{status: http.StatusOK, body: h.historyBundle(in, list), touched: records.Touch(list...)}, nil
}

// parse reads the body as a resource of the interaction's type; that of a Bundle's entry has been read.
func (h *Handler) parse(in *interaction) (*r4.Resource, error) {
	res := in.resource
	if res == nil {
		var err error
		if res, err = r4.Parse(in.body); err != nil {
			return nil, err
		}
	}
	if res.Type() != in.typ {
		return nil, errs.New(errs.Invalid, "the resource is not of the type in the address")
	}
	return h.localized(res)
}

// localized makes references relative that name this server's resources by their whole address: whom
// a resource concerns is read off relative ones.
func (h *Handler) localized(res *r4.Resource) (*r4.Resource, error) {
	for ref := range res.References() {
		if strings.HasPrefix(ref.URL, h.base+"/") {
			return r4.Parse(res.RewriteReferences(h.local))
		}
	}
	return res, nil
}

// local takes the server's own base off a link.
func (h *Handler) local(link string) (string, bool) { return strings.CutPrefix(link, h.base+"/") }

// ifMatch reads the version that a change expects; 0 when it expects none.
func ifMatch(h http.Header) (int64, error) {
	text := h.Get("If-Match")
	if text == "" {
		return 0, nil
	}
	version, err := strconv.ParseInt(strings.Trim(strings.TrimPrefix(text, "W/"), `"`), 10, 64)
	if err != nil || version < 1 {
		return 0, errs.New(errs.Precondition, `If-Match takes one version, as in W/"3"`)
	}
	return version, nil
}

// mayChooseIDs reports whether a caller may create under an id of its own choosing, or by
// If-None-Exist: both tell whether something exists, so only system-scoped clients may.
func mayChooseIDs(p tutela.Principal) bool {
	for _, s := range p.Scopes {
		if strings.HasPrefix(s, "system/") {
			return true
		}
	}
	return false
}

// newID returns a random UUID (RFC 9562, version 4).
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails: it ends the process instead
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	x := hex.EncodeToString(b[:])
	return x[:8] + "-" + x[8:12] + "-" + x[12:16] + "-" + x[16:20] + "-" + x[20:]
}
