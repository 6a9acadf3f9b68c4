package server

import (
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/access"
	"github.com/tutela-health/tutela/assure/dossier/binder"
	"github.com/tutela-health/tutela/internal/errs"
)

// packageRoutes are those of auditors' packages.
func (s *Server) packageRoutes(mux *router) {
	mux.actions["POST /api/v1/packages"] = tutela.ActionPackageMake
	mux.Handle("POST /api/v1/packages", s.guarded(http.HandlerFunc(s.makePackage)))
}

// makePackage writes an auditor's package. That it is taken out is in the ledger before its first byte leaves; an error
// after that cuts the answer off, so that nobody takes what came for whole.
func (s *Server) makePackage(w http.ResponseWriter, r *http.Request) {
	c := s.newCall(r, tutela.ActionPackageMake)
	var plan binder.Plan
	done := func() {}
	defer func() { done() }()
	_, err := s.run(r.Context(), c, func(access.Grant) ([]byte, error) {
		asked, err := packageAsked(r)
		if err != nil {
			return nil, err
		}
		if done, err = s.alone(); err != nil {
			return nil, err
		}
		plan, err = s.cfg.API.Packages.Plan(r.Context(), c.entry, asked)
		return nil, err
	})
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	head := w.Header()
	head.Set("Content-Type", "application/zip")
	head.Set("Content-Disposition", `attachment; filename="package.zip"`)
	head.Set("Cache-Control", "no-store")
	if _, err := s.cfg.API.Packages.Write(r.Context(), io.Writer(w), c.entry, plan); err != nil {
		s.cfg.Log.ErrorContext(r.Context(), "a package was cut off", slog.String("error", err.Error()))
		panic(http.ErrAbortHandler)
	}
}

// packageAsked reads what package is wanted.
func packageAsked(r *http.Request) (a binder.Asked, err error) {
	q := r.URL.Query()
	a.Word = q.Get("word")
	for name, at := range map[string]*time.Time{"from": &a.From, "to": &a.To} {
		if text := q.Get(name); text != "" {
			if *at, err = time.Parse(time.RFC3339, text); err != nil {
				return a, errs.New(errs.Invalid, "%s is a time such as 2026-10-01T00:00:00Z", name)
			}
		}
	}
	switch q.Get("show") {
	case "":
	case "complete":
		a.Complete = true
	case "sample":
		a.Sampled = true
	default:
		return a, errs.New(errs.Invalid, "show is complete or sample")
	}
	return a, nil
}

// alone has this caller make a package, and nobody else until done is called.
func (s *Server) alone() (done func(), err error) {
	if done, err = s.cfg.API.Packages.Alone(); err != nil {
		return func() {}, err
	}
	return done, nil
}
