package pages_test

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/identity/oauth"
	"github.com/tutela-health/tutela/identity/pages"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/internal/markup"
	"github.com/tutela-health/tutela/store"
)

// TestLoginReturnsToOurPlacesOnly drives the whole login with an address of a forger.
func TestLoginReturnsToOurPlacesOnly(t *testing.T) {
	t.Parallel()
	s := open(t, store.SQLite)
	c := s.person(t, "nora", "nurse")
	for to, want := range map[string]string{
		"https://evil.example/": "/account", "//evil.example/account": "/account", "/\\evil.example": "/account", "/account/password": "/account/password",
	} {
		b := s.browser(t)
		a := b.get("/login?" + url.Values{"return": {to}}.Encode())
		a = b.submit(a, "/login", url.Values{"username": {c.Username}, "password": {c.Password}})
		a = b.submit(b.follow(a), "/login/factor/totp", url.Values{"code": {s.code(c.TOTP)}})
		if got := a.header.Get("Location"); got != want {
			t.Errorf("return=%s leads to %q", to, got)
		}
		a = b.do(http.MethodPost, "/login", url.Values{"csrf": {markup.Attr(b.get("/login").need(t, "input", "name", "csrf"), "value")},
			"return": {to}, "username": {c.Username}, "password": {c.Password}}, nil)
		if loc := a.header.Get("Location"); !strings.HasPrefix(loc, "/login/factor") {
			t.Errorf("a form with return=%s leads to %q", to, loc)
		}
	}
}

// TestLoginLeadsOnToAnApplicationWithoutARedirect holds the pages to their own form-action: a
// browser would stop a form's answer that is redirected to an application.
func TestLoginLeadsOnToAnApplicationWithoutARedirect(t *testing.T) {
	t.Parallel()
	s := open(t, store.SQLite)
	c := s.person(t, "nora", "nurse")
	b := s.browser(t)
	const to = "/oauth2/authorize?client_id=chart&state=a%26b"
	a := b.get("/login?" + url.Values{"return": {to}}.Encode())
	a = b.follow(b.submit(a, "/login", url.Values{"username": {c.Username}, "password": {c.Password}}))
	a = b.submit(a, "/login/factor/totp", url.Values{"code": {s.code(c.TOTP)}})
	if a.status != http.StatusOK || a.header.Get("Refresh") != "0; url="+to || a.find("a", "href", to) == nil {
		t.Errorf("%d, Refresh %q\n%s", a.status, a.header.Get("Refresh"), a.text)
	}
}

const injection = `"><script>alert(1)</script><img src=x onerror=alert(2)>{{.}}`

// TestMarkupInNamesStaysText tries what a stranger types, what a browser says of itself and what
// an administrator names an application.
func TestMarkupInNamesStaysText(t *testing.T) {
	t.Parallel()
	s := open(t, store.SQLite)
	c := s.person(t, "ada", "admin")
	b := s.browser(t)
	a := b.submit(b.get("/login"), "/login", url.Values{"username": {injection}, "password": {"x"}})
	if got := markup.Attr(a.need(t, "input", "id", "username"), "value"); got != injection {
		t.Errorf("the username came back as %q", got)
	}
	inert(t, a)
	b.header = http.Header{"User-Agent": {"Firefox/1 " + injection}}
	inert(t, b.login(c))
	a = b.submit(b.get("/admin/users"), "/admin/users", url.Values{"username": {injection}, "unit": {injection}, "fhiruser": {injection}, "role": {"nurse"}})
	inert(t, a)
	form := url.Values{"name": {injection}, "kind": {"public"}, "redirects": {"https://chart.example/cb"}, "scopes": {"openid"}}
	a = b.follow(b.submit(b.get("/admin/clients/new"), "/admin/clients", form))
	if got := markup.Words(a.need(t, "h1")); got != injection {
		t.Errorf("the application's name came back as %q", got)
	}
	inert(t, a)
	inert(t, b.get("/admin/clients"))
	inert(t, b.get("/account?done="+url.QueryEscape(injection)))
}

// TestAPlantedSessionIsNotTheOneThatIsProved tries session fixation.
func TestAPlantedSessionIsNotTheOneThatIsProved(t *testing.T) {
	t.Parallel()
	s := open(t, store.SQLite)
	forger := s.browser(t)
	forger.login(s.person(t, "mallory", "nurse"))
	planted := forger.cookie("__Host-tutela-session")
	victim := s.browser(t)
	u, err := url.Parse(s.base)
	check(t, err)
	victim.client.Jar.SetCookies(u, []*http.Cookie{{Name: "__Host-tutela-session", Value: planted, Path: "/", Secure: true}})
	victim.login(s.person(t, "nora", "nurse"))
	if victim.cookie("__Host-tutela-session") == planted {
		t.Error("the planted cookie was kept")
	}
	if a := forger.get("/account"); a.header.Get("Location") != "/login" { // it ended: the browser has another person's now
		t.Errorf("the planted session shows %q", markup.Words(a.root))
	}
}

// TestAnotherPersonsLoginEndsTheSessionBefore is what happens at a shared workstation.
func TestAnotherPersonsLoginEndsTheSessionBefore(t *testing.T) {
	t.Parallel()
	s := open(t, store.SQLite)
	b := s.browser(t)
	b.login(s.person(t, "nora", "nurse"))
	old := b.cookie("__Host-tutela-session")
	b.login(s.person(t, "nils", "nurse"))
	if _, _, err := s.identity.SessionByCookie(t.Context(), old); !errs.Is(err, errs.Unauthenticated) {
		t.Errorf("the session before: %v", err)
	}
}

// TestCookiesAreHeldToTheHost looks at every cookie of a login.
func TestCookiesAreHeldToTheHost(t *testing.T) {
	t.Parallel()
	s := open(t, store.SQLite)
	c := s.person(t, "nora", "nurse")
	b := s.browser(t)
	var cookies []string
	keep := func(a *answer) *answer {
		cookies = append(cookies, a.header.Values("Set-Cookie")...)
		return a
	}
	a := keep(b.get("/login"))
	a = keep(b.submit(a, "/login", url.Values{"username": {c.Username}, "password": {c.Password}}))
	keep(b.submit(b.follow(a), "/login/factor/totp", url.Values{"code": {s.code(c.TOTP)}}))
	if len(cookies) != 4 {
		t.Fatalf("%d cookies were set: %q", len(cookies), cookies)
	}
	for _, text := range cookies {
		got, err := http.ParseSetCookie(text)
		check(t, err)
		same := map[bool]http.SameSite{true: http.SameSiteStrictMode, false: http.SameSiteLaxMode}[got.Name == "__Host-tutela-attempt"]
		if !strings.HasPrefix(got.Name, "__Host-") || !got.Secure || !got.HttpOnly || got.Path != "/" || got.Domain != "" || got.SameSite != same {
			t.Errorf("cookie %s: %+v", got.Name, got)
		}
	}
}

// TestLoginPageDoesNotTellWhoHasAnAccount compares the pages of a known and an unknown name.
func TestLoginPageDoesNotTellWhoHasAnAccount(t *testing.T) {
	t.Parallel()
	s := open(t, store.SQLite)
	s.person(t, "nora", "nurse")
	b := s.browser(t)
	seen, wait := map[string][]string{}, regexp.MustCompile(`in \d+s`) // what is left of it passes
	for _, name := range []string{"nora", "nobody"} {
		for range 6 { // the last ones are slowed
			a := b.submit(b.get("/login"), "/login", url.Values{"username": {name}, "password": {"not the password"}})
			text := wait.ReplaceAllString(strings.ReplaceAll(markup.Words(a.root), name, "X"), "in a while")
			seen[name] = append(seen[name], http.StatusText(a.status)+" "+text)
		}
	}
	if diff := cmp.Diff(seen["nora"], seen["nobody"]); diff != "" {
		t.Errorf("known and unknown differ:\n%s", diff)
	}
	if !strings.HasPrefix(seen["nora"][0], "Unauthorized") || !slices.ContainsFunc(seen["nora"], func(x string) bool { return strings.HasPrefix(x, "Too Many") }) {
		t.Errorf("answers: %q", seen["nora"])
	}
}

// TestOnlyAdministratorsSeeAdministration asks for every page and form of it as a nurse and as a stranger.
func TestOnlyAdministratorsSeeAdministration(t *testing.T) {
	t.Parallel()
	s := open(t, store.SQLite)
	nurse, stranger := s.browser(t), s.browser(t)
	token := markup.Attr(nurse.login(s.person(t, "nora", "nurse")).need(t, "input", "name", "csrf"), "value")
	s.person(t, "secretname", "physician")
	u, err := s.identity.User(t.Context(), "secretname")
	check(t, err)
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		for _, path := range s.routes(t, method, string(u.ID)) {
			if !strings.HasPrefix(path, "/admin") {
				continue
			}
			var form url.Values
			if method == http.MethodPost {
				form = url.Values{"csrf": {token}, "username": {"x1"}, "role": {"admin"}}
			}
			a := nurse.do(method, path, form, nil)
			if a.status != http.StatusForbidden || strings.Contains(a.text, "secretname") {
				t.Errorf("%s %s as nurse: %d", method, path, a.status)
			}
			if a := stranger.do(method, path, form, nil); a.status != http.StatusSeeOther || !strings.HasPrefix(a.header.Get("Location"), "/login") {
				t.Errorf("%s %s as stranger: %d", method, path, a.status)
			}
		}
	}
	for _, u := range must(s.identity.Users(t.Context()))(t) {
		if u.Disabled || slices.Contains(u.Roles, "admin") {
			t.Errorf("%s was changed: %v", u.Username, u.Roles)
		}
	}
}

// TestStrangersAreLedToTheLogin asks for everything that is not public without a cookie and with invented ones.
func TestStrangersAreLedToTheLogin(t *testing.T) {
	t.Parallel()
	s := open(t, store.SQLite)
	var l routeList
	s.pages.Routes(&l)
	for _, cookie := range []string{"", "__Host-tutela-session=abc.def; __Host-tutela-attempt=abc"} {
		for _, pattern := range l {
			if slices.Contains(pages.Public(), pattern) {
				continue
			}
			method, path, _ := strings.Cut(strings.ReplaceAll(pattern, "{id}", "x"), " ")
			b := s.browser(t)
			b.header = http.Header{"Cookie": {cookie}}
			a := b.do(method, path, nil, nil)
			if a.status != http.StatusUnauthorized && a.status != http.StatusForbidden && !strings.HasPrefix(a.header.Get("Location"), "/login") {
				t.Errorf("%s with cookie %q: %d", pattern, cookie, a.status)
			}
		}
	}
}

// TestNobodyEndsAnothersSession names a session of another person in one's own form.
func TestNobodyEndsAnothersSession(t *testing.T) {
	t.Parallel()
	s := open(t, store.SQLite)
	victim, forger := s.browser(t), s.browser(t)
	victim.login(s.person(t, "nora", "nurse"))
	u, err := s.identity.User(t.Context(), "nora")
	check(t, err)
	sessions := must(s.identity.Sessions(t.Context(), u.ID))(t)
	a := forger.login(s.person(t, "mallory", "nurse"))
	if a := forger.submit(a, "/account/sessions/end", url.Values{"session": {sessions[0].ID}}); a.status != http.StatusNotFound {
		t.Errorf("answer %d", a.status)
	}
	if a := victim.get("/account"); a.status != http.StatusOK {
		t.Errorf("the victim's session: %d", a.status)
	}
}

// TestLookingAtAnInvitationDoesNotUseItUp is what programs do that check links in mail.
func TestLookingAtAnInvitationDoesNotUseItUp(t *testing.T) {
	t.Parallel()
	s := open(t, store.SQLite)
	inv, err := s.identity.FirstInvitation(t.Context(), identity.NewUser{Username: "root", Roles: []string{"admin"}})
	check(t, err)
	b := s.browser(t)
	for range 3 {
		if a := b.get("/invitation/" + inv.Token); a.status != http.StatusOK || a.header.Get("Referrer-Policy") != "same-origin" {
			t.Fatalf("answer %d", a.status)
		}
	}
	b.do(http.MethodHead, "/invitation/"+inv.Token, nil, nil)
	enrolled(t, s.browser(t), inv, goodPassword)
}

// TestConsentAllowsTheFormToAnswerTheApplicationAlone holds form-action to the validated target.
func TestConsentAllowsTheFormToAnswerTheApplicationAlone(t *testing.T) {
	t.Parallel()
	s := open(t, store.SQLite)
	s.mux.HandleFunc("GET /consent", func(w http.ResponseWriter, r *http.Request) {
		s.pages.Authorize().Consent(w, r, sampleConsent(injection))
	})
	a := s.browser(t).get("/consent")
	if got := a.header.Get("Content-Security-Policy"); !strings.Contains(got, "form-action 'self' https://chart.example;") {
		t.Errorf("policy %q", got)
	}
	if !strings.Contains(markup.Words(a.need(t, "h1")), injection) {
		t.Errorf("heading %q", markup.Words(a.need(t, "h1")))
	}
	inert(t, a)
	var sent []string
	for _, in := range markup.All(a.root, "input", "name", "scope") {
		sent = append(sent, markup.Attr(in, "type")+" "+markup.Attr(in, "value"))
	}
	want := []string{"hidden openid", "checkbox fhirUser", "checkbox patient/Observation.rs", "checkbox offline_access"}
	if diff := cmp.Diff(want, sent); diff != "" {
		t.Error(diff)
	}
	if got := markup.Attr(a.need(t, "input", "name", "request"), "value"); got != "sealed" {
		t.Errorf("request %q", got)
	}
}

func sampleConsent(name string) oauth.ConsentView {
	observations := scopeOf("patient/Observation.rs")
	return oauth.ConsentView{
		Form:   oauth.Form{Action: "/oauth2/authorize", Request: "sealed", FormTarget: "https://chart.example"},
		Client: oauth.ClientView{ID: "chart", Name: name, Host: "chart.example"}, User: "nora", Patient: "p1",
		Scopes: []oauth.ScopeView{
			{Scope: "openid", Required: true}, {Scope: "fhirUser"}, {Scope: "patient/Observation.rs", Resource: &observations}, {Scope: "offline_access"},
		},
	}
}

func scopeOf(text string) tutela.Scope {
	s, _ := tutela.ParseScope(text)
	return s
}
