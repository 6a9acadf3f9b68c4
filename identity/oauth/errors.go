package oauth

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/internal/httpx"
)

// The error codes that answers carry (RFC 6749, 4.1.2.1 and 5.2; OpenID Connect Core, 3.1.2.6).
const (
	codeInvalidRequest      = "invalid_request"
	codeInvalidClient       = "invalid_client"
	codeInvalidGrant        = "invalid_grant"
	codeInvalidScope        = "invalid_scope"
	codeUnauthorizedClient  = "unauthorized_client"
	codeUnsupportedGrant    = "unsupported_grant_type"
	codeUnsupportedResponse = "unsupported_response_type"
	codeAccessDenied        = "access_denied"
	codeServerError         = "server_error"
	codeUnavailable         = "temporarily_unavailable"
	codeLoginRequired       = "login_required"
	codeConsentRequired     = "consent_required"
	codeInteractionRequired = "interaction_required"
	codeNoRequest           = "request_not_supported"
	codeNoRequestURI        = "request_uri_not_supported"
	codeInvalidToken        = "invalid_token"
	codeInsufficientScope   = "insufficient_scope"
)

// oauthError is an error in the protocol's words. Text names no value of the request.
type oauthError struct {
	Status int
	Code   string
	Text   string
	Retry  time.Duration // when to try again; 0: not said
}

func (e *oauthError) Error() string { return e.Code + ": " + e.Text }

func badRequest(code, text string) error {
	return &oauthError{Status: http.StatusBadRequest, Code: code, Text: text}
}

func invalidClient(text string) error {
	return &oauthError{Status: http.StatusUnauthorized, Code: codeInvalidClient, Text: text}
}

// isNobody tells that a cookie, code or token proves nothing, from a failure to find out.
func isNobody(err error) bool { return errs.Is(err, errs.Unauthenticated) }

// protocol gives an error's form in the protocol. bad is the code for input that is wrong.
func protocol(err error, bad string) *oauthError {
	if own, ok := errors.AsType[*oauthError](err); ok {
		return own
	}
	switch errs.KindOf(err) {
	case errs.Invalid, errs.NotFound, errs.Unprocessable, errs.Gone, errs.Conflict, errs.Precondition, errs.Unsupported, errs.TooLarge:
		return &oauthError{Status: http.StatusBadRequest, Code: bad, Text: errs.Public(err)}
	case errs.Denied:
		return &oauthError{Status: http.StatusBadRequest, Code: codeInvalidScope, Text: errs.Public(err)}
	case errs.Unauthenticated:
		return &oauthError{Status: http.StatusBadRequest, Code: codeInvalidGrant, Text: errs.Public(err)}
	case errs.TooMany:
		return &oauthError{Status: http.StatusTooManyRequests, Code: codeUnavailable, Text: errs.Public(err)}
	case errs.Unavailable:
		return &oauthError{Status: http.StatusServiceUnavailable, Code: codeUnavailable, Text: errs.Public(err)}
	case errs.Internal:
		return &oauthError{Status: http.StatusInternalServerError, Code: codeServerError, Text: "internal error"}
	default:
		return &oauthError{Status: http.StatusInternalServerError, Code: codeServerError, Text: "internal error"}
	}
}

// refuse answers an error of an endpoint that machines call (RFC 6749, 5.2).
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, err error) {
	e := protocol(err, codeInvalidGrant)
	s.logFailure(r, e, err)
	switch e.Status {
	case http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", `Basic realm="tutela", charset="UTF-8"`)
	case http.StatusTooManyRequests:
		w.Header().Set("Retry-After", strconv.Itoa(int(e.Retry/time.Second)+1))
	}
	s.chargeFailure(r, e)
	writeJSON(w, e.Status, map[string]string{"error": e.Code, "error_description": e.Text})
}

// logFailure tells the operator of what is ours.
func (s *Server) logFailure(r *http.Request, e *oauthError, err error) {
	if e.Status >= http.StatusInternalServerError {
		s.cfg.Log.LogAttrs(r.Context(), slog.LevelError, "authorization server failed",
			slog.String("request", httpx.RequestID(r.Context())), slog.String("error", err.Error()))
	}
}

// writeJSON answers with what no cache may keep (RFC 6749, 5.1).
func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Pragma", "no-cache")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the caller is gone when it cannot be written
}

// publish answers with what everybody may know and keep for a while.
func publish(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", cacheFor)
	_ = json.NewEncoder(w).Encode(v) // the caller is gone when it cannot be written
}
