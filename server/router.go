package server

import (
	"net/http"

	"github.com/tutela-health/tutela"
)

// router is a mux that mounts what is exposed, and nothing else.
type router struct {
	mux      *http.ServeMux
	exposed  map[string]exposed
	held     func(exposed, http.Handler) http.Handler
	patterns []string
	unlisted []string                 // what a plane wanted mounted, and the list does not name
	actions  map[string]tutela.Action // of the calls of the API
}

func newRouter(list map[string]exposed, held func(exposed, http.Handler) http.Handler) *router {
	return &router{mux: http.NewServeMux(), exposed: list, held: held, actions: map[string]tutela.Action{}}
}

// Handle mounts a handler, if its pattern is on the list of what is exposed.
func (r *router) Handle(pattern string, h http.Handler) {
	e, listed := r.exposed[pattern]
	if !listed {
		r.unlisted = append(r.unlisted, pattern)
		return
	}
	r.patterns = append(r.patterns, pattern)
	r.mux.Handle(pattern, r.held(e, h))
}

// HandleFunc mounts a function.
func (r *router) HandleFunc(pattern string, f func(http.ResponseWriter, *http.Request)) {
	r.Handle(pattern, http.HandlerFunc(f))
}
