package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/internal/testkit"
	"github.com/tutela-health/tutela/store"
)

// Applications that both tenants have registered alike: the same ids, addresses and keys.
const (
	recordsApp = "ehr"     // of the organisation itself: it launches others
	launched   = "growth"  // it is launched
	service    = "analyse" // it proves a key
)

// resident is a tenant with what its people and applications hold.
type resident struct {
	*lodger
	people     map[string]credential
	invitation string
}

// settle gives a tenant applications, and an invitation that waits.
func settle(t *testing.T, l *lodger, key *ecdsa.PrivateKey) *resident {
	t.Helper()
	r := &resident{lodger: l}
	jwks, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "k", Algorithm: string(jose.ES384), Use: "sig"}}})
	if err != nil {
		t.Fatal(err)
	}
	code := []string{identity.GrantCode, identity.GrantRefresh}
	l.inside(t, func(s *system) error {
		for _, c := range []identity.Client{
			{ID: recordsApp, Name: "Records", Public: true, FirstParty: true, RedirectURIs: []string{loopback}, GrantTypes: code, Scopes: []string{"offline_access", "user/*.cruds"}},
			{ID: launched, Name: "Growth", Public: true, RedirectURIs: []string{loopback}, GrantTypes: code, Scopes: []string{"launch", "patient/*.rs"}},
			{ID: service, Name: "Analysis", JWKS: jwks, GrantTypes: []string{identity.GrantCredentials}, Scopes: []string{"system/*.rs"}},
		} {
			if err := s.identity.EnsureClient(t.Context(), systemActor("test"), c); err != nil {
				return err
			}
		}
		var err error
		if r.people, err = s.credentials(t.Context()); err != nil {
			return err
		}
		admin, err := s.identity.User(t.Context(), "admin")
		if err != nil {
			return err
		}
		by := tutela.Principal{Tenant: l.conf.Tenant, ID: admin.ID, Kind: admin.Kind, Username: admin.Username, Roles: admin.Roles, Assurance: identity.ACRTwoFactors}
		invited, err := s.identity.Invite(t.Context(), by, identity.NewUser{Username: "newcomer", Kind: "person", Roles: []string{"nurse"}, Scopes: []string{"user/*.rs"}, Client: cliClient})
		r.invitation = invited.Token
		return err
	})
	return r
}

// What a person, an application or a link holds of one tenant is nonsense at another, which has the same people, ids,
// applications and keys: it is answered to the letter like what nobody ever made. It stays alive at home.
func TestNothingButItsOwnCountsAtATenant(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, engine := range []store.Engine{store.SQLite, store.Postgres} {
		t.Run(string(engine), func(t *testing.T) {
			database := func() string {
				if engine == store.Postgres {
					return testkit.Postgres(t)
				}
				return ""
			}
			root := t.TempDir()
			a, b := settle(t, moveIn(t, root, "alpha", database()), key), settle(t, moveIn(t, root, "beta", database()), key)
			st := open(t, a.lodger, b.lodger)
			home, away := st.visit(t, a), st.visit(t, b)
			for name, c := range map[string]struct {
				made string
				show func(c *caller, what string) said
				good int // how it is answered at home
			}{
				"access token":            {home.token, func(c *caller, x string) said { return c.send(http.MethodGet, "/fhir/r4/Organization/1", x, "") }, 200},
				"access token, elsewhere": {home.token, func(c *caller, x string) said { return c.send(http.MethodGet, "/api/v1/break-glass", x, "") }, 403},
				"session":                 {home.held(), (*caller).session, 200},
				"authorization code":      {home.code(recordsApp, "user/*.cruds", ""), (*caller).redeem, 200},
				"refresh token":           {home.refresh, (*caller).renew, 200},
				"client assertion":        {home.assertion(key), (*caller).assert, 200},
				"invitation":              {a.invitation, (*caller).invited, 200},
				"launch": {home.launch(), func(c *caller, x string) said {
					q := c.authorize(launched, "launch patient/*.rs", x)
					return said{len(q.Get("code")), q.Get("error") + q.Get("error_description") + q.Get("page")}
				}, 0},
				"emergency": {home.breakGlass(), func(c *caller, x string) said {
					a := c.send(http.MethodDelete, "/api/v1/break-glass/"+x, c.token, "")
					return said{a.status, strings.ReplaceAll(a.body, x, "ID")}
				}, 200},
			} {
				nonsense := []byte(c.made)
				nonsense[len(nonsense)/3] ^= 1 // still of the same letters and length
				want, got := c.show(away, string(nonsense)), c.show(away, c.made)
				if diff := cmp.Diff(want.String(), got.String()); diff != "" || got.status == http.StatusOK {
					t.Errorf("%s of alpha at beta (-nonsense +alpha's):\n%s\n%s", name, diff, got)
				}
				if again := c.show(home, c.made); again.status != c.good && name != "launch" || name == "launch" && again.status == 0 {
					t.Errorf("%s at home: %s", name, again)
				}
			}
			if got := away.send(http.MethodPost, "/oauth2/revoke", "", url.Values{"token": {home.token}, "client_id": {recordsApp}}.Encode()); got.status != http.StatusOK {
				t.Errorf("revocation of alpha's token at beta: %s", got)
			}
			if got := home.send(http.MethodGet, "/fhir/r4/Organization/1", home.token, ""); got.status != http.StatusOK {
				t.Errorf("alpha's token, after beta was asked to revoke it: %s", got)
			}
			if err := st.stop(); err != nil {
				t.Errorf("stop: %v", err)
			}
		})
	}
}
