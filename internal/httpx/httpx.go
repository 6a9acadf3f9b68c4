// Package httpx holds what every HTTP plane needs and no domain: request ids, peers, and
// bodies that are bounded.
package httpx

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"net/http"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
)

type contextKey int

const (
	keyPrincipal contextKey = iota
	keyRequest
)

// request is the context of a request: its id, and the network address of its peer.
type request struct {
	context.Context
	id, peer string
}

// Value gives the request itself, and else what its parent has.
func (r *request) Value(key any) any {
	if key == keyRequest {
		return r
	}
	return r.Context.Value(key)
}

func requestOf(ctx context.Context) *request {
	r, _ := ctx.Value(keyRequest).(*request)
	return r
}

// WithPrincipal puts the proven caller into the context.
func WithPrincipal(ctx context.Context, p tutela.Principal) context.Context {
	return context.WithValue(ctx, keyPrincipal, p)
}

// Principal gives the proven caller; the zero Principal, who may nothing, when there is none.
func Principal(ctx context.Context) tutela.Principal {
	p, _ := ctx.Value(keyPrincipal).(tutela.Principal)
	return p
}

// WithRequestID puts a fresh request id into the context and the response's X-Request-Id, and
// beside it in the context whose request it is: the network address of the peer.
func WithRequestID(w http.ResponseWriter, r *http.Request) *http.Request {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails: it ends the process instead
	id := hex.EncodeToString(b[:])
	w.Header().Set("X-Request-Id", id)
	return r.WithContext(&request{r.Context(), id, Peer(r)})
}

// RequestID gives the request's id, empty outside a request.
func RequestID(ctx context.Context) string {
	if r := requestOf(ctx); r != nil {
		return r.id
	}
	return ""
}

// PeerOf gives the network address of the peer whose request a context is of, empty outside one.
func PeerOf(ctx context.Context) string {
	if r := requestOf(ctx); r != nil {
		return r.peer
	}
	return ""
}

// Peer is the network address of the caller, without its port.
func Peer(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// Body reads a request's body of at most limit bytes; more is errs.TooLarge.
func Body(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	if r.ContentLength > limit {
		return nil, tooLarge(limit)
	}
	b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	var over *http.MaxBytesError
	if errors.As(err, &over) {
		return nil, tooLarge(limit)
	}
	if err != nil {
		return nil, errs.Wrap(errs.Invalid, err, "the request body could not be read")
	}
	return b, nil
}

func tooLarge(limit int64) error {
	return errs.New(errs.TooLarge, "the request body is larger than %d bytes", limit)
}

// Status is the HTTP status of an error's kind (RFC 9110).
func Status(err error) int {
	switch errs.KindOf(err) {
	case errs.Invalid:
		return http.StatusBadRequest
	case errs.Unauthenticated:
		return http.StatusUnauthorized
	case errs.Denied:
		return http.StatusForbidden
	case errs.NotFound:
		return http.StatusNotFound
	case errs.Gone:
		return http.StatusGone
	case errs.Conflict:
		return http.StatusConflict
	case errs.Precondition:
		return http.StatusPreconditionFailed
	case errs.TooLarge:
		return http.StatusRequestEntityTooLarge
	case errs.TooMany:
		return http.StatusTooManyRequests
	case errs.Unsupported:
		return http.StatusBadRequest
	case errs.Unprocessable:
		return http.StatusUnprocessableEntity
	case errs.Unavailable:
		return http.StatusServiceUnavailable
	case errs.NotAllowed:
		return http.StatusMethodNotAllowed
	case errs.NotAcceptable:
		return http.StatusNotAcceptable
	case errs.MediaType:
		return http.StatusUnsupportedMediaType
	case errs.Internal:
		return http.StatusInternalServerError
	default:
		return http.StatusInternalServerError
	}
}

// OutcomeOf says for the ledger how a request with this error ended.
func OutcomeOf(err error) tutela.Outcome {
	switch {
	case err == nil:
		return tutela.OutcomeSuccess
	case errs.Is(err, errs.Denied), errs.Is(err, errs.Unauthenticated), errs.Is(err, errs.TooMany):
		return tutela.OutcomeDenied
	case Status(err) >= http.StatusInternalServerError:
		return tutela.OutcomeError
	default:
		return tutela.OutcomeFailed
	}
}
