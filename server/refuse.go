package server

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/fhir"
	"github.com/tutela-health/tutela/identity/scim"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/internal/httpx"
)

// refuse answers an error before any plane was reached, in the form that the address speaks.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, err error) {
	status := httpx.Status(err)
	var step interface{ Challenge() string }
	if errors.As(err, &step) { // a known caller: the entry was written, and the client is told what is needed
		w.Header().Set("WWW-Authenticate", step.Challenge())
	} else if errs.Is(err, errs.Unauthenticated) {
		w.Header().Set("WWW-Authenticate", "Bearer")
		s.failures.Count(tutela.Entry{
			Address: s.network(r), Action: tutela.ActionAuthenticate, Outcome: tutela.OutcomeDenied, Status: status,
		})
	}
	if status >= http.StatusInternalServerError {
		s.cfg.Log.LogAttrs(r.Context(), slog.LevelError, "request failed",
			slog.String("request", httpx.RequestID(r.Context())), slog.String("error", err.Error()))
	}
	if strings.HasPrefix(r.URL.Path, fhirPrefix) {
		fhir.Refuse(w, err)
		return
	}
	if strings.HasPrefix(r.URL.Path, scim.Prefix) {
		scim.Refuse(w, err)
		return
	}
	writeProblem(w, err)
}

// problem is an error in the form of RFC 9457.
type problem struct {
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail,omitempty"`
}

func writeProblem(w http.ResponseWriter, err error) {
	status := httpx.Status(err)
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(problem{Title: http.StatusText(status), Status: status, Detail: errs.Public(err)})
}

func stack() string { return string(debug.Stack()) }
