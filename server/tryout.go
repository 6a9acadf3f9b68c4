package server

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/internal/httpx"
)

// TryOut opens a try-out system's services to whoever can read its dev.json: the secret in it
// stands for their keys. It exists under `tutela dev` alone, and people sign in there as elsewhere.
type TryOut struct {
	Secret string
}

type tryOutRequest struct {
	As string `json:"as"`
}

type tryOutAnswer struct {
	AccessToken string `json:"access_token"`
	TokenType   string `json:"token_type"`
	ExpiresIn   int    `json:"expires_in"` // seconds
	Scope       string `json:"scope"`
}

// tryOutToken issues a token for a try-out service.
func (s *Server) tryOutToken(w http.ResponseWriter, r *http.Request) {
	_, secret, ok := r.BasicAuth()
	have, want := sha256.Sum256([]byte(secret)), sha256.Sum256([]byte(s.cfg.TryOut.Secret))
	if !ok || subtle.ConstantTimeCompare(have[:], want[:]) != 1 {
		s.refuse(w, r, errs.New(errs.Unauthenticated, "the secret in dev.json is required"))
		return
	}
	body, err := httpx.Body(w, r, maxCallBody)
	var ask tryOutRequest
	if err == nil && json.Unmarshal(body, &ask) != nil {
		err = errs.New(errs.Invalid, `send {"as": "NAME"}`)
	}
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	issued, err := s.cfg.Identity.IssueTryOut(r.Context(), ask.As, ask.As)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(tryOutAnswer{issued.Token, "Bearer", int(issued.Expires.Sub(s.cfg.Clock()).Seconds()), join(issued.Scopes)})
}

func join(scopes []string) string { return strings.Join(scopes, " ") }
