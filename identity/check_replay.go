package identity

import (
	"context"
	"fmt"
	"time"

	"github.com/tutela-health/tutela"
)

// replayCheck shows tokens that once counted to the running server: one that was revoked, one
// whose session has ended, one that expired.
type replayCheck struct {
	s      *Service
	probe  prober
	revoke func(ctx context.Context, text string, by tutela.Actor) error
	end    func(ctx context.Context, by tutela.Actor, session string) error
}

func newReplayCheck(s *Service, p prober) replayCheck {
	return replayCheck{s: s, probe: p, revoke: s.Revoke, end: s.RevokeSession}
}

func (c replayCheck) try(ctx context.Context) tutela.Evidence {
	e, err := c.s.withThrowaway(ctx, tutela.ActorPerson, func(t throwaway) tutela.Evidence {
		wrong, err := c.replayed(ctx, t)
		if err != nil {
			return unseen(c.probe.base, err)
		}
		return verdictOf(c.probe.base, wrong, "a token that was taken and then revoked, one that was taken until its session ended, and one that has expired "+
			"were refused at %d places within %v", len(places()), deadWithin)
	})
	if err != nil {
		return unseen(c.probe.base, err)
	}
	return e
}

// replayed says which token still counted after its end.
func (c replayCheck) replayed(ctx context.Context, t throwaway) (wrong []string, err error) {
	session, err := c.signedIn(ctx, t)
	if err != nil {
		return nil, err
	}
	for _, way := range []struct {
		name    string
		session string
		end     func(token string) error
	}{
		{"revoked", "", func(token string) error { return c.revoke(ctx, token, assessor()) }},
		{"whose session ended", session, func(string) error { return c.end(ctx, assessor(), session) }},
	} {
		token, err := c.counting(ctx, t, way.session)
		if err == nil {
			err = way.end(token)
		}
		if err != nil {
			return nil, err
		}
		if wrong, err = c.refused(ctx, wrong, "a token "+way.name, token); err != nil {
			return nil, err
		}
	}
	expired, err := c.issue(ctx, t, "", time.Nanosecond)
	if err != nil {
		return nil, err
	}
	return c.refused(ctx, wrong, "an expired token", expired)
}

// signedIn begins a session by both factors.
func (c replayCheck) signedIn(ctx context.Context, t throwaway) (string, error) {
	a, err := c.s.BeginLogin(ctx, LoginRequest{Username: t.Username, Password: t.credentials.Password, Address: throwawayClient, Agent: throwawayClient})
	if err != nil {
		return "", fmt.Errorf("begin a login: %w", err)
	}
	codes, err := OneTimePasswords(t.credentials.TOTP, c.s.clock())
	if err != nil {
		return "", err
	}
	login, err := c.s.FinishTOTP(ctx, a.ID, codes[len(codes)/2])
	if err != nil {
		return "", fmt.Errorf("finish a login: %w", err)
	}
	return login.Session.ID, c.s.forgive(ctx, addressBrake(throwawayClient))
}

// counting gives a token that the server takes.
func (c replayCheck) counting(ctx context.Context, t throwaway, session string) (string, error) {
	token, err := c.issue(ctx, t, session, 0)
	if err != nil {
		return "", err
	}
	return token, c.probe.alive(ctx, token)
}

func (c replayCheck) issue(ctx context.Context, t throwaway, session string, life time.Duration) (string, error) {
	issued, err := c.s.IssueFor(ctx, IssueRequest{
		User: t.ID, Client: throwawayClient, Session: session, Scopes: []string{"openid"}, Assurance: ACRTwoFactors, Life: life,
	})
	if err != nil {
		return "", fmt.Errorf("issue a token: %w", err)
	}
	return issued.Token, nil
}

// refused adds to wrong where a token that has ended still counts.
func (c replayCheck) refused(ctx context.Context, wrong []string, what, token string) ([]string, error) {
	where, err := c.probe.dead(ctx, token)
	if where != "" {
		wrong = append(wrong, fmt.Sprintf("%s is still taken after %v: %s", what, deadWithin, where))
	}
	return wrong, err
}
