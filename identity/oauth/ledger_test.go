package oauth_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/tutela-health/tutela"
)

// Whatever a request did to tokens, its entry says which request that was and where it came from.
func TestEntriesNameTheRequestAndItsPeer(t *testing.T) {
	each(t, func(t *testing.T, s *system) {
		s.register(app())
		k := es384(t, "k")
		s.register(service(t, k))
		b := s.signedIn("physician")
		first := b.run(s.asking("openid offline_access user/*.rs"))
		status, body := s.use(first.Refresh)
		tokensOf(t, status, body)
		if status, _ := s.use(first.Refresh); status != http.StatusBadRequest {
			t.Fatalf("a refresh token counted twice: %d", status)
		}
		last := b.run(s.asking("openid user/*.rs"))
		if status, _, _ := s.post("/oauth2/revoke", url.Values{"client_id": {"growth-chart"}, "token": {last.Access}}); status != http.StatusOK {
			t.Fatalf("revoke: %d", status)
		}
		tokensOf(t, http.StatusOK, second(s.serviceToken(s.assertion("lab-feed", k), "system/Patient.rs")))
		for action, want := range map[tutela.Action]int{
			tutela.ActionConsentGive: 1, tutela.ActionAuthorize: 2, tutela.ActionTokenIssue: 4, tutela.ActionTokenReuse: 1,
			tutela.ActionTokenRevoke: 1, tutela.ActionClientProve: 1,
		} {
			list := s.entries(action)
			if len(list) != want {
				t.Errorf("%d entries of %s, want %d", len(list), action, want)
			}
			for _, e := range list {
				if e.Address == "" || e.Request == "" {
					t.Errorf("%s of the request %q came from %q", action, e.Request, e.Address)
				}
			}
		}
	})
}
