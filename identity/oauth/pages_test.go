package oauth_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/tutela-health/tutela/identity/identitytest"
	"github.com/tutela-health/tutela/identity/oauth"
	"github.com/tutela-health/tutela/identity/pages"
	"github.com/tutela-health/tutela/internal/markup"
)

// realPages are the pages that ship.
func realPages(s *system, mux *http.ServeMux) (oauth.Pages, func(*http.Request) string) {
	s.t.Helper()
	p, err := pages.New(pages.Config{Identity: s.identity, Base: s.base, Log: discard()})
	must(s.t, err)
	p.Routes(mux)
	return p.Authorize(), pages.SessionCookie
}

// reader is a person who reads pages of HTML, fills in forms and follows links, without scripts.
type reader struct {
	b    *browser
	page *html.Node
	at   *url.URL // of an application, when a form or link led there
	csp  string
}

func (p *reader) open(req *http.Request) {
	t := p.b.s.t
	t.Helper()
	res, err := p.b.client.Do(req)
	must(t, err)
	defer func() { _ = res.Body.Close() }()
	p.csp, p.at = res.Header.Get("Content-Security-Policy"), nil
	if text := res.Header.Get("Location"); text != "" {
		p.at, err = url.Parse(text)
		must(t, err)
		return
	}
	p.page, err = html.Parse(res.Body)
	must(t, err)
}

func (p *reader) visit(path string) {
	p.b.s.t.Helper()
	req, err := http.NewRequestWithContext(p.b.s.t.Context(), http.MethodGet, p.b.s.base+path, http.NoBody)
	must(p.b.s.t, err)
	p.open(req)
}

// submit fills in the form that posts to action and sends it, with a browser's headers.
func (p *reader) submit(action string, values map[string]string) {
	t := p.b.s.t
	t.Helper()
	form := find(p.page, func(n *html.Node) bool { return n.Data == "form" && markup.Attr(n, "action") == action })
	if form == nil {
		t.Fatalf("no form posts to %s: %s", action, markup.Words(p.page))
	}
	v := url.Values{}
	for n := range form.Descendants() {
		name, kind := markup.Attr(n, "name"), markup.Attr(n, "type")
		if n.Data == "input" && name != "" && (kind == "hidden" || kind == "checkbox" && markup.Has(n, "checked")) {
			v.Add(name, markup.Attr(n, "value"))
		}
	}
	for name, value := range values {
		v.Set(name, value)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.b.s.base+action, strings.NewReader(v.Encode()))
	must(t, err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", p.b.s.base)
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	p.open(req)
}

// follow takes the first link whose address begins so.
func (p *reader) follow(prefix string) {
	t := p.b.s.t
	t.Helper()
	link := find(p.page, func(n *html.Node) bool { return n.Data == "a" && strings.HasPrefix(markup.Attr(n, "href"), prefix) })
	if link == nil {
		t.Fatalf("no link leads to %s: %s", prefix, markup.Words(p.page))
	}
	p.visit(markup.Attr(link, "href"))
}

func find(root *html.Node, is func(*html.Node) bool) *html.Node {
	for n := range root.Descendants() {
		if n.Type == html.ElementNode && is(n) {
			return n
		}
	}
	return nil
}

// The whole of it as a patient sees it: an application asks, the person logs in with both factors,
// agrees, and the application gets tokens for the own chart; then the person takes it back.
func TestPatientConnectsAnApplication(t *testing.T) {
	t.Parallel()
	s := openAt(t, identitytest.SQLite(t), &identitytest.Clock{}, realPages)
	s.register(app())
	who := s.person("patient")
	p := &reader{b: s.browser()}
	a := s.asking("openid fhirUser launch/patient offline_access patient/Observation.rs")
	p.visit("/oauth2/authorize?" + a.Encode())
	p.submit("/login", map[string]string{"username": "patient", "password": who.credentials.Password})
	s.Advance(31 * time.Second)
	p.submit("/login/factor/totp", map[string]string{"code": oneTime(t, who.credentials.TOTP, s.Now())})
	p.follow("/oauth2/authorize?resume=")
	if said := markup.Words(p.page); !strings.Contains(said, "Growth chart") || !strings.Contains(said, "app.example") || !strings.Contains(said, "Patient/p-own") {
		t.Errorf("the consent page says %q", said)
	}
	if !strings.Contains(p.csp, "form-action 'self' https://app.example;") || !strings.Contains(p.csp, "frame-ancestors 'none'") {
		t.Errorf("the consent page's policy is %q", p.csp)
	}
	p.submit("/oauth2/authorize/decision", map[string]string{"decision": "allow"})
	if p.at == nil || p.at.Host != "app.example" || p.at.Query().Get("iss") != s.base || p.at.Query().Get("state") != "st&te" {
		t.Fatalf("led to %v: %s", p.at, markup.Words(p.page))
	}
	status, body := s.redeem(p.at.Query().Get("code"), a)
	got := tokensOf(t, status, body)
	if got.Patient != "p-own" || got.Refresh == "" || !hasScope(got.Scope, "patient/Observation.rs") {
		t.Errorf("got %v", body)
	}
	p.visit("/account")
	p.submit("/account/apps/revoke", map[string]string{})
	if s.works(got.Access) {
		t.Error("the token outlives the consent")
	}
	p.visit("/oauth2/logout")
	p.submit("/oauth2/logout/decision", map[string]string{"decision": "allow"})
	p.visit("/oauth2/authorize?" + a.Encode())
	if find(p.page, func(n *html.Node) bool { return n.Data == "form" && markup.Attr(n, "action") == "/login" }) == nil {
		t.Errorf("after the logout: %s", markup.Words(p.page))
	}
}
