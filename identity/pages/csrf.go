package pages

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/http"

	"github.com/tutela-health/tutela/internal/errs"
)

// formField is the name under which every form carries its token.
const formField = "csrf"

// minVisit is the least length of a visit cookie that counts: ours are 43 characters.
const minVisit = 40

// formToken binds a form to the browser's visit cookie, which no script and no other site can
// read, and to what else the page was drawn for: a session, an attempt, or nothing. What was
// drawn before a login is therefore worthless after it.
func formToken(visit, bound string) string {
	m := hmac.New(sha256.New, []byte(visit))
	m.Write([]byte("tutela form\x00" + bound))
	return base64.RawURLEncoding.EncodeToString(m.Sum(nil))
}

// visitOf gives the browser's visit cookie and sets one where it has none.
func visitOf(w http.ResponseWriter, r *http.Request) string {
	if v := cookieOf(r, visitCookie); len(v) >= minVisit {
		return v
	}
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails: it ends the process instead
	v := base64.RawURLEncoding.EncodeToString(b)
	setCookie(w, visitCookie, v)
	return v
}

// checkForm refuses a form that was not drawn for this browser and what it is bound to.
func checkForm(r *http.Request, bound string) error {
	visit := cookieOf(r, visitCookie)
	given := r.PostFormValue(formField)
	if len(visit) < minVisit || !hmac.Equal([]byte(given), []byte(formToken(visit, bound))) {
		return errs.New(errs.Denied, "this form is no longer valid: go back, reload the page and try again")
	}
	return nil
}
