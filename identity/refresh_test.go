package identity

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/store"
)

// granted goes through a code to tokens, as an application that a person agreed to would.
func granted(t testing.TB, s *Service, l Login, scopes ...string) Tokens {
	t.Helper()
	const verifier = "a verifier of enough characters, and a few more"
	must(t, s.GiveConsent(t.Context(), l.Session.ID, "app", scopes))
	code, err := s.IssueCode(t.Context(), Authorization{
		User: l.Session.User, Client: "app", Session: l.Session.ID, Scopes: scopes, ACR: l.Session.ACR, Consented: true,
	}, Binding{RedirectURI: webCallback, Challenge: ChallengeOf(verifier)}, "")
	must(t, err)
	got, err := s.RedeemCode(t.Context(), code, Proof{Client: "app", RedirectURI: webCallback, Verifier: verifier})
	must(t, err)
	return got
}

// A refresh that runs while an account's sessions are ended may write its family after the list of
// families was made. The account's epoch stands against that.
func TestFamilyThatOutranItsEndIsDead(t *testing.T) {
	each(t, func(t *testing.T, w *world, s *Service) {
		_, by := admin(t, w, s)
		person, l := nurse(t, w, s, by, "nora")
		c := smartApp()
		c.Scopes = append(c.Scopes, ScopeOffline)
		_, _, err := s.RegisterClient(t.Context(), by, c)
		must(t, err)
		got := granted(t, s, l, "openid", ScopeOffline)
		it, current, err := s.familyOf(t.Context(), got.Refresh)
		must(t, err)
		if !current {
			t.Fatal("the newest refresh token is not current")
		}
		must(t, s.EndAllSessions(t.Context(), by, person.ID))
		it.revision = 0 // its row is gone: write it anew
		claim, err := putItem(t.Context(), s, itemFamily, it, it.Value.owner(), w.Now().Add(time.Hour))
		must(t, err)
		must(t, s.db.Commit(t.Context(), store.Op{Claims: []store.Claim{claim}}))
		_, err = s.Refresh(t.Context(), got.Refresh, "app", nil)
		refused(t, "a refresh", err, errs.Invalid)
		_, err = s.Inspect(t.Context(), got.Refresh)
		refused(t, "a question", err, errs.Unauthenticated)
	})
}

// Neither tokens nor codes can be read out of what is kept, nor clients, people or scopes out of
// the rows around it.
func TestRowsTellNothing(t *testing.T) {
	each(t, func(t *testing.T, w *world, s *Service) {
		_, by := admin(t, w, s)
		_, l := nurse(t, w, s, by, "nora")
		c := smartApp()
		c.Scopes = append(c.Scopes, ScopeOffline)
		_, _, err := s.RegisterClient(t.Context(), by, c)
		must(t, err)
		got := granted(t, s, l, "openid", ScopeOffline)
		secrets := []string{got.Token, got.Refresh, got.Refresh[len(got.Refresh)-43:], "nora", "openid", webCallback, l.Session.ID}
		rows := 0
		must(t, s.db.Query(t.Context(), `SELECT sealed FROM identity_items`, nil, func(sc store.Scanner) error {
			var sealed []byte
			err := sc.Scan(&sealed)
			rows++
			if i := slices.IndexFunc(secrets, func(text string) bool { return containsText(sealed, text) }); i >= 0 {
				t.Errorf("a row shows secret %d", i)
			}
			return err
		}))
		if rows < 5 {
			t.Errorf("only %d rows looked at", rows)
		}
	})
}

func containsText(b []byte, text string) bool { return bytes.Contains(b, []byte(text)) }
