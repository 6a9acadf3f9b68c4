package oauth_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/identity/oauth"
)

// publisher is where a service publishes its keys.
type publisher struct {
	*httptest.Server
	asked atomic.Int64

	mu     sync.Mutex
	answer http.HandlerFunc // guarded by mu
}

// publish serves over HTTPS under the certificate that the system trusts.
func publish(t testing.TB) *publisher {
	t.Helper()
	p := &publisher{}
	p.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.asked.Add(1)
		p.mu.Lock()
		defer p.mu.Unlock()
		p.answer(w, r)
	}))
	t.Cleanup(p.Close)
	return p
}

func (p *publisher) says(f http.HandlerFunc) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answer = f
}

func (p *publisher) keys(set json.RawMessage) {
	p.says(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(set) })
}

// byAddress is a service that publishes its keys.
func byAddress(t testing.TB, address string) identity.Client {
	t.Helper()
	c := service(t)
	c.JWKS, c.JWKSURL = nil, address
	return c
}

func TestKeysByAddress(t *testing.T) {
	s := one(t)
	p := publish(t)
	first, next := es384(t, "first"), es384(t, "next")
	p.keys(setOf(t, first))
	s.register(byAddress(t, p.URL+"/jwks"))
	try := func(k signer, change ...func(*assertion)) int {
		status, _ := s.serviceToken(s.assertion("lab-feed", k, change...), "system/Observation.rs")
		return status
	}
	for range 3 {
		if status := try(first, header("jku", p.URL+"/jwks")); status != http.StatusOK {
			t.Fatalf("a published key: %d", status)
		}
	}
	if n := p.asked.Load(); n != 1 {
		t.Errorf("the keys were fetched %d times", n)
	}
	if status := try(first, header("jku", p.URL+"/other")); status != http.StatusUnauthorized {
		t.Errorf("jku beside the registered address: %d", status)
	}
	p.keys(setOf(t, next))
	if status := try(next); status != http.StatusUnauthorized {
		t.Errorf("an unknown name made us fetch again at once: %d", status)
	}
	s.Advance(11 * time.Second)
	if status := try(next); status != http.StatusOK {
		t.Errorf("a new key: %d", status)
	}
	for range 20 {
		if status := try(es384(t, "made-up")); status != http.StatusUnauthorized {
			t.Errorf("an unknown key: %d", status)
		}
	}
	if n := p.asked.Load(); n != 2 {
		t.Errorf("unknown names made us fetch %d times", n)
	}
	if status := try(first); status != http.StatusUnauthorized {
		t.Errorf("a key that is no longer published: %d", status)
	}
}

// A client says how long its keys may be kept; five minutes are the most (SMART App Launch 2.2,
// "Client Authentication: Asymmetric").
func TestKeySetsAreKeptAsLongAsTheySay(t *testing.T) {
	for cacheControl, want := range map[string]int64{
		"": 1, "max-age=3600": 1, "public, max-age=60": 2, "Max-Age=\"20\"": 4, "Max-Age=\"40\"": 2, "max-age=0": 4, "no-store": 4, "private, no-cache": 4, "max-age=soon": 4,
	} {
		t.Run(cacheControl, func(t *testing.T) {
			s := one(t)
			p := publish(t)
			k := es384(t, "k")
			p.says(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Cache-Control", cacheControl)
				_, _ = w.Write(setOf(t, k))
			})
			s.register(byAddress(t, p.URL))
			for range 4 {
				if status, _ := s.serviceToken(s.assertion("lab-feed", k), "system/Observation.rs"); status != http.StatusOK {
					t.Fatalf("a published key: %d", status)
				}
				s.Advance(25 * time.Second)
			}
			if n := p.asked.Load(); n != want {
				t.Errorf("the keys were fetched %d times, want %d", n, want)
			}
		})
	}
}

// A header that names where a key or certificate is to be found is not followed.
func TestAddressesInHeadersAreNotCalled(t *testing.T) {
	s := one(t)
	evil := publish(t)
	good, own := es384(t, "good"), es384(t, "good")
	evil.keys(setOf(t, own))
	s.register(service(t, good))
	published := publish(t)
	published.keys(setOf(t, good))
	other := byAddress(t, published.URL)
	other.ID = "other-feed"
	s.register(other)
	for _, client := range []string{"lab-feed", "other-feed"} {
		for _, name := range []string{"jku", "x5u", "jwk_uri", "x5c"} {
			var value any = evil.URL + "/jwks"
			if name == "x5c" {
				value = []string{"MIIB"}
			}
			if status, body := s.serviceToken(s.assertion(client, own, header(name, value)), "system/Observation.rs"); status != http.StatusUnauthorized {
				t.Errorf("%s with %s: %d %v", client, name, status, body)
			}
		}
	}
	if n := evil.asked.Load(); n != 0 {
		t.Errorf("an address in a header was called %d times", n)
	}
}

func TestKeySetsThatAreNotTaken(t *testing.T) {
	s := one(t)
	p := publish(t)
	k := es384(t, "k")
	s.register(byAddress(t, p.URL))
	elsewhere := publish(t)
	elsewhere.keys(setOf(t, k))
	for name, answer := range map[string]http.HandlerFunc{
		"a redirect": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, elsewhere.URL, http.StatusFound) },
		"an error":   func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) },
		"no JSON":    func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) },
		"a large set": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(strings.Repeat(" ", 65<<10) + string(setOf(t, k))))
		},
		"a private key": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(privateSet(t, k)) },
		"a weak key":    func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(weakSet)) },
		"nothing":       func(http.ResponseWriter, *http.Request) {},
	} {
		p.says(answer)
		s.Advance(6 * time.Minute)
		if status, body := s.serviceToken(s.assertion("lab-feed", k), "system/Observation.rs"); status != http.StatusUnauthorized {
			t.Errorf("%s: %d %v", name, status, body)
		}
	}
	if n := elsewhere.asked.Load(); n != 0 {
		t.Errorf("a redirect was followed %d times", n)
	}
	p.keys(setOf(t, k))
	s.Advance(6 * time.Minute)
	if status, body := s.serviceToken(s.assertion("lab-feed", k), "system/Observation.rs"); status != http.StatusOK {
		t.Errorf("the right set: %d %v", status, body)
	}
}

// A registration must not make the server call into its own network.
func TestPrivateAddressesAreNotCalled(t *testing.T) {
	s := one(t)
	p := publish(t)
	k := es384(t, "k")
	p.keys(setOf(t, k))
	s.register(byAddress(t, p.URL))
	strict := oauth.New(oauth.Config{
		Identity: s.identity, Audit: s.audit, Pages: fakePages{}, Session: cookieOf, Clock: s.Now, Log: discard(),
		Issuer: s.base, FHIR: s.base + "/fhir/r4", Roots: rootsOf(p.Server),
	})
	t.Cleanup(func() { must(t, strict.Close(context.WithoutCancel(t.Context()))) })
	mux := http.NewServeMux()
	strict.Routes(mux)
	s.http.Config.Handler = mux
	for _, address := range []string{p.URL, strings.Replace(p.URL, "127.0.0.1", "localhost", 1)} {
		c := byAddress(t, address)
		_, err := s.identity.UpdateClient(t.Context(), s.admin(), c)
		must(t, err)
		if status, _ := s.serviceToken(s.assertion("lab-feed", k), "system/Observation.rs"); status != http.StatusUnauthorized {
			t.Errorf("%s: %d", address, status)
		}
	}
	if n := p.asked.Load(); n != 0 {
		t.Errorf("this machine was called %d times", n)
	}
}
