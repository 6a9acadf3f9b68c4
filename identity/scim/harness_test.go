package scim_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"go.uber.org/goleak"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/identity/identitytest"
	"github.com/tutela-health/tutela/identity/scim"
	"github.com/tutela-health/tutela/internal/clock"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/internal/httpx"
	"github.com/tutela-health/tutela/internal/testkit"
)

func TestMain(m *testing.M) {
	testkit.Main(m, func() error { return goleak.Find() })
}

const (
	tenant = tutela.Tenant("clinic")
	base   = "https://clinic.test"
)

// node is one process: identity, and SCIM over it. token is the directory's.
type node struct {
	t        testing.TB
	ground   *identitytest.Ground
	identity *identity.Service
	handler  http.Handler
	token    string
}

// each runs f with a directory that maps nurses and physicians, on both engines.
func each(t *testing.T, f func(t *testing.T, n *node)) {
	t.Helper()
	identitytest.Each(t, func(t *testing.T, url string) { t.Parallel(); f(t, open(t, url)) })
}

// one runs on SQLite alone: for what the store has no part in.
func one(t *testing.T) *node {
	t.Helper()
	t.Parallel()
	return open(t, identitytest.SQLite(t))
}

func open(t testing.TB, url string) *node {
	t.Helper()
	n := &node{t: t, ground: identitytest.Lay(t, identitytest.Config{URL: url, Migrations: identity.Migrations(), Clock: clock.System, Tenant: tenant})}
	n.wire(nil)
	n.token = n.register("directory", mapped()...)
	return n
}

// wire opens identity on a node's ground, and SCIM over it.
func (n *node) wire(fresh func() bool) {
	n.t.Helper()
	var err error
	n.identity, err = identity.Open(n.t.Context(), identity.Config{
		DB: n.ground.DB, Ring: n.ground.Ring, Audit: n.ground.Audit, Clock: clock.System, Fresh: fresh,
		Roles:      []string{"admin", "nurse", "physician", "billing", "auditor", "privacy", "service", "provisioner"},
		Privileged: []string{"auditor", "privacy"},
	})
	must(n.t, err)
	n.handler = serve(n.identity)
}

// serve does what the server does before and after: it proves the caller, and answers.
func serve(s *identity.Service) http.Handler {
	mux := http.NewServeMux()
	for _, route := range scim.New(scim.Config{Identity: s, Base: base, Clock: clock.System}).Routes() {
		mux.HandleFunc(route.Pattern, func(w http.ResponseWriter, r *http.Request) {
			p, err := s.Authenticate(r.Context(), r.Header.Get("Authorization"))
			var a scim.Answer
			if err == nil {
				a, err = route.Serve(r.WithContext(httpx.WithPrincipal(r.Context(), p)))
			}
			if err != nil {
				scim.Refuse(w, err)
				return
			}
			a.Write(w)
		})
	}
	return mux
}

func mapped() []identity.GroupRole {
	return []identity.GroupRole{{Group: "nurse", Role: "nurse"}, {Group: "Ward 2", Role: "nurse"}, {Group: "Doctors", Role: "physician"}}
}

func maker() tutela.Actor { return tutela.Actor{ID: "test", Kind: tutela.ActorSystem, Name: "test"} }

// person makes an account that can act, outside of the directory.
func (n *node) person(name string, roles ...string) identity.User {
	n.t.Helper()
	u, _, err := n.identity.CreateUser(n.t.Context(), maker(), identity.NewUser{
		Username: name, Kind: tutela.ActorPerson, Roles: roles, Scopes: []string{identity.StaffScope},
	})
	must(n.t, err)
	return u
}

// admin is the administrator as a caller.
func (n *node) admin() tutela.Principal {
	n.t.Helper()
	u, err := n.identity.User(n.t.Context(), "root")
	if errs.Is(err, errs.NotFound) {
		u, err = n.person("root", "admin"), nil
	}
	must(n.t, err)
	return tutela.Principal{Tenant: tenant, ID: u.ID, Kind: u.Kind, Roles: u.Roles, Assurance: identity.ACRTwoFactors}
}

// register makes a SCIM client and gives a token of it.
func (n *node) register(id string, groups ...identity.GroupRole) string {
	n.t.Helper()
	c, _, err := n.identity.RegisterClient(n.t.Context(), n.admin(), directory(n.t, id, groups...))
	must(n.t, err)
	return n.issue(c)
}

func (n *node) issue(c identity.Client) string {
	n.t.Helper()
	issued, err := n.identity.IssueService(n.t.Context(), c, c.Scopes)
	must(n.t, err)
	return issued.Token
}

func directory(t testing.TB, id string, groups ...identity.GroupRole) identity.Client {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	must(t, err)
	set, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: k.Public(), KeyID: "k", Algorithm: "ES384", Use: "sig"}}})
	must(t, err)
	return identity.Client{ID: id, Name: id, JWKS: set, GrantTypes: []string{identity.GrantCredentials}, Scopes: []string{identity.ScopeSCIM}, Groups: groups}
}

// reply is an answer of SCIM.
type reply struct {
	status int
	header http.Header
	body   map[string]any
	raw    string
}

// do sends a request as the directory; change may make it another's.
func (n *node) do(method, path, body string, change ...func(*http.Request)) reply {
	n.t.Helper()
	r := httptest.NewRequestWithContext(n.t.Context(), method, scim.Prefix+path, bytes.NewBufferString(body))
	r.Header.Set("Authorization", "Bearer "+n.token)
	if body != "" {
		r.Header.Set("Content-Type", "application/scim+json")
	}
	for _, c := range change {
		c(r)
	}
	w := httptest.NewRecorder()
	n.handler.ServeHTTP(w, r)
	out := reply{status: w.Code, header: w.Header(), raw: w.Body.String()}
	_ = json.Unmarshal(w.Body.Bytes(), &out.body) // what is no JSON leaves it nil
	return out
}

func as(token string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }
}

func with(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

// want fails the test unless a reply has a status, and of a failure the scimType.
func (r reply) want(t testing.TB, what string, status int, scimType ...string) reply {
	t.Helper()
	word, _ := r.body["scimType"].(string)
	if r.status != status || len(scimType) > 0 && word != scimType[0] {
		t.Errorf("%s: %d %q, want %d %q: %s", what, r.status, word, status, scimType, r.raw)
	}
	return r
}

func (r reply) text(name string) string {
	s, _ := r.body[name].(string)
	return s
}

// add makes a person by SCIM and gives the id.
func (n *node) add(body string) string {
	n.t.Helper()
	r := n.do(http.MethodPost, "/Users", body).want(n.t, "create", http.StatusCreated)
	return r.text("id")
}

// ann is a person as a directory describes one.
const ann = `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],
"userName":"Ann","externalId":"E-17","name":{"givenName":"Ann","familyName":"Lee"},"displayName":"Ann Lee",
"emails":[{"value":"ann@home.test"},{"value":"ann@clinic.test","type":"work","primary":true}],"active":true,
"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"department":"ward-2","employeeNumber":"17"}}`

func patch(ops string) string {
	return `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[` + ops + `]}`
}

// user reads an account as it is kept.
func (n *node) user(id string) identity.User {
	n.t.Helper()
	u, err := n.identity.UserByID(n.t.Context(), tutela.UserID(id))
	must(n.t, err)
	return u
}

// bearer gives a person an access token.
func (n *node) bearer(u identity.User) string {
	n.t.Helper()
	issued, err := n.identity.IssueFor(n.t.Context(), identity.IssueRequest{
		User: u.ID, Client: "app", Scopes: u.Scopes, Assurance: identity.ACRTwoFactors,
	})
	must(n.t, err)
	return issued.Token
}

// works reports whether an access token is alive.
func (n *node) works(token string) bool {
	n.t.Helper()
	_, err := n.identity.Authenticate(n.t.Context(), "Bearer "+token)
	if err != nil && !errs.Is(err, errs.Unauthenticated) {
		n.t.Fatal(err)
	}
	return err == nil
}

// entries are those of an action, the oldest first.
func (n *node) entries(action tutela.Action) []tutela.Entry {
	n.t.Helper()
	return n.ground.Entries(n.t, action)
}

// within is how soon what one node ends is dead on every other.
const within = time.Second

// dies waits until a token is dead, and fails the test when that takes too long.
func (n *node) dies(what, token string) {
	n.t.Helper()
	ctx, cancel := context.WithTimeout(n.t.Context(), within)
	defer cancel()
	for n.works(token) {
		if ctx.Err() != nil {
			n.t.Fatalf("%s: the token works after %s", what, within)
		}
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
