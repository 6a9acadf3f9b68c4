package pages_test

import (
	"crypto/x509"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/tutela-health/tutela/internal/chromium"
	"github.com/tutela-health/tutela/store"
)

// chrome is a real browser that a person drives at a site.
type chrome struct {
	*chromium.Browser
}

func (s *site) chrome(t *testing.T) *chrome {
	t.Helper()
	return &chrome{chromium.Open(t, chromium.Config{Base: s.base, Trusted: []*x509.Certificate{s.shown}, Log: s.log})}
}

// signIn proves a password.
func (c *chrome) signIn(username, password string) {
	c.Fill("username", username)
	c.Fill("password", password)
	c.Press("button.main", "Second factor")
}

// TestPagesCannotBeFramedInChromium tries clickjacking from the origin that has the best chance: our own.
func TestPagesCannotBeFramedInChromium(t *testing.T) {
	s := open(t, store.SQLite)
	s.mux.HandleFunc("GET /plain", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("plain")) })
	s.mux.HandleFunc("GET /frame", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = fmt.Fprintf(w, `<!doctype html><iframe src="%s"></iframe>`, html.EscapeString(r.FormValue("at")))
	})
	s.mux.HandleFunc("GET /consent", func(w http.ResponseWriter, r *http.Request) {
		s.pages.Authorize().Consent(w, r, sampleConsent("Chart"))
	})
	p := s.person(t, "ada", "admin")
	c := s.chrome(t)
	c.Open("/login")
	c.signIn(p.Username, p.Password)
	c.Fill("code", s.code(p.TOTP))
	c.Press("button.main", "Your account")
	// A page that may not be framed is replaced by one of the browser's, which nobody may look into.
	const seen = `document.querySelector("iframe").contentDocument?.body.innerText ?? "nothing"`
	for path, want := range map[string]string{"/plain": "plain", "/login": "nothing", "/account": "nothing", "/admin/users": "nothing", "/consent": "nothing",
		"/oauth2/authorize?client_id=nobody": "nothing", "/oauth2/logout": "nothing"} {
		c.Open("/frame?at=" + url.QueryEscape(path))
		if got := chromium.Ask(c.Browser, chromedp.Evaluate[string](seen)); got != want {
			t.Errorf("%s in a frame shows %q, want %q", path, got, want)
		}
	}
}
