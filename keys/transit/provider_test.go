package transit

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/keys"
	"github.com/tutela-health/tutela/keys/keystest"
)

func open(t *testing.T, e *engine) *Provider {
	t.Helper()
	p, err := Open(t.Context(), e.config())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// opened is a provider on an engine of its own, with generation 1, and what it wrapped.
func opened(t *testing.T) (*Provider, *engine, []byte) {
	t.Helper()
	e := newEngine(t)
	p := open(t, e)
	if err := p.Create(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	wrapped, err := p.Wrap(t.Context(), 1, []byte("a key"), []byte("aad"))
	if err != nil {
		t.Fatal(err)
	}
	return p, e, wrapped
}

func wantOpens(t *testing.T, p *Provider, wrapped []byte) {
	t.Helper()
	got, err := p.Unwrap(t.Context(), 1, wrapped, []byte("aad"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("a key", string(got)); diff != "" {
		t.Error(diff)
	}
}

func TestConforms(t *testing.T) {
	keystest.Provider(t, func(t *testing.T) keys.Provider { return open(t, newEngine(t)) })
}

// TestOutages: each way in which an engine does not serve, and comes back.
func TestOutages(t *testing.T) {
	for name, way := range map[string]struct{ down, up func(*engine) }{
		"sealed":      {func(e *engine) { e.answer = http.StatusServiceUnavailable }, func(e *engine) { e.answer = 0 }},
		"throttled":   {func(e *engine) { e.answer = http.StatusTooManyRequests }, func(e *engine) { e.answer = 0 }},
		"broken":      {func(e *engine) { e.answer = http.StatusInternalServerError }, func(e *engine) { e.answer = 0 }},
		"redirecting": {func(e *engine) { e.answer = http.StatusTemporaryRedirect }, func(e *engine) { e.answer = 0 }},
		"garbage":     {func(e *engine) { e.garbage = true }, func(e *engine) { e.garbage = false }},
		"token ended": {func(e *engine) { e.deny = "k" }, func(e *engine) { e.deny = "" }},
		"no token":    {func(e *engine) { _ = os.Chmod(e.tokenFile, 0o644) }, func(e *engine) { _ = os.Chmod(e.tokenFile, 0o600) }},
	} {
		t.Run(name, func(t *testing.T) {
			keystest.Outage(t, func(t *testing.T) keystest.Remote {
				e := newEngine(t)
				return keystest.Remote{Provider: open(t, e), Down: func() { e.set(way.down) }, Up: func() { e.set(way.up) }}
			})
		})
	}
}

// TestSlowEngineIsGivenUp when the caller's time is over, and nothing is lost.
func TestSlowEngineIsGivenUp(t *testing.T) {
	p, e, wrapped := opened(t)
	hang := make(chan struct{})
	e.set(func(e *engine) { e.hang = hang })
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := p.Unwrap(ctx, 1, wrapped, []byte("aad"))
		done <- err
	}()
	cancel()
	if err := <-done; !errs.Is(err, errs.Unavailable) {
		t.Errorf("error %v, want Unavailable", err)
	}
	close(hang)
	wantOpens(t, p, wrapped)
}

// TestTransitKeysMayBeRotated by who runs the engine: what was wrapped under an older version opens.
func TestTransitKeysMayBeRotated(t *testing.T) {
	p, e, wrapped := opened(t)
	e.set(func(e *engine) { e.keys["clinic-000001"].rotate() })
	wantOpens(t, p, wrapped)
	newer, err := p.Wrap(t.Context(), 1, []byte("a key"), []byte("aad"))
	if err != nil || !strings.HasPrefix(string(newer), "vault:v2:") {
		t.Fatalf("wrapped %q (%v), want under version 2", newer, err)
	}
	wantOpens(t, p, newer)
	e.set(func(e *engine) { e.keys["clinic-000001"].Oldest = 2 })
	if _, err := p.Unwrap(t.Context(), 1, wrapped, []byte("aad")); !errs.Is(err, errs.Unavailable) || !strings.Contains(errs.Public(err), "min_decryption_version") {
		t.Errorf("a version that is disallowed: %v", err)
	}
	e.set(func(e *engine) { e.keys["clinic-000001"].Oldest = 1 })
	wantOpens(t, p, wrapped)
}

// TestDestroyDestroysEveryVersion, and says so only when the engine shows nothing any more.
func TestDestroyDestroysEveryVersion(t *testing.T) {
	p, e, wrapped := opened(t)
	e.set(func(e *engine) { e.keys["clinic-000001"].rotate(); e.vain = true })
	if err := p.Destroy(t.Context(), 1); err == nil {
		t.Fatal("destroyed, says Destroy, and the key is there")
	}
	wantOpens(t, p, wrapped)
	e.set(func(e *engine) { e.vain = false; e.deny = "keys/clinic-000001/config" })
	if err := p.Destroy(t.Context(), 1); !errs.Is(err, errs.Unavailable) {
		t.Errorf("a token that may not delete: %v", err)
	}
	wantOpens(t, p, wrapped)
	e.set(func(e *engine) { e.deny = "" })
	if err := p.Destroy(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	if err := p.Create(t.Context(), 1); !errs.Is(err, errs.Conflict) {
		t.Errorf("made anew: %v", err)
	}
}

// TestEncryptingMakesNoKeys: a token that could bring a destroyed generation back by using it is refused.
func TestEncryptingMakesNoKeys(t *testing.T) {
	e := newEngine(t)
	e.set(func(e *engine) { e.upsert = true })
	if _, err := Open(t.Context(), e.config()); !errs.Is(err, errs.Invalid) || !strings.Contains(errs.Public(err), "disable_upsert") {
		t.Errorf("error %v, want one that says what to do", err)
	}
	e.set(func(e *engine) {
		if len(e.keys) != 0 {
			t.Errorf("%d keys are left by the trial", len(e.keys))
		}
	})
}

// TestKeysThatCouldBeCopiedAreNotUsed: exportable, with a backup in plain, not derived, of another type.
func TestKeysThatCouldBeCopiedAreNotUsed(t *testing.T) {
	for name, change := range map[string]func(*engineKey){
		"exportable": func(k *engineKey) { k.Exportable = true }, "backup": func(k *engineKey) { k.Backup = true },
		"not derived": func(k *engineKey) { k.Derived = false }, "another type": func(k *engineKey) { k.Type = "aes128-gcm96" },
	} {
		p, e, wrapped := opened(t)
		e.set(func(e *engine) { change(e.keys["clinic-000001"]) })
		if _, err := p.Wrap(t.Context(), 1, []byte("k"), nil); !errs.Is(err, errs.Conflict) {
			t.Errorf("%s: wrapped: %v", name, err)
		}
		if _, err := p.Unwrap(t.Context(), 1, wrapped, []byte("aad")); !errs.Is(err, errs.Conflict) {
			t.Errorf("%s: unwrapped: %v", name, err)
		}
	}
}

// TestOfTwoThatCreateAtOnceOneDoes: another process made the key between this one's look and its order.
func TestOfTwoThatCreateAtOnceOneDoes(t *testing.T) {
	e := newEngine(t)
	providers := []*Provider{open(t, e), open(t, e)}
	results := make(chan error, 16)
	for i := range cap(results) {
		go func() { results <- providers[i%2].Create(t.Context(), 1) }()
	}
	made := 0
	for range cap(results) {
		switch err := <-results; {
		case err == nil:
			made++
		case !errs.Is(err, errs.Conflict):
			t.Error(err)
		}
	}
	if made != 1 {
		t.Errorf("%d made generation 1", made)
	}
}

func TestOtherSystemsKeysAreNotThere(t *testing.T) {
	p, e, _ := opened(t)
	other := e.config()
	other.Prefix = "clini"
	o, err := Open(t.Context(), other)
	if err != nil {
		t.Fatal(err)
	}
	e.set(func(e *engine) {
		e.keys["clinic-000002x"], e.keys["clinic-2"], e.keys["clinic-"] = &engineKey{}, &engineKey{}, &engineKey{}
	})
	for want, q := range map[string]*Provider{"[]": o, "[1]": p} {
		list, err := q.Generations(t.Context())
		if got := fmt.Sprint(list); err != nil || got != want {
			t.Errorf("generations %s (%v), want %s", got, err, want)
		}
	}
}

func TestConfigurationsThatCannotStand(t *testing.T) {
	e := newEngine(t)
	none := filepath.Join(t.TempDir(), "none")
	for name, change := range map[string]func(*Config){
		"plain http":     func(c *Config) { c.Address = "http://vault.example:8200" },
		"no address":     func(c *Config) { c.Address = "" },
		"a password":     func(c *Config) { c.Address = "https://a:b@vault.example" },
		"a prefix":       func(c *Config) { c.Prefix = "../x" },
		"no prefix":      func(c *Config) { c.Prefix = "" },
		"no authorities": func(c *Config) { c.CAFile = none },
		"no certificate": func(c *Config) { c.CAFile = e.tokenFile },
		"no token":       func(c *Config) { c.TokenFile = none },
		"another mount":  func(c *Config) { c.Address = "http://127.0.0.1:1" },
	} {
		c := e.config()
		change(&c)
		if _, err := Open(t.Context(), c); err == nil {
			t.Errorf("%s: opened", name)
		}
	}
}

// TestSecretsDoNotShowInErrors: neither the token nor what is wrapped.
func TestSecretsDoNotShowInErrors(t *testing.T) {
	p, e, wrapped := opened(t)
	for _, change := range []func(*engine){
		func(e *engine) { e.answer = http.StatusInternalServerError }, func(e *engine) { e.answer = 0; e.garbage = true },
		func(e *engine) { e.garbage = false; e.deny = "e" }, func(e *engine) { e.Server.CloseClientConnections(); go e.Server.Close() },
	} {
		e.set(change)
		_, wrapErr := p.Wrap(t.Context(), 1, []byte("plain secret"), nil)
		_, unwrapErr := p.Unwrap(t.Context(), 1, wrapped, nil)
		said := fmt.Sprintf("%+v %+v %#v", wrapErr, unwrapErr, p.client.cfg)
		for _, secret := range []string{engineToken, "plain secret", "cGxhaW4gc2VjcmV0", string(wrapped)} {
			if strings.Contains(said, secret) {
				t.Errorf("a secret shows: %s", said)
			}
		}
	}
}
