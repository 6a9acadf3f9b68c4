package oauth_test

import (
	"crypto/x509"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/identity/oauth"
)

const bye = "https://app.example/bye"

func (b *browser) logout(v url.Values) landing { return b.get("/oauth2/logout?" + v.Encode()) }

func TestApplicationLogsItsPersonOut(t *testing.T) {
	each(t, func(t *testing.T, s *system) {
		s.register(app())
		b := s.signedIn("physician")
		got := b.run(s.asking("openid online_access user/*.rs"))
		s.Advance(2 * time.Hour) // the id_token has expired: it names the session all the same
		l := b.logout(url.Values{"id_token_hint": {got.ID}, "post_logout_redirect_uri": {bye}, "state": {"s&1"}})
		if l.status != http.StatusSeeOther || l.to.String() != bye+"?state=s%261" {
			t.Errorf("led to %v", l.to)
		}
		if status, _ := s.use(got.Refresh); status != http.StatusBadRequest {
			t.Error("the refresh token outlives the logout")
		}
		view[string](t, b.authorize(s.asking("openid")), "login")
		if l := b.logout(url.Values{"id_token_hint": {got.ID}, "post_logout_redirect_uri": {bye}}); l.to.String() != bye {
			t.Errorf("once more: %v", l.to)
		}
		if l := b.logout(nil); l.page != "logged-out" {
			t.Errorf("with nothing: %q", l.page)
		}
	})
}

// Any site can send a browser to the logout; without proof of the session the person is asked.
func TestForeignLogoutAsks(t *testing.T) {
	s := one(t)
	s.register(app())
	victim, attacker := s.signedIn("physician"), s.signedIn("nurse")
	theirs := attacker.run(s.asking("openid"))
	old := victim.run(s.asking("openid"))
	victim.signIn("physician")
	current := victim.run(s.asking("openid"))
	for name, v := range map[string]url.Values{
		"nothing": {}, "the attacker's hint": {"id_token_hint": {theirs.ID}}, "an earlier session's hint": {"id_token_hint": {old.ID}},
		"a client alone": {"client_id": {"growth-chart"}, "post_logout_redirect_uri": {bye}},
	} {
		q := view[oauth.LogoutView](t, victim.logout(v), "logout")
		l := victim.post(q.Action, url.Values{"request": {q.Request}, "decision": {"allow"}}, func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") })
		if l.status != http.StatusForbidden {
			t.Errorf("%s: forged agreement: %d %q", name, l.status, l.page)
		}
		mine := view[oauth.LogoutView](t, attacker.logout(url.Values{}), "logout")
		if l := victim.post(mine.Action, url.Values{"request": {mine.Request}, "decision": {"allow"}}); l.status != http.StatusForbidden {
			t.Errorf("%s: another's form: %d %q", name, l.status, l.page)
		}
		if l := victim.post(q.Action, url.Values{"request": {q.Request}, "decision": {"deny"}}); l.page == "logged-out" {
			t.Errorf("%s: declined and yet %q", name, l.page)
		}
	}
	for name, v := range map[string]url.Values{
		"an address of nobody":     {"post_logout_redirect_uri": {bye}},
		"an unregistered address":  {"id_token_hint": {current.ID}, "post_logout_redirect_uri": {"https://evil.example/"}},
		"a callback as address":    {"id_token_hint": {current.ID}, "post_logout_redirect_uri": {appCallback}},
		"another client's hint":    {"id_token_hint": {current.ID}, "client_id": {"other"}},
		"no id_token":              {"id_token_hint": {"nonsense"}},
		"a hint without algorithm": {"id_token_hint": {withHeader(t, current.ID, "none", "") + "."}},
		"a hint under HMAC":        {"id_token_hint": {underHMAC(t, s, current.ID)}},
		"a hint that was changed":  {"id_token_hint": {tampered(current.ID)}},
	} {
		if l := victim.logout(v); l.page != "error" || l.to != nil {
			t.Errorf("%s: %q to %v", name, l.page, l.to)
		}
	}
	victim.authorize(s.asking("openid")).code(t, s) // still logged in
	q := view[oauth.LogoutView](t, victim.logout(url.Values{"client_id": {"growth-chart"}, "post_logout_redirect_uri": {bye}}), "logout")
	if l := victim.post(q.Action, url.Values{"request": {q.Request}, "decision": {"allow"}}); l.to.String() != bye {
		t.Errorf("agreed: %q %v", l.page, l.to)
	}
}

// withHeader puts another algorithm over an id_token's claims.
func withHeader(t testing.TB, text, alg, kid string) string {
	t.Helper()
	head, err := json.Marshal(map[string]string{"alg": alg, "kid": kid, "typ": "JWT"})
	must(t, err)
	return encode(head) + "." + strings.Split(text, ".")[1]
}

// underHMAC signs an id_token's claims with the public key as if it were a secret.
func underHMAC(t testing.TB, s *system, text string) string {
	t.Helper()
	key := s.published(t).Keys[0]
	public, err := x509.MarshalPKIXPublicKey(key.Key)
	must(t, err)
	made, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.HS256, Key: jose.JSONWebKey{Key: public, KeyID: key.KeyID}}, (&jose.SignerOptions{}).WithType("JWT"))
	must(t, err)
	jws, err := made.Sign(decode(t, strings.Split(text, ".")[1]))
	must(t, err)
	out, err := jws.CompactSerialize()
	must(t, err)
	return out
}

func TestApplicationsAreToldOfALogout(t *testing.T) {
	each(t, func(t *testing.T, s *system) {
		var refused atomic.Int64
		told := make(chan string, 4)
		p := publish(t)
		p.says(func(w http.ResponseWriter, r *http.Request) {
			if refused.Add(1) <= 2 { // it takes the third
				w.WriteHeader(http.StatusServiceUnavailable)
				return
			}
			told <- r.FormValue("logout_token")
		})
		told1, silent := app(), app()
		told1.BackchannelLogoutURI = p.URL + "/logout"
		silent.ID, silent.BackchannelLogoutURI = "silent", p.URL+"/never"
		s.register(told1)
		s.register(silent)
		b := s.browser()
		session := b.signIn("physician").Session
		got := b.run(s.asking("openid offline_access user/*.rs"))
		s.signedIn("nurse").run(s.asking("openid", set("client_id", "silent")))
		b.logout(url.Values{"id_token_hint": {got.ID}})
		jws, err := jose.ParseSignedCompact(<-told, []jose.SignatureAlgorithm{jose.RS256})
		must(t, err)
		payload, err := jws.Verify(s.published(t))
		must(t, err)
		var c struct {
			Iss    string                    `json:"iss"`
			Sub    string                    `json:"sub"`
			Aud    string                    `json:"aud"`
			Sid    string                    `json:"sid"`
			Jti    string                    `json:"jti"`
			Nonce  string                    `json:"nonce"`
			Exp    int64                     `json:"exp"`
			Events map[string]map[string]any `json:"events"`
		}
		must(t, json.Unmarshal(payload, &c))
		_, event := c.Events["http://schemas.openid.net/event/backchannel-logout"]
		if typ := jws.Signatures[0].Protected.ExtraHeaders["typ"]; typ != "logout+jwt" || c.Iss != s.base || c.Aud != "growth-chart" ||
			c.Sid != session.ID || c.Sub != string(session.User) || c.Jti == "" || c.Nonce != "" || !event || c.Exp != s.Now().Add(2*time.Minute).Unix() {
			t.Errorf("told %s of type %v", payload, typ)
		}
		if n := p.asked.Load(); n != 3 {
			t.Errorf("%d calls", n)
		}
		ended := s.entries(tutela.ActionSessionEnd)
		if len(ended) != 1 || ended[0].Session != session.ID {
			t.Errorf("entries: %+v", ended)
		}
	})
}

func TestApplicationsAreToldHoweverTheSessionEnds(t *testing.T) {
	each(t, func(t *testing.T, s *system) {
		told := make(chan string, 4)
		p := publish(t)
		p.says(func(_ http.ResponseWriter, r *http.Request) { told <- r.FormValue("logout_token") })
		c := app()
		c.BackchannelLogoutURI = p.URL
		s.register(c)
		for name, end := range map[string]func(l identity.Login){
			"by its owner": func(l identity.Login) {
				must(t, s.identity.EndSession(t.Context(), s.identity.Principal(l.Session, s.person("physician").User), l.Session.ID))
			},
			"with all others": func(l identity.Login) {
				must(t, s.identity.EndAllSessions(t.Context(), s.identity.Principal(l.Session, s.person("physician").User), l.Session.User))
			},
			"by an administrator": func(l identity.Login) { must(t, s.identity.EndAllSessions(t.Context(), s.admin(), l.Session.User)) },
		} {
			b := s.browser()
			l := b.signIn("physician")
			b.run(s.asking("openid user/*.rs", set("prompt", "consent")))
			end(l)
			_, payload, _ := strings.Cut(<-told, ".")
			payload, _, _ = strings.Cut(payload, ".")
			if got := string(decode(t, payload)); !strings.Contains(got, l.Session.ID) {
				t.Errorf("%s: told %s", name, got)
			}
		}
		if n := len(told); n != 0 {
			t.Errorf("told %d times more", n)
		}
	})
}

// An id_token is no logout token, no assertion and no access token, and none of these is it.
func TestTokensAreNotMistaken(t *testing.T) {
	s := one(t)
	s.register(app())
	b := s.signedIn("physician")
	got := b.run(s.asking("openid offline_access user/*.rs"))
	for name, token := range map[string]string{"id_token": got.ID, "refresh token": got.Refresh} {
		if s.works(token) {
			t.Errorf("an %s works as an access token", name)
		}
	}
	for name, token := range map[string]string{"id_token": got.ID, "access token": got.Access} {
		if status, _ := s.use(token); status != http.StatusBadRequest {
			t.Errorf("an %s works as a refresh token", name)
		}
		a := s.asking("openid")
		if status, _ := s.redeem(token, a); status != http.StatusBadRequest {
			t.Errorf("an %s works as a code", name)
		}
	}
	if status, _ := s.serviceToken(got.ID, "system/*.rs"); status != http.StatusUnauthorized {
		t.Errorf("an id_token works as an assertion: %d", status)
	}
	if !s.works(got.Access) {
		t.Error("the access token died of it")
	}
}
