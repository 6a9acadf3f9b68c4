package federation

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/internal/errs"
)

func unmarshal(t *testing.T, b []byte, v any) {
	t.Helper()
	must(t, json.Unmarshal(b, v))
}

// TestProviderThatDoesNotAnswerWellIsUnavailable tries what a provider, or who sits in its place,
// can answer discovery with.
func TestProviderThatDoesNotAnswerWellIsUnavailable(t *testing.T) {
	w := newWorld(t, "sqlite:"+filepath.Join(t.TempDir(), "t.db"))
	inside := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("another host was called") }))
	defer inside.Close()
	const discovery = "/.well-known/openid-configuration"
	for what, prepare := range map[string]func(*rival){
		"a redirect to another host": func(r *rival) {
			r.replace(discovery, func(w http.ResponseWriter, q *http.Request) { http.Redirect(w, q, inside.URL, http.StatusFound) })
		},
		"no end": func(r *rival) {
			r.replace(discovery, func(w http.ResponseWriter, _ *http.Request) {
				_, _ = io.Copy(w, io.LimitReader(endless{}, 4*maxAnswer))
			})
		},
		"no JSON": func(r *rival) {
			r.replace(discovery, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") })
		},
		"an error":                   func(r *rival) { r.replace(discovery, http.NotFound) },
		"another issuer":             func(r *rival) { r.published["issuer"] = "https://elsewhere.test" },
		"a token endpoint in clear":  func(r *rival) { r.published["token_endpoint"] = "http://elsewhere.test/token" },
		"keys in a file":             func(r *rival) { r.published["jwks_uri"] = "file:///etc/passwd" },
		"a script for authorization": func(r *rival) { r.published["authorization_endpoint"] = "javascript:alert(1)" },
		"nothing":                    func(r *rival) { r.Close() },
	} {
		r := newRival(t)
		prepare(r)
		p := w.at(t, r)
		_, err := w.Begin(t.Context(), Ask{Provider: p.ID, Address: peer})
		refused(t, what, err, errs.Unavailable)
		refused(t, what+", tried", w.Try(t.Context(), p.ID), errs.Unavailable)
	}
}

// endless is a body of spaces.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return copy(p, strings.Repeat(" ", len(p))), nil }

// TestMetadataLeadIntoNoNetworkOfOurs names, in a public provider's metadata, what only we can reach.
func TestMetadataLeadIntoNoNetworkOfOurs(t *testing.T) {
	inside := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("our network was called") }))
	defer inside.Close()
	for _, issuer := range []string{"https://id.nowhere.test", "https://localhost"} { // not the host of the address
		c, err := outbound(issuer, inside.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs, true)
		must(t, err)
		res, err := c.Get(inside.URL)
		if err == nil {
			must(t, res.Body.Close())
			t.Errorf("issuer %s leads to %s", issuer, inside.URL)
		}
	}
	c, err := outbound(inside.URL, nil, false)
	must(t, err)
	if res, err := c.Get(inside.URL); err == nil {
		must(t, res.Body.Close())
		t.Error("an issuer on this machine is reached though this is no try-out")
	}
}

func TestIssuerMayBeInOurNetworkButNoMachineOfItsOwn(t *testing.T) {
	for address, want := range map[string]bool{
		"10.1.2.3:443": true, "192.168.0.9:443": true, "93.184.215.14:443": true, "[fd00::1]:443": true,
		"127.0.0.1:443": false, "[::1]:443": false, "169.254.169.254:80": false, "[fe80::1]:443": false, "0.0.0.0:443": false,
		"224.0.0.1:443": false, "[::ffff:127.0.0.1]:443": false, "nowhere": false,
	} {
		if got := reachable(address, false) == nil; got != want {
			t.Errorf("%s: %v", address, got)
		}
	}
	if reachable("127.0.0.1:443", true) != nil || reachable("169.254.169.254:80", true) == nil {
		t.Error("a try-out reaches this machine, and no link")
	}
}

func TestUnreachableProviderIsAskedAgainAfterAWhile(t *testing.T) {
	w, r := newWorld(t, "sqlite:"+filepath.Join(t.TempDir(), "t.db")), newRival(t)
	p := w.at(t, r)
	calls := 0
	r.replace("/.well-known/openid-configuration", func(w http.ResponseWriter, q *http.Request) { calls++; http.NotFound(w, q) })
	for range 3 {
		_, err := w.Begin(t.Context(), Ask{Provider: p.ID, Address: peer})
		refused(t, "while it fails", err, errs.Unavailable)
	}
	if calls != 1 {
		t.Errorf("asked %d times at once", calls)
	}
	r.replace("/.well-known/openid-configuration", nil)
	w.Advance(metadataAgain)
	w.begin(t, p)
}

func TestBeginningLoginsOutsideIsSlowed(t *testing.T) {
	w, r := newWorld(t, "sqlite:"+filepath.Join(t.TempDir(), "t.db")), newRival(t)
	p := w.at(t, r)
	for range budget {
		w.begin(t, p)
	}
	_, err := w.Begin(t.Context(), Ask{Provider: p.ID, Address: peer})
	refused(t, "one more", err, errs.TooMany)
	if _, err := w.Begin(t.Context(), Ask{Provider: p.ID, Address: "198.51.100.3"}); err != nil {
		t.Errorf("another network: %v", err)
	}
}

// TestSecretLeadsOutOfItsFolderByNoWay plants a link beside the secrets.
func TestSecretLeadsOutOfItsFolderByNoWay(t *testing.T) {
	w := newWorld(t, "sqlite:"+filepath.Join(t.TempDir(), "t.db"))
	outside := filepath.Join(t.TempDir(), "ring")
	must(t, os.WriteFile(outside, []byte("key material"), 0o600))
	must(t, os.Symlink(outside, filepath.Join(w.cfg.Secrets, "linked")))
	must(t, os.WriteFile(filepath.Join(w.cfg.Secrets, "empty"), []byte("\n"), 0o600))
	must(t, os.WriteFile(filepath.Join(w.cfg.Secrets, "good"), []byte("s3cret\n"), 0o600))
	for _, name := range []string{"linked", "empty", "absent", "../x"} {
		_, err := w.secret(identity.Provider{Name: "Nowhere", SecretFile: name})
		refused(t, name, err, errs.Unavailable)
	}
	if got, err := w.secret(identity.Provider{SecretFile: "good"}); err != nil || got != "s3cret" {
		t.Errorf("%q, %v", got, err)
	}
}
