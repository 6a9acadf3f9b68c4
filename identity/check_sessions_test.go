package identity

import (
	"context"
	"testing"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/internal/testkit"
)

func TestPasswordsThatAreGuessedFirstAreFound(t *testing.T) {
	each(t, func(t *testing.T, w *world, s *Service) {
		seen := testkit.Sabotage(t, "identity.guessable-passwords")
		c := newPasswordCheck(s)
		seen.Expect(w.leavesNothing(t, c.try), tutela.Pass, "7 passwords")

		lax := c
		lax.change = func(ctx context.Context, cookie, current, next string) error {
			if next == "Password1234567" {
				return nil
			}
			return s.ChangePassword(ctx, cookie, current, next)
		}
		seen.Expect(w.leavesNothing(t, lax.try), tutela.Fail, "one that everybody tries could be chosen")

		trusting := c
		trusting.change = func(ctx context.Context, cookie, current, next string) error {
			if err := checkPassword("x", next); err != nil {
				return err
			}
			return nil
		}
		seen.Expect(w.leavesNothing(t, trusting.try), tutela.Fail)

		strict := c
		strict.change = func(context.Context, string, string, string) error { return errs.New(errs.Unprocessable, "never") }
		seen.Expect(w.leavesNothing(t, strict.try), tutela.CouldNotCheck, "proves nothing")
		seen.Expect(c.try(t.Context()), tutela.Pass)
	})
}

func TestTokensThatOutliveATheftAreFound(t *testing.T) {
	each(t, func(t *testing.T, w *world, s *Service) {
		seen := testkit.Sabotage(t, "identity.stolen-tokens")
		c := newStolenCheck(s)
		seen.Expect(w.leavesNothing(t, c.try), tutela.Pass, "came a second time were refused")

		deaf := c // refuses the second use, and ends nothing
		used := map[string]bool{}
		deaf.redeem = func(ctx context.Context, code string, p Proof) (Tokens, error) {
			if used[code] {
				return Tokens{}, errInvalidGrant()
			}
			used[code] = true
			return s.RedeemCode(ctx, code, p)
		}
		seen.Expect(w.leavesNothing(t, deaf.try), tutela.Fail, "after a code came twice the tokens that came of it still count")

		lavish := c
		kept := map[string]Tokens{}
		lavish.refresh = func(ctx context.Context, text, client string, scopes []string) (Tokens, error) {
			if was, again := kept[text]; again {
				return was, nil
			}
			got, err := s.Refresh(ctx, text, client, scopes)
			kept[text] = got
			return got, err
		}
		seen.Expect(w.leavesNothing(t, lavish.try), tutela.Fail, "a refresh token is taken a second time")

		credulous := c
		credulous.redeem = func(ctx context.Context, code string, p Proof) (Tokens, error) {
			p.Verifier = stolenVerifier
			return s.RedeemCode(ctx, code, p)
		}
		seen.Expect(w.leavesNothing(t, credulous.try), tutela.Fail, "without the proof")

		closed := c
		closed.redeem = func(context.Context, string, Proof) (Tokens, error) { return Tokens{}, errInvalidGrant() }
		seen.Expect(w.leavesNothing(t, closed.try), tutela.CouldNotCheck, "gives no tokens that count")
		seen.Expect(c.try(t.Context()), tutela.Pass)
	})
}

func TestSessionsThatNeverEndAreFound(t *testing.T) {
	each(t, func(t *testing.T, w *world, s *Service) {
		seen := testkit.Sabotage(t, "identity.idle-session")
		c := newIdleCheck(s)
		seen.Expect(w.leavesNothing(t, c.try), tutela.Pass, "counts no more")

		tireless := c
		tireless.show = func(context.Context, string) (Session, User, error) { return Session{}, User{}, nil }
		seen.Expect(w.leavesNothing(t, tireless.try), tutela.Fail, "a session that was not used for", "is another's")

		closed := c
		closed.show = func(context.Context, string) (Session, User, error) { return Session{}, User{}, noSession() }
		seen.Expect(w.leavesNothing(t, closed.try), tutela.CouldNotCheck, "would prove nothing")
		seen.Expect(c.try(t.Context()), tutela.Pass)
	})
}

func TestAccountsThatPromoteThemselvesAreFound(t *testing.T) {
	each(t, func(t *testing.T, w *world, s *Service) {
		seen := testkit.Sabotage(t, "identity.self-promotion")
		c := newPromotionCheck(s)
		seen.Expect(w.leavesNothing(t, c.try), tutela.Pass, "each of 4 acts")

		gullible := newPromotionCheck(s) // believes what a token says of its roles
		gullible.change["lock itself out"] = func(_ context.Context, by tutela.Principal, _ tutela.UserID) error {
			if onlyAdmin(by.Roles) {
				return nil
			}
			return errs.New(errs.Denied, "no")
		}
		seen.Expect(w.leavesNothing(t, gullible.try), tutela.Fail, "an account without a role could lock itself out")

		broken := newPromotionCheck(s)
		broken.change["lock itself out"] = func(context.Context, tutela.Principal, tutela.UserID) error {
			return errs.New(errs.Unavailable, "later")
		}
		seen.Expect(w.leavesNothing(t, broken.try), tutela.CouldNotCheck, "later")
		seen.Expect(c.try(t.Context()), tutela.Pass)
	})
}
