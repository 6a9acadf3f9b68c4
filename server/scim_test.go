package server_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/identity/scim"
	"github.com/tutela-health/tutela/internal/clock"
	"github.com/tutela-health/tutela/internal/rig"
	"github.com/tutela-health/tutela/server"
)

// provisioned is a site with SCIM, and a token of its directory.
func provisioned(t *testing.T) (*site, string) {
	t.Helper()
	s := newSite(t, func(c *server.Config) {
		c.SCIM = scim.New(scim.Config{Identity: c.Identity, Base: "https://" + rig.Host, Clock: clock.System})
	})
	k, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	set, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: k.Public(), KeyID: "k", Algorithm: "ES384", Use: "sig"}}})
	if err != nil {
		t.Fatal(err)
	}
	s.Token(t, admin)
	root, err := s.Identity.User(t.Context(), admin)
	if err != nil {
		t.Fatal(err)
	}
	c, _, err := s.Identity.RegisterClient(t.Context(), s.Identity.Principal(identity.Session{ACR: identity.ACRTwoFactors}, root), identity.Client{
		ID: "directory", Name: "Directory", JWKS: set, GrantTypes: []string{identity.GrantCredentials}, Scopes: []string{identity.ScopeSCIM},
		Groups: []identity.GroupRole{{Group: "nurse", Role: "nurse"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	issued, err := s.Identity.IssueService(t.Context(), c, c.Scopes)
	if err != nil {
		t.Fatal(err)
	}
	return s, issued.Token
}

// Every call of a directory is decided and written down, with what became of it.
func TestSCIMIsInTheLedger(t *testing.T) {
	s, token := provisioned(t)
	header := map[string]string{"Authorization": "Bearer " + token, "Content-Type": "application/scim+json"}
	for _, c := range []struct {
		method, path, body string
		status             int
	}{
		{"POST", "/Users", `{"userName":"ann"}`, 201}, {"POST", "/Users", `{"userName":"ann"}`, 409},
		{"GET", "/Users?filter=userName+eq+%22ann%22", "", 200}, {"GET", "/Users/nobody", "", 404}, {"GET", "/Users?filter=x", "", 400},
	} {
		a := s.Do(t, rig.Call{Method: c.method, Path: scim.Prefix + c.path, Body: c.body, Header: header})
		expect(t, a, c.status)
		if got := a.Header.Get("Content-Type"); got != "application/scim+json" {
			t.Errorf("%s %s: answered as %s", c.method, c.path, got)
		}
	}
	s.sequence(t)
	got := map[tutela.Action][]int{}
	for _, action := range []tutela.Action{tutela.ActionPeopleRead, tutela.ActionPeopleWrite} {
		for _, e := range s.entries(t, action) {
			got[action] = append(got[action], e.Status)
			if e.Client != "directory" || e.Request == "" || e.Actor.Kind != tutela.ActorService {
				t.Errorf("the entry says %+v", e)
			}
		}
	}
	if len(got[tutela.ActionPeopleRead]) != 3 || len(got[tutela.ActionPeopleWrite]) != 2 {
		t.Errorf("entries: %v", got)
	}
}

// A directory's token opens SCIM and nothing else, and nobody else's opens SCIM.
func TestSCIMIsForDirectoriesAlone(t *testing.T) {
	s, token := provisioned(t)
	for _, path := range []string{"/fhir/r4/Patient", "/api/v1/users", "/api/v1/keys", "/api/v1/ledger/entries", "/metrics"} {
		a := s.Do(t, rig.Call{Method: http.MethodGet, Path: path, Header: map[string]string{"Authorization": "Bearer " + token}})
		if a.Status != http.StatusForbidden {
			t.Errorf("%s answers a directory %d", path, a.Status)
		}
	}
	for as, status := range map[string]int{rig.Loader: 403, "nurse": 403, admin: 403, auditor: 403, rig.Nobody: 401} {
		for _, c := range []rig.Call{{Method: http.MethodGet, Path: scim.Prefix + "/Users"}, {Method: http.MethodPost, Path: scim.Prefix + "/Users", Body: `{"userName":"eve"}`}} {
			c.As = as
			a := s.Do(t, c)
			if a.Status != status || !strings.Contains(string(a.Body), "urn:ietf:params:scim:api:messages:2.0:Error") {
				t.Errorf("%s as %q: %d %s", c.Method, as, a.Status, a.Body)
			}
		}
	}
}
