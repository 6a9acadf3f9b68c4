package federation

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/identity/identitytest"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/internal/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

const (
	base     = "https://clinic.test"
	clientID = "tutela-at-nowhere"
	peer     = "192.0.2.9"
)

// world is a system with one administrator, on a clock that tests move.
type world struct {
	*Service

	identity *identity.Service
	audit    *audit.Log
	by       tutela.Principal

	identitytest.Clock
}

// each runs f on both engines.
func each(t *testing.T, f func(t *testing.T, w *world)) {
	t.Helper()
	identitytest.Each(t, func(t *testing.T, url string) { f(t, newWorld(t, url)) })
}

func newWorld(t *testing.T, address string) *world {
	t.Helper()
	ctx := t.Context()
	w := &world{}
	g := identitytest.Lay(t, identitytest.Config{URL: address, Migrations: identity.Migrations(), Clock: w.Now})
	w.audit = g.Audit
	var err error
	w.identity, err = identity.Open(ctx, identity.Config{DB: g.DB, Ring: g.Ring, Audit: w.audit, Clock: w.Now})
	must(t, err)
	u, _, err := w.identity.CreateUser(ctx, tutela.Actor{ID: "t", Kind: tutela.ActorSystem}, identity.NewUser{Username: "root", Kind: tutela.ActorPerson, Roles: []string{"admin"}})
	must(t, err)
	w.by = w.identity.Principal(identity.Session{ID: "s", ACR: identity.ACRTwoFactors, Started: w.Now()}, u)
	w.Service = New(Config{Identity: w.identity, Clock: w.Now, Base: base, Loopback: true, Secrets: t.TempDir()})
	return w
}

// rival is a provider in the hands of a test: it says what the test has it say.
type rival struct {
	*httptest.Server

	key *ecdsa.PrivateKey

	mu        sync.Mutex
	published map[string]any              // guarded by mu; over what discovery says
	token     func() string               // guarded by mu; the next id_token
	asked     []*http.Request             // guarded by mu; of the token endpoint, their forms parsed
	handler   map[string]http.HandlerFunc // guarded by mu; in place of an endpoint
}

func newRival(t *testing.T) *rival {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	r := &rival{key: key, published: map[string]any{}, handler: map[string]http.HandlerFunc{}}
	r.Server = httptest.NewServer(http.HandlerFunc(r.serve))
	t.Cleanup(r.Close)
	return r
}

func (r *rival) serve(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if h := r.handler[req.URL.Path]; h != nil {
		h(w, req)
		return
	}
	var answer any
	switch req.URL.Path {
	case "/.well-known/openid-configuration":
		m := map[string]any{
			"issuer": r.URL, "authorization_endpoint": r.URL + "/auth", "token_endpoint": r.URL + "/token", "jwks_uri": r.URL + "/jwks",
			"id_token_signing_alg_values_supported": []string{"ES256", "HS256", "none"}, "authorization_response_iss_parameter_supported": true,
		}
		maps.Copy(m, r.published)
		answer = m
	case "/jwks":
		answer = jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: r.key.Public(), KeyID: "one", Algorithm: "ES256", Use: "sig"}}}
	case "/token":
		_ = req.ParseForm()
		r.asked = append(r.asked, req)
		answer = map[string]any{"access_token": "at", "token_type": "Bearer", "id_token": r.token()}
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer)
}

func (r *rival) requests() []*http.Request {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.asked
}

func (r *rival) replace(path string, h http.HandlerFunc) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.handler[path] = h
}

// at configures the rival as a provider.
func (w *world) at(t *testing.T, r *rival, change ...func(*identity.Provider)) identity.Provider {
	t.Helper()
	p := identity.Provider{Name: "Nowhere", Issuer: r.URL, ClientID: clientID, RolesClaim: "realm.roles", AMR: []string{"mfa"}}
	for _, f := range change {
		f(&p)
	}
	made, err := w.identity.AddProvider(t.Context(), w.by, p)
	must(t, err)
	return made
}

// journey is a login under way, as the browser and the provider see it.
type journey struct {
	Start

	query url.Values // of the request that the browser takes to the provider
}

func (w *world) begin(t *testing.T, p identity.Provider) journey {
	t.Helper()
	start, err := w.Begin(t.Context(), Ask{Provider: p.ID, Address: peer, Return: "/account"})
	must(t, err)
	u, err := url.Parse(start.URL)
	must(t, err)
	return journey{start, u.Query()}
}

// answer is what an honest provider sends back.
func (j journey) answer(r *rival) url.Values {
	return url.Values{"state": {j.query.Get("state")}, "code": {"code"}, "iss": {r.URL}}
}

// claims are those of an honest id_token.
func (j journey) claims(w *world, r *rival) map[string]any {
	now := w.Now().Unix()
	return map[string]any{
		"iss": r.URL, "sub": "anna", "aud": clientID, "nonce": j.query.Get("nonce"), "iat": now, "exp": now + 300, "auth_time": now,
		"amr": []string{"mfa"}, "email": "anna@nowhere.test", "email_verified": true, "realm": map[string]any{"roles": []string{"nurses"}},
	}
}

// says has the rival answer with an id_token.
func (r *rival) says(token func() string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.token = token
}

// signed makes a JWT with a key.
func signed(t *testing.T, alg jose.SignatureAlgorithm, key any, claims map[string]any) string {
	t.Helper()
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: jose.JSONWebKey{Key: key, KeyID: "one"}}, nil)
	must(t, err)
	body, err := json.Marshal(claims)
	must(t, err)
	o, err := s.Sign(body)
	must(t, err)
	text, err := o.CompactSerialize()
	must(t, err)
	return text
}

// unsigned makes a JWT that claims to need no signature.
func unsigned(t *testing.T, claims map[string]any) string {
	t.Helper()
	body, err := json.Marshal(claims)
	must(t, err)
	e := base64.RawURLEncoding
	return e.EncodeToString([]byte(`{"alg":"none"}`)) + "." + e.EncodeToString(body) + "."
}

// finish delivers an answer to this browser at a provider's address.
func (w *world) finish(t *testing.T, p identity.Provider, j journey, answer url.Values) (identity.Outside, error) {
	t.Helper()
	o, _, err := w.Finish(t.Context(), p.ID, j.Cookie, answer, peer)
	return o, err
}

// refusals counts the entries of refused logins.
func (w *world) refusals(t *testing.T) int {
	t.Helper()
	n := 0
	must(t, w.audit.Search(t.Context(), audit.Query{Action: tutela.ActionAuthenticate}, func(o audit.Opened) error {
		if o.Entry.Outcome == tutela.OutcomeDenied && o.Entry.Subject.Kind == "provider" {
			n++
		}
		return nil
	}))
	return n
}

func must(t *testing.T, list ...error) {
	t.Helper()
	for _, err := range list {
		if err != nil {
			t.Fatal(err)
		}
	}
}

func refused(t *testing.T, what string, err error, kind errs.Kind) {
	t.Helper()
	if !errs.Is(err, kind) {
		t.Errorf("%s: got %v, want an error of kind %d", what, err, kind)
	}
	var e *errs.Error
	if errors.As(err, &e) && strings.Contains(e.Public, "anna") {
		t.Errorf("%s: the answer names the person", what)
	}
}
