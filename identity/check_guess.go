package identity

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
)

// guessCheck guesses the password and the one-time password of an account of its own, and the
// password of a name that nobody has. It does so beside the network: guesses that came over it
// would count against this machine's address, and hold up the people behind the same proxy.
type guessCheck struct {
	s      *Service
	begin  func(ctx context.Context, r LoginRequest) (Attempt, error)
	finish func(ctx context.Context, attempt, code string) (Login, error)
}

func newGuessCheck(s *Service) guessCheck {
	return guessCheck{s: s, begin: s.BeginLogin, finish: s.FinishTOTP}
}

// mostGuesses is how many a guesser may have before something stops him.
const mostGuesses = 10

func (c guessCheck) try(ctx context.Context) tutela.Evidence {
	const on = "the login of this node"
	e, err := c.s.withThrowaway(ctx, tutela.ActorPerson, func(t throwaway) tutela.Evidence {
		nobody := newThrowaway(tutela.ActorPerson).Username
		codes, wrong, err := c.codes(ctx, t)
		var passwords int
		if err == nil {
			passwords, wrong, err = c.passwords(ctx, t, nobody, wrong)
		}
		forgotten := c.s.forgive(context.WithoutCancel(ctx), accountBrake(nobody), addressBrake(throwawayClient))
		if err = errors.Join(err, forgotten); err != nil {
			return unseen(on, err)
		}
		return verdictOf(on, wrong, "%d wrong one-time passwords ended a login, and the right one was refused after them, also in a new login; "+
			"%d wrong passwords stopped the next, and the right one; a name that nobody has was answered alike", codes, passwords)
	})
	if err != nil {
		return unseen(on, err)
	}
	return e
}

// right begins a login with the right password.
func (c guessCheck) right(ctx context.Context, t throwaway) (Attempt, error) {
	return c.begin(ctx, LoginRequest{Username: t.Username, Password: t.credentials.Password, Address: throwawayClient})
}

// codes guesses the second factor until it is stopped, and then gives it: in the login that was
// guessed at, and in another one of before, so that no time passes between.
func (c guessCheck) codes(ctx context.Context, t throwaway) (guesses int, wrong []string, err error) {
	valid, err := OneTimePasswords(t.credentials.TOTP, c.s.clock())
	if err != nil {
		return 0, nil, err
	}
	var attempts [2]Attempt
	for i := range attempts {
		if attempts[i], err = c.right(ctx, t); err != nil {
			return 0, nil, fmt.Errorf("begin a login with the right password: %w", err)
		}
	}
	if guesses, err = c.guessCodes(ctx, attempts[0].ID, valid); err != nil {
		return 0, nil, err
	}
	stopped := c.s.clock()
	for _, a := range attempts {
		_, err = c.finish(ctx, a.ID, valid[len(valid)-1])
		if err == nil {
			err = c.soon(stopped)
			return guesses, []string{fmt.Sprintf("after %d wrong one-time passwords the right one was taken", mostGuesses)}, err
		}
		if !refusal(err) {
			return 0, nil, err
		}
	}
	return guesses, nil, nil
}

// soon makes sure that what was taken was taken while it had to wait.
func (c guessCheck) soon(stopped time.Time) error {
	if took := c.s.clock().Sub(stopped); took >= firstWait {
		return fmt.Errorf("the try took %v, and nobody has to wait that long", took.Round(time.Second))
	}
	return nil
}

// guessCodes sends codes that are wrong, and gives how many were judged before the brake came on.
func (c guessCheck) guessCodes(ctx context.Context, attempt string, valid []string) (judged int, err error) {
	for n := range mostGuesses {
		code := fmt.Sprintf("%06d", n)
		if slices.Contains(valid, code) {
			continue
		}
		_, err := c.finish(ctx, attempt, code)
		if !refusal(err) {
			return 0, errOr(err, errors.New("a wrong one-time password was taken"))
		}
		if errs.Public(err) == errs.Public(wrongCode()) {
			judged++
		}
	}
	return judged, nil
}

// passwords guesses at a name that somebody has, then gives the right password, and guesses at a
// name that nobody has.
func (c guessCheck) passwords(ctx context.Context, t throwaway, nobody string, wrong []string) (int, []string, error) {
	known, first, err := c.guessPasswords(ctx, t.Username)
	if err != nil {
		return 0, wrong, err
	}
	stopped := c.s.clock()
	_, err = c.right(ctx, t)
	if err == nil {
		wrong, err = append(wrong, "after the guesses the right password was taken at once"), c.soon(stopped)
	}
	if err != nil && !refusal(err) {
		return 0, wrong, err
	}
	unknown, other, err := c.guessPasswords(ctx, nobody)
	if known >= mostGuesses {
		wrong = append(wrong, fmt.Sprintf("%d wrong passwords in a row were judged, and nothing stopped the next", known))
	}
	if known != unknown || first != other {
		wrong = append(wrong, fmt.Sprintf("a name that nobody has is told from one that somebody has: %d tries and %q, %d tries and %q", known, first, unknown, other))
	}
	return known, wrong, err
}

// guessPasswords gives how many guesses at a name were judged before one was held up, and how the
// first was answered.
func (c guessCheck) guessPasswords(ctx context.Context, username string) (judged int, first string, err error) {
	for judged < mostGuesses {
		_, err := c.begin(ctx, LoginRequest{Username: username, Password: fmt.Sprintf("guess %d", judged), Address: throwawayClient})
		if errs.Is(err, errs.TooMany) {
			return judged, first, nil
		}
		if !refusal(err) {
			return 0, "", errOr(err, errors.New("a wrong password was taken"))
		}
		if judged == 0 {
			first = errs.Public(err)
		}
		judged++
	}
	return judged, first, nil
}

// refusal tells a no from a failure to decide.
func refusal(err error) bool {
	return errs.Is(err, errs.Unauthenticated) || errs.Is(err, errs.TooMany) || errs.Is(err, errs.Denied) || errs.Is(err, errs.NotFound)
}
