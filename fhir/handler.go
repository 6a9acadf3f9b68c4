package fhir

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/access"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/internal/clock"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/internal/httpx"
	"github.com/tutela-health/tutela/r4"
	"github.com/tutela-health/tutela/records"
)

// MaxBody is the most bytes that a request body may have.
const MaxBody = 16 << 20

// Config says what a Handler works with.
type Config struct {
	Records *records.Store
	Access  *access.Authorizer
	Audit   *audit.Log
	Clock   clock.Clock
	Log     *slog.Logger
	Base    string // the public base URL, as in https://host/fhir/r4, without a trailing slash
	OAuth   OAuthEndpoints
}

// OAuthEndpoints are absolute URLs of the authorization server in front of the API; the
// CapabilityStatement names them, unless there are none.
type OAuthEndpoints struct{ Authorize, Token, Manage, Introspect, Revoke string }

// Handler serves the FHIR API.
type Handler struct {
	records *records.Store
	access  *access.Authorizer
	audit   *audit.Log
	clock   clock.Clock
	log     *slog.Logger
	base    string
	oauth   OAuthEndpoints
	started time.Time
	large   *semaphore.Weighted // bytes of large bodies that are being worked on
}

// A parsed body takes up to ten times its size. Bodies above largeBody share largeBodies bytes;
// who comes late waits with the body unparsed.
const (
	largeBody   = 256 << 10
	largeBodies = 2 * MaxBody
)

// New returns a Handler.
func New(c Config) *Handler {
	return &Handler{records: c.Records, access: c.Access, audit: c.Audit, clock: c.Clock, log: c.Log, base: c.Base, oauth: c.OAuth, started: c.Clock(),
		large: semaphore.NewWeighted(largeBodies)}
}

// interaction is one request on the API, or one entry of a batch.
type interaction struct {
	action  tutela.Action
	typ     string // empty for a whole-system interaction
	id      string
	version string
	path    string // below the base, where no route took it apart
	query   string // as sent, URL-encoded
	form    string // parameters of a POSTed search
	body    []byte
	// resource is the body of a Bundle's entry.
	resource *r4.Resource
	header   http.Header // of the request, or what a Bundle entry carries of it
	caller   tutela.Principal
	request  string // request id
	purpose  tutela.Purpose
	about    tutela.PatientID // whose rights are exercised; empty for whose are not
}

func (in *interaction) ref() tutela.Ref { return tutela.Ref{Type: in.typ, ID: in.id} }

// answer is what goes back.
type answer struct {
	status   int
	body     []byte
	record   *records.Record // gives ETag and Last-Modified
	location string
	touched  records.Touched
	allow    string // methods that the address takes, for one that it does not
	written  bool   // the entry went with the write
}

// operation carries out an interaction under a Grant.
type operation func(ctx context.Context, in *interaction, g access.Grant) (*answer, error)

// do is the life of every interaction: decide, carry out, write the entry, and only then
// answer. The ledger entry of a write travels in the write's transaction.
func (h *Handler) do(ctx context.Context, in *interaction, op operation) *answer {
	a, err := h.recorded(ctx, in, op)
	if err != nil {
		return h.refusal(ctx, in, a, err)
	}
	return a
}

// recorded is do for who tells errors himself.
func (h *Handler) recorded(ctx context.Context, in *interaction, op operation) (*answer, error) {
	a, err := h.attempt(ctx, in, op)
	if err == nil && !a.written {
		err = h.appendEntry(ctx, in, a, nil)
	} else if err != nil {
		if failed := h.appendEntry(ctx, in, a, err); failed != nil {
			err = failed
		}
	}
	return a, err
}

func (h *Handler) attempt(ctx context.Context, in *interaction, op operation) (*answer, error) {
	if in.typ != "" && !knownType(in.typ) {
		return nil, errs.New(errs.NotFound, "no such resource type in FHIR R4")
	}
	if in.id != "" && !r4.ValidID(in.id) {
		return nil, errs.New(errs.Invalid, "a FHIR id has 1 to 64 letters, digits, '-' and '.'")
	}
	var g access.Grant
	if in.typ != "" {
		var err error
		if g, err = h.access.Authorize(ctx, in.caller, access.Request{Action: in.action, Type: in.typ, Purpose: in.purpose, About: in.about}); err != nil {
			return nil, err
		}
	}
	return op(ctx, in, g)
}

// appendEntry makes the entry durable. When it cannot, nothing may leave.
func (h *Handler) appendEntry(ctx context.Context, in *interaction, a *answer, cause error) error {
	e := h.entry(in)
	e.Outcome = httpx.OutcomeOf(cause)
	sections := []tutela.Section(nil)
	switch {
	case cause != nil:
		e.Status = httpx.Status(cause)
		if a != nil { // a deleted resource was looked at
			a.touched.Mark(&e)
			sections = a.touched.Sections(in.asked())
		} else if asked := in.asked(); asked != "" {
			sections = records.Touched{}.Sections(asked)
		}
	default:
		e.Status, e.Bytes = a.status, int64(len(a.body))
		e.Basis = a.touched.Basis()
		a.touched.Mark(&e)
		sections = a.touched.Sections(in.asked())
	}
	if _, err := h.audit.Append(ctx, e, sections); err != nil {
		h.log.LogAttrs(ctx, slog.LevelError, "ledger entry not durable, answer withheld",
			slog.String("request", in.request), slog.String("error", err.Error()))
		return errs.Wrap(errs.Unavailable, err, "the access could not be recorded; nothing was returned")
	}
	return nil
}

// asked is what the caller looked for, for the personal part of the entry: an id or a query.
func (in *interaction) asked() string {
	asked := in.query
	if in.form != "" {
		if asked != "" {
			asked += "&"
		}
		asked += in.form
	}
	if len(asked) > maxAsked {
		asked = asked[:maxAsked]
	}
	if in.path != "" {
		return in.path + "?" + asked
	}
	if in.id != "" {
		ref := in.ref().String()
		if asked != "" {
			return ref + "?" + asked
		}
		return ref
	}
	return asked
}

// maxAsked bounds what an entry keeps of a query.
const maxAsked = 4 << 10

// entry is the ledger entry of an interaction, without what only its end tells.
func (h *Handler) entry(in *interaction) tutela.Entry {
	p := in.caller
	return tutela.Entry{
		Time:    h.clock(),
		Actor:   tutela.Actor{ID: p.ID, Kind: p.Kind, Name: p.Username, Roles: p.Roles, Unit: p.Unit},
		Session: p.Session, Client: p.Client, Address: p.Address, Assurance: p.Assurance,
		Request: in.request, Action: in.action, Type: in.typ, Outcome: tutela.OutcomeSuccess,
		Purpose: in.purpose, PolicyVersion: h.access.Version(),
	}
}

// refusal turns an error into an answer. What is ours to mend is logged, and reveals nothing.
func (h *Handler) refusal(ctx context.Context, in *interaction, a *answer, err error) *answer {
	status := httpx.Status(err)
	if status >= http.StatusInternalServerError {
		h.log.LogAttrs(ctx, slog.LevelError, "request failed", slog.String("request", in.request),
			slog.String("action", string(in.action)), slog.String("type", in.typ), slog.String("error", err.Error()))
	}
	out := &answer{status: status, body: outcomeOf(err)}
	switch {
	case a != nil && status == http.StatusGone:
		out.record = a.record
	case a != nil && status == http.StatusMethodNotAllowed:
		out.allow = a.allow
	}
	return out
}

// serve turns an HTTP request into an interaction and its answer into a response.
func (h *Handler) serve(action tutela.Action, op operation) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		in := h.interaction(action, r)
		a := h.do(r.Context(), in, func(ctx context.Context, in *interaction, g access.Grant) (*answer, error) {
			if err := acceptable(r); err != nil {
				return nil, err
			}
			if err := in.read(w, r); err != nil {
				return nil, err
			}
			if size := int64(len(in.body)); size > largeBody {
				if err := h.large.Acquire(ctx, size); err != nil {
					return nil, errs.Wrap(errs.Unavailable, err, "the request was given up while it waited")
				}
				defer h.large.Release(size)
			}
			return op(ctx, in, g)
		})
		a.write(w, r.Method)
	}
}

func (h *Handler) interaction(action tutela.Action, r *http.Request) *interaction {
	p := httpx.Principal(r.Context())
	return &interaction{
		action: action, typ: r.PathValue("type"), id: r.PathValue("id"), version: r.PathValue("vid"), path: r.PathValue("path"),
		query: r.URL.RawQuery, header: r.Header, caller: p, request: httpx.RequestID(r.Context()), purpose: purposeOf(p),
	}
}

// purposeOf is the purpose that a kind of caller has unless it says otherwise.
func purposeOf(p tutela.Principal) tutela.Purpose {
	switch {
	case p.Kind == tutela.ActorService, p.Kind == tutela.ActorSystem:
		return tutela.PurposeSystem
	case p.Patient != "" && !slices.ContainsFunc(p.Roles, treats): // one who treats has a patient by launch
		return tutela.PurposePatient
	case !slices.ContainsFunc(p.Roles, treats) && slices.Contains(p.Roles, string(access.RoleBilling)):
		return tutela.PurposePayment
	case !slices.ContainsFunc(p.Roles, treats) && slices.Contains(p.Roles, string(access.RoleRegistration)):
		return tutela.PurposeOperations
	case slices.Contains(p.Roles, string(access.RoleResearcher)):
		return tutela.PurposeResearch
	case !slices.ContainsFunc(p.Roles, treats) && slices.Contains(p.Roles, string(access.RoleDeveloper)):
		return tutela.PurposeSystem
	default:
		return tutela.PurposeTreatment
	}
}

// treats reports whether a role is one of those who treat, or who serve them.
func treats(role string) bool {
	switch access.Role(role) {
	case access.RolePhysician, access.RoleNurse, access.RolePharmacist, access.RoleLaboratory:
		return true
	}
	return false
}

func (a *answer) write(w http.ResponseWriter, method string) {
	head := w.Header()
	head.Set("Cache-Control", "no-store")
	if a.record != nil {
		head.Set("Etag", a.record.ETag()) // as the name is kept: another case would be turned into it each time
		if at := modified(a.record, http.TimeFormat); at != "" {
			head.Set("Last-Modified", at)
		}
	}
	if a.allow != "" {
		head.Set("Allow", a.allow)
	}
	if a.location != "" {
		head.Set("Location", a.location)
	}
	if a.status == http.StatusUnauthorized && head.Get("WWW-Authenticate") == "" {
		head.Set("WWW-Authenticate", "Bearer")
	}
	if len(a.body) > 0 {
		head.Set("Content-Type", contentType)
		head.Set("Content-Length", strconv.Itoa(len(a.body)))
	}
	w.WriteHeader(a.status)
	if method != http.MethodHead {
		_, _ = w.Write(a.body)
	}
}
