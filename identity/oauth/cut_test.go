package oauth_test

import (
	"context"
	"testing"
	"time"

	"github.com/tutela-health/tutela/identity/identitytest"
	"github.com/tutela-health/tutela/internal/clock"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/internal/testkit"
)

// tries shows a node a token again and again.
type tries struct {
	node  *node
	token string
}

// patience is how long a test waits for what has to come. The promise is shorter.
const patience = 20 * time.Second

// until shows the token until the answer is one that is waited for, and gives the answers before it.
func (y tries) until(t *testing.T, what string, want func(error) bool) (before []error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for ctx.Err() == nil {
		_, err := y.node.identity.Authenticate(t.Context(), "Bearer "+y.token)
		if want(err) {
			return before
		}
		before = append(before, err)
	}
	t.Fatalf("%s: not within %v", what, patience)
	return nil
}

func accepted(err error) bool { return err == nil }

// refusedForNow is a node's word that it cannot know: never that the token is bad.
func refusedForNow(err error) bool { return errs.Is(err, errs.Unavailable) }

func dead(err error) bool { return errs.Is(err, errs.Unauthenticated) }

// only holds answers to one kind.
func only(t *testing.T, when string, answers []error, kind func(error) bool) {
	t.Helper()
	for _, err := range answers {
		if !kind(err) {
			t.Errorf("%s: %v", when, err)
		}
	}
}

// A node that cannot reach the database remembers tokens for less than a second and then refuses,
// whether connections break or nothing comes back. What was revoked meanwhile on another node never
// counts again, and what was not counts as soon as the database is back.
func TestNodeThatIsCutOffRefusesAndRecovers(t *testing.T) {
	url := testkit.Postgres(t)
	s := openAt(t, url, identitytest.At(clock.System()))
	s.register(app())
	for name, breaks := range map[string]func(*testkit.Relay){"broken": (*testkit.Relay).Cut, "silent": (*testkit.Relay).Hold} {
		t.Run(name, func(t *testing.T) {
			relay, through := testkit.RelayPostgres(t, url)
			other := join(t, through, s.ring.Provider(), name)
			b := s.signedIn("physician")
			a := s.asking("openid online_access user/*.rs", set("prompt", "consent"))
			revoked, kept := b.run(a), b.run(s.asking("openid online_access user/*.rs", set("prompt", "consent")))
			for _, token := range []string{revoked.Access, kept.Access, revoked.Access, kept.Access} {
				if !other.works(t, token) {
					t.Fatal("the node does not know the token")
				}
			}

			breaks(relay)
			must(t, s.identity.RevokeFor(t.Context(), "growth-chart", revoked.Access))
			for _, token := range []string{revoked.Access, kept.Access} {
				tries{other, token}.until(t, "a refusal", refusedForNow) // from memory till then
			}
			for _, token := range []string{revoked.Access, kept.Access, "tut_unknown"} {
				_, err := other.identity.Authenticate(t.Context(), "Bearer "+token)
				if !refusedForNow(err) {
					t.Errorf("cut off: %v", err)
				}
			}

			relay.Mend()
			only(t, "before the revocation is known", tries{other, revoked.Access}.until(t, "its end", dead), refusedForNow)
			only(t, "before the token is known", tries{other, kept.Access}.until(t, "its return", accepted), refusedForNow)
			if other.works(t, revoked.Access) {
				t.Error("a revoked token is alive again")
			}
		})
	}
}
