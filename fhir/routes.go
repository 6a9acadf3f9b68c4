package fhir

import (
	"context"
	"net/http"
	"strings"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/access"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/r4"
)

// Mux is what routes are added to: an http.ServeMux, or what keeps account of one.
type Mux interface {
	Handle(pattern string, h http.Handler)
	HandleFunc(pattern string, f func(http.ResponseWriter, *http.Request))
}

// Routes adds every operation of the API to mux, under prefix ("/fhir/r4"). What is not listed
// here does not exist. Only metadata answers a caller whom nobody has proved; guard wraps the rest.
func (h *Handler) Routes(mux Mux, prefix string, guard func(http.Handler) http.Handler) {
	mux.HandleFunc("GET "+prefix+"/metadata", h.metadata)
	for pattern, handler := range map[string]http.HandlerFunc{
		"POST " + prefix:                                    h.serve(tutela.ActionBatch, h.bundle),
		"POST " + prefix + "/{$}":                           h.serve(tutela.ActionBatch, h.bundle),
		"GET " + prefix + "/{type}":                         h.serve(tutela.ActionSearch, h.search),
		"POST " + prefix + "/{type}/_search":                h.serve(tutela.ActionSearch, h.search),
		"POST " + prefix + "/{type}":                        h.serve(tutela.ActionCreate, h.create),
		"GET " + prefix + "/{type}/{id}":                    h.serve(tutela.ActionRead, h.read),
		"PUT " + prefix + "/{type}/{id}":                    h.serve(tutela.ActionUpdate, h.update),
		"DELETE " + prefix + "/{type}/{id}":                 h.serve(tutela.ActionDelete, h.remove),
		"GET " + prefix + "/{type}/{id}/_history":           h.serve(tutela.ActionHistory, h.history),
		"GET " + prefix + "/{type}/{id}/_history/{vid}":     h.serve(tutela.ActionVRead, h.vread),
		"GET " + prefix + "/Patient/{id}/" + everythingName: h.serveEverything,
	} {
		mux.Handle(pattern, guard(handler))
	}
	for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} {
		mux.Handle(method+" "+prefix+"/{path...}", guard(h.serve(tutela.ActionUnknown, elsewhere)))
	}
	mux.Handle("GET "+prefix, guard(h.serve(tutela.ActionUnknown, elsewhere)))
}

// elsewhere answers a request for what is not offered. It has its place in the ledger like any other.
func elsewhere(_ context.Context, in *interaction, _ access.Grant) (*answer, error) {
	allow := ""
	switch parts := strings.Split(strings.Trim(in.path, "/"), "/"); {
	case len(parts) == 1 && parts[0] == "":
		allow = "POST"
	case len(parts) == 1 && knownType(parts[0]):
		allow = "GET, POST"
	case len(parts) == 2 && knownType(parts[0]) && r4.ValidID(parts[1]):
		allow = "GET, PUT, DELETE"
	default:
		return nil, errs.New(errs.NotFound, "no such operation is offered")
	}
	return &answer{allow: allow}, errs.New(errs.NotAllowed, "this method is not offered here")
}
