package pages

import (
	"net/http"
)

// The cookies. The prefix makes browsers hold them to this host, to HTTPS and to the whole path
// (RFC 6265bis, 4.1.3.2), so that no neighbour under the same domain can plant one.
const (
	sessionCookie = "__Host-tutela-session" // proves a person
	attemptCookie = "__Host-tutela-attempt" // a login or an enrolment under way
	visitCookie   = "__Host-tutela-visit"   // what forms of this browser are bound to
	outsideCookie = "__Host-tutela-outside" // a login at an outside provider under way; comes back from another site
)

// SessionCookie gives the value that proves a person's session, or "".
func SessionCookie(r *http.Request) string { return cookieOf(r, sessionCookie) }

func cookieOf(r *http.Request, name string) string {
	c, err := r.Cookie(name)
	if err != nil {
		return ""
	}
	return c.Value
}

// setCookie sets a cookie that ends with the browser; "" removes it. A session must arrive with
// a link from an application to /oauth2/authorize, which Strict would hold back.
func setCookie(w http.ResponseWriter, name, value string) {
	c := &http.Cookie{Name: name, Value: value, Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode}
	if name == attemptCookie {
		c.SameSite = http.SameSiteStrictMode
	}
	if value == "" {
		c.MaxAge = -1
	}
	http.SetCookie(w, c)
}
