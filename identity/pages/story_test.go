package pages_test

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/identity/oauth"
	"github.com/tutela-health/tutela/store"
)

// TestAdministratorsFirstDayInChromium goes from the first invitation to a login with a passkey.
func TestAdministratorsFirstDayInChromium(t *testing.T) {
	s := open(t, store.SQLite)
	inv, err := s.identity.FirstInvitation(t.Context(), identity.NewUser{Username: "root", Roles: []string{"admin"}})
	check(t, err)
	c := s.chrome(t)
	c.authenticator()

	c.open("/invitation/" + inv.Token)
	c.inspect("invitation")
	c.fill("password", "short")
	c.fill("again", "short")
	c.press("button.main", "Welcome")
	c.inspect("invitation-wrong")
	c.fill("password", goodPassword)
	c.fill("again", goodPassword)
	c.press("button.main", "Add a second factor")
	c.inspect("enrol")
	c.press(`form[action="/enrol/totp/new"] button`, "Set up an authenticator app")
	c.inspect("totp")
	secret := c.text("#secret")
	c.fill("code", s.code(secret))
	c.press("button.main", "Keep your recovery codes")
	c.inspect("codes")
	c.press("a.button.main", "Your account")
	c.press("nav button", "Sign in")
	c.inspect("login")

	c.signIn("root", goodPassword)
	c.inspect("factor")
	c.fill("code", s.code(secret))
	c.press("button.main", "Your account")
	c.press(`a[href="/account/passkeys/new"]`, "Add a passkey")
	c.inspect("passkey")
	c.press("form.passkey button", "Your account")
	if got := c.text("[role=status]"); got != "The passkey was added." {
		t.Errorf("notice %q", got)
	}
	c.inspect("account")
	c.press("nav button", "Sign in")
	c.press("form.passkey button", "Your account")
	if got := c.text("nav .who"); got != "root" {
		t.Errorf("the passkey signed in %q", got)
	}
	c.press(`form[action="/account/sessions/end-all"] button`, "Sign in")
	c.open("/account")
	c.heading("Sign in")
	c.quiet()
	s.log.quiet(t)
}

func (c *chrome) signIn(username, password string) {
	c.t.Helper()
	c.fill("username", username)
	c.fill("password", password)
	c.press("button.main", "Second factor")
}

// TestPasskeyAsOnlySecondFactorInChromium enrols with a passkey, signs in with password and
// passkey, and proves it again for a sensitive page.
func TestPasskeyAsOnlySecondFactorInChromium(t *testing.T) {
	s := open(t, store.SQLite)
	inv, err := s.identity.FirstInvitation(t.Context(), identity.NewUser{Username: "root", Roles: []string{"admin"}})
	check(t, err)
	c := s.chrome(t)
	c.authenticator()
	c.open("/invitation/" + inv.Token)
	c.fill("password", goodPassword)
	c.fill("again", goodPassword)
	c.press("button.main", "Add a second factor")
	c.press("form.passkey button", "Keep your recovery codes")
	c.press("a.button.main", "Your account")
	c.press("nav button", "Sign in")
	c.signIn("root", goodPassword)
	c.press("form.passkey button", "Your account")
	s.advance(6 * time.Minute)
	c.press(`a[href="/account/password"]`, "Is it you?")
	c.inspect("verify")
	c.press("form.passkey button", "Change password")
	c.inspect("password")
	c.open("/account/recovery")
	c.heading("New recovery codes")
	c.inspect("recovery")
	c.quiet()
	s.log.quiet(t)
}

// TestAPasskeyThatIsRefusedSaysSoInChromium has no authenticator that could answer.
func TestAPasskeyThatIsRefusedSaysSoInChromium(t *testing.T) {
	s := open(t, store.SQLite)
	c := s.chrome(t)
	c.authenticator() // holds no passkey
	c.open("/login")
	c.click("form.passkey button")
	c.run(chromedp.WaitVisible(chromedp.CSS("form.passkey [role=alert]")))
	if got := c.text("form.passkey [role=alert]"); !strings.HasPrefix(got, "It was cancelled") {
		t.Errorf("alert %q", got)
	}
	c.inspect("login-refused")
	c.quiet()
}

// TestAdministrationInChromium looks at the pages that administrators and applications bring about.
func TestAdministrationInChromium(t *testing.T) {
	s := open(t, store.SQLite)
	admin := s.person(t, "ada", "admin")
	s.person(t, "nora.nightingale@clinic.example", "nurse", "auditor")
	_, _, err := s.identity.CreateUser(t.Context(), tutela.Actor{ID: "test"}, identity.NewUser{Username: "pat", Kind: tutela.ActorPerson, Roles: []string{"patient"}, Patient: "p1"})
	check(t, err)
	s.authorizePages()
	c := s.chrome(t)
	c.open("/login?return=%2Fadmin%2Fusers")
	c.fill("username", admin.Username)
	c.fill("password", "not the password at all")
	c.press("button.main", "Sign in")
	c.inspect("login-wrong")
	c.signIn(admin.Username, admin.Password)
	c.fill("code", "000000")
	c.press("button.main", "Second factor")
	c.inspect("factor-wrong")
	c.fill("code", s.code(admin.TOTP))
	c.press("button.main", "People")
	c.inspect("users")
	c.fill("username", "grace")
	c.click("#role-nurse")
	c.press("button.main", "People")
	c.run(chromedp.WaitVisible(chromedp.CSS("code.link")))
	c.inspect("users-invited")
	nora, err := s.identity.User(t.Context(), "nora.nightingale@clinic.example")
	check(t, err)
	c.press(`a[href="/admin/users/`+string(nora.ID)+`"]`, nora.Username)
	c.inspect("user")
	c.open("/admin/clients/new")
	c.inspect("client-new")
	c.fill("name", "Growth chart")
	c.fill("redirects", "http://chart.example/cb")
	c.press("button.main", "Register an application")
	c.inspect("client-wrong")
	c.fill("redirects", "https://chart.example/cb")
	c.click("#kind-secret")
	c.press("button.main", "Growth chart")
	c.inspect("client")
	c.open("/admin/clients")
	c.inspect("clients")
	for _, name := range []string{"consent", "patient", "nobody", "logout", "out", "error"} {
		c.open("/sample/" + name)
		c.inspect(name)
	}
	c.quiet()
	s.log.quiet(t)
}

// TestApplicationIsLetInFromChromium goes from an application through login, choice of a patient
// and consent back to it, past every form-action on the way, and takes the consent back.
func TestApplicationIsLetInFromChromium(t *testing.T) {
	s := open(t, store.SQLite)
	who := s.person(t, "phil", "physician")
	answers := make(chan url.Values, 1)
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte(`<!doctype html><html lang="en"><title>App</title><link rel="icon" href="data:,"><h1>Back in the application</h1>`))
		answers <- r.URL.Query()
	}))
	t.Cleanup(app.Close)
	check(t, s.identity.EnsureClient(t.Context(), tutela.Actor{ID: "test"}, identity.Client{
		ID: "chart", Name: "Growth chart", Public: true, RedirectURIs: []string{app.URL + "/cb"}, GrantTypes: []string{identity.GrantCode},
		Scopes: []string{"openid", "launch/patient", "patient/*.rs"},
	}))
	challenge := sha256.Sum256([]byte(strings.Repeat("verifier", 8)))
	request := url.Values{
		"response_type": {"code"}, "client_id": {"chart"}, "redirect_uri": {app.URL + "/cb"}, "state": {"s&1"}, "aud": {s.base + "/fhir/r4"},
		"scope": {"openid launch/patient patient/Observation.rs"}, "code_challenge_method": {"S256"}, "code_challenge": {base64.RawURLEncoding.EncodeToString(challenge[:])},
	}

	c := s.chrome(t)
	c.open("/oauth2/authorize?" + request.Encode())
	c.signIn(who.Username, who.Password)
	c.fill("code", s.code(who.TOTP))
	c.click("button.main") // leads on by itself
	c.heading("Choose a patient")
	c.inspect("patient-search")
	c.fill("name", "odile")
	c.press("form[role=search] button", "Choose a patient")
	c.inspect("patient-found")
	c.click("#patient-1")
	c.press("form[method=post] button.main", "Allow Growth chart?")
	c.inspect("consent-real")
	c.press("button.main", "Back in the application")
	got := <-answers
	if got.Get("code") == "" || got.Get("state") != "s&1" || got.Get("iss") != s.base {
		t.Errorf("the application was answered %v", got)
	}
	c.open("/account")
	c.inspect("account-apps")
	c.press(`form[action="/account/apps/revoke"] button`, "Your account")
	if got := c.text("[role=status]"); got != "The application's access has ended." {
		t.Errorf("notice %q", got)
	}
	c.quiet()
	s.log.quiet(t)
}

// authorizePages serves samples of what the authorization server asks.
func (s *site) authorizePages() {
	a := s.pages.Authorize()
	form := oauth.Form{Action: "/oauth2/authorize", Request: "sealed", FormTarget: "https://chart.example"}
	client := oauth.ClientView{ID: "chart", Name: "Growth chart", Host: "chart.example"}
	serve := func(name string, f func(http.ResponseWriter, *http.Request)) {
		s.mux.HandleFunc("GET /sample/"+name, f)
	}
	serve("consent", func(w http.ResponseWriter, r *http.Request) { a.Consent(w, r, sampleConsent("Growth chart")) })
	serve("patient", func(w http.ResponseWriter, r *http.Request) {
		u, _ := s.identity.User(r.Context(), "pat")
		a.PickPatient(w, r, oauth.PickView{Form: form, Client: client, User: u.ID})
	})
	serve("nobody", func(w http.ResponseWriter, r *http.Request) {
		u, _ := s.identity.User(r.Context(), "ada")
		a.PickPatient(w, r, oauth.PickView{Form: form, Client: client, User: u.ID})
	})
	serve("logout", func(w http.ResponseWriter, r *http.Request) {
		a.Logout(w, r, oauth.LogoutView{Form: form, Client: client})
	})
	serve("out", a.LoggedOut)
	serve("error", func(w http.ResponseWriter, r *http.Request) {
		a.Error(w, r, oauth.ErrorView{Status: http.StatusBadRequest, Code: "invalid_request", Text: "the redirect_uri is not registered"})
	})
}
