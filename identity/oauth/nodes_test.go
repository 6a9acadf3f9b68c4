package oauth_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/identity/identitytest"
	"github.com/tutela-health/tutela/identity/oauth"
	"github.com/tutela-health/tutela/internal/clock"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/internal/testkit"
	"github.com/tutela-health/tutela/keys"
	"github.com/tutela-health/tutela/store"
)

// within is how soon what one node revokes is dead on every other.
const within = time.Second

// node is a second process over the same PostgreSQL, on the machine's clock.
type node struct {
	db       *store.DB
	identity *identity.Service
	changes  *store.Invalidations
}

// join opens a node over the database that a first one made.
func join(t *testing.T, url string, provider keys.Provider, name string) *node {
	t.Helper()
	ctx := t.Context()
	db, err := store.Open(ctx, store.Config{URL: url, Reserve: -1, MinFree: -1, Clock: clock.System})
	must(t, err)
	t.Cleanup(func() { _ = db.Close() }) // one test closes it before
	ring, err := keys.Open(ctx, keys.Config{Tenant: tenant, Shelf: db, Provider: provider, Clock: clock.System})
	must(t, err)
	t.Cleanup(ring.Close)
	log, err := audit.Open(ctx, audit.Config{DB: db, Keys: ring, Tenant: tenant, Node: name, Origin: "clinic.test", Clock: clock.System, Log: discard()})
	must(t, err)
	changes, err := db.Watch(ctx)
	must(t, err)
	t.Cleanup(changes.Close)
	n := &node{db: db, changes: changes}
	n.identity, err = identity.Open(ctx, identity.Config{DB: db, Ring: ring, Audit: log, Clock: clock.System, Fresh: changes.Fresh})
	must(t, err)
	changes.Subscribe(identity.Topic, func([]byte) { n.identity.Invalidate() })
	return n
}

func (n *node) works(t testing.TB, token string) bool {
	t.Helper()
	_, err := n.identity.Authenticate(t.Context(), "Bearer "+token)
	if err != nil && !errs.Is(err, errs.Unauthenticated) {
		t.Fatal(err)
	}
	return err == nil
}

func TestWhatOneNodeRevokesIsDeadOnTheOther(t *testing.T) {
	url := testkit.Postgres(t)
	s := openAt(t, url, identitytest.At(clock.System()))
	other := join(t, url, s.ring.Provider(), "other")
	s.register(app())
	k := es384(t, "k")
	s.register(service(t, k))
	for name, end := range map[string]func(b *browser, got tokens){
		"the client gives it back": func(_ *browser, got tokens) {
			must(t, s.identity.RevokeFor(t.Context(), "growth-chart", got.Access))
		},
		"its refresh token is stolen": func(_ *browser, got tokens) {
			status, _ := s.use(got.Refresh)
			again, _ := s.use(got.Refresh)
			if status != http.StatusOK || again != http.StatusBadRequest {
				t.Errorf("theft: %d, then %d", status, again)
			}
		},
		"the person logs out": func(b *browser, got tokens) { b.get("/oauth2/logout?id_token_hint=" + got.ID) },
		"the client is removed": func(*browser, tokens) {
			must(t, s.identity.DeleteClient(t.Context(), s.admin(), "growth-chart"))
			again := app()
			s.register(again)
		},
	} {
		b := s.signedIn("physician")
		got := b.run(s.asking("openid online_access user/*.rs", set("prompt", "consent")))
		for range 2 { // the second time from what is cached there
			if !other.works(t, got.Access) {
				t.Fatalf("%s: the other node does not know the token", name)
			}
		}
		end(b, got)
		ended := clock.System()
		for other.works(t, got.Access) {
			if clock.System().Sub(ended) > within {
				t.Errorf("%s: the token works on the other node after %s", name, within)
				break
			}
		}
	}
	status, body := s.serviceToken(s.assertion("lab-feed", k), "system/Patient.rs")
	if got := tokensOf(t, status, body); !other.works(t, got.Access) {
		t.Error("a service's token does not work on the other node")
	}
}

// A code that one node gave is redeemed at another, once, whoever asks first.
func TestCodeCountsOnceAcrossNodes(t *testing.T) {
	url := testkit.Postgres(t)
	s := openAt(t, url, identitytest.At(clock.System()))
	other := join(t, url, s.ring.Provider(), "other")
	s.register(app())
	b := s.signedIn("physician")
	a := s.asking("openid user/*.rs")
	code := b.newCode(a)
	proof := identity.Proof{Client: "growth-chart", RedirectURI: appCallback, Verifier: a.verifier}
	services := []*identity.Service{s.identity, other.identity, s.identity, other.identity}
	turn := make(chan *identity.Service, len(services))
	for _, svc := range services {
		turn <- svc
	}
	got := together(len(services), func() tokens {
		issued, err := (<-turn).RedeemCode(t.Context(), code, proof)
		if err != nil {
			return tokens{}
		}
		return tokens{Access: issued.Token}
	})
	if len(got) > 1 {
		t.Errorf("%d of %d got tokens", len(got), len(services))
	}
}

// Every address that is not named public refuses a stranger; none is forgotten.
func TestRoutesThatAreNotPublicRefuseStrangers(t *testing.T) {
	s := one(t)
	var all mounted
	s.oauth.Routes(&all)
	open := map[string]bool{}
	for _, p := range oauth.Public() {
		open[p] = true
	}
	guarded := 0
	for _, p := range all {
		if open[p] {
			delete(open, p)
			continue
		}
		guarded++
		method, path := cutPattern(p)
		for _, authorization := range []string{"", "Bearer tut_nothing", "Basic Zm9vOmJhcg=="} {
			req, err := http.NewRequestWithContext(t.Context(), method, s.base+path, http.NoBody)
			must(t, err)
			req.Header.Set("Authorization", authorization)
			if status, body, _ := s.do(req); status != http.StatusUnauthorized {
				t.Errorf("%s with %q: %d %v", p, authorization, status, body)
			}
		}
	}
	if guarded == 0 || len(open) > 0 {
		t.Errorf("%d guarded routes; public and not there: %v", guarded, open)
	}
}
