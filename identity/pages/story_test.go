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
	c.Authenticator()

	c.Open("/invitation/" + inv.Token)
	c.Inspect("invitation")
	c.Fill("password", "short")
	c.Fill("again", "short")
	c.Press("button.main", "Welcome")
	c.Inspect("invitation-wrong")
	c.Fill("password", goodPassword)
	c.Fill("again", goodPassword)
	c.Press("button.main", "Add a second factor")
	c.Inspect("enrol")
	c.Press(`form[action="/enrol/totp/new"] button`, "Set up an authenticator app")
	c.Inspect("totp")
	secret := c.Text("#secret")
	c.Fill("code", s.code(secret))
	c.Press("button.main", "Keep your recovery codes")
	c.Inspect("codes")
	c.Press("a.button.main", "Your account")
	c.Press("nav button", "Sign in")
	c.Inspect("login")

	c.signIn("root", goodPassword)
	c.Inspect("factor")
	c.Fill("code", s.code(secret))
	c.Press("button.main", "Your account")
	c.Press(`a[href="/account/passkeys/new"]`, "Add a passkey")
	c.Inspect("passkey")
	c.Press("form.passkey button", "Your account")
	if got := c.Text("[role=status]"); got != "The passkey was added." {
		t.Errorf("notice %q", got)
	}
	c.Inspect("account")
	c.Press("nav button", "Sign in")
	c.Press("form.passkey button", "Your account")
	if got := c.Text("nav .who"); got != "root" {
		t.Errorf("the passkey signed in %q", got)
	}
	c.Press(`form[action="/account/sessions/end-all"] button`, "Sign in")
	c.Open("/account")
	c.Heading("Sign in")
	c.Quiet()
	s.log.quiet(t)
}

// TestPasskeyAsOnlySecondFactorInChromium enrols with a passkey, signs in with password and
// passkey, and proves it again for a sensitive page.
func TestPasskeyAsOnlySecondFactorInChromium(t *testing.T) {
	s := open(t, store.SQLite)
	inv, err := s.identity.FirstInvitation(t.Context(), identity.NewUser{Username: "root", Roles: []string{"admin"}})
	check(t, err)
	c := s.chrome(t)
	c.Authenticator()
	c.Open("/invitation/" + inv.Token)
	c.Fill("password", goodPassword)
	c.Fill("again", goodPassword)
	c.Press("button.main", "Add a second factor")
	c.Press("form.passkey button", "Keep your recovery codes")
	c.Press("a.button.main", "Your account")
	c.Press("nav button", "Sign in")
	c.signIn("root", goodPassword)
	c.Press("form.passkey button", "Your account")
	s.Advance(6 * time.Minute)
	c.Press(`a[href="/account/password"]`, "Is it you?")
	c.Inspect("verify")
	c.Press("form.passkey button", "Change password")
	c.Inspect("password")
	c.Open("/account/recovery")
	c.Heading("New recovery codes")
	c.Inspect("recovery")
	c.Quiet()
	s.log.quiet(t)
}

// TestAPasskeyThatIsRefusedSaysSoInChromium has no authenticator that could answer.
func TestAPasskeyThatIsRefusedSaysSoInChromium(t *testing.T) {
	s := open(t, store.SQLite)
	c := s.chrome(t)
	c.Authenticator() // holds no passkey
	c.Open("/login")
	c.Click("form.passkey button")
	c.Run(chromedp.WaitVisible(chromedp.CSS("form.passkey [role=alert]")))
	if got := c.Text("form.passkey [role=alert]"); !strings.HasPrefix(got, "It was cancelled") {
		t.Errorf("alert %q", got)
	}
	c.Inspect("login-refused")
	c.Quiet()
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
	c.Open("/login?return=%2Fadmin%2Fusers")
	c.Fill("username", admin.Username)
	c.Fill("password", "not the password at all")
	c.Press("button.main", "Sign in")
	c.Inspect("login-wrong")
	c.signIn(admin.Username, admin.Password)
	c.Fill("code", "000000")
	c.Press("button.main", "Second factor")
	c.Inspect("factor-wrong")
	c.Fill("code", s.code(admin.TOTP))
	c.Press("button.main", "People")
	c.Inspect("users")
	c.Fill("username", "grace")
	c.Click("#role-nurse")
	c.Press("button.main", "People")
	c.Run(chromedp.WaitVisible(chromedp.CSS("code.link")))
	c.Inspect("users-invited")
	nora, err := s.identity.User(t.Context(), "nora.nightingale@clinic.example")
	check(t, err)
	c.Press(`a[href="/admin/users/`+string(nora.ID)+`"]`, nora.Username)
	c.Inspect("user")
	c.Open("/admin/clients/new")
	c.Inspect("client-new")
	c.Fill("name", "Growth chart")
	c.Fill("redirects", "http://chart.example/cb")
	c.Press("button.main", "Register an application")
	c.Inspect("client-wrong")
	c.Fill("redirects", "https://chart.example/cb")
	c.Click("#kind-secret")
	c.Press("button.main", "Growth chart")
	c.Inspect("client")
	c.Open("/admin/clients")
	c.Inspect("clients")
	for _, name := range []string{"consent", "patient", "nobody", "logout", "out", "error"} {
		c.Open("/sample/" + name)
		c.Inspect(name)
	}
	c.Quiet()
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
	c.Open("/oauth2/authorize?" + request.Encode())
	c.signIn(who.Username, who.Password)
	c.Fill("code", s.code(who.TOTP))
	c.Click("button.main") // leads on by itself
	c.Heading("Choose a patient")
	c.Inspect("patient-search")
	c.Fill("name", "odile")
	c.Press("form[role=search] button", "Choose a patient")
	c.Inspect("patient-found")
	c.Click("#patient-1")
	c.Press("form[method=post] button.main", "Allow Growth chart?")
	c.Inspect("consent-real")
	c.Press("button.main", "Back in the application")
	got := <-answers
	if got.Get("code") == "" || got.Get("state") != "s&1" || got.Get("iss") != s.base {
		t.Errorf("the application was answered %v", got)
	}
	c.Open("/account")
	c.Inspect("account-apps")
	c.Press(`form[action="/account/apps/revoke"] button`, "Your account")
	if got := c.Text("[role=status]"); got != "The application's access has ended." {
		t.Errorf("notice %q", got)
	}
	c.Quiet()
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
