package server

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/access"
)

// route is an operation as `tutela routes` shows it.
type route struct {
	Method   string   `json:"method"`
	Path     string   `json:"path"`
	Who      string   `json:"who"`
	Roles    []string `json:"roles,omitempty"` // that today's policies let call it, where that hangs on the role alone
	Body     int64    `json:"max_body_bytes"`
	Seconds  int64    `json:"max_seconds"`
	Requests int64    `json:"requests"` // since this node started
	Refused  int64    `json:"refused"`  // of those, answered with 400 to 499
	Errors   int64    `json:"errors"`   // of those, answered with 500 or more
}

// routeList answers: what is exposed, to whom, and how often was it called?
func (s *Server) routeList(ctx context.Context, _ *call) (any, error) {
	counts := s.measurements.counts()
	list := []route{}
	for _, pattern := range s.mounted.patterns {
		e := s.mounted.exposed[pattern]
		method, path, _ := strings.Cut(pattern, " ")
		r := route{Method: method, Path: path, Who: string(e.who), Body: e.body, Seconds: int64(e.within.Seconds())}
		if action, known := s.mounted.actions[pattern]; known {
			r.Roles = s.rolesOf(ctx, action)
		}
		r.add(counts[pattern])
		list = append(list, r)
	}
	slices.SortFunc(list, func(a, b route) int { return strings.Compare(a.Path+" "+a.Method, b.Path+" "+b.Method) })
	return list, nil
}

// rolesOf asks the policies which roles an action is permitted to.
func (s *Server) rolesOf(ctx context.Context, action tutela.Action) []string {
	list := []string{}
	for _, role := range access.Roles() {
		for _, kind := range []tutela.ActorKind{tutela.ActorPerson, tutela.ActorService} {
			p := tutela.Principal{ID: "routes", Kind: kind, Roles: []string{string(role)}, Scopes: []string{"system/*.cruds", "user/*.cruds"}}
			if _, err := s.cfg.Access.Authorize(ctx, p, access.Request{Action: action}); err == nil {
				list = append(list, string(role))
				break
			}
		}
	}
	return list
}

func (r *route) add(byStatus map[int]int64) {
	for status, n := range byStatus {
		r.Requests += n
		switch {
		case status >= http.StatusInternalServerError:
			r.Errors += n
		case status >= http.StatusBadRequest:
			r.Refused += n
		}
	}
}

// counts gives how many requests each route has had, by status.
func (m *measurements) counts() map[string]map[int]int64 {
	m.mu.RLock()
	defer m.mu.RUnlock()
	out := map[string]map[int]int64{}
	for name, s := range m.series {
		if out[name.route] == nil {
			out[name.route] = map[int]int64{}
		}
		for i := range s.buckets {
			out[name.route][name.status] += s.buckets[i].Load()
		}
	}
	return out
}
