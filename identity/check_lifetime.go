package identity

import (
	"context"
	"fmt"
	"time"

	"github.com/tutela-health/tutela"
)

// lifetimeCheck asks for tokens that live too long, and looks for any among those that there are.
type lifetimeCheck struct {
	s      *Service
	tryOut bool
	issue  func(ctx context.Context, r IssueRequest) (Issued, error)
}

func newLifetimeCheck(s *Service, tryOut bool) lifetimeCheck {
	return lifetimeCheck{s, tryOut, s.IssueFor}
}

// longest is how long an account's tokens may live.
func longest(k tutela.ActorKind) time.Duration {
	if k == tutela.ActorService {
		return longestServiceToken
	}
	return longestPersonToken
}

func (c lifetimeCheck) try(ctx context.Context) tutela.Evidence {
	const on = "the access tokens of this system"
	var wrong []string
	for _, kind := range []tutela.ActorKind{tutela.ActorPerson, tutela.ActorService} {
		e, err := c.s.withThrowaway(ctx, kind, func(t throwaway) tutela.Evidence { return c.asked(ctx, t) })
		if err != nil {
			return unseen(on, err)
		}
		if e.Verdict == tutela.CouldNotCheck {
			return e
		}
		if e.Verdict == tutela.Fail {
			wrong = append(wrong, e.Observed)
		}
	}
	all, long, exempt, err := c.kept(ctx)
	if err != nil {
		return unseen(on, err)
	}
	if long > 0 {
		wrong = append(wrong, fmt.Sprintf("%d of %d tokens that there are live on for longer", long, all))
	}
	note := ""
	if exempt > 0 {
		note = fmt.Sprintf("; but for %d of the try-out's service, which live a day", exempt)
	}
	return verdictOf(on, wrong, "asked for a day, a person's token was given %v and a service's %v; none of %d tokens that there are lives on for longer%s",
		longestPersonToken, longestServiceToken, all, note)
}

// asked asks for a token of a day.
func (c lifetimeCheck) asked(ctx context.Context, t throwaway) tutela.Evidence {
	const on = "the token service"
	issued, err := c.issue(ctx, IssueRequest{User: t.ID, Client: throwawayClient, Scopes: []string{"openid"}, Assurance: ACRTwoFactors, Life: 24 * time.Hour})
	if err != nil {
		return unseen(on, fmt.Errorf("issue a token: %w", err))
	}
	if life := issued.Expires.Sub(c.s.clock()); life > longest(t.Kind) {
		return seen(on, tutela.Fail, "a token of a %s lives %v", t.Kind, life.Round(time.Second))
	}
	return seen(on, tutela.Pass, "")
}

// kept counts the tokens that have not expired, and those that live on for longer than a new one
// may. In a try-out the tokens of its door are exempt.
func (c lifetimeCheck) kept(ctx context.Context) (all, long, exempt int, err error) {
	accounts, err := c.s.accounts(ctx)
	if err != nil {
		return 0, 0, 0, err
	}
	kinds := make(map[tutela.UserID]tutela.ActorKind, len(accounts))
	for _, a := range accounts {
		kinds[a.ID] = a.Kind
	}
	now := c.s.clock()
	err = c.s.eachToken(ctx, now, func(t token) {
		all++
		switch {
		case t.Expires.Sub(now) <= longest(kinds[t.User]):
		case c.tryOut && t.Assurance == assuranceOfTryOut && kinds[t.User] == tutela.ActorService:
			exempt++
		default:
			long++
		}
	})
	return all, long, exempt, err
}
