package oauth_test

import (
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/identity/oauth"
)

const sessionCookie = "__Host-session"

func cookieOf(r *http.Request) string {
	c, err := r.Cookie(sessionCookie)
	if err != nil {
		return ""
	}
	return c.Value
}

func rootsOf(s *httptest.Server) *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(s.Certificate())
	return pool
}

// fakePages writes what a page would draw as JSON, named in a header.
type fakePages struct{}

const pageHeader = "X-Page"

func show(w http.ResponseWriter, page string, status int, view any) {
	w.Header().Set(pageHeader, page)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(view)
}

func (fakePages) Login(w http.ResponseWriter, _ *http.Request, returnTo string) {
	show(w, "login", http.StatusOK, returnTo)
}
func (fakePages) Consent(w http.ResponseWriter, _ *http.Request, v oauth.ConsentView) {
	show(w, "consent", http.StatusOK, v)
}
func (fakePages) PickPatient(w http.ResponseWriter, _ *http.Request, v oauth.PickView) {
	show(w, "patient", http.StatusOK, v)
}
func (fakePages) Logout(w http.ResponseWriter, _ *http.Request, v oauth.LogoutView) {
	show(w, "logout", http.StatusOK, v)
}
func (fakePages) LoggedOut(w http.ResponseWriter, _ *http.Request) {
	show(w, "logged-out", http.StatusOK, nil)
}
func (fakePages) Error(w http.ResponseWriter, _ *http.Request, v oauth.ErrorView) {
	show(w, "error", v.Status, v)
}

// browser is a person's: it keeps cookies, and stops where a redirect leads to an application.
type browser struct {
	s      *system
	client *http.Client
}

func (s *system) browser() *browser {
	s.t.Helper()
	jar, err := cookiejar.New(nil)
	must(s.t, err)
	c := *s.http.Client()
	c.Jar = jar
	c.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		if "https://"+r.URL.Host != s.base {
			return http.ErrUseLastResponse
		}
		return nil
	}
	return &browser{s, &c}
}

// signedIn is a browser in which a person has logged in.
func (s *system) signedIn(name string) *browser {
	s.t.Helper()
	b := s.browser()
	b.signIn(name)
	return b
}

// signIn logs a person in, as the pages would.
func (b *browser) signIn(name string) identity.Login {
	b.s.t.Helper()
	l := b.s.login(name)
	at, err := url.Parse(b.s.base)
	must(b.s.t, err)
	b.client.Jar.SetCookies(at, []*http.Cookie{{Name: sessionCookie, Value: l.Cookie, Path: "/", Secure: true}})
	return l
}

// landing is where a browser ended up: on a page of ours, or at an application's address.
type landing struct {
	status int
	page   string
	body   []byte
	to     *url.URL
}

func (b *browser) send(req *http.Request) landing {
	b.s.t.Helper()
	res, err := b.client.Do(req)
	must(b.s.t, err)
	defer func() { _ = res.Body.Close() }()
	l := landing{status: res.StatusCode, page: res.Header.Get(pageHeader)}
	if text := res.Header.Get("Location"); text != "" {
		l.to, err = url.Parse(text)
		must(b.s.t, err)
	}
	var raw json.RawMessage
	if json.NewDecoder(res.Body).Decode(&raw) == nil {
		l.body = raw
	}
	return l
}

func (b *browser) get(path string) landing {
	b.s.t.Helper()
	req, err := http.NewRequestWithContext(b.s.t.Context(), http.MethodGet, b.s.base+path, http.NoBody)
	must(b.s.t, err)
	return b.send(req)
}

func (b *browser) post(path string, f url.Values, change ...func(*http.Request)) landing {
	b.s.t.Helper()
	req, err := http.NewRequestWithContext(b.s.t.Context(), http.MethodPost, b.s.base+path, strings.NewReader(f.Encode()))
	must(b.s.t, err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for _, c := range change {
		c(req)
	}
	return b.send(req)
}

// view decodes what a page was told to draw.
func view[T any](t testing.TB, l landing, page string) T {
	t.Helper()
	var v T
	if l.page != page {
		t.Fatalf("landed on %q (%d) at %v with %s, want the page %q", l.page, l.status, l.to, l.body, page)
	}
	must(t, json.Unmarshal(l.body, &v))
	return v
}

// ask is an authorization request in the making.
type ask struct {
	url.Values
	verifier string
}

// asking is a good request for scopes; a test changes what it tries.
func (s *system) asking(scope string, change ...func(url.Values)) ask {
	verifier := rand.Text() + rand.Text()
	v := url.Values{
		"response_type": {"code"}, "client_id": {"growth-chart"}, "redirect_uri": {appCallback}, "scope": {scope}, "state": {"st&te"},
		"nonce": {"n-1"}, "aud": {s.base + "/fhir/r4"}, "code_challenge": {identity.ChallengeOf(verifier)}, "code_challenge_method": {"S256"},
	}
	for _, c := range change {
		c(v)
	}
	return ask{v, verifier}
}

func set(name, value string) func(url.Values) { return func(v url.Values) { v.Set(name, value) } }

func without(name string) func(url.Values) { return func(v url.Values) { v.Del(name) } }

func (b *browser) authorize(a ask) landing {
	b.s.t.Helper()
	return b.get("/oauth2/authorize?" + a.Encode())
}

// allow agrees to all that a consent page asks.
func (b *browser) allow(l landing) landing {
	b.s.t.Helper()
	v := view[oauth.ConsentView](b.s.t, l, "consent")
	f := url.Values{"request": {v.Request}, "decision": {"allow"}}
	for _, s := range v.Scopes {
		f.Add("scope", s.Scope)
	}
	return b.post(v.Action, f)
}

func (b *browser) pick(l landing, patient string) landing {
	b.s.t.Helper()
	v := view[oauth.PickView](b.s.t, l, "patient")
	return b.post(v.Action, url.Values{"request": {v.Request}, "patient": {patient}})
}

// code is what came to the application; the answer's other parts must be right.
func (l landing) code(t testing.TB, s *system) string {
	t.Helper()
	q := l.query(t, s)
	if q.Get("code") == "" {
		t.Fatalf("no code: %v", q)
	}
	return q.Get("code")
}

func (l landing) query(t testing.TB, s *system) url.Values {
	t.Helper()
	if l.to == nil {
		t.Fatalf("landed on %q (%d) with %s, want the application", l.page, l.status, l.body)
	}
	q := l.to.Query()
	if l.status != http.StatusSeeOther || q.Get("iss") != s.base {
		t.Fatalf("answered %d with iss %q", l.status, q.Get("iss"))
	}
	return q
}

// failed is the error that came to the application.
func (l landing) failed(t testing.TB, s *system) string {
	t.Helper()
	q := l.query(t, s)
	if q.Has("code") {
		t.Fatalf("a code where an error was due: %v", q)
	}
	return q.Get("error")
}

// redeem exchanges a code as the public application.
func (s *system) redeem(code string, a ask, change ...func(url.Values)) (int, map[string]any) {
	s.t.Helper()
	f := url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {a.Get("redirect_uri")},
		"client_id": {a.Get("client_id")}, "code_verifier": {a.verifier},
	}
	for _, c := range change {
		c(f)
	}
	status, body, _ := s.post("/oauth2/token", f)
	return status, body
}

// tokens are what a good flow ends with.
type tokens struct {
	Access, Refresh, ID, Scope, Patient string
}

func tokensOf(t testing.TB, status int, body map[string]any) tokens {
	t.Helper()
	if status != http.StatusOK {
		t.Fatalf("%d %v", status, body)
	}
	text := func(name string) string { return textIn(body, name) }
	return tokens{text("access_token"), text("refresh_token"), text("id_token"), text("scope"), text("patient")}
}

// textIn is a text in a JSON object, "" where there is none.
func textIn(body map[string]any, name string) string {
	v, _ := body[name].(string)
	return v
}

// run goes through a whole flow: pages are answered as a willing person would.
func (b *browser) run(a ask) tokens {
	b.s.t.Helper()
	l := b.authorize(a)
	if l.page == "patient" {
		l = b.pick(l, "p-1")
	}
	if l.page == "consent" {
		l = b.allow(l)
	}
	status, body := b.s.redeem(l.code(b.s.t, b.s), a)
	return tokensOf(b.s.t, status, body)
}

// use refreshes as the public application.
func (s *system) use(refresh string, change ...func(url.Values)) (int, map[string]any) {
	s.t.Helper()
	f := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh}, "client_id": {"growth-chart"}}
	for _, c := range change {
		c(f)
	}
	status, body, _ := s.post("/oauth2/token", f)
	return status, body
}

func hasScope(scope, want string) bool { return slices.Contains(strings.Fields(scope), want) }

func jsonBody(text string) *strings.Reader { return strings.NewReader(text) }
