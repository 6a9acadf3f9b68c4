package identity

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
)

// stolenCheck has a code and a refresh token used a second time, as a thief would who was faster or slower than the
// application: from then on nothing counts that came of them.
type stolenCheck struct {
	s       *Service
	redeem  func(ctx context.Context, code string, p Proof) (Tokens, error)
	refresh func(ctx context.Context, text, client string, scopes []string) (Tokens, error)
}

func newStolenCheck(s *Service) stolenCheck { return stolenCheck{s, s.RedeemCode, s.Refresh} }

const (
	stolenRedirect = "https://tutela-assess.invalid/callback"
	stolenVerifier = "tutela-assess-verifier-tutela-assess-verifier-0"
)

func (c stolenCheck) try(ctx context.Context) (e tutela.Evidence) {
	const on = "the tokens of an application that was made for the try"
	client := throwawayPrefix + strings.ToLower(rand.Text()[:12])
	err := c.s.EnsureClient(ctx, assessor(), Client{
		ID: client, Name: "Assessment", Public: true, RedirectURIs: []string{stolenRedirect}, GrantTypes: []string{GrantCode, GrantRefresh}, Scopes: []string{"openid", ScopeOnline},
	})
	if err != nil {
		return unseen(on, fmt.Errorf("register an application: %w", err))
	}
	defer func() {
		if err := newKeysCheck(c.s, nil).unregister(context.WithoutCancel(ctx), client); err != nil {
			e = unseen(on, fmt.Errorf("the application %s could not be removed: %w", client, err))
		}
	}()
	return c.s.tryOut(ctx, on, func(t throwaway) tutela.Evidence {
		wrong, err := c.tried(ctx, t, client)
		if err != nil {
			return unseen(on, err)
		}
		return verdictOf(on, wrong, "a code and a refresh token that came a second time were refused, and the tokens that had come of them counted no more; "+
			"a code without its proof was worth nothing")
	})
}

func (c stolenCheck) tried(ctx context.Context, t throwaway, client string) (wrong []string, err error) {
	login, err := c.s.signIn(ctx, t)
	if err != nil {
		return nil, err
	}
	defer func() { // what came of the session ends with it
		err = errors.Join(err, c.s.RevokeSession(context.WithoutCancel(ctx), assessor(), login.Session.ID))
	}()
	proof := Proof{Client: client, RedirectURI: stolenRedirect, Verifier: stolenVerifier}
	first, code, err := c.granted(ctx, login, proof)
	if err != nil {
		return nil, err
	}
	if wrong, err = c.again(ctx, wrong, "a code", first, func() error { _, err := c.redeem(ctx, code, proof); return err }); err != nil {
		return nil, err
	}
	second, _, err := c.granted(ctx, login, proof)
	if err != nil {
		return nil, err
	}
	third, err := c.refresh(ctx, second.Refresh, client, nil)
	if err != nil {
		return nil, fmt.Errorf("a refresh token is refused on its first use: %w", err)
	}
	if wrong, err = c.again(ctx, wrong, "a refresh token", third, func() error { _, err := c.refresh(ctx, second.Refresh, client, nil); return err }); err != nil {
		return nil, err
	}
	if _, err := c.refresh(ctx, third.Refresh, client, nil); err == nil {
		wrong = append(wrong, "after a refresh token came twice its successor is taken")
	}
	unproved := proof
	unproved.Verifier = strings.ToUpper(stolenVerifier)
	_, code, err = c.issued(ctx, login, proof)
	if err != nil {
		return nil, err
	}
	if _, err := c.redeem(ctx, code, unproved); err == nil {
		wrong = append(wrong, "a code is taken without the proof of whoever asked for it")
	}
	return wrong, nil
}

// issued has the throw-away agree to a code.
func (c stolenCheck) issued(ctx context.Context, login Login, p Proof) (a Authorization, code string, err error) {
	a = Authorization{
		User: login.Session.User, Client: p.Client, Session: login.Session.ID, Scopes: []string{"openid", ScopeOnline},
		AuthTime: login.Session.AuthTime, AMR: login.Session.AMR, ACR: login.Session.ACR,
	}
	code, err = c.s.IssueCode(ctx, a, Binding{p.RedirectURI, ChallengeOf(p.Verifier)}, "")
	if err != nil {
		return a, "", fmt.Errorf("issue a code: %w", err)
	}
	return a, code, nil
}

// granted gives tokens that count, and the code that they were given for.
func (c stolenCheck) granted(ctx context.Context, login Login, p Proof) (Tokens, string, error) {
	_, code, err := c.issued(ctx, login, p)
	if err != nil {
		return Tokens{}, "", err
	}
	tokens, err := c.redeem(ctx, code, p)
	if err == nil && tokens.Refresh == "" {
		err = errors.New("no refresh token came with it")
	}
	if err == nil {
		_, err = c.s.Authenticate(ctx, "Bearer "+tokens.Token)
	}
	if err != nil {
		return Tokens{}, "", fmt.Errorf("a code that is used as it should be gives no tokens that count: %w", err)
	}
	return tokens, code, nil
}

// again uses what was used already, and looks whether the tokens that had come of it still count.
func (c stolenCheck) again(ctx context.Context, wrong []string, what string, came Tokens, use func() error) ([]string, error) {
	switch err := use(); {
	case err == nil:
		wrong = append(wrong, what+" is taken a second time")
	case !errs.Is(err, errs.Invalid):
		return nil, err
	}
	if _, err := c.s.Authenticate(ctx, "Bearer "+came.Token); err == nil {
		wrong = append(wrong, "after "+what+" came twice the tokens that came of it still count")
	}
	return wrong, nil
}
