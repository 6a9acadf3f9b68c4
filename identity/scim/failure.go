package scim

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/internal/httpx"
)

// The words by which clients tell what was wrong (RFC 7644, 3.12, table 9).
const (
	invalidFilter = "invalidFilter"
	invalidSyntax = "invalidSyntax"
	invalidPath   = "invalidPath"
	invalidValue  = "invalidValue"
	noTarget      = "noTarget"
	mutability    = "mutability"
	uniqueness    = "uniqueness"
)

// failure carries the scimType of an error.
type failure struct{ scimType string }

func (f *failure) Error() string { return f.scimType }

// bad is a request that is wrong in a way that has a word of its own.
func bad(scimType, format string, args ...any) error {
	return errs.Wrap(errs.Invalid, &failure{scimType}, errs.Public(errs.New(errs.Invalid, format, args...)))
}

// translated puts an error of identity into SCIM's terms.
func translated(err error) error {
	switch {
	case errors.Is(err, identity.ErrTaken):
		return errs.Wrap(errs.Conflict, &failure{uniqueness}, errs.Public(err))
	case errs.Is(err, errs.Unprocessable):
		return errs.Wrap(errs.Invalid, &failure{invalidValue}, errs.Public(err))
	}
	return err
}

// errorBody is an error's answer (RFC 7644, 3.12).
type errorBody struct {
	Schemas []string `json:"schemas"`
	Status  string   `json:"status"`
	Type    string   `json:"scimType,omitempty"`
	Detail  string   `json:"detail"`
}

// Refuse answers an error in SCIM's form.
func Refuse(w http.ResponseWriter, err error) {
	status := httpx.Status(err)
	body := errorBody{Schemas: []string{urnError}, Status: strconv.Itoa(status), Detail: errs.Public(err)}
	if f, ok := errors.AsType[*failure](err); ok {
		body.Type = f.scimType
	}
	w.Header().Set("Content-Type", mediaType)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}
