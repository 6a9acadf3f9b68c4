package oauth_test

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/identity/oauth"
)

// newCode goes as far as a code.
func (b *browser) newCode(a ask) string {
	b.s.t.Helper()
	l := b.authorize(a)
	if l.page == "consent" {
		l = b.allow(l)
	}
	return l.code(b.s.t, b.s)
}

func TestCodeCountsOnceAndItsReplayEndsEverything(t *testing.T) {
	each(t, func(t *testing.T, s *system) {
		s.register(app())
		b := s.signedIn("physician")
		a := s.asking("openid offline_access user/*.rs")
		code := b.newCode(a)
		status, body := s.redeem(code, a)
		first := tokensOf(t, status, body)
		if !s.works(first.Access) {
			t.Fatal("the token does not work")
		}
		s.Advance(2 * time.Minute) // past the code's life: its replay is seen all the same
		status, body = s.redeem(code, a)
		if status != http.StatusBadRequest || body["error"] != "invalid_grant" {
			t.Errorf("replay: %d %v", status, body)
		}
		if s.works(first.Access) {
			t.Error("the access token survived the replay of its code")
		}
		if status, _ := s.use(first.Refresh); status != http.StatusBadRequest {
			t.Errorf("the refresh token survived the replay of its code: %d", status)
		}
		if n := len(s.entries(tutela.ActionTokenReuse)); n != 1 {
			t.Errorf("%d entries tell of the replay", n)
		}
	})
}

func TestCodeIsUsedByOneOfMany(t *testing.T) {
	each(t, func(t *testing.T, s *system) {
		s.register(app())
		b := s.signedIn("physician")
		a := s.asking("openid user/*.rs")
		code := b.newCode(a)
		got := together(8, func() tokens {
			status, body := s.redeem(code, a)
			if status != http.StatusOK {
				return tokens{}
			}
			return tokensOf(t, status, body)
		})
		if len(got) > 1 {
			t.Errorf("%d of 8 got tokens", len(got))
		}
		for _, g := range got {
			if s.works(g.Access) {
				t.Error("a token of a code that was used twice is alive")
			}
		}
	})
}

// together runs f n times at once and gives what was not nothing.
func together(n int, f func() tokens) []tokens {
	var mu sync.Mutex
	var got []tokens
	var all sync.WaitGroup
	for range n {
		all.Go(func() {
			g := f()
			mu.Lock()
			defer mu.Unlock()
			if g.Access != "" {
				got = append(got, g)
			}
		})
	}
	all.Wait()
	return got
}

func TestCodeIsBound(t *testing.T) {
	s := one(t)
	s.register(app())
	other := app()
	other.ID = "other-app"
	s.register(other)
	b := s.signedIn("physician")
	for name, change := range map[string]func(url.Values){
		"another client":                set("client_id", "other-app"),
		"another registered address":    set("redirect_uri", "https://app.example/bye"),
		"no address":                    without("redirect_uri"),
		"another verifier":              set("code_verifier", strings.Repeat("a", 43)),
		"no verifier":                   without("code_verifier"),
		"a short verifier":              set("code_verifier", "abc"),
		"a long verifier":               set("code_verifier", strings.Repeat("a", 129)),
		"no code":                       without("code"),
		"a code of nobody":              set("code", "tuc_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
		"an access token as code":       set("code", "tut_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
		"the challenge as the verifier": func(v url.Values) { v.Set("code_verifier", identity.ChallengeOf(v.Get("code_verifier"))) },
	} {
		t.Run(name, func(t *testing.T) {
			a := s.asking("openid user/*.rs")
			code := b.newCode(a)
			if status, body := s.redeem(code, a, change); status != http.StatusBadRequest || body["error"] != "invalid_grant" {
				t.Errorf("%d %v", status, body)
			}
			status, body := s.redeem(code, a)
			tokensOf(t, status, body) // a stranger's attempt costs the rightful client nothing
		})
	}
	a := s.asking("openid user/*.rs")
	code := b.newCode(a)
	s.Advance(61 * time.Second)
	if status, body := s.redeem(code, a); body["error"] != "invalid_grant" {
		t.Errorf("an old code: %d %v", status, body)
	}
}

func TestPKCECannotBeDowngraded(t *testing.T) {
	s := one(t)
	s.register(app())
	b := s.signedIn("physician")
	plain := strings.Repeat("v", 43)
	for name, change := range map[string]func(url.Values){
		"no challenge":        without("code_challenge"),
		"no method":           without("code_challenge_method"),
		"plain":               func(v url.Values) { v.Set("code_challenge_method", "plain"); v.Set("code_challenge", plain) },
		"PLAIN":               set("code_challenge_method", "PLAIN"),
		"another case":        set("code_challenge_method", "s256"),
		"S512":                set("code_challenge_method", "S512"),
		"an empty challenge":  set("code_challenge", ""),
		"a short challenge":   set("code_challenge", "abc"),
		"a padded challenge":  set("code_challenge", strings.Repeat("a", 42)+"="),
		"neither of the two":  func(v url.Values) { v.Del("code_challenge"); v.Del("code_challenge_method") },
		"a challenge of plus": set("code_challenge", strings.Repeat("+", 43)),
	} {
		if got := b.authorize(s.asking("openid", change)).failed(t, s); got != "invalid_request" {
			t.Errorf("%s: %s", name, got)
		}
	}
}

// Nothing is ever sent to an address that the application did not register; what may be
// registered and matched is tried in package identity.
func TestRedirectsLeadNowhereElse(t *testing.T) {
	s := one(t)
	s.register(app())
	b := s.signedIn("physician")
	for _, uri := range []string{
		"", "https://evil.example/callback", appCallback + "/", appCallback + "?x=1", appCallback + "#x", appCallback + "/../evil",
		"https://app.example.evil.example/callback", "https://app.example@evil.example/callback", "https://evil.example\\@app.example/callback",
		"//app.example/callback", "http://app.example/callback", "HTTPS://app.example/callback", "https://APP.example/callback",
		"https://app.example:443/callback", "https://app.example/callback%00", "https://app.example/%63allback", "javascript:alert(1)",
		"data:text/html,x", " " + appCallback, appCallback + " ", "http://127.0.0.1:4711/callback",
	} {
		l := b.authorize(s.asking("openid", set("redirect_uri", uri)))
		if l.page != "error" || l.to != nil || l.status != http.StatusBadRequest {
			t.Errorf("%q: %d %q to %v", uri, l.status, l.page, l.to)
		}
	}
	for name, change := range map[string]func(url.Values){
		"no client": without("client_id"), "an unknown client": set("client_id", "nobody"), "no address": without("redirect_uri"),
		"two addresses": func(v url.Values) { v.Add("redirect_uri", "https://evil.example/") },
		"two clients":   func(v url.Values) { v.Add("client_id", "growth-chart") },
	} {
		if l := b.authorize(s.asking("openid", change)); l.page != "error" || l.to != nil {
			t.Errorf("%s: %q to %v", name, l.page, l.to)
		}
	}
}

// An application that talks to several servers tells by iss whose answer it got (RFC 9207); every
// answer is checked for it by the harness, here those with errors.
func TestEveryAnswerNamesTheIssuer(t *testing.T) {
	s := one(t)
	s.register(app())
	b := s.signedIn("physician")
	for name, c := range map[string]struct {
		change func(url.Values)
		want   string
	}{
		"token response":     {set("response_type", "token"), "unsupported_response_type"},
		"hybrid response":    {set("response_type", "code id_token"), "unsupported_response_type"},
		"no response type":   {without("response_type"), "invalid_request"},
		"fragment":           {set("response_mode", "fragment"), "invalid_request"},
		"form post":          {set("response_mode", "form_post"), "invalid_request"},
		"request object":     {set("request", "e30.e30."), "request_not_supported"},
		"request by address": {set("request_uri", "https://evil.example/r"), "request_uri_not_supported"},
		"no scope":           {without("scope"), "invalid_scope"},
		"unknown scopes":     {set("scope", "root god"), "invalid_scope"},
		"another server":     {set("aud", "https://other.example/fhir"), "invalid_request"},
		"another resource":   {set("resource", "https://other.example/fhir"), "invalid_target"},
		"negative age":       {set("max_age", "-1"), "invalid_request"},
		"launch by halves":   {set("launch", "x"), "invalid_request"},
		"the other half":     {set("scope", "launch"), "invalid_request"},
	} {
		if got := b.authorize(s.asking("openid", c.change)).failed(t, s); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
	for _, scope := range []string{"patient/*.rs", "user/Patient.r", "launch/patient", "openid fhirUser"} {
		if got := b.authorize(s.asking(scope, without("aud"))).failed(t, s); got != "invalid_request" {
			t.Errorf("%s without aud: %s", scope, got)
		}
	}
}

func TestConsentCannotBeForged(t *testing.T) {
	s := one(t)
	s.register(app())
	victim, attacker := s.signedIn("physician"), s.signedIn("nurse")
	a := s.asking("openid launch/patient patient/*.rs")
	picker := view[oauth.PickView](t, victim.authorize(a), "patient")
	mine := view[oauth.ConsentView](t, victim.pick(victim.authorize(a), "p-1"), "consent")
	theirs := view[oauth.ConsentView](t, attacker.pick(attacker.authorize(a), "p-1"), "consent")
	allow := func(sealed string) url.Values {
		return url.Values{"request": {sealed}, "decision": {"allow"}, "scope": {"openid", "launch/patient", "patient/*.rs"}}
	}
	header := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	for name, l := range map[string]landing{
		"a request sealed for the attacker":       victim.post(mine.Action, allow(theirs.Request)),
		"the victim's request elsewhere":          attacker.post(mine.Action, allow(mine.Request)),
		"without a session":                       s.browser().post(mine.Action, allow(mine.Request)),
		"a request of the picker":                 victim.post(mine.Action, allow(picker.Request)),
		"no request":                              victim.post(mine.Action, allow("")),
		"a made up request":                       victim.post(mine.Action, allow("1.AAAA")),
		"a request that was changed":              victim.post(mine.Action, allow(mine.Request[:len(mine.Request)-3]+"AAA")),
		"from another origin":                     victim.post(mine.Action, allow(mine.Request), header("Origin", "https://evil.example")),
		"from an opaque origin":                   victim.post(mine.Action, allow(mine.Request), header("Origin", "null")),
		"across sites":                            victim.post(mine.Action, allow(mine.Request), header("Sec-Fetch-Site", "cross-site")),
		"from a neighbour":                        victim.post(mine.Action, allow(mine.Request), header("Sec-Fetch-Site", "same-site")),
		"as JSON":                                 victim.post(mine.Action, allow(mine.Request), header("Content-Type", "application/json")),
		"by address":                              victim.get(mine.Action + "?" + allow(mine.Request).Encode()),
		"a consent's request given to the picker": victim.post(picker.Action, url.Values{"request": {mine.Request}, "patient": {"p-2"}}),
		"no patient":                              victim.post(picker.Action, url.Values{"request": {picker.Request}, "patient": {""}}),
		"a patient of another form":               victim.post(picker.Action, url.Values{"request": {picker.Request}, "patient": {"p-1/../p-2"}}),
		"a request resumed with the wrong seal":   victim.get("/oauth2/authorize?resume=" + url.QueryEscape(mine.Request)),
	} {
		if l.to != nil || l.page == "consent" || l.status < http.StatusBadRequest {
			t.Errorf("%s: %d %q to %v", name, l.status, l.page, l.to)
		}
	}
	if n := len(s.entries(tutela.ActionConsentGive)); n != 0 {
		t.Errorf("%d consents were given", n)
	}
	victim.signIn("physician") // another session of the same person
	if l := victim.post(mine.Action, allow(mine.Request)); l.status != http.StatusForbidden {
		t.Errorf("a form of an earlier session: %d", l.status)
	}
}

// The parties in front of a server may set headers; none of them says who is calling.
func TestIdentityHeadersAreNotBelieved(t *testing.T) {
	s := one(t)
	s.register(app())
	s.person("physician")
	smuggle := func(r *http.Request) {
		for _, name := range []string{"X-Forwarded-User", "X-Remote-User", "Remote-User", "X-User", "X-Auth-Request-User", "X-Forwarded-Email",
			"X-Tutela-User", "X-Client-Id", "X-Ssl-Client-S-Dn", "X-Forwarded-Client-Cert", "X-Original-Url", "X-Session", "Cf-Access-Authenticated-User-Email"} {
			r.Header.Set(name, "physician")
		}
		r.Header.Set("X-Forwarded-Host", "evil.example")
		r.Header.Set("Forwarded", "host=evil.example;for=127.0.0.1")
	}
	if status, _, _ := s.get("/oauth2/userinfo", smuggle); status != http.StatusUnauthorized {
		t.Errorf("userinfo: %d", status)
	}
	if status, body, _ := s.post("/oauth2/introspect", url.Values{"token": {"x"}}, smuggle); status != http.StatusUnauthorized {
		t.Errorf("introspect: %d %v", status, body)
	}
	b := s.browser()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.base+"/oauth2/authorize?"+s.asking("openid").Encode(), http.NoBody)
	must(t, err)
	smuggle(req)
	view[string](t, b.send(req), "login")
	if _, d, _ := s.get("/.well-known/openid-configuration", smuggle); d["issuer"] != s.base || d["token_endpoint"] != s.base+"/oauth2/token" {
		t.Errorf("the headers changed what is published: %v", d)
	}
}

func TestScopesDoNotEscalate(t *testing.T) {
	s := one(t)
	small := app()
	small.Scopes = []string{"openid", "launch/patient", "patient/Observation.rs", "user/Observation.rs"}
	s.register(small)
	admin, nurse := s.signedIn("admin"), s.signedIn("nurse")
	got := nurse.run(s.asking("openid launch/patient patient/*.cruds user/*.cruds user/Patient.r system/*.cruds offline_access fhirUser"))
	if got.Scope != "openid launch/patient patient/Observation.rs user/Observation.rs" {
		t.Errorf("granted %q", got.Scope)
	}
	if got.Refresh != "" {
		t.Error("a refresh token without its scope")
	}
	if got := admin.run(s.asking("openid user/Observation.rs patient/Observation.rs")); got.Scope != "openid" {
		t.Errorf("an account without scopes gave %q", got.Scope)
	}
	a := s.asking("openid user/Observation.rs")
	status, body := s.redeem(nurse.newCode(a), a, set("scope", "user/*.cruds"))
	if got := tokensOf(t, status, body); got.Scope != "openid user/Observation.rs" {
		t.Errorf("the token endpoint widened to %q", got.Scope)
	}
}

func TestEndpointsTakeOnlyWhatTheyShould(t *testing.T) {
	s := one(t)
	s.register(app())
	f := url.Values{"grant_type": {"authorization_code"}, "client_id": {"growth-chart"}, "code": {"x"}}
	twice := url.Values{"grant_type": {"authorization_code", "refresh_token"}, "client_id": {"growth-chart"}}
	if status, body, _ := s.post("/oauth2/token", twice); status != http.StatusBadRequest || body["error"] != "invalid_request" {
		t.Errorf("a parameter twice: %d %v", status, body)
	}
	if status, _, _ := s.get("/oauth2/token?" + f.Encode()); status != http.StatusMethodNotAllowed {
		t.Errorf("by address: %d", status)
	}
	status, body, h := s.post("/oauth2/token?"+f.Encode(), url.Values{})
	if status != http.StatusUnauthorized || body["error"] != "invalid_client" || !strings.HasPrefix(h.Get("WWW-Authenticate"), "Basic") {
		t.Errorf("parameters in the address: %d %v", status, body)
	}
	status, body, _ = s.post("/oauth2/token", f, func(r *http.Request) { r.Header.Set("Content-Type", "application/json") })
	if status != http.StatusBadRequest {
		t.Errorf("as JSON: %d %v", status, body)
	}
	if status, _, _ = s.post("/oauth2/token", url.Values{"x": {strings.Repeat("a", 70<<10)}}); status != http.StatusRequestEntityTooLarge {
		t.Errorf("a large body: %d", status)
	}
	for grant, want := range map[string]string{
		"password": "unsupported_grant_type", "implicit": "unsupported_grant_type", "": "unsupported_grant_type",
		"urn:ietf:params:oauth:grant-type:device_code": "unsupported_grant_type", "client_credentials": "unauthorized_client",
	} {
		status, body, h := s.post("/oauth2/token", url.Values{"grant_type": {grant}, "client_id": {"growth-chart"}, "username": {"physician"}, "password": {"x"}})
		if status != http.StatusBadRequest || body["error"] != want || h.Get("Cache-Control") != "no-store" {
			t.Errorf("grant %q: %d %v", grant, status, body)
		}
	}
}

// Whoever registers under the id of a client that was removed gets nothing of what that one had.
func TestNewClientInheritsNothing(t *testing.T) {
	each(t, func(t *testing.T, s *system) {
		s.register(app())
		b := s.signedIn("physician")
		l := s.person("physician")
		old := b.run(s.asking("openid offline_access user/*.rs"))
		must(t, s.identity.DeleteClient(t.Context(), s.admin(), app().ID))
		evil := app()
		evil.RedirectURIs = []string{"https://evil.example/cb"}
		s.register(evil)
		if s.works(old.Access) {
			t.Error("the old access token works")
		}
		if status, _ := s.use(old.Refresh); status != http.StatusBadRequest {
			t.Errorf("the old refresh token: %d", status)
		}
		if list, err := s.identity.Consents(t.Context(), l.ID); err != nil || len(list) != 0 {
			t.Errorf("the person agreed to %v, %v", list, err)
		}
		view[oauth.ConsentView](t, b.authorize(s.asking("openid user/*.rs", set("redirect_uri", "https://evil.example/cb"))), "consent")
		if got := b.authorize(s.asking("openid", set("redirect_uri", "https://evil.example/cb"), set("prompt", "none"))).failed(t, s); got != "consent_required" {
			t.Errorf("silently: %s", got)
		}
	})
}
