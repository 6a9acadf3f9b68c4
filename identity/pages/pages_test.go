package pages_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/identity/pages"
	"github.com/tutela-health/tutela/internal/markup"
	"github.com/tutela-health/tutela/store"
)

// enrolled takes an invitation up with a password and an authenticator app.
func enrolled(t *testing.T, b *browser, invitation identity.Invitation, password string) (identity.Credentials, []string) {
	t.Helper()
	path := strings.TrimPrefix(pages.InvitationURL("", invitation.Token), b.site.base)
	a := b.get(path)
	name := markup.Words(a.need(t, "strong"))
	form := url.Values{"password": {password}, "again": {password}}
	for _, in := range markup.All(a.need(t, "form"), "input", "type", "hidden") {
		form.Set(markup.Attr(in, "name"), markup.Attr(in, "value"))
	}
	a = b.follow(b.do(http.MethodPost, path, form, nil))
	a = b.submit(a, "/enrol/totp/new", nil)
	secret := markup.Words(a.need(t, "code", "id", "secret"))
	a = b.submit(a, "/enrol/totp", url.Values{"code": {b.site.code(secret)}})
	var codes []string
	for _, c := range markup.All(a.need(t, "ul", "class", "codes"), "code") {
		codes = append(codes, markup.Words(c))
	}
	return identity.Credentials{Username: name, Password: password, TOTP: secret}, codes
}

const goodPassword = "seven lanterns over quiet water"

func TestInvitedAdministratorEnrolsAndSignsInWithoutScript(t *testing.T) {
	for _, engine := range engines() {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			s := open(t, engine)
			inv, err := s.identity.FirstInvitation(t.Context(), identity.NewUser{Username: "root", Roles: []string{"admin"}})
			check(t, err)
			b := s.browser(t)
			c, codes := enrolled(t, b, inv, goodPassword)
			if len(codes) != 10 {
				t.Fatalf("%d recovery codes were shown", len(codes))
			}
			if a := b.get("/account"); markup.Words(a.need(t, "h1")) != "Your account" {
				t.Fatalf("enrolment did not sign in: %s", a.text)
			}
			again := b.get("/invitation/" + inv.Token)
			if again.status != http.StatusGone {
				t.Errorf("a used invitation answers %d", again.status)
			}

			other := s.browser(t)
			a := other.login(c)
			rows := markup.All(a.root, "input", "name", "session")
			if len(rows) != 2 {
				t.Errorf("%d sessions are listed, want 2", len(rows))
			}
			recovered := s.browser(t)
			a = recovered.submit(recovered.get("/login"), "/login", url.Values{"username": {c.Username}, "password": {c.Password}})
			a = recovered.follow(recovered.submit(recovered.follow(a), "/login/factor/recovery", url.Values{"code": {codes[3]}}))
			if !strings.Contains(markup.Words(a.root), "9 of 10 left") {
				t.Errorf("after a recovery code: %s", markup.Words(a.root))
			}
			s.log.quiet(t)
		})
	}
}

func TestOwnerEndsSessions(t *testing.T) {
	t.Parallel()
	s := open(t, store.SQLite)
	c := s.person(t, "nora", "nurse")
	first, second := s.browser(t), s.browser(t)
	first.login(c)
	a := second.login(c)
	var mine, other string
	for _, row := range markup.All(a.root, "tr") {
		for _, in := range markup.All(row, "input", "name", "session") {
			if strings.Contains(markup.Words(row), "this one") {
				mine = markup.Attr(in, "value")
			} else {
				other = markup.Attr(in, "value")
			}
		}
	}
	a = second.follow(second.submit(a, "/account/sessions/end", url.Values{"session": {other}}))
	if got := markup.Words(a.need(t, "div", "role", "status")); got != "The session has ended." {
		t.Errorf("notice %q", got)
	}
	if a := first.get("/account"); a.header.Get("Location") != "/login" {
		t.Errorf("an ended session sees %d %s", a.status, a.header.Get("Location"))
	}
	a = second.submit(a, "/account/sessions/end", url.Values{"session": {mine}})
	if a.header.Get("Location") != "/login" {
		t.Errorf("ending the own session leads to %q", a.header.Get("Location"))
	}
	if a := second.get("/account"); a.header.Get("Location") != "/login" {
		t.Errorf("the own ended session still sees %d", a.status)
	}
}

func TestSensitivePagesAskForTheSecondFactorAgain(t *testing.T) {
	t.Parallel()
	s := open(t, store.SQLite)
	c := s.person(t, "nora", "nurse")
	b := s.browser(t)
	b.login(c)
	s.Advance(4 * time.Minute)
	a := b.get("/account/password")
	if got, want := a.header.Get("Location"), "/account/verify?return=%2Faccount%2Fpassword"; got != want {
		t.Fatalf("leads to %q, want %q", got, want)
	}
	old := b.cookie("__Host-tutela-session")
	a = b.follow(a)
	wrong := b.submit(a, "/account/verify/totp", url.Values{"code": {"000000"}})
	if wrong.status != http.StatusUnauthorized || wrong.find("input", "id", "code", "aria-invalid", "true") == nil {
		t.Errorf("a wrong code: %d\n%s", wrong.status, wrong.text)
	}
	a = b.follow(b.submit(wrong, "/account/verify/totp", url.Values{"code": {s.code(c.TOTP)}}))
	if markup.Words(a.need(t, "h1")) != "Change password" {
		t.Fatalf("after the proof: %s", a.text)
	}
	if b.cookie("__Host-tutela-session") == old {
		t.Error("the step-up kept the cookie")
	}
	const next = "nine copper kettles by the gate"
	a = b.submit(a, "/account/password", url.Values{"current": {"wrong wrong wrong"}, "password": {next}, "again": {next}})
	if a.status != http.StatusUnprocessableEntity {
		t.Errorf("a wrong present password: %d", a.status)
	}
	a = b.follow(b.submit(a, "/account/password", url.Values{"current": {c.Password}, "password": {next}, "again": {next}}))
	if got := markup.Words(a.find("div", "role", "status")); got != "The password was changed. Your other sessions have ended." {
		t.Errorf("notice %q\n%s", got, a.text)
	}
	c.Password = next
	s.browser(t).login(c)
}

func TestAMistypedCodeKeepsTheSecretThatWasScanned(t *testing.T) {
	t.Parallel()
	s := open(t, store.SQLite)
	c := s.person(t, "nora", "nurse")
	b := s.browser(t)
	b.login(c)
	a := b.get("/account/totp")
	secret := markup.Words(a.need(t, "code", "id", "secret"))
	a = b.submit(a, "/account/totp", url.Values{"code": {"000000"}})
	if got := markup.Words(a.need(t, "code", "id", "secret")); a.status != http.StatusUnauthorized || got != secret {
		t.Fatalf("status %d, secret kept: %v", a.status, got == secret)
	}
	a = b.submit(a, "/account/totp", url.Values{"code": {s.code(secret)}})
	if got := markup.Words(a.need(t, "h1")); got != "Keep your recovery codes" {
		t.Errorf("heading %q", got)
	}
	if a = b.submit(a, "/logout", nil); a.header.Get("Location") != "/login" {
		t.Errorf("the page after an enrolment has no valid forms: %d", a.status)
	}
	c.TOTP = secret
	s.browser(t).login(c)
}

// An administrator asks for clearances on an account's page, which says what waits for the privacy officer;
// what he takes off is gone. His own page refuses.
func TestAdministratorAsksForClearances(t *testing.T) {
	t.Parallel()
	for _, engine := range engines() {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			s := open(t, engine)
			admin := s.browser(t)
			admin.login(s.person(t, "ada", "admin"))
			s.person(t, "nina", "nurse")
			u, err := s.identity.User(t.Context(), "nina")
			check(t, err)
			place := "/admin/users/" + string(u.ID)
			a := admin.get(place)
			if boxes := markup.All(a.root, "input", "name", "label"); len(boxes) != 2 || a.find("p", "id", "asked") != nil {
				t.Fatalf("%d labels to tick: %s", len(boxes), a.text)
			}
			a = admin.follow(admin.submit(a, place+"/clearances", url.Values{"label": {"HIV"}}))
			if words := markup.Words(a.need(t, "p", "id", "asked")); words != "Waits for the privacy officer: HIV." {
				t.Errorf("asked for: %q", words)
			}
			if u, err = s.identity.User(t.Context(), "nina"); err != nil || len(u.Clearances) > 0 || u.Clearing == nil {
				t.Errorf("asking gave %v (%v)", u.Clearances, err)
			}
			a = admin.follow(admin.submit(a, place+"/clearances", nil))
			if a.find("p", "id", "asked") != nil {
				t.Errorf("taken back: %s", a.text)
			}
			me, err := s.identity.User(t.Context(), "ada")
			check(t, err)
			own := "/admin/users/" + string(me.ID)
			if a = admin.submit(admin.get(own), own+"/clearances", url.Values{"label": {"HIV"}}); a.status != http.StatusForbidden {
				t.Errorf("for himself: %d", a.status)
			}
		})
	}
}

func TestAdministratorRunsAccounts(t *testing.T) {
	t.Parallel()
	s := open(t, store.SQLite)
	admin := s.browser(t)
	admin.login(s.person(t, "ada", "admin"))
	a := admin.get("/admin/users")
	a = admin.submit(a, "/admin/users", url.Values{"username": {"nina"}, "role": {"nurse"}, "fhiruser": {"Practitioner/n1"}})
	link := markup.Words(a.need(t, "code", "class", "link"))
	token, ok := strings.CutPrefix(link, s.base+"/invitation/")
	if !ok || a.status != http.StatusCreated {
		t.Fatalf("status %d, link %q", a.status, link)
	}
	nina := s.browser(t)
	c, _ := enrolled(t, nina, identity.Invitation{Token: token}, goodPassword)
	u, err := s.identity.User(t.Context(), "nina")
	check(t, err)
	if diff := cmp.Diff([]string{"nurse"}, u.Roles); diff != "" || u.FHIRUser.String() != "Practitioner/n1" {
		t.Errorf("roles %s, own resource %s", diff, u.FHIRUser)
	}

	place := "/admin/users/" + string(u.ID)
	a = admin.follow(admin.submit(admin.get(place), place+"/roles", url.Values{"role": {"nurse", "auditor"}}))
	if markup.Words(a.need(t, "div", "role", "status")) == "" || len(markup.All(a.root, "input", "name", "role")) != 4 {
		t.Errorf("after the roles: %s", a.text)
	}
	if nina.get("/account").status != http.StatusSeeOther {
		t.Error("a session outlived its roles")
	}
	a = admin.submit(a, place+"/roles", url.Values{"role": {"nurse", "admin"}})
	if a.status != http.StatusUnprocessableEntity || a.find("fieldset", "id", "roles", "aria-describedby", "problem") == nil {
		t.Errorf("admin beside another role: %d", a.status)
	}
	a = admin.follow(admin.submit(admin.get(place), place+"/disable", nil))
	if !strings.Contains(markup.Words(a.root), "disabled") {
		t.Errorf("after disabling: %s", markup.Words(a.root))
	}
	refused := s.browser(t)
	if a := refused.submit(refused.get("/login"), "/login", url.Values{"username": {c.Username}, "password": {c.Password}}); a.status != http.StatusUnauthorized {
		t.Errorf("a disabled account's login: %d", a.status)
	}
	a = admin.follow(admin.submit(a, place+"/enable", nil))
	a = admin.submit(a, place+"/reset", nil)
	link = markup.Words(a.need(t, "code", "class", "link"))
	c, _ = enrolled(t, s.browser(t), identity.Invitation{Token: strings.TrimPrefix(link, s.base+"/invitation/")}, "other lanterns over loud water")
	s.browser(t).login(c)
}

// TestAdministratorWithdrawsAnInvitation is for a link that reached the wrong person.
func TestAdministratorWithdrawsAnInvitation(t *testing.T) {
	t.Parallel()
	s := open(t, store.SQLite)
	admin := s.browser(t)
	admin.login(s.person(t, "ada", "admin"))
	a := admin.submit(admin.get("/admin/users"), "/admin/users", url.Values{"username": {"nina"}, "role": {"nurse"}})
	link, err := url.Parse(markup.Words(a.need(t, "code", "class", "link")))
	check(t, err)
	if stranger := s.browser(t).get(link.Path); stranger.status != http.StatusOK {
		t.Fatalf("the link: %d", stranger.status)
	}
	a = admin.follow(admin.submit(admin.get("/admin/users"), "/admin/users/withdraw", nil))
	if markup.Words(a.need(t, "div", "role", "status")) == "" || a.find("form", "action", "/admin/users/withdraw") != nil {
		t.Errorf("after withdrawing: %s", markup.Words(a.root))
	}
	if stranger := s.browser(t).get(link.Path); stranger.status != http.StatusGone {
		t.Errorf("the link opens still: %d", stranger.status)
	}
}

func TestAdministratorRunsApplications(t *testing.T) {
	t.Parallel()
	s := open(t, store.SQLite)
	admin := s.browser(t)
	admin.login(s.person(t, "ada", "admin"))
	form := url.Values{"name": {"Growth chart"}, "kind": {"public"}, "redirects": {"https://chart.example/cb"}, "scopes": {"openid launch/patient patient/Observation.rs"}}
	a := admin.follow(admin.submit(admin.get("/admin/clients/new"), "/admin/clients", form))
	id := markup.Words(a.need(t, "dl"))
	id = strings.TrimPrefix(id, "Client id")
	id = strings.TrimSpace(id)
	got, err := s.identity.Client(t.Context(), id)
	check(t, err)
	if got.Name != "Growth chart" || !got.Public {
		t.Errorf("registered %+v", got)
	}
	bad := url.Values{"name": {"Growth chart"}, "kind": {"public"}, "redirects": {"http://chart.example/cb"}, "scopes": {"openid"}}
	a = admin.submit(a, "/admin/clients/"+id, bad)
	if a.status != http.StatusUnprocessableEntity || a.find("textarea", "id", "redirects", "aria-invalid", "true") == nil {
		t.Errorf("a redirect over http: %d", a.status)
	}
	form.Set("name", "Growth charts")
	admin.submit(a, "/admin/clients/"+id, form)
	if a := admin.get("/admin/clients"); !strings.Contains(markup.Words(a.root), "Growth charts") {
		t.Errorf("list: %s", markup.Words(a.root))
	}
	form.Set("kind", "secret")
	a = admin.submit(admin.get("/admin/clients/new"), "/admin/clients", form)
	if secret := markup.Words(a.need(t, "code", "class", "link")); len(secret) < 40 {
		t.Errorf("secret of %d characters", len(secret))
	}
	admin.submit(admin.get("/admin/clients/"+id), "/admin/clients/"+id+"/remove", nil)
	if _, err := s.identity.Client(t.Context(), id); err == nil {
		t.Error("the client is still there")
	}
}

// A directory is registered with what its groups give, and the people whom it makes are invited.
func TestAdministratorRunsADirectory(t *testing.T) {
	t.Parallel()
	s := open(t, store.SQLite)
	admin := s.browser(t)
	admin.login(s.person(t, "ada", "admin"))
	form := url.Values{"name": {"Directory"}, "kind": {"service"}, "scopes": {"scim"}, "jwksurl": {"https://directory.example/keys"},
		"groups": {"nurse\r\n Ward 2 = nurse \r\nChiefs = admin"}}
	a := admin.submit(admin.get("/admin/clients/new"), "/admin/clients", form)
	if a.status != http.StatusUnprocessableEntity || a.find("textarea", "id", "groups", "aria-invalid", "true") == nil {
		t.Errorf("a group of administrators: %d", a.status)
	}
	form.Set("groups", "nurse\r\n Ward 2 = nurse ")
	a = admin.follow(admin.submit(a, "/admin/clients", form))
	c, err := s.identity.Client(t.Context(), strings.TrimSpace(strings.TrimPrefix(markup.Words(a.need(t, "dl")), "Client id")))
	check(t, err)
	if diff := cmp.Diff([]identity.GroupRole{{Group: "nurse", Role: "nurse"}, {Group: "Ward 2", Role: "nurse"}}, c.Groups); diff != "" {
		t.Error(diff)
	}
	if got := markup.Words(a.need(t, "textarea", "id", "groups")); got != "nurse = nurse Ward 2 = nurse" {
		t.Errorf("the page shows %q", got)
	}
	p, err := s.identity.Provisioner(t.Context(), tutela.Principal{Tenant: "pages", ID: c.Account, Kind: tutela.ActorService, Client: c.ID, Scopes: c.Scopes}, s.Now())
	check(t, err)
	u, err := p.Add(t.Context(), identity.Profile{Username: "nina", Name: identity.Name{Given: "Nina", Family: "Ray"}, Groups: []string{"Ward 2"}, Active: true})
	check(t, err)
	place := "/admin/users/" + string(u.ID)
	a = admin.get(place)
	if text := markup.Words(a.root); !strings.Contains(text, "to be invited") || !strings.Contains(text, "Nina Ray") || !strings.Contains(text, c.ID) {
		t.Errorf("the account's page says %s", text)
	}
	link := markup.Words(admin.submit(a, place+"/reset", nil).need(t, "code", "class", "link"))
	cred, _ := enrolled(t, s.browser(t), identity.Invitation{Token: strings.TrimPrefix(link, s.base+"/invitation/")}, goodPassword)
	s.browser(t).login(cred)
	check(t, p.Remove(t.Context(), u.ID, nil))
	if a := admin.get(place); !strings.Contains(markup.Words(a.root), "removed") || strings.Contains(a.text, place+"/enable") {
		t.Errorf("the page of a removed account: %s", markup.Words(a.root))
	}
}

func TestAssetsAreRevalidated(t *testing.T) {
	t.Parallel()
	s := open(t, store.SQLite)
	b := s.browser(t)
	for name, want := range map[string]string{"pages.css": "text/css; charset=utf-8", "passkey.js": "text/javascript; charset=utf-8", "mark.svg": "image/svg+xml"} {
		a := b.get("/assets/" + name)
		if got := a.header.Get("Content-Type"); got != want || a.status != http.StatusOK {
			t.Errorf("%s: %d %s", name, a.status, got)
		}
		if again := b.do(http.MethodGet, "/assets/"+name, nil, http.Header{"If-None-Match": {a.header.Get("ETag")}}); again.status != http.StatusNotModified {
			t.Errorf("%s again: %d", name, again.status)
		}
	}
}

// quiet fails the test when the log has anything.
func (s *syncBuffer) quiet(t *testing.T) {
	t.Helper()
	if text := s.String(); text != "" {
		t.Errorf("log: %s", text)
	}
}

// cookie gives the value of one of the browser's cookies.
func (b *browser) cookie(name string) string {
	u, err := url.Parse(b.site.base)
	check(b.t, err)
	for _, c := range b.client.Jar.Cookies(u) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}
