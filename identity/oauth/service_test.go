package oauth_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/internal/errs"
)

// signer is a key of a service.
type signer struct {
	kid string
	alg jose.SignatureAlgorithm
	key crypto.Signer
}

func es384(t testing.TB, kid string) signer {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	must(t, err)
	return signer{kid, jose.ES384, k}
}

func rs384(t testing.TB, kid string) signer {
	t.Helper()
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	return signer{kid, jose.RS384, k}
}

func (k signer) public() jose.JSONWebKey {
	return jose.JSONWebKey{Key: k.key.Public(), KeyID: k.kid, Algorithm: string(k.alg), Use: "sig"}
}

// setOf writes public keys as a client publishes them.
func setOf(t testing.TB, keys ...signer) json.RawMessage {
	t.Helper()
	var set jose.JSONWebKeySet
	for _, k := range keys {
		set.Keys = append(set.Keys, k.public())
	}
	text, err := json.Marshal(set)
	must(t, err)
	return text
}

// assertion is a JWT in the making; header and claims may be anything.
type assertion struct {
	header map[string]any
	claims map[string]any
	key    any
	alg    jose.SignatureAlgorithm
}

// assertion is a good one of a service; a test changes what it tries.
func (s *system) assertion(id string, k signer, change ...func(*assertion)) string {
	s.t.Helper()
	a := &assertion{
		header: map[string]any{"typ": "JWT", "kid": k.kid},
		claims: map[string]any{"iss": id, "sub": id, "aud": s.base + "/oauth2/token", "exp": s.Now().Add(4 * time.Minute).Unix(), "jti": rand.Text()},
		key:    k.key, alg: k.alg,
	}
	for _, c := range change {
		c(a)
	}
	options := &jose.SignerOptions{}
	for name, value := range a.header {
		options.WithHeader(jose.HeaderKey(name), value)
	}
	made, err := jose.NewSigner(jose.SigningKey{Algorithm: a.alg, Key: a.key}, options)
	must(s.t, err)
	payload, err := json.Marshal(a.claims)
	must(s.t, err)
	jws, err := made.Sign(payload)
	must(s.t, err)
	text, err := jws.CompactSerialize()
	must(s.t, err)
	return text
}

func claim(name string, value any) func(*assertion) {
	return func(a *assertion) { a.claims[name] = value }
}

func header(name string, value any) func(*assertion) {
	return func(a *assertion) { a.header[name] = value }
}

// service is a backend service with keys by value.
func service(t testing.TB, keys ...signer) identity.Client {
	t.Helper()
	return identity.Client{
		ID: "lab-feed", Name: "Laboratory feed", JWKS: setOf(t, keys...), GrantTypes: []string{identity.GrantCredentials},
		Scopes: []string{"system/Observation.cruds", "system/Patient.rs"},
	}
}

func (s *system) serviceToken(assertion, scope string) (int, map[string]any) {
	s.t.Helper()
	status, body, _ := s.post("/oauth2/token", url.Values{
		"grant_type": {"client_credentials"}, "scope": {scope}, "client_assertion": {assertion},
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
	})
	return status, body
}

// A directory gets the scope scim, and nothing beside it; no other service does.
func TestDirectoryGetsItsScope(t *testing.T) {
	each(t, func(t *testing.T, s *system) {
		k := es384(t, "k")
		lab := service(t, k)
		s.register(lab)
		status, body := s.serviceToken(s.assertion("lab-feed", k), "scim system/Patient.rs")
		if got := tokensOf(t, status, body); got.Scope != "system/Patient.rs" {
			t.Errorf("a laboratory got %q", got.Scope)
		}
		lab.ID, lab.Scopes = "directory", []string{identity.ScopeSCIM}
		s.register(lab)
		status, body = s.serviceToken(s.assertion("directory", k), "system/Patient.rs scim openid")
		got := tokensOf(t, status, body)
		p, err := s.identity.Authenticate(t.Context(), "Bearer "+got.Access)
		must(t, err)
		if got.Scope != identity.ScopeSCIM || len(p.Roles) != 1 || p.Roles[0] != "provisioner" {
			t.Errorf("a directory got %q as %v", got.Scope, p.Roles)
		}
		for _, scope := range []string{"system/Patient.rs", "scim/", "SCIM", ""} {
			if status, body := s.serviceToken(s.assertion("directory", k), scope); status != http.StatusBadRequest || body["error"] != "invalid_scope" {
				t.Errorf("%q: %d %v", scope, status, body)
			}
		}
	})
}

func TestBackendService(t *testing.T) {
	each(t, func(t *testing.T, s *system) {
		ec, rs := es384(t, "ec"), rs384(t, "rsa")
		client, secret := s.register(service(t, ec, rs))
		if secret != "" || client.Account == "" {
			t.Errorf("registered as %+v with a secret: %v", client, secret != "")
		}
		for _, k := range []signer{ec, rs} {
			status, body := s.serviceToken(s.assertion("lab-feed", k), "system/Observation.rs system/Patient.cruds system/Claim.rs user/Patient.rs openid")
			got := tokensOf(t, status, body)
			if got.Scope != "system/Observation.rs system/Patient.rs" || body["expires_in"] != 300.0 || got.Refresh != "" || got.ID != "" {
				t.Errorf("%s: %v", k.kid, body)
			}
			p, err := s.identity.Authenticate(t.Context(), "Bearer "+got.Access)
			must(t, err)
			if p.Kind != tutela.ActorService || p.Username != "lab-feed" || p.Client != "lab-feed" || p.Session != "" {
				t.Errorf("the token is of %+v", p)
			}
			s.Advance(5*time.Minute + time.Second)
			if s.works(got.Access) {
				t.Error("a service's token lives longer than five minutes")
			}
		}
		status, body := s.serviceToken(s.assertion("lab-feed", ec), "system/Claim.rs")
		if status != http.StatusBadRequest || body["error"] != "invalid_scope" {
			t.Errorf("scopes of nobody: %d %v", status, body)
		}
		live := tokensOf(t, 200, second(s.serviceToken(s.assertion("lab-feed", ec), "system/Observation.rs")))
		must(t, s.identity.DeleteClient(t.Context(), s.admin(), "lab-feed"))
		if s.works(live.Access) {
			t.Error("the token outlives its client")
		}
		if status, _ := s.serviceToken(s.assertion("lab-feed", ec), "system/Observation.rs"); status != http.StatusUnauthorized {
			t.Errorf("a removed client: %d", status)
		}
	})
}

func second(_ int, body map[string]any) map[string]any { return body }

func TestAssertionsThatProveNothing(t *testing.T) {
	s := one(t)
	good, other, evil := es384(t, "good"), es384(t, "other"), es384(t, "good")
	s.register(service(t, good))
	neighbour := service(t, other)
	neighbour.ID = "neighbour"
	s.register(neighbour)
	now := s.Now()
	in := func(d time.Duration) int64 { return now.Add(d).Unix() }
	publicText, err := json.Marshal(good.public())
	must(t, err)
	evilKey := evil.public()
	p256, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	weak := rs384(t, "good")
	for name, text := range map[string]string{
		"another key under the same name": s.assertion("lab-feed", evil),
		"a neighbour's key":               s.assertion("lab-feed", other),
		"a neighbour's name, own key":     s.assertion("neighbour", good),
		"an unknown client":               s.assertion("nobody", good),
		"an unknown kid":                  s.assertion("lab-feed", good, header("kid", "bad")),
		"no kid":                          s.assertion("lab-feed", good, func(a *assertion) { delete(a.header, "kid") }),
		"HMAC under the public key":       s.assertion("lab-feed", good, func(a *assertion) { a.alg, a.key = jose.HS256, publicText }),
		"HMAC-384 under the public key":   s.assertion("lab-feed", good, func(a *assertion) { a.alg, a.key = jose.HS384, publicText }),
		"ES256":                           s.assertion("lab-feed", good, func(a *assertion) { a.alg, a.key = jose.ES256, p256 }),
		"RS384 for an EC key":             s.assertion("lab-feed", good, func(a *assertion) { a.alg, a.key = weak.alg, weak.key }),
		"RS256":                           s.assertion("lab-feed", good, func(a *assertion) { a.alg, a.key = jose.RS256, weak.key }),
		"no algorithm":                    unsigned(t, s, "none"),
		"no algorithm in another case":    unsigned(t, s, "None"),
		"a signature that was changed":    tampered(s.assertion("lab-feed", good)),
		"claims that were changed":        swapped(s.assertion("lab-feed", good), s.assertion("neighbour", other)),
		"an embedded key":                 s.assertion("lab-feed", evil, header("jwk", evilKey)),
		"jku elsewhere":                   s.assertion("lab-feed", good, header("jku", "https://evil.example/jwks")),
		"x5u":                             s.assertion("lab-feed", good, header("x5u", "https://evil.example/cert")),
		"an unknown header":               s.assertion("lab-feed", good, header("b65", false)),
		"another type":                    s.assertion("lab-feed", good, header("typ", "logout+jwt")),
		"another audience":                s.assertion("lab-feed", good, claim("aud", "https://other.example/oauth2/token")),
		"another endpoint as audience":    s.assertion("lab-feed", good, claim("aud", s.base+"/oauth2/introspect")),
		"the issuer with a slash":         s.assertion("lab-feed", good, claim("aud", s.base+"/")),
		"the audience with a slash":       s.assertion("lab-feed", good, claim("aud", s.base+"/oauth2/token/")),
		"no audience":                     s.assertion("lab-feed", good, claim("aud", nil)),
		"an audience that is a number":    s.assertion("lab-feed", good, claim("aud", 7)),
		"another subject":                 s.assertion("lab-feed", good, claim("sub", "neighbour")),
		"no subject":                      s.assertion("lab-feed", good, claim("sub", nil)),
		"no end":                          s.assertion("lab-feed", good, claim("exp", nil)),
		"an end as text":                  s.assertion("lab-feed", good, claim("exp", "tomorrow")),
		"an end that was":                 s.assertion("lab-feed", good, claim("exp", in(-time.Second))),
		"an end now":                      s.assertion("lab-feed", good, claim("exp", in(0))),
		"an end too far":                  s.assertion("lab-feed", good, claim("exp", in(5*time.Minute+time.Second))),
		"an end beyond all times":         s.assertion("lab-feed", good, claim("exp", 1e300)),
		"issued in the future":            s.assertion("lab-feed", good, claim("iat", in(time.Minute))),
		"not yet valid":                   s.assertion("lab-feed", good, claim("nbf", in(time.Minute))),
		"no jti":                          s.assertion("lab-feed", good, claim("jti", nil)),
		"an empty jti":                    s.assertion("lab-feed", good, claim("jti", "")),
		"a long jti":                      s.assertion("lab-feed", good, claim("jti", strings.Repeat("x", 256))),
		"a large one":                     s.assertion("lab-feed", good, claim("x", strings.Repeat("x", 16<<10))),
		"not a JWT":                       "nonsense",
		"an empty one":                    "",
		"an access token of someone":      "tut_AAAA",
	} {
		if status, body := s.serviceToken(text, "system/Observation.rs"); status != http.StatusUnauthorized || body["error"] != "invalid_client" {
			t.Errorf("%s: %d %v", name, status, body)
		}
	}
	for name, text := range map[string]string{
		"a list of audiences": s.assertion("lab-feed", good, claim("aud", []string{"https://x.example", s.base + "/oauth2/token"})),
		"the issuer":          s.assertion("lab-feed", good, claim("aud", s.base)),
		"the longest life":    s.assertion("lab-feed", good, claim("exp", in(5*time.Minute)), claim("iat", in(0)), claim("nbf", in(0))),
		"no type":             s.assertion("lab-feed", good, func(a *assertion) { delete(a.header, "typ") }),
	} {
		if status, body := s.serviceToken(text, "system/Observation.rs"); status != http.StatusOK {
			t.Errorf("%s: %d %v", name, status, body)
		}
	}
}

// unsigned is what a JWT library that is fooled would take.
func unsigned(t testing.TB, s *system, alg string) string {
	t.Helper()
	_, payload, _ := strings.Cut(s.assertion("lab-feed", es384(t, "good")), ".")
	payload, _, _ = strings.Cut(payload, ".")
	return base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"`+alg+`","typ":"JWT","kid":"good"}`)) + "." + payload + "."
}

func tampered(text string) string {
	last := text[len(text)-10]
	other := byte('A')
	if last == other {
		other = 'B'
	}
	return text[:len(text)-10] + string(other) + text[len(text)-9:]
}

// swapped has the first's header and signature with the second's claims.
func swapped(first, second string) string {
	a, b := strings.Split(first, "."), strings.Split(second, ".")
	return a[0] + "." + b[1] + "." + a[2]
}

func TestAssertionCountsOnce(t *testing.T) {
	each(t, func(t *testing.T, s *system) {
		k := es384(t, "k")
		s.register(service(t, k))
		text := s.assertion("lab-feed", k)
		got := together(8, func() tokens {
			status, body := s.serviceToken(text, "system/Observation.rs")
			if status != http.StatusOK {
				return tokens{}
			}
			return tokensOf(t, status, body)
		})
		if len(got) != 1 {
			t.Errorf("%d of 8 got a token by one assertion", len(got))
		}
		status, body, _ := s.post("/oauth2/introspect", url.Values{"token": {"x"}, "client_assertion": {text},
			"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}})
		if status != http.StatusUnauthorized {
			t.Errorf("replayed at another endpoint: %d %v", status, body)
		}
	})
}

func TestClientsProveThemselvesInOneWay(t *testing.T) {
	s := one(t)
	s.register(app())
	k := es384(t, "k")
	s.register(service(t, k))
	web := app()
	web.ID, web.Public = "web", false
	_, secret := s.register(web)
	f := func(values ...string) url.Values {
		v := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {"x"}}
		for i := 0; i < len(values); i += 2 {
			v.Set(values[i], values[i+1])
		}
		return v
	}
	const jwt = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
	for name, c := range map[string]struct {
		form   url.Values
		change []func(*http.Request)
		want   string
	}{
		"by header":                       {f(), []func(*http.Request){basic("web", secret)}, "invalid_grant"},
		"by form":                         {f("client_id", "web", "client_secret", secret), nil, "invalid_grant"},
		"a public one by name":            {f("client_id", "growth-chart"), nil, "invalid_grant"},
		"the wrong secret":                {f(), []func(*http.Request){basic("web", secret+"x")}, "invalid_client"},
		"an empty secret":                 {f(), []func(*http.Request){basic("web", "")}, "invalid_client"},
		"no secret":                       {f("client_id", "web"), nil, "invalid_client"},
		"an empty secret by form":         {f("client_id", "web", "client_secret", ""), nil, "invalid_client"},
		"a public one with a secret":      {f("client_id", "growth-chart", "client_secret", "x"), nil, "invalid_client"},
		"a service by name":               {f("client_id", "lab-feed"), nil, "invalid_client"},
		"a service with an empty secret":  {f("client_id", "lab-feed", "client_secret", ""), nil, "invalid_client"},
		"a web application by assertion":  {f("client_assertion", s.assertion("web", k), "client_assertion_type", jwt), nil, "invalid_client"},
		"a public one by assertion":       {f("client_assertion", s.assertion("growth-chart", k), "client_assertion_type", jwt), nil, "invalid_client"},
		"an unknown one":                  {f("client_id", "nobody"), nil, "invalid_client"},
		"nobody":                          {f(), nil, "invalid_client"},
		"a bearer token":                  {f(), []func(*http.Request){bearer("tut_x")}, "invalid_client"},
		"header and form":                 {f("client_id", "web", "client_secret", secret), []func(*http.Request){basic("web", secret)}, "invalid_request"},
		"header and another's name":       {f("client_id", "growth-chart"), []func(*http.Request){basic("web", secret)}, "invalid_request"},
		"assertion and secret":            {f("client_id", "web", "client_secret", secret, "client_assertion", "x"), nil, "invalid_request"},
		"assertion of another type":       {f("client_assertion", s.assertion("lab-feed", k), "client_assertion_type", "saml"), nil, "invalid_request"},
		"assertion and another's name":    {f("client_assertion", s.assertion("lab-feed", k), "client_assertion_type", jwt, "client_id", "web"), nil, "invalid_client"},
		"a service with a grant not its":  {f("client_assertion", s.assertion("lab-feed", k), "client_assertion_type", jwt), nil, "unauthorized_client"},
		"a header that cannot be decoded": {f(), []func(*http.Request){func(r *http.Request) { r.SetBasicAuth("%zz", "x") }}, "invalid_client"},
	} {
		if _, body, _ := s.post("/oauth2/token", c.form, c.change...); body["error"] != c.want {
			t.Errorf("%s: %v, want %s", name, body, c.want)
		}
	}
}

func TestIntrospection(t *testing.T) {
	each(t, func(t *testing.T, s *system) {
		s.register(app())
		k := es384(t, "k")
		s.register(service(t, k))
		web := app()
		web.ID, web.Public = "web", false
		_, secret := s.register(web)
		b := s.signedIn("physician")
		got := b.run(s.asking("openid fhirUser launch/patient offline_access patient/*.rs"))
		look := func(token string, change func(*http.Request), more url.Values) (int, map[string]any) {
			f := url.Values{"token": {token}}
			maps.Copy(f, more)
			status, body, _ := s.post("/oauth2/introspect", f, change)
			return status, body
		}
		resourceServer := func(token string) (int, map[string]any) {
			return look(token, func(*http.Request) {}, url.Values{"client_assertion": {s.assertion("lab-feed", k)},
				"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}})
		}
		status, body := resourceServer(got.Access)
		for name, want := range map[string]any{"active": true, "client_id": "growth-chart", "username": "physician", "patient": "p-1", "iss": s.base,
			"scope": got.Scope, "fhirUser": s.base + "/fhir/r4/Practitioner/dr-physician", "exp": float64(s.Now().Add(time.Hour).Unix())} {
			if status != http.StatusOK || body[name] != want {
				t.Errorf("%d: %s is %v, want %v", status, name, body[name], want)
			}
		}
		if _, body := resourceServer(got.Refresh); body["active"] != true {
			t.Errorf("a refresh token: %v", body)
		}
		for name, token := range map[string]string{"nonsense": "x", "none": "", "another": got.Access + "x", "half": got.Refresh + "x"} {
			if status, body := resourceServer(token); status != http.StatusOK || body["active"] != false || len(body) != 1 {
				t.Errorf("%s: %d %v", name, status, body)
			}
		}
		if !s.works(got.Access) {
			t.Error("asking about an old refresh token ended the family")
		}
		if status, body := look(got.Access, basic("web", secret), nil); status != http.StatusOK || body["active"] != false || len(body) != 1 {
			t.Errorf("another client learns %d %v", status, body)
		}
		if status, _ := look(got.Access, func(*http.Request) {}, url.Values{"client_id": {"growth-chart"}}); status != http.StatusUnauthorized {
			t.Errorf("a public client: %d", status)
		}
		if status, _ := look(got.Access, bearer(got.Access), nil); status != http.StatusUnauthorized {
			t.Errorf("a token asks about itself: %d", status)
		}
		must(t, s.identity.Disable(t.Context(), s.admin(), s.person("physician").ID))
		for _, token := range []string{got.Access, got.Refresh} {
			if _, body := resourceServer(token); body["active"] != false {
				t.Errorf("a disabled account's: %v", body)
			}
		}
	})
}

func TestOnlyAdministratorsRegister(t *testing.T) {
	s := one(t)
	nurse := s.person("nurse")
	p := tutela.Principal{Tenant: tenant, ID: nurse.ID, Kind: nurse.Kind, Roles: nurse.Roles, Assurance: identity.ACRTwoFactors}
	posing := p
	posing.Roles = []string{"admin"}
	weak := s.admin()
	weak.Assurance = "aal1"
	for name, by := range map[string]tutela.Principal{"a nurse": p, "a nurse who says admin": posing, "one factor": weak, "nobody": {}} {
		if _, _, err := s.identity.RegisterClient(t.Context(), by, app()); !errs.Is(err, errs.Denied) {
			t.Errorf("%s registered: %v", name, err)
		}
		if err := s.identity.RotateSigningKey(t.Context(), by); !errs.Is(err, errs.Denied) {
			t.Errorf("%s rotated: %v", name, err)
		}
	}
	if _, err := s.identity.Client(t.Context(), app().ID); !errs.Is(err, errs.NotFound) {
		t.Errorf("the client is there: %v", err)
	}
}

// privateSet is the mistake of a client that publishes what it should keep.
func privateSet(t testing.TB, k signer) []byte {
	t.Helper()
	text, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: k.key, KeyID: k.kid}}})
	must(t, err)
	return text
}

// weakSet holds a P-256 key, which no algorithm of SMART uses, under the name of a good one.
const weakSet = `{"keys":[{"kty":"EC","crv":"P-256","kid":"k","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}]}`

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func decode(t testing.TB, text string) []byte {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(text)
	must(t, err)
	return b
}
