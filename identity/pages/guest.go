package pages

import (
	"net/http"

	"github.com/tutela-health/tutela"
)

// Visit is a request by a person who is signed in, for a page that a plane above draws in the look of
// these. Its headers are set already.
type Visit struct {
	W     http.ResponseWriter
	R     *http.Request
	By    tutela.Principal
	Token string // that the page's forms carry, in a field csrf
}

// Person makes the handler of such a page. Who is not signed in is led to the login and back; a form was
// drawn for this session and came from this origin, or f is not called. An error of f is a page of ours.
func (p *Pages) Person(f func(*Visit) error) http.Handler {
	return p.handle(person, func(v *visit) error {
		return f(&Visit{W: v.w, R: v.r, By: v.by(), Token: v.token()})
	})
}

// Verify is where a person proves the second factor anew, and then comes back to a place of ours.
func Verify(back string) string { return withReturn("/account/verify", localReturn(back)) }

// Asset serves a file that is the same for everybody, as those of these pages are.
func Asset(data []byte, mediaType string) http.Handler { return asset(data, mediaType) }
