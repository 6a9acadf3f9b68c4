package console

import (
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/tutela-health/tutela/internal/errs"
)

// maxDetail bounds what is taken over from an error of the API.
const maxDetail = 500

// get asks the API and decodes its answer.
func get[T any](v *visit, path string) (T, error) { return call[T](v, http.MethodGet, path, nil) }

// post sends a body to the API and decodes its answer.
func post[T any](v *visit, path string, body any) (T, error) {
	return call[T](v, http.MethodPost, path, body)
}

// send is post where nothing in the answer counts.
func send(v *visit, path string, body any) error {
	_, err := post[json.RawMessage](v, path, body)
	return err
}

func call[T any](v *visit, method, path string, body any) (T, error) {
	var out T
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			return out, fmt.Errorf("encode call: %w", err)
		}
	}
	status, answer, err := v.console.api.Do(v.r.Context(), v.by, method, path, text)
	if err != nil {
		return out, err
	}
	if status >= http.StatusBadRequest {
		return out, refusal(status, answer)
	}
	if err := json.Unmarshal(answer, &out); err != nil {
		return out, fmt.Errorf("decode answer: %w", err)
	}
	return out, nil
}

// refusal is the error that the API answered with, in its own words (RFC 9457; FHIR's OperationOutcome has none
// that the console shows).
func refusal(status int, answer []byte) error {
	var p struct {
		Detail string `json:"detail"`
	}
	if json.Unmarshal(answer, &p) != nil || len(p.Detail) > maxDetail {
		p.Detail = ""
	}
	if p.Detail == "" {
		p.Detail = http.StatusText(status)
	}
	return errs.New(kindOf(status), "%s", p.Detail)
}

// kindOf is the kind of the API's error.
func kindOf(status int) errs.Kind {
	switch status {
	case http.StatusUnauthorized:
		return errs.Unauthenticated
	case http.StatusForbidden:
		return errs.Denied
	case http.StatusNotFound:
		return errs.NotFound
	case http.StatusGone:
		return errs.Gone
	case http.StatusConflict:
		return errs.Conflict
	case http.StatusPreconditionFailed:
		return errs.Precondition
	case http.StatusRequestEntityTooLarge:
		return errs.TooLarge
	case http.StatusUnprocessableEntity:
		return errs.Unprocessable
	case http.StatusTooManyRequests:
		return errs.TooMany
	case http.StatusServiceUnavailable:
		return errs.Unavailable
	}
	if status < http.StatusInternalServerError {
		return errs.Invalid
	}
	return errs.Internal
}
