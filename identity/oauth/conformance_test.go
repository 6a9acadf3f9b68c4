package oauth_test

import (
	"crypto/rsa"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"
)

// What OpenID Connect and SMART App Launch assert and no other test holds; docs/conformance.md
// lists all of it.

func TestTokenAnswersAreKeptByNobody(t *testing.T) {
	s := one(t)
	s.register(app())
	a := s.asking("openid offline_access launch/patient patient/*.rs")
	b := s.signedIn("physician")
	l := b.allow(b.pick(b.authorize(a), "p-1"))
	form := url.Values{"grant_type": {"authorization_code"}, "code": {l.code(t, s)}, "redirect_uri": {appCallback}, "client_id": {"growth-chart"}, "code_verifier": {a.verifier}}
	for _, answer := range []string{"a code's", "a refresh token's", "an error's"} {
		_, body, h := s.post("/oauth2/token", form)
		if h.Get("Cache-Control") != "no-store" || h.Get("Pragma") != "no-cache" || h.Get("Content-Type") != "application/json" {
			t.Errorf("%s answer has %v", answer, h)
		}
		form = url.Values{"grant_type": {"refresh_token"}, "client_id": {"growth-chart"}, "refresh_token": {textIn(body, "refresh_token")}}
		if answer == "a refresh token's" {
			form.Set("refresh_token", "tur_nothing")
		}
	}
}

// claimsOf verifies an id_token by what is published and gives its header and claims.
func (s *system) claimsOf(text string) (header jose.Header, claims map[string]any) {
	s.t.Helper()
	jws, err := jose.ParseSignedCompact(text, []jose.SignatureAlgorithm{jose.RS256})
	must(s.t, err)
	payload, err := jws.Verify(s.published(s.t))
	must(s.t, err)
	must(s.t, json.Unmarshal(payload, &claims))
	return jws.Signatures[0].Protected, claims
}

func TestIDTokenNamesItsKey(t *testing.T) {
	s := one(t)
	s.register(app())
	header, _ := s.claimsOf(s.signedIn("physician").run(s.asking("openid")).ID)
	set := s.published(t)
	keys := set.Key(header.KeyID)
	if header.Algorithm != "RS256" || len(keys) != 1 || keys[0].Use != "sig" || keys[0].Algorithm != header.Algorithm {
		t.Errorf("header %+v, published %+v", header, keys)
	}
}

// An id_token of a refresh is of the same login: issuer, subject, audience and time of
// authentication stay, the nonce is not repeated (OpenID Connect Core, 12.2).
func TestRefreshedIDTokenIsOfTheSameLogin(t *testing.T) {
	s := one(t)
	s.register(app())
	first := s.signedIn("physician").run(s.asking("openid offline_access fhirUser"))
	_, before := s.claimsOf(first.ID)
	s.Advance(10 * time.Minute)
	status, body := s.use(first.Refresh)
	_, after := s.claimsOf(tokensOf(t, status, body).ID)
	if before["nonce"] != "n-1" || after["nonce"] != nil || after["iat"] == before["iat"] {
		t.Errorf("nonce %v then %v, iat %v then %v", before["nonce"], after["nonce"], before["iat"], after["iat"])
	}
	for _, changing := range []string{"nonce", "iat", "exp", "at_hash"} {
		delete(before, changing)
		delete(after, changing)
	}
	if diff := cmp.Diff(before, after); diff != "" {
		t.Error(diff)
	}
}

func TestUserinfoByEitherMethod(t *testing.T) {
	s := one(t)
	s.register(app())
	b := s.signedIn("physician")
	got := b.run(s.asking("openid profile"))
	_, byGet, _ := s.get("/oauth2/userinfo", bearer(got.Access))
	status, byPost, h := s.post("/oauth2/userinfo", nil, bearer(got.Access))
	if diff := cmp.Diff(byGet, byPost); status != http.StatusOK || diff != "" || byGet["preferred_username"] != "physician" || h.Get("Cache-Control") != "no-store" {
		t.Errorf("%d %v %s", status, h, diff)
	}
	_, claims := s.claimsOf(got.ID)
	if byGet["sub"] != claims["sub"] {
		t.Errorf("subject %v, in the id_token %v", byGet["sub"], claims["sub"])
	}
	for name, c := range map[string]struct {
		form   url.Values
		change func(*http.Request)
		want   int
	}{
		"a token in the body":         {url.Values{"access_token": {got.Access}}, func(*http.Request) {}, http.StatusUnauthorized},
		"no token":                    {nil, func(*http.Request) {}, http.StatusUnauthorized},
		"a token of no such scope":    {nil, bearer(b.run(s.asking("user/*.rs")).Access), http.StatusForbidden},
		"a refresh token as a bearer": {nil, bearer(b.run(s.asking("openid offline_access")).Refresh), http.StatusUnauthorized},
	} {
		status, _, h := s.post("/oauth2/userinfo", c.form, c.change)
		if status != c.want || !strings.HasPrefix(h.Get("WWW-Authenticate"), "Bearer") {
			t.Errorf("%s: %d, %q", name, status, h.Get("WWW-Authenticate"))
		}
	}
}

// A request may carry more than the server heeds (OpenID Connect Core, 3.1.2.1 and 15.1).
func TestUnheededParametersAreNoErrors(t *testing.T) {
	s := one(t)
	s.register(app())
	b := s.signedIn("physician")
	b.allow(b.authorize(s.asking("openid profile"))).code(t, s)
	for name, change := range map[string]func(url.Values){
		"display page":              set("display", "page"),
		"display popup":             set("display", "popup"),
		"languages":                 func(v url.Values) { v.Set("ui_locales", "se de"); v.Set("claims_locales", "se") },
		"acr_values":                set("acr_values", "1 2 aal2"),
		"login_hint":                set("login_hint", "bob@example.com"),
		"claims":                    set("claims", `{"userinfo":{"name":{"essential":true}}}`),
		"an unknown one":            set("extra", "foobar"),
		"another order":             set("scope", "profile openid"),
		"scopes not offered":        set("scope", "openid email address phone"),
		"no nonce":                  without("nonce"),
		"no state":                  without("state"),
		"the mode by name":          set("response_mode", "query"),
		"the audience with a slash": set("aud", s.base+"/fhir/r4/"),
	} {
		a := s.asking("openid", change)
		status, body := s.redeem(b.authorize(a).code(t, s), a)
		_, claims := s.claimsOf(tokensOf(t, status, body).ID)
		if nonce := a.Get("nonce"); nonce == "" && claims["nonce"] != nil || nonce != "" && claims["nonce"] != nonce {
			t.Errorf("%s: nonce %v, want %q", name, claims["nonce"], nonce)
		}
	}
}

// A second login is a later one, and says so (OpenID Connect Core, 3.1.2.1: prompt, max_age).
func TestAuthTimeIsThatOfTheLogin(t *testing.T) {
	s := one(t)
	s.register(app())
	b := s.signedIn("physician")
	_, first := s.claimsOf(b.run(s.asking("openid")).ID)
	s.Advance(2 * time.Minute)
	_, same := s.claimsOf(b.run(s.asking("openid", set("max_age", "10000"))).ID)
	a := s.asking("openid", set("max_age", "1"))
	returnTo := view[string](t, b.authorize(a), "login")
	b.signIn("physician")
	status, body := s.redeem(b.get(returnTo).code(t, s), a)
	_, later := s.claimsOf(tokensOf(t, status, body).ID)
	at := func(claims map[string]any) float64 { n, _ := claims["auth_time"].(float64); return n }
	if at(first) == 0 || at(same) != at(first) || at(later) <= at(first) || at(later) > float64(s.Now().Unix()) {
		t.Errorf("auth_time %v, %v, %v", first["auth_time"], same["auth_time"], later["auth_time"])
	}
}

// A resource server learns of the launch what the application did (SMART App Launch 2.2, "Token
// Introspection").
func TestIntrospectionRepeatsTheLaunchContext(t *testing.T) {
	s := one(t)
	s.register(app())
	s.register(ehr())
	k := es384(t, "k")
	s.register(service(t, k))
	b := s.signedIn("physician")
	_, launched := b.launch(t, `{"client_id": "growth-chart", "patient": "p-7", "encounter": "e-7", "need_patient_banner": true}`)
	got := b.run(s.asking("openid fhirUser launch offline_access patient/*.rs", set("launch", textIn(launched, "launch"))))
	for name, token := range map[string]string{"access": got.Access, "refresh": got.Refresh} {
		status, body, _ := s.post("/oauth2/introspect", url.Values{"token": {token}, "client_assertion": {s.assertion("lab-feed", k)},
			"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}})
		for claim, want := range map[string]any{"active": true, "scope": got.Scope, "client_id": "growth-chart", "patient": "p-7", "encounter": "e-7",
			"need_patient_banner": true, "iss": s.base, "sub": string(s.person("physician").ID), "fhirUser": s.base + "/fhir/r4/Practitioner/dr-physician"} {
			if status != http.StatusOK || body[claim] != want {
				t.Errorf("%s token: %d, %s is %v, want %v", name, status, claim, body[claim], want)
			}
		}
		if body["exp"] == nil {
			t.Errorf("%s token: no exp", name)
		}
	}
}

// What is published is JSON whatever is asked for (SMART App Launch 2.2, "Conformance").
func TestConfigurationIsJSONWhateverIsAccepted(t *testing.T) {
	s := one(t)
	for _, accept := range []string{"", "application/fhir+xml", "text/html", "*/*"} {
		status, body, h := s.get("/fhir/r4/.well-known/smart-configuration", func(r *http.Request) { r.Header.Set("Accept", accept) })
		if status != http.StatusOK || h.Get("Content-Type") != "application/json" || body["issuer"] != s.base {
			t.Errorf("%q: %d %v", accept, status, h)
		}
	}
}

// RS256 is what every relying party understands (OpenID Connect Discovery, 3).
func TestIDTokensAreSignedAsEveryoneUnderstands(t *testing.T) {
	s := one(t)
	_, doc, _ := s.get("/.well-known/openid-configuration")
	if algorithms := stringsOf(doc["id_token_signing_alg_values_supported"]); !slices.Equal(algorithms, []string{"RS256"}) {
		t.Errorf("id_tokens are signed by %v", algorithms)
	}
	key, ok := s.published(t).Keys[0].Key.(*rsa.PublicKey)
	if !ok || key.N.BitLen() < 2048 {
		t.Errorf("published: %+v", s.published(t).Keys[0].Key)
	}
}
