package server

import (
	"net/http"
	"strings"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/access"
	"github.com/tutela-health/tutela/audit"
)

// checkpoint serves the newest signed tree head (C2SP tlog-tiles).
func (s *Server) checkpoint(w http.ResponseWriter, r *http.Request) {
	note, err := s.cfg.Audit.CheckpointNote(r.Context())
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(note)
}

// verifierKeys serves the keys that sign checkpoints, past and present, one a line (C2SP signed-note).
func (s *Server) verifierKeys(w http.ResponseWriter, r *http.Request) {
	keys, err := s.cfg.Audit.VerifierKeys(r.Context())
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte(strings.Join(keys, "\n") + "\n"))
}

// tile serves hashes to anybody, and entries to those who may read the ledger.
func (s *Server) tile(w http.ResponseWriter, r *http.Request) {
	p, err := audit.ParseTilePath(r.PathValue("path"))
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	if p.Entries {
		s.guarded(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.entries(w, r, p) })).ServeHTTP(w, r)
		return
	}
	data, err := s.cfg.Audit.Tile(r.Context(), p.Level, p.Index, p.Width)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	s.tileData(w, data)
}

func (s *Server) entries(w http.ResponseWriter, r *http.Request, p audit.TilePath) {
	c := s.newCall(r, tutela.ActionAuditRead)
	data, err := s.run(r.Context(), c, func(access.Grant) ([]byte, error) {
		return s.cfg.Audit.EntriesTile(r.Context(), p.Index, p.Width)
	})
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	s.tileData(w, data)
}

func (*Server) tileData(w http.ResponseWriter, data []byte) {
	w.Header().Set("Content-Type", "application/octet-stream")
	_, _ = w.Write(data)
}

func (*Server) healthz(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) }

// readyz says whether the node can serve: it reaches its database.
func (s *Server) readyz(w http.ResponseWriter, r *http.Request) {
	if s.cfg.Ready != nil {
		if err := s.cfg.Ready(r.Context()); err != nil {
			s.cfg.Log.WarnContext(r.Context(), "not ready")
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = w.Write([]byte("not ready\n"))
			return
		}
	}
	_, _ = w.Write([]byte("ready\n"))
}
