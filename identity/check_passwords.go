package identity

import (
	"context"
	"fmt"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
)

// passwordCheck tries to choose passwords that are guessed first.
type passwordCheck struct {
	s      *Service
	change func(ctx context.Context, cookie, current, next string) error
}

func newPasswordCheck(s *Service) passwordCheck { return passwordCheck{s, s.ChangePassword} }

// guessable are passwords that no account may have, by what is wrong with them.
func guessable(username string) map[string]string {
	return map[string]string{
		"one of seven characters":          "xK9#qWz",
		"one that everybody tries":         "Password1234567",
		"one that is the account's name":   username + "1",
		"one character over and over":      "aaaaaaaaaaaaaaaaaaaa",
		"a row of the keyboard":            "qwertyuiop123456789",
		"one that is empty":                "",
		"one longer than any need be read": string(make([]byte, 1<<16)),
	}
}

func (c passwordCheck) try(ctx context.Context) tutela.Evidence {
	const on = "the choice of passwords"
	return c.s.tryOut(ctx, on, func(t throwaway) tutela.Evidence {
		login, err := c.s.signIn(ctx, t)
		if err != nil {
			return unseen(on, err)
		}
		var wrong []string
		list := guessable(t.Username)
		for what, next := range list {
			switch err := c.change(ctx, login.Cookie, t.credentials.Password, next); {
			case err == nil:
				return seen(on, tutela.Fail, "%s could be chosen", what)
			case !errs.Is(err, errs.Unprocessable) && !errs.Is(err, errs.Invalid) && !errs.Is(err, errs.TooLarge):
				return unseen(on, fmt.Errorf("%s: %w", what, err))
			}
		}
		if err := c.change(ctx, login.Cookie, t.credentials.Password+"x", newPassword()); err == nil {
			wrong = append(wrong, "a password could be changed by somebody who does not know the present one")
		}
		if err := c.change(ctx, login.Cookie, t.credentials.Password, newPassword()); err != nil {
			return unseen(on, fmt.Errorf("a strong password could not be chosen, so that a refusal proves nothing: %w", err))
		}
		return verdictOf(on, wrong, "%d passwords that are guessed first could not be chosen, nor any without the present one; a strong one could", len(list))
	})
}

// newPassword is one that nobody guesses.
func newPassword() string { return randomText(24) }
