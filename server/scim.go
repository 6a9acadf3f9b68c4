package server

import (
	"net/http"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/access"
	"github.com/tutela-health/tutela/identity/scim"
)

// longestID bounds what a caller's text in an entry may be.
const longestID = 64

// provisioning mounts SCIM: decided, carried out and written down like a call of the API.
func (s *Server) provisioning(mux *router) {
	for _, route := range s.cfg.SCIM.Routes() {
		mux.Handle(route.Pattern, s.guarded(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			c := s.newCall(r, route.Action)
			if id := r.PathValue("id"); id != "" && len(id) <= longestID {
				c.entry.Subject = &tutela.Subject{Kind: "scim", ID: id}
			}
			var answer scim.Answer
			_, err := s.run(r.Context(), c, func(access.Grant) ([]byte, error) {
				var err error
				answer, err = route.Serve(r)
				return answer.Body, err
			})
			if err != nil {
				s.refuse(w, r, err)
				return
			}
			answer.Write(w)
		})))
	}
}
