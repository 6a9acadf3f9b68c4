package oauth_test

import (
	"context"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/tutela-health/tutela"
)

// Who guesses at the token endpoint is soon refused unheard, and who waited is heard again.
func TestGuessingAtTheTokenEndpointIsSlowed(t *testing.T) {
	each(t, func(t *testing.T, s *system) {
		web := app()
		web.Public = false
		_, secret := s.register(web)
		try := func(path, secret string) (int, http.Header) {
			status, _, h := s.post(path, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {"x"}, "token": {"x"}}, basic(web.ID, secret))
			return status, h
		}
		heard := 0
		for heard < 1000 {
			if status, _ := try("/oauth2/token", "guess"); status != http.StatusUnauthorized {
				break
			}
			heard++
		}
		if heard < 50 || heard > 70 {
			t.Errorf("%d guesses were heard at once", heard)
		}
		for _, path := range []string{"/oauth2/token", "/oauth2/introspect", "/oauth2/revoke"} {
			if status, h := try(path, secret); status != http.StatusTooManyRequests || h.Get("Retry-After") == "" {
				t.Errorf("%s, with the right secret, after that: %d, Retry-After %q", path, status, h.Get("Retry-After"))
			}
		}
		s.Advance(2 * time.Second)
		if status, _ := try("/oauth2/introspect", secret); status != http.StatusOK {
			t.Errorf("after two seconds: %d", status)
		}
		must(t, s.oauth.Close(context.WithoutCancel(t.Context()))) // writes what was counted
		refusals := 0
		for _, e := range s.entries(tutela.ActionClientProve) {
			if e.Outcome == tutela.OutcomeDenied {
				refusals += max(e.Count, 1)
			}
		}
		if refusals != heard+4 {
			t.Errorf("%d of %d refusals are in the ledger", refusals, heard+4)
		}
	})
}

func TestTokensAreGivenAtAPace(t *testing.T) {
	s := one(t)
	k := es384(t, "k")
	s.register(service(t, k))
	given := 0
	for given < 1000 {
		status, _ := s.serviceToken(s.assertion("lab-feed", k), "system/Patient.rs")
		if status == http.StatusTooManyRequests {
			break
		}
		given++
	}
	if given != 600 {
		t.Errorf("%d tokens at once", given)
	}
	s.Advance(time.Second)
	if status, _ := s.serviceToken(s.assertion("lab-feed", k), "system/Patient.rs"); status != http.StatusOK {
		t.Errorf("after a second: %d", status)
	}
}
