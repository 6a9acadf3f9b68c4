package federation

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/internal/errs"
)

func TestHonestAnswerSaysWhoSignedIn(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		r := newRival(t)
		p := w.at(t, r)
		j := w.begin(t, p)
		r.says(func() string { return signed(t, jose.ES256, r.key, j.claims(w, r)) })
		got, err := w.finish(t, p, j, j.answer(r))
		must(t, err)
		want := identity.Outside{
			Provider: p, Subject: "anna", Email: "anna@nowhere.test", Verified: true, Roles: []string{"nurses"}, AMR: []string{"mfa"},
			AuthTime: time.Unix(w.Now().Unix(), 0), Asked: w.Now(),
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		form := r.requests()[0].PostForm
		if form.Get("code_verifier") == "" || form.Get("redirect_uri") != base+CallbackPath(p.ID) || form.Get("client_assertion") == "" {
			t.Errorf("asked with %v", form)
		}
		if q := j.query; q.Get("code_challenge_method") != "S256" || q.Get("response_type") != "code" || q.Get("max_age") == "" {
			t.Errorf("begun with %v", q)
		}
	})
}

// TestForgedIDTokensAreRefused has the token endpoint answer with each id_token that must not count
// (OpenID Connect Core 1.0, 3.1.3.7; RFC 8725).
func TestForgedIDTokensAreRefused(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		r := newRival(t)
		secret := filepath.Join(w.cfg.Secrets, "nowhere")
		must(t, os.WriteFile(secret, []byte("a-secret-of-at-least-thirty-two-bytes"), 0o600))
		p := w.at(t, r, func(p *identity.Provider) { p.SecretFile = "nowhere" })
		stranger, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		must(t, err)
		public, err := x509.MarshalPKIXPublicKey(r.key.Public())
		must(t, err)
		now := w.Now().Unix()
		claim := func(name string, value any) func(map[string]any) string {
			return func(c map[string]any) string {
				c[name] = value
				if value == nil {
					delete(c, name)
				}
				return signed(t, jose.ES256, r.key, c)
			}
		}
		before := w.begin(t, p)
		for what, forge := range map[string]func(map[string]any) string{
			"another issuer":           claim("iss", "https://elsewhere.test"),
			"no issuer":                claim("iss", nil),
			"another audience":         claim("aud", "somebody"),
			"no audience":              claim("aud", nil),
			"a second audience":        claim("aud", []string{clientID, "somebody"}),
			"another authorized party": claim("azp", "somebody"),
			"nonce of another login":   claim("nonce", before.query.Get("nonce")),
			"no nonce":                 claim("nonce", nil),
			"expired":                  claim("exp", now-1),
			"no expiry":                claim("exp", nil),
			"issued an hour ago":       claim("iat", now-3600),
			"issued tomorrow":          claim("iat", now+86400),
			"no time of issue":         claim("iat", nil),
			"nobody":                   claim("sub", nil),
			"signed in last week":      claim("auth_time", now-7*86400),
			"signed in tomorrow":       claim("auth_time", now+86400),
			"alg none":                 func(c map[string]any) string { return unsigned(t, c) },
			"HS256 by our secret": func(c map[string]any) string {
				return signed(t, jose.HS256, []byte("a-secret-of-at-least-thirty-two-bytes"), c)
			},
			"HS256 by the public key":    func(c map[string]any) string { return signed(t, jose.HS256, public, c) },
			"a stranger's key":           func(c map[string]any) string { return signed(t, jose.ES256, stranger, c) },
			"no token":                   func(map[string]any) string { return "" },
			"something that is no token": func(map[string]any) string { return "a.b.c" },
		} {
			j := w.begin(t, p)
			r.says(func() string { return forge(j.claims(w, r)) })
			_, err := w.finish(t, p, j, j.answer(r))
			refused(t, what, err, errs.Unauthenticated)
		}
		if got := w.refusals(t); got != 22 {
			t.Errorf("%d refusals are in the ledger", got)
		}
		j := w.begin(t, p)
		r.says(func() string { return signed(t, jose.ES256, r.key, j.claims(w, r)) })
		if _, err := w.finish(t, p, j, j.answer(r)); err != nil {
			t.Errorf("the honest one: %v", err)
		}
		if _, got, _ := r.requests()[0].BasicAuth(); got != "a-secret-of-at-least-thirty-two-bytes" {
			t.Error("the secret of the file was not used")
		}
	})
}

// TestAnswersThatThisBrowserDidNotAskForAreRefused delivers what an attacker can send a browser to:
// login CSRF, mix-up, replay. No code of it reaches a token endpoint.
func TestAnswersThatThisBrowserDidNotAskForAreRefused(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		honest, attacker := newRival(t), newRival(t)
		p, evil := w.at(t, honest), w.at(t, attacker)
		mine, theirs := w.begin(t, p), w.begin(t, p)
		atEvil := w.begin(t, evil)
		with := func(j journey, r *rival, change func(url.Values)) url.Values {
			v := j.answer(r)
			change(v)
			return v
		}
		for what, tc := range map[string]struct {
			at     identity.Provider
			in     journey
			answer url.Values
		}{
			"the state of another browser":          {p, mine, theirs.answer(honest)},
			"a browser that began nothing":          {p, journey{}, mine.answer(honest)},
			"a cookie that nobody sealed":           {p, journey{Start: Start{Cookie: "1.AAAA"}}, mine.answer(honest)},
			"no state":                              {p, mine, with(mine, honest, func(v url.Values) { v.Del("state") })},
			"two states":                            {p, mine, with(mine, honest, func(v url.Values) { v.Add("state", "x") })},
			"no code":                               {p, mine, with(mine, honest, func(v url.Values) { v.Del("code") })},
			"two codes":                             {p, mine, with(mine, honest, func(v url.Values) { v.Add("code", "x") })},
			"another issuer":                        {p, mine, with(mine, honest, func(v url.Values) { v.Set("iss", attacker.URL) })},
			"two issuers":                           {p, mine, with(mine, honest, func(v url.Values) { v.Add("iss", attacker.URL) })},
			"an empty issuer":                       {p, mine, with(mine, honest, func(v url.Values) { v.Set("iss", "") })},
			"no issuer, though it is promised":      {p, mine, with(mine, honest, func(v url.Values) { v.Del("iss") })},
			"an error":                              {p, mine, with(mine, honest, func(v url.Values) { v.Set("error", "access_denied") })},
			"mix-up: one's answer at another":       {evil, mine, mine.answer(honest)},
			"mix-up: begun at one, told by another": {p, atEvil, atEvil.answer(honest)},
			"mix-up: another's issuer at one's":     {evil, atEvil, atEvil.answer(honest)},
		} {
			_, err := w.finish(t, tc.at, tc.in, tc.answer)
			refused(t, what, err, errs.Unauthenticated)
		}
		if n := len(honest.requests()) + len(attacker.requests()); n != 0 {
			t.Errorf("%d codes were redeemed", n)
		}
		honest.says(func() string { return signed(t, jose.ES256, honest.key, mine.claims(w, honest)) })
		_, err := w.finish(t, p, mine, mine.answer(honest))
		must(t, err)
		_, err = w.finish(t, p, mine, mine.answer(honest))
		refused(t, "the same answer again", err, errs.Unauthenticated)
		w.Advance(flowLife)
		_, err = w.finish(t, p, theirs, theirs.answer(honest))
		refused(t, "an answer after ten minutes", err, errs.Unauthenticated)
		late := w.begin(t, p)
		must(t, w.identity.UpdateProvider(t.Context(), w.by, p))
		_, err = w.finish(t, p, late, late.answer(honest))
		refused(t, "an answer after the configuration changed", err, errs.Unauthenticated)
		if n := len(honest.requests()); n != 1 {
			t.Errorf("%d codes were redeemed", n)
		}
	})
}

func TestAnswerOfAProviderThatNamesNoIssuerCountsAtItsAddress(t *testing.T) {
	w, r := newWorld(t, "sqlite:"+filepath.Join(t.TempDir(), "t.db")), newRival(t)
	r.published["authorization_response_iss_parameter_supported"] = false
	p := w.at(t, r)
	j := w.begin(t, p)
	r.says(func() string { return signed(t, jose.ES256, r.key, j.claims(w, r)) })
	answer := maps.Clone(j.answer(r))
	answer.Del("iss")
	if _, err := w.finish(t, p, j, answer); err != nil {
		t.Error(err)
	}
}

func TestAssertionProvesUsToOneProviderForAMinute(t *testing.T) {
	w, r := newWorld(t, "sqlite:"+filepath.Join(t.TempDir(), "t.db")), newRival(t)
	p := w.at(t, r)
	text, err := w.assertion(t.Context(), p)
	must(t, err)
	published, err := w.identity.VerificationKeys(t.Context())
	must(t, err)
	jws, err := jose.ParseSignedCompact(text, []jose.SignatureAlgorithm{identity.IDTokenAlgorithm})
	must(t, err)
	body, err := jws.Verify(published[0])
	must(t, err)
	var got struct {
		Iss, Sub, Aud, Jti string
		Iat, Exp           int64
	}
	unmarshal(t, body, &got)
	if got.Iss != clientID || got.Sub != clientID || got.Aud != r.URL || len(got.Jti) < 20 || got.Exp-got.Iat != 60 || got.Iat != w.Now().Unix() {
		t.Errorf("%+v", got)
	}
}
