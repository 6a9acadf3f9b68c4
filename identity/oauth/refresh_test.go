package oauth_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/identity"
)

func TestRefreshTokensRotate(t *testing.T) {
	each(t, func(t *testing.T, s *system) {
		s.register(app())
		b := s.signedIn("physician")
		first := b.run(s.asking("openid online_access launch/patient patient/*.rs user/*.rs"))
		status, body := s.use(first.Refresh)
		second := tokensOf(t, status, body)
		if second.Refresh == first.Refresh || second.Access == first.Access || second.Patient != "p-1" || second.Scope != first.Scope || second.ID == "" {
			t.Errorf("after a refresh: %+v", second)
		}
		status, body = s.use(second.Refresh, set("scope", "user/*.rs"))
		third := tokensOf(t, status, body)
		if third.Scope != "user/*.rs" || third.ID != "" {
			t.Errorf("narrowed: %+v", third)
		}
		if status, body := s.use(third.Refresh, set("scope", "user/*.rs user/*.cruds")); body["error"] != "invalid_scope" {
			t.Errorf("widened: %d %v", status, body)
		}
		status, body = s.use(third.Refresh)
		if fourth := tokensOf(t, status, body); fourth.Scope != first.Scope {
			t.Errorf("what was narrowed once stays so: %q", fourth.Scope)
		}
	})
}

func TestStolenRefreshTokenEndsTheFamily(t *testing.T) {
	each(t, func(t *testing.T, s *system) {
		s.register(app())
		b := s.signedIn("physician")
		first := b.run(s.asking("openid offline_access user/*.rs"))
		bystander := b.run(s.asking("openid offline_access user/*.rs"))
		status, body := s.use(first.Refresh)
		second := tokensOf(t, status, body)
		if status, body := s.use(first.Refresh); status != http.StatusBadRequest || body["error"] != "invalid_grant" {
			t.Errorf("the old token: %d %v", status, body)
		}
		if s.works(first.Access) || s.works(second.Access) {
			t.Error("access tokens of the family live on")
		}
		if status, _ := s.use(second.Refresh); status != http.StatusBadRequest {
			t.Errorf("the new token after the theft: %d", status)
		}
		if !s.works(bystander.Access) {
			t.Error("another family ended")
		}
		if n := len(s.entries(tutela.ActionTokenReuse)); n != 1 {
			t.Errorf("%d entries tell of the theft", n)
		}
	})
}

func TestRefreshTokenIsUsedByOneOfMany(t *testing.T) {
	each(t, func(t *testing.T, s *system) {
		s.register(app())
		first := s.signedIn("physician").run(s.asking("openid offline_access user/*.rs"))
		got := together(8, func() tokens {
			status, body := s.use(first.Refresh)
			if status != http.StatusOK {
				return tokens{}
			}
			return tokensOf(t, status, body)
		})
		if len(got) > 1 {
			t.Errorf("%d of 8 got tokens", len(got))
		}
		for _, g := range append(got, first) {
			if s.works(g.Access) {
				t.Error("a token of a family of which one was used twice is alive")
			}
		}
	})
}

func TestRefreshTokenIsTheClients(t *testing.T) {
	s := one(t)
	s.register(app())
	other := app()
	other.ID = "other-app"
	s.register(other)
	once := app()
	once.ID, once.GrantTypes = "once", []string{identity.GrantCode}
	s.register(once)
	b := s.signedIn("physician")
	first := b.run(s.asking("openid offline_access user/*.rs"))
	for _, client := range []string{"other-app", "once", "nobody"} {
		if status, _ := s.use(first.Refresh, set("client_id", client)); status == http.StatusOK {
			t.Errorf("%s refreshed", client)
		}
	}
	for _, text := range []string{"", "tur_", "tur_.", "tur_x.y", first.Access, "tur_" + first.Refresh} {
		if status, _ := s.use(text); status != http.StatusBadRequest {
			t.Errorf("%q: %d", text, status)
		}
	}
	status, body := s.use(first.Refresh)
	tokensOf(t, status, body)
	if got := b.run(s.asking("openid offline_access user/*.rs", set("client_id", "once"))); got.Refresh != "" {
		t.Error("a client without the grant got a refresh token")
	}
}

// A public application need not name itself with its refresh token (SMART App Launch 2.2, "Refresh
// access token"); one that has a secret is not excused from it.
func TestPublicApplicationRefreshesWithoutItsName(t *testing.T) {
	s := one(t)
	s.register(app())
	web := app()
	web.ID, web.Public = "web", false
	_, secret := s.register(web)
	b := s.signedIn("physician")
	first := b.run(s.asking("openid offline_access user/*.rs"))
	status, body := s.use(first.Refresh, without("client_id"))
	second := tokensOf(t, status, body)
	if status, body := s.use(first.Refresh, without("client_id")); body["error"] != "invalid_grant" {
		t.Errorf("a second use: %d %v", status, body)
	}
	if s.works(second.Access) {
		t.Error("the family outlived the second use")
	}
	for _, text := range []string{"", "tur_x.y", second.Access} {
		if status, body := s.use(text, without("client_id")); status != http.StatusUnauthorized || body["error"] != "invalid_client" {
			t.Errorf("%q: %d %v", text, status, body)
		}
	}
	a := s.asking("openid offline_access user/*.rs", set("client_id", "web"))
	l := b.authorize(a)
	if l.page == "consent" {
		l = b.allow(l)
	}
	status, body, _ = s.post("/oauth2/token", url.Values{"grant_type": {"authorization_code"}, "code": {l.code(t, s)},
		"redirect_uri": {appCallback}, "code_verifier": {a.verifier}}, basic("web", secret))
	if status, body := s.use(tokensOf(t, status, body).Refresh, without("client_id")); body["error"] != "invalid_client" {
		t.Errorf("one with a secret: %d %v", status, body)
	}
}

// What tokens rest on, and what outlives it.
func TestTokensEndWithWhatTheyRestOn(t *testing.T) {
	each(t, func(t *testing.T, s *system) {
		client, _ := s.register(app())
		for _, c := range []struct {
			name    string
			end     func(l identity.Login)
			offline bool // whether offline access outlives it
		}{
			{"the session ends", func(l identity.Login) { must(t, s.identity.RevokeSession(t.Context(), by(), l.Session.ID)) }, true},
			{"the session grows old", func(identity.Login) { s.Advance(13 * time.Hour) }, true},
			{"the consent is taken back", func(l identity.Login) {
				p := s.identity.Principal(l.Session, s.person("physician").User)
				must(t, s.identity.RevokeConsent(t.Context(), p, p.ID, client.ID))
			}, false},
			{"the client changes", func(identity.Login) {
				changed := app()
				changed.Name = "Growth chart 2"
				_, err := s.identity.UpdateClient(t.Context(), s.admin(), changed)
				must(t, err)
			}, false},
			{"all sessions end", func(l identity.Login) {
				p := s.identity.Principal(l.Session, s.person("physician").User)
				must(t, s.identity.EndAllSessions(t.Context(), p, p.ID))
			}, false},
			{"the account is disabled", func(identity.Login) {
				must(t, s.identity.Disable(t.Context(), s.admin(), s.person("physician").ID))
			}, false},
		} {
			b := s.browser()
			l := b.signIn("physician")
			online := b.run(s.asking("openid online_access user/*.rs", set("prompt", "consent")))
			offline := b.run(s.asking("openid offline_access user/*.rs", set("prompt", "consent")))
			a := s.asking("openid user/*.rs")
			code := b.newCode(a)
			c.end(l)
			if s.works(online.Access) {
				t.Errorf("%s: the online access token lives on", c.name)
			}
			if status, _ := s.use(online.Refresh); status != http.StatusBadRequest {
				t.Errorf("%s: the online refresh token lives on", c.name)
			}
			if status, _ := s.redeem(code, a); status != http.StatusBadRequest {
				t.Errorf("%s: the code lives on", c.name)
			}
			status, body := s.use(offline.Refresh)
			if (status == http.StatusOK) != c.offline {
				t.Errorf("%s: offline access answers %d %v", c.name, status, body)
			}
			if !c.offline && s.works(offline.Access) {
				t.Errorf("%s: the offline access token lives on", c.name)
			}
		}
	})
}

func TestOfflineAccessEnds(t *testing.T) {
	s := one(t)
	s.register(app())
	b := s.signedIn("physician")
	idle := b.run(s.asking("openid offline_access user/*.rs")).Refresh
	used := b.run(s.asking("openid offline_access user/*.rs")).Refresh
	for range 4 {
		s.Advance(20 * 24 * time.Hour)
		status, body := s.use(used)
		used = tokensOf(t, status, body).Refresh
	}
	if status, _ := s.use(idle); status != http.StatusBadRequest {
		t.Error("unused for 80 days, and alive")
	}
	s.Advance(11 * 24 * time.Hour)
	if status, _ := s.use(used); status != http.StatusBadRequest {
		t.Error("alive after 91 days")
	}
}

func TestRevocation(t *testing.T) {
	each(t, func(t *testing.T, s *system) {
		s.register(app())
		other := app()
		other.ID = "other-app"
		s.register(other)
		b := s.signedIn("physician")
		first := b.run(s.asking("openid offline_access user/*.rs"))
		revoke := func(client, token string) int {
			status, _, _ := s.post("/oauth2/revoke", url.Values{"token": {token}, "client_id": {client}, "token_type_hint": {"nonsense"}})
			return status
		}
		for _, token := range []string{first.Access, first.Refresh, "tut_nothing", "nonsense"} {
			if status := revoke("other-app", token); status != http.StatusOK {
				t.Errorf("another's token: %d", status)
			}
		}
		if !s.works(first.Access) {
			t.Fatal("another client ended the token")
		}
		if status := revoke("nobody", first.Access); status != http.StatusUnauthorized {
			t.Errorf("an unknown client: %d", status)
		}
		if status := revoke("growth-chart", first.Access); status != http.StatusOK || s.works(first.Access) {
			t.Errorf("the client's own access token: %d", status)
		}
		status, body := s.use(first.Refresh)
		second := tokensOf(t, status, body)
		if status := revoke("growth-chart", second.Refresh); status != http.StatusOK || s.works(second.Access) {
			t.Errorf("the client's own refresh token: %d", status)
		}
		if status, _ := s.use(second.Refresh); status != http.StatusBadRequest {
			t.Errorf("after its end: %d", status)
		}
	})
}
