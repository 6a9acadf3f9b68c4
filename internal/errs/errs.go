// Package errs is the closed list of error kinds and the rule for their texts.
//
// An error has two texts: Public, which a caller may read and which never holds a
// value from a record, and Error(), which the operator's log gets. Only the HTTP
// edge turns a Kind into a status; an error without a Kind is Internal, a bare 500.
package errs

import (
	"errors"
	"fmt"
)

// Kind says what went wrong, in terms that a caller can act on.
type Kind int

// The kinds. The zero value is Internal, so that an unclassified error reveals nothing.
const (
	Internal        Kind = iota // ours to mend
	Invalid                     // malformed or invalid input
	Unauthenticated             // nobody known is calling
	Denied                      // known, and may not
	NotFound                    // not there, or not for this caller
	Gone                        // was there, is deleted
	Conflict                    // lost a race, or the identifier is taken
	Precondition                // If-Match did not hold
	TooLarge                    // more bytes than accepted
	TooMany                     // rate exceeded
	Unsupported                 // understood, and not offered
	Unprocessable               // well-formed, breaks a rule
	Unavailable                 // try again later
	NotAllowed                  // the address exists, not for this method
	NotAcceptable               // asks for a form that is not offered
	MediaType                   // sent in a form that is not understood
)

// Error is an error with a kind and a text for the caller.
type Error struct {
	Kind   Kind
	Public string
	Err    error
}

func (e *Error) Error() string {
	if e.Err == nil {
		return e.Public
	}
	if e.Public == "" {
		return e.Err.Error()
	}
	return e.Public + ": " + e.Err.Error()
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// New returns an error of kind k whose text the caller may read.
func New(k Kind, format string, args ...any) error {
	return &Error{Kind: k, Public: fmt.Sprintf(format, args...)}
}

// Wrap gives err a kind and a public text; a nil err stays nil.
func Wrap(k Kind, err error, public string) error {
	if err == nil {
		return nil
	}
	return &Error{Kind: k, Public: public, Err: err}
}

// KindOf returns the kind of the outermost classified error in err's chain.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return Internal
}

// Is reports whether err is of kind k.
func Is(err error, k Kind) bool { return err != nil && KindOf(err) == k }

// Public returns the text that the caller may read.
func Public(err error) string {
	var e *Error
	if errors.As(err, &e) && e.Kind != Internal && e.Public != "" {
		return e.Public
	}
	return "internal error"
}
