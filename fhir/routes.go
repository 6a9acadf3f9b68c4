package fhir

import (
	"net/http"

	"github.com/tutela-health/tutela"
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
		"POST " + prefix:                                h.serve(tutela.ActionBatch, h.bundle),
		"POST " + prefix + "/{$}":                       h.serve(tutela.ActionBatch, h.bundle),
		"GET " + prefix + "/{type}":                     h.serve(tutela.ActionSearch, h.search),
		"POST " + prefix + "/{type}/_search":            h.serve(tutela.ActionSearch, h.search),
		"POST " + prefix + "/{type}":                    h.serve(tutela.ActionCreate, h.create),
		"GET " + prefix + "/{type}/{id}":                h.serve(tutela.ActionRead, h.read),
		"PUT " + prefix + "/{type}/{id}":                h.serve(tutela.ActionUpdate, h.update),
		"DELETE " + prefix + "/{type}/{id}":             h.serve(tutela.ActionDelete, h.remove),
		"GET " + prefix + "/{type}/{id}/_history":       h.serve(tutela.ActionHistory, h.history),
		"GET " + prefix + "/{type}/{id}/_history/{vid}": h.serve(tutela.ActionVRead, h.vread),
	} {
		mux.Handle(pattern, guard(handler))
	}
}
