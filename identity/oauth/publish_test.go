package oauth_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/tutela-health/tutela/internal/errs"
)

// What is published must be there, and what is there must do what is published.
func TestWhatIsPublishedIsTrue(t *testing.T) {
	s := one(t)
	status, smart, h := s.get("/fhir/r4/.well-known/smart-configuration")
	if status != http.StatusOK || h.Get("Content-Type") != "application/json" {
		t.Fatalf("smart-configuration: %d %v", status, h)
	}
	// SMART App Launch 2.2, "Metadata": what is required, for the capabilities that are claimed.
	for _, name := range []string{"issuer", "jwks_uri", "authorization_endpoint", "token_endpoint", "grant_types_supported", "capabilities",
		"code_challenge_methods_supported", "token_endpoint_auth_methods_supported", "scopes_supported", "response_types_supported",
		"introspection_endpoint", "revocation_endpoint", "management_endpoint"} {
		if smart[name] == nil {
			t.Errorf("smart-configuration has no %s", name)
		}
	}
	if challenges := stringsOf(smart["code_challenge_methods_supported"]); !slices.Equal(challenges, []string{"S256"}) {
		t.Errorf("challenges: %v", challenges)
	}
	_, openID, _ := s.get("/.well-known/openid-configuration")
	// OpenID Connect Discovery 1.0, 3: what is required.
	for _, name := range []string{"issuer", "authorization_endpoint", "token_endpoint", "jwks_uri", "response_types_supported",
		"subject_types_supported", "id_token_signing_alg_values_supported"} {
		if openID[name] == nil {
			t.Errorf("openid-configuration has no %s", name)
		}
	}
	_, oauth, _ := s.get("/.well-known/oauth-authorization-server")
	for _, doc := range []map[string]any{smart, openID, oauth} {
		if doc["issuer"] != s.base {
			t.Errorf("issuer is %v", doc["issuer"])
		}
		for name, value := range doc {
			address, ok := value.(string)
			if !ok || name == "issuer" || name == "management_endpoint" { // people's pages are another package's
				continue
			}
			path, ours := strings.CutPrefix(address, s.base)
			if status, _, _ := s.get(path); !ours || status == http.StatusNotFound {
				t.Errorf("%s leads to %s: %d", name, address, status)
			}
		}
	}
}

func stringsOf(v any) []string {
	list, _ := v.([]any)
	var out []string
	for _, e := range list {
		text, _ := e.(string)
		out = append(out, text)
	}
	return out
}

// Each grant that is claimed is understood, and no other.
func TestClaimedGrantsAreUnderstood(t *testing.T) {
	s := one(t)
	s.register(app())
	_, doc, _ := s.get("/.well-known/openid-configuration")
	for _, grant := range stringsOf(doc["grant_types_supported"]) {
		_, body, _ := s.post("/oauth2/token", url.Values{"grant_type": {grant}, "client_id": {"growth-chart"}})
		if body["error"] == "unsupported_grant_type" {
			t.Errorf("%s is claimed and not understood", grant)
		}
	}
}

func (s *system) published(t testing.TB) jose.JSONWebKeySet {
	t.Helper()
	_, body, _ := s.get("/oauth2/jwks")
	text, err := json.Marshal(body)
	must(t, err)
	var set jose.JSONWebKeySet
	must(t, json.Unmarshal(text, &set))
	return set
}

func TestSigningKeysRotate(t *testing.T) {
	each(t, func(t *testing.T, s *system) {
		s.register(app())
		b := s.signedIn("physician")
		old := b.run(s.asking("openid")).ID
		before := s.published(t)
		if len(before.Keys) != 1 || !before.Keys[0].IsPublic() || before.Keys[0].Algorithm != "RS256" {
			t.Fatalf("published: %+v", before)
		}
		must(t, s.identity.RotateSigningKey(t.Context(), s.admin()))
		fresh := b.run(s.asking("openid")).ID
		for name, text := range map[string]string{"old": old, "new": fresh} {
			jws, err := jose.ParseSignedCompact(text, []jose.SignatureAlgorithm{jose.RS256})
			must(t, err)
			if _, err := jws.Verify(s.published(t)); err != nil {
				t.Errorf("the %s id_token: %v", name, err)
			}
			if used := jws.Signatures[0].Header.KeyID == before.Keys[0].KeyID; used != (name == "old") {
				t.Errorf("the %s id_token is signed by the old key: %v", name, used)
			}
		}
		s.Advance(25 * time.Hour)
		if after := s.published(t); len(after.Keys) != 1 || after.Keys[0].KeyID == before.Keys[0].KeyID {
			t.Errorf("the old key is published after all it signed has expired: %d keys", len(after.Keys))
		}
	})
}

func TestSigningKeyGrowsOld(t *testing.T) {
	s := one(t)
	first := s.published(t).Keys
	s.Advance(89 * 24 * time.Hour)
	if now := s.published(t).Keys; len(now) != 1 || now[0].KeyID != first[0].KeyID {
		t.Errorf("after 89 days: %d keys", len(now))
	}
	s.Advance(24 * time.Hour)
	if now := s.published(t).Keys; len(now) != 2 || now[1].KeyID == first[0].KeyID {
		t.Errorf("after 90 days: %d keys", len(now))
	}
}

func TestFirstSigningKeyIsOne(t *testing.T) {
	each(t, func(t *testing.T, s *system) {
		got := together(6, func() tokens {
			k, err := s.identity.SigningKey(t.Context())
			if err != nil {
				t.Error(err)
			}
			return tokens{Access: k.KeyID}
		})
		for _, k := range got {
			if k != got[0] {
				t.Errorf("two keys sign: %s and %s", k.Access, got[0].Access)
			}
		}
		if n := len(s.published(t).Keys); n != 1 {
			t.Errorf("%d keys are published", n)
		}
	})
}

func TestSealedTextsAreOfOnePurpose(t *testing.T) {
	s := one(t)
	text, err := s.identity.SealText(t.Context(), "a", []byte("plain"))
	must(t, err)
	if plain, err := s.identity.OpenText(t.Context(), "a", text); err != nil || string(plain) != "plain" {
		t.Errorf("opened as %q, %v", plain, err)
	}
	_, body, _ := strings.Cut(text, ".")
	for _, bad := range []string{"", ".", "1.", "0." + body, "2." + body, "-1." + body, "99999999999." + body, "x." + body, text + "A", text[:len(text)-1], text + "\n"} {
		if _, err := s.identity.OpenText(t.Context(), "a", bad); !errs.Is(err, errs.Invalid) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if _, err := s.identity.OpenText(t.Context(), "b", text); !errs.Is(err, errs.Invalid) {
		t.Errorf("another purpose: %v", err)
	}
}

func TestScriptsOfRegisteredOriginsOnly(t *testing.T) {
	s := one(t)
	native := app()
	native.ID, native.RedirectURIs = "native", []string{"com.example.app:/cb", "http://127.0.0.1/cb"}
	s.register(app())
	s.register(native)
	preflight := func(path, origin string) http.Header {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodOptions, s.base+path, http.NoBody)
		must(t, err)
		req.Header.Set("Origin", origin)
		req.Header.Set("Access-Control-Request-Method", http.MethodPost)
		req.Header.Set("Access-Control-Request-Headers", "authorization")
		_, _, h := s.do(req)
		return h
	}
	for _, path := range []string{"/oauth2/token", "/oauth2/userinfo", "/oauth2/revoke", "/fhir/r4/Patient/1", "/fhir/r4"} {
		h := preflight(path, "https://app.example")
		if h.Get("Access-Control-Allow-Origin") != "https://app.example" || !strings.Contains(h.Get("Access-Control-Allow-Headers"), "Authorization") || h.Get("Vary") != "Origin" {
			t.Errorf("%s: %v", path, h)
		}
		if h.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%s: cookies are allowed", path)
		}
		for _, origin := range []string{"https://evil.example", "null", "https://app.example.evil.example", "http://app.example", "https://app.example:8443", "*"} {
			if h := preflight(path, origin); h.Get("Access-Control-Allow-Origin") != "" || h.Get("Access-Control-Allow-Headers") != "" {
				t.Errorf("%s from %s: %v", path, origin, h)
			}
		}
	}
	for _, path := range []string{"/oauth2/authorize", "/oauth2/authorize/decision", "/oauth2/introspect", "/oauth2/logout", "/oauth2/launch", "/fhir/r40"} {
		if h := preflight(path, "https://app.example"); h.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: %v", path, h)
		}
	}
	_, _, h := s.get("/oauth2/userinfo", func(r *http.Request) { r.Header.Set("Origin", "https://app.example") })
	if h.Get("Access-Control-Allow-Origin") != "https://app.example" {
		t.Errorf("the answer itself: %v", h)
	}
	must(t, s.identity.DeleteClient(t.Context(), s.admin(), "growth-chart"))
	s.Advance(6 * time.Second)
	if h := preflight("/oauth2/token", "https://app.example"); h.Get("Access-Control-Allow-Origin") != "" {
		t.Error("a removed client's origin is still allowed")
	}
}

// What is published says nothing of anybody, and applications that are not registered yet read it.
func TestScriptsFromAnywhereReadWhatIsPublished(t *testing.T) {
	s := one(t)
	for _, path := range []string{"/oauth2/jwks", "/.well-known/openid-configuration", "/.well-known/oauth-authorization-server",
		"/fhir/r4/.well-known/smart-configuration"} {
		status, _, h := s.get(path, func(r *http.Request) { r.Header.Set("Origin", "https://anywhere.example") })
		if status != http.StatusOK || h.Get("Access-Control-Allow-Origin") != "*" || h.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%s: %d %v", path, status, h)
		}
	}
}
