package pages_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/go-jose/go-jose/v4"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/identity/federation"
	"github.com/tutela-health/tutela/internal/markup"
	"github.com/tutela-health/tutela/internal/testkit"
)

// hospital is npm's oidc-provider, at which anna proves two factors, otto one, and eve has no role.
type hospital struct {
	identity.Provider

	stop func()
}

func staff() map[string]testkit.ProviderPerson {
	claims := func(name, group string) map[string]any {
		return map[string]any{"email": name + "@nowhere.test", "email_verified": true, "preferred_username": name, "groups": []string{group}}
	}
	return map[string]testkit.ProviderPerson{
		"anna": {Claims: claims("anna", "nurses"), AMR: []string{"pwd", "mfa"}},
		"otto": {Claims: claims("otto", "nurses"), AMR: []string{"pwd"}},
		"eve":  {Claims: claims("eve", "admin")},
	}
}

// hospital starts the provider and configures it, as an administrator does: first here, since its
// redirect URI is known only then, and then there.
func (s *site) hospital(t *testing.T) hospital {
	t.Helper()
	issuer, stop := testkit.OutsideProvider(t, testkit.ProviderConfig{People: staff()})
	u, err := s.identity.User(t.Context(), s.person(t, "governor", "admin").Username)
	check(t, err)
	by := s.identity.Principal(identity.Session{ACR: identity.ACRTwoFactors, Started: s.Now()}, u)
	p, err := s.identity.AddProvider(t.Context(), by, identity.Provider{
		Name: "St Nowhere", Issuer: issuer, ClientID: "to-be-registered", RolesClaim: "groups", AMR: []string{"mfa"}, Create: true,
		Rules: []identity.RoleRule{{Value: "nurses", Role: "nurse"}},
	})
	if err == nil {
		p.ClientID = s.register(t, issuer, p.ID)
		err = s.identity.UpdateProvider(t.Context(), by, p)
	}
	check(t, err)
	return hospital{must(s.identity.Provider(t.Context(), p.ID))(t), stop}
}

// register makes us known at the provider by our key, and gives our client id there (OpenID Connect
// Dynamic Client Registration 1.0).
func (s *site) register(t *testing.T, issuer, provider string) string {
	t.Helper()
	keys, err := s.identity.VerificationKeys(t.Context())
	check(t, err)
	body, err := json.Marshal(map[string]any{
		"redirect_uris": []string{s.base + federation.CallbackPath(provider)}, "post_logout_redirect_uris": []string{s.base + "/login"},
		"token_endpoint_auth_method": "private_key_jwt", "token_endpoint_auth_signing_alg": identity.IDTokenAlgorithm, "jwks": jose.JSONWebKeySet{Keys: keys},
	})
	check(t, err)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, issuer+"/reg", bytes.NewReader(body))
	check(t, err)
	r.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(r)
	check(t, err)
	var made struct {
		ID    string `json:"client_id"`
		Error string `json:"error_description"`
	}
	check(t, json.NewDecoder(res.Body).Decode(&made))
	check(t, res.Body.Close())
	if made.ID == "" {
		t.Fatalf("the provider registers nobody: %s", made.Error)
	}
	return made.ID
}

// signIn walks through the provider's pages as a person in a fresh browser and gives the path, here,
// that its answer leads to.
func (s *site) signIn(t *testing.T, start, who string) string {
	t.Helper()
	jar, err := cookiejar.New(nil)
	check(t, err)
	c := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	at := must(url.Parse(start))(t)
	form := url.Values(nil)
	for range 12 {
		method, body := http.MethodGet, ""
		if form != nil {
			method, body = http.MethodPost, form.Encode()
		}
		r, err := http.NewRequestWithContext(t.Context(), method, at.String(), strings.NewReader(body))
		check(t, err)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		res, err := c.Do(r)
		check(t, err)
		check(t, res.Body.Close())
		form = nil
		if res.StatusCode == http.StatusOK {
			form = url.Values{"login": {who}}
			continue
		}
		at = must(at.Parse(res.Header.Get("Location")))(t)
		if back, ok := strings.CutPrefix(at.String(), s.base); ok {
			return back
		}
	}
	t.Fatalf("the provider leads nowhere: %s", at)
	return ""
}

// onward gives where a page leads of its own accord.
func (a *answer) onward(t *testing.T) string {
	t.Helper()
	to, ok := strings.CutPrefix(a.header.Get("Refresh"), "0; url=")
	if !ok {
		t.Fatalf("%s leads nowhere; status %d\n%s", a.path, a.status, a.text)
	}
	return to
}

// enterOutside goes through a whole login at the provider and gives the page where it ends here.
func (b *browser) enterOutside(who string) *answer {
	b.t.Helper()
	a := b.get("/login")
	link := markup.Attr(a.need(b.t, "a", "class", "button outside"), "href")
	return b.get(b.site.signIn(b.t, b.get(link).header.Get("Location"), who))
}

func TestPeopleSignInOverARealProvider(t *testing.T) {
	for _, engine := range engines() {
		t.Run(string(engine), func(t *testing.T) {
			s := open(t, engine)
			p := s.hospital(t)
			b := s.browser(t)
			a := b.get(b.enterOutside("anna").onward(t))
			if got := markup.Words(a.find("h1")); got != "Your account" || markup.Words(a.find("span", "class", "who")) != "anna" {
				t.Fatalf("%q\n%s", got, a.text)
			}
			if a.find("a", "href", "/account/password") != nil {
				t.Error("somebody without a password is asked to change it")
			}
			left := b.follow(b.submit(a, "/logout", nil))
			away := b.get(markup.Attr(left.need(t, "a", "href", "/login/with/"+p.ID+"/leave"), "href")).header.Get("Location")
			if !strings.HasPrefix(away, p.Issuer+"/session/end?client_id=") {
				t.Errorf("signing out there too leads to %q", away)
			}
			again := b.get("/account")
			if again.status != http.StatusSeeOther {
				t.Errorf("the session goes on: %d", again.status)
			}
		})
	}
}

func TestOneFactorOutsideLeadsToASecondHere(t *testing.T) {
	s := open(t, engines()[0])
	s.hospital(t)
	b := s.browser(t)
	a := b.get(b.enterOutside("otto").onward(t))
	if markup.Words(a.find("h1")) != "Add a second factor" {
		t.Fatalf("%s", a.text)
	}
	a = b.submit(a, "/enrol/totp/new", nil)
	secret := markup.Words(a.need(t, "code", "id", "secret"))
	done := b.submit(a, "/enrol/totp", url.Values{"code": {s.code(secret)}})
	if markup.Words(done.find("h1")) == "" || b.get("/account").status != http.StatusOK {
		t.Fatalf("%d %s", done.status, done.text)
	}
	next := s.browser(t)
	if got := next.get("/account").status; got != http.StatusSeeOther {
		t.Errorf("a fresh browser: %d", got)
	}
	a = next.get(next.enterOutside("otto").onward(t))
	a = next.follow(next.submit(a, "/login/factor/totp", url.Values{"code": {s.code(secret)}}))
	if markup.Words(a.find("h1")) != "Your account" {
		t.Errorf("%s", a.text)
	}
}

func TestClaimsOfNoRoleAreRefusedOnThePage(t *testing.T) {
	s := open(t, engines()[0])
	s.hospital(t)
	b := s.browser(t)
	a := b.enterOutside("eve")
	if a.status != http.StatusForbidden || !strings.Contains(markup.Words(a.find("div", "id", "problem")), "gives you no role here") {
		t.Errorf("%d %s", a.status, a.text)
	}
	a = b.enterOutside("nobody")
	if a.status != http.StatusForbidden || !strings.Contains(markup.Words(a.find("div", "id", "problem")), "You did not sign in at St Nowhere") {
		t.Errorf("%d %s", a.status, a.text)
	}
}

func TestOwnerLinksAnAccountAndTheInvitedNeedNoPassword(t *testing.T) {
	s := open(t, engines()[0])
	p := s.hospital(t)
	b := s.browser(t)
	account := b.login(s.person(t, "lena", "nurse"))
	lead := b.submit(account, "/account/providers/"+p.ID+"/link", nil)
	a := b.follow(b.get(s.signIn(t, lead.onward(t), "otto")))
	if markup.Words(a.find("div", "class", "note good")) != "Your account is linked." {
		t.Fatalf("%s", a.text)
	}
	other := s.browser(t)
	a = other.get(other.enterOutside("otto").onward(t))
	if markup.Words(a.find("h1")) != "Second factor" || !strings.Contains(a.text, "You have signed in with one factor") {
		t.Fatalf("%s", a.text)
	}

	by := must(s.identity.User(t.Context(), "governor"))(t)
	inv, err := s.identity.Invite(t.Context(), s.identity.Principal(identity.Session{ACR: identity.ACRTwoFactors, Started: s.Now()}, by),
		identity.NewUser{Username: "annika", Kind: tutela.ActorPerson, Roles: []string{"physician"}})
	check(t, err)
	invited := s.browser(t)
	lead = invited.submit(invited.get("/invitation/"+inv.Token), "/invitation/"+inv.Token+"/with/"+p.ID, nil)
	a = invited.get(invited.get(s.signIn(t, lead.onward(t), "anna")).onward(t))
	if markup.Words(a.find("span", "class", "who")) != "annika" {
		t.Errorf("%s", a.text)
	}
}

func TestSensitivePagesHaveBothFactorsProvedAnewOutside(t *testing.T) {
	s := open(t, engines()[0])
	p := s.hospital(t)
	b := s.browser(t)
	e, err := s.identity.EnterOutside(t.Context(), identity.Outside{
		Provider: p.Provider, Subject: "anna", Username: "anna", Roles: []string{"nurses"}, AMR: []string{"mfa"}, AuthTime: s.Now().Add(-time.Hour),
	}, identity.LoginRequest{})
	check(t, err)
	b.client.Jar.SetCookies(must(url.Parse(s.base))(t), []*http.Cookie{{Name: "__Host-tutela-session", Value: e.Login.Cookie, Path: "/", Secure: true}})
	a := b.follow(b.get("/account/totp"))
	if markup.Words(a.find("h1")) != "Is it you?" {
		t.Fatalf("%s", a.text)
	}
	form := a.need(t, "button", "class", "outside").Parent.Parent
	wrong := b.get(s.signIn(t, b.submit(a, markup.Attr(form, "action"), nil).onward(t), "otto"))
	if wrong.status != http.StatusForbidden {
		t.Errorf("another person proved it: %d", wrong.status)
	}
	a = b.follow(b.get("/account/totp"))
	a = b.get(b.get(s.signIn(t, b.submit(a, markup.Attr(form, "action"), nil).onward(t), "anna")).onward(t))
	if markup.Words(a.find("h1")) != "Set up an authenticator app" {
		t.Errorf("%s", a.text)
	}
}

// TestAnswerOfAnotherBrowserMakesNoSession is login CSRF: an attacker's own answer, sent to a victim.
func TestAnswerOfAnotherBrowserMakesNoSession(t *testing.T) {
	s := open(t, engines()[0])
	p := s.hospital(t)
	attacker, victim := s.browser(t), s.browser(t)
	start := attacker.get("/login/with/" + p.ID).header.Get("Location")
	answer := s.signIn(t, start, "anna")
	victim.get("/login/with/" + p.ID) // has a login of its own under way
	a := victim.get(answer)
	if a.status != http.StatusForbidden || victim.get("/account").status != http.StatusSeeOther {
		t.Errorf("%d %s", a.status, a.text)
	}
	if got := attacker.get(answer); got.status != http.StatusOK {
		t.Errorf("the one who asked: %d %s", got.status, got.text)
	}
	if got := attacker.get(answer); got.status != http.StatusForbidden {
		t.Errorf("the same answer again: %d", got.status)
	}
}

// TestLinkingIsTheSessionsThatAsked delivers the answer of one person's wish to link to another's session.
func TestLinkingIsTheSessionsThatAsked(t *testing.T) {
	s := open(t, engines()[0])
	p := s.hospital(t)
	c, other := s.person(t, "lena", "nurse"), s.person(t, "mira", "nurse")
	b := s.browser(t)
	lead := b.submit(b.login(c), "/account/providers/"+p.ID+"/link", nil)
	back := s.signIn(t, lead.onward(t), "anna")
	b.login(other) // in the same browser, meanwhile
	if a := b.get(back); a.status != http.StatusForbidden {
		t.Errorf("%d %s", a.status, a.text)
	}
	links := must(s.identity.Links(t.Context(), must(s.identity.User(t.Context(), "mira"))(t).ID))(t)
	if len(links) != 0 {
		t.Errorf("%v", links)
	}
}

func TestUnreachableProviderStopsNobodyElse(t *testing.T) {
	s := open(t, engines()[0])
	p := s.hospital(t)
	p.stop()
	c := s.person(t, "lena", "nurse")
	b := s.browser(t)
	a := b.get("/login/with/" + p.ID + "?return=/account")
	if a.status != http.StatusServiceUnavailable || !strings.Contains(markup.Words(a.find("div", "id", "problem")), "St Nowhere cannot be reached at the moment") {
		t.Errorf("%d %s", a.status, a.text)
	}
	a.need(t, "form", "action", "/login")
	b.login(c)
}

func TestAdministratorConfiguresAProviderInChromium(t *testing.T) {
	s := open(t, engines()[0])
	issuer, _ := testkit.OutsideProvider(t, testkit.ProviderConfig{People: staff()})
	root := s.person(t, "root", "admin")
	c := s.chrome(t)
	c.Open("/login")
	c.signIn(root.Username, root.Password)
	c.Fill("code", s.code(root.TOTP))
	c.Press("button.main", "Your account")
	c.Open("/admin/providers")
	c.Heading("Outside providers")
	c.Inspect("providers-none")
	c.Press(`main a.main`, "Configure a provider")
	c.Inspect("provider-new")
	c.Fill("name", "St Nowhere")
	c.Fill("issuer", "http://elsewhere.test")
	c.Fill("clientid", "to-be-registered")
	c.Press(`main form .main`, "Configure a provider")
	c.Inspect("provider-wrong")
	c.Fill("issuer", issuer)
	c.Fill("rolesclaim", "groups")
	c.Fill("rules", "nurse = nurses")
	c.Fill("amr", "mfa")
	c.Click("#create")
	c.Press(`main form .main`, "St Nowhere")
	c.Inspect("provider")
	list := must(s.identity.Providers(t.Context()))(t)
	c.Fill("clientid", s.register(t, issuer, list[0].ID))
	c.Press(`form[action$="`+list[0].ID+`"] .main`, "St Nowhere")
	c.Press(`form[action$="/try"] button`, "St Nowhere")
	if got := c.Text(".note.good"); !strings.Contains(got, "answers") {
		t.Errorf("tried: %q", got)
	}
	c.Open("/admin/providers")
	c.Heading("Outside providers")
	c.Inspect("providers")

	c.Press("nav button", "Sign in")
	c.Inspect("login-outside")
	c.Press(`a.outside`, "Who are you?")
	c.Fill("login", "anna")
	c.Run(chromedp.Click(chromedp.CSS("#go")))
	c.Heading("Your account")
	c.Inspect("account-outside")
	c.Press("nav button", "Sign in")
	c.Inspect("login-left")
	c.Quiet()
}
