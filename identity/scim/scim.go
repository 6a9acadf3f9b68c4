package scim

import (
	"context"
	"mime"
	"net/http"
	"slices"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/internal/clock"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/internal/httpx"
)

// Prefix is where SCIM stands.
const Prefix = "/scim/v2"

const mediaType = "application/scim+json"

// maxBody bounds a request: a group of some ten thousand members.
const maxBody = 1 << 20

// Config says what a Handler works with.
type Config struct {
	Identity *identity.Service
	Base     string // public base URL, without Prefix
	Clock    clock.Clock
}

// Handler answers SCIM for one tenant. Safe for concurrent use.
type Handler struct {
	identity *identity.Service
	base     string
	clock    clock.Clock
}

// New readies a Handler.
func New(c Config) *Handler {
	return &Handler{identity: c.Identity, base: c.Base + Prefix, clock: c.Clock}
}

// Answer is what a request is answered with.
type Answer struct {
	Status   int
	ETag     string
	Location string
	Body     []byte // JSON; none where the status allows none
}

// Write sends the answer.
func (a Answer) Write(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	if a.ETag != "" {
		h.Set("ETag", a.ETag)
	}
	if a.Location != "" {
		h.Set("Location", a.Location)
	}
	if a.Body != nil {
		h.Set("Content-Type", mediaType)
	}
	w.WriteHeader(a.Status)
	_, _ = w.Write(a.Body)
}

// Route is one address. The server proves who calls, decides by Action whether that may be, calls
// Serve, and answers when the entry is durable.
type Route struct {
	Pattern string // "METHOD /path"
	Action  tutela.Action
	Serve   func(*http.Request) (Answer, error)
}

// Routes names every address of SCIM.
func (h *Handler) Routes() []Route {
	list := []Route{
		h.read("/ServiceProviderConfig", func(*visit) (Answer, error) { return h.serviceProviderConfig() }),
		h.read("/ResourceTypes", func(v *visit) (Answer, error) { return h.resourceTypes(v) }),
		h.read("/ResourceTypes/{id}", func(v *visit) (Answer, error) { return h.resourceType(v) }),
		h.read("/Schemas", func(v *visit) (Answer, error) { return h.schemas(v) }),
		h.read("/Schemas/{id}", func(v *visit) (Answer, error) { return h.schema(v) }),
		h.read("/Users", (*visit).listUsers),
		h.read("/Users/{id}", (*visit).readUser),
		h.write(http.MethodPost, "/Users", (*visit).createUser),
		h.write(http.MethodPut, "/Users/{id}", (*visit).replaceUser),
		h.write(http.MethodPatch, "/Users/{id}", (*visit).patchUser),
		h.write(http.MethodDelete, "/Users/{id}", (*visit).deleteUser),
		h.read("/Groups", (*visit).listGroups),
		h.read("/Groups/{id}", (*visit).readGroup),
		h.write(http.MethodPost, "/Groups", (*visit).createGroup),
		h.write(http.MethodPut, "/Groups/{id}", (*visit).replaceGroup),
		h.write(http.MethodPatch, "/Groups/{id}", (*visit).patchGroup),
		h.write(http.MethodDelete, "/Groups/{id}", (*visit).emptyGroup),
		h.read("/{path...}", nothing),
	}
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		list = append(list, h.write(method, "/{path...}", nothing))
	}
	return list
}

// nothing answers at addresses and for methods that are not offered.
func nothing(*visit) (Answer, error) {
	return Answer{}, errs.New(errs.NotFound, "there is nothing at this address for this method")
}

// visit is one request of one SCIM client.
type visit struct {
	*identity.Provisioner
	handler *Handler
	ctx     context.Context //nolint:containedctx // a visit is the request
	r       *http.Request
}

func (h *Handler) read(path string, f func(*visit) (Answer, error)) Route {
	return h.route(http.MethodGet, path, tutela.ActionPeopleRead, f)
}

func (h *Handler) write(method, path string, f func(*visit) (Answer, error)) Route {
	return h.route(method, path, tutela.ActionPeopleWrite, f)
}

func (h *Handler) route(method, path string, action tutela.Action, f func(*visit) (Answer, error)) Route {
	return Route{Pattern: method + " " + Prefix + path, Action: action, Serve: func(r *http.Request) (Answer, error) {
		received := h.clock()
		p, err := h.identity.Provisioner(r.Context(), httpx.Principal(r.Context()), received)
		if err != nil {
			return Answer{}, err
		}
		a, err := f(&visit{Provisioner: p, handler: h, ctx: r.Context(), r: r})
		return a, translated(err)
	}}
}

// body reads the request's object.
func (v *visit) body() (object, error) {
	typ, _, err := mime.ParseMediaType(v.r.Header.Get("Content-Type"))
	if err != nil || !slices.Contains([]string{mediaType, "application/json"}, typ) {
		return nil, errs.New(errs.MediaType, "send %s or application/json", mediaType)
	}
	b, err := httpx.Body(nil, v.r, maxBody)
	if err != nil {
		return nil, err
	}
	return decode(b)
}

func (v *visit) id() string { return v.r.PathValue("id") }
