package federation

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/url"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/internal/errs"
)

// maxCode bounds an authorization code, and everything else that comes back in the address.
const maxCode = 4096

// Finish takes a provider's answer: who signed in there, and the login that asked. provider is the
// one at whose address the answer arrived. What is refused leaves its entry.
func (s *Service) Finish(ctx context.Context, provider, cookie string, answer url.Values, address string) (identity.Outside, Flow, error) {
	if err := s.slowed(address); err != nil {
		return identity.Outside{}, Flow{}, err
	}
	f, err := s.open(ctx, cookie)
	var o identity.Outside
	if err == nil {
		o, err = s.finish(ctx, provider, f, answer)
	}
	if errs.Is(err, errs.Unauthenticated) || errs.Is(err, errs.Denied) {
		err = s.cfg.Identity.RefuseOutside(ctx, f.Provider, err)
	}
	if err != nil {
		return identity.Outside{}, f, err
	}
	return o, f, nil
}

func (s *Service) finish(ctx context.Context, provider string, f Flow, answer url.Values) (identity.Outside, error) {
	if f.Provider != provider || !same(f.State, only(answer, "state")) {
		return identity.Outside{}, notAsked()
	}
	p, err := s.offered(ctx, provider)
	if errs.Is(err, errs.NotFound) || err == nil && p.Epoch != f.Epoch {
		return identity.Outside{}, notAsked()
	}
	if err != nil {
		return identity.Outside{}, err
	}
	got, err := s.discover(ctx, p)
	if err != nil {
		return identity.Outside{}, err
	}
	code, err := codeOf(p, got, answer)
	if err != nil {
		return identity.Outside{}, err
	}
	if err := s.cfg.Identity.UseState(ctx, f.State, f.Ends); err != nil {
		return identity.Outside{}, err
	}
	raw, err := s.redeem(ctx, p, got, f, code)
	if err != nil {
		return identity.Outside{}, err
	}
	return s.believe(ctx, p, got, f, raw)
}

// codeOf reads the code of an answer. The issuer that it names must be the one asked, and a provider
// that promises to name itself must (RFC 9207, 2.4): else it may be another's answer (mix-up).
func codeOf(p identity.Provider, got *published, answer url.Values) (string, error) {
	if iss := only(answer, "iss"); answer.Has("iss") && iss != p.Issuer || !answer.Has("iss") && got.NamesIssuer {
		return "", errs.New(errs.Unauthenticated, "the answer is not one of %s; begin again", p.Name)
	}
	if answer.Has("error") {
		return "", errs.Wrap(errs.Unauthenticated, errors.New("the provider answered with an error"), "you did not sign in at "+p.Name)
	}
	code := only(answer, "code")
	if code == "" || len(code) > maxCode {
		return "", errs.New(errs.Unauthenticated, "the answer of %s holds no code; begin again", p.Name)
	}
	return code, nil
}

// only gives a parameter that came once, else "" (RFC 6749, 3.1).
func only(answer url.Values, name string) string {
	if len(answer[name]) != 1 {
		return ""
	}
	return answer[name][0]
}

// same compares secrets in constant time; none is like none.
func same(a, b string) bool { return a != "" && subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// redeem gives the id_token for a code, by PKCE and as ourselves.
func (s *Service) redeem(ctx context.Context, p identity.Provider, got *published, f Flow, code string) (string, error) {
	c := s.oauth2(p, got)
	proof, err := s.proof(ctx, p, got, c)
	if err != nil {
		return "", err
	}
	ctx = oidc.ClientContext(ctx, got.http)
	token, err := c.Exchange(ctx, code, append(proof, oauth2.VerifierOption(f.Verifier))...)
	if err != nil {
		return "", unredeemed(p, err)
	}
	raw, _ := token.Extra("id_token").(string)
	if raw == "" {
		return "", errs.New(errs.Unauthenticated, "%s does not say who you are", p.Name)
	}
	return raw, nil
}

// unredeemed keeps the provider's words out of our log: they may repeat what we sent.
func unredeemed(p identity.Provider, err error) error {
	if answered, ok := errors.AsType[*oauth2.RetrieveError](err); ok {
		cause := fmt.Errorf("provider %s: the token endpoint answers %d", p.ID, answered.Response.StatusCode)
		if answered.Response.StatusCode >= 500 {
			return errs.Wrap(errs.Unavailable, cause, p.Name+" cannot be reached at the moment")
		}
		return errs.Wrap(errs.Unauthenticated, cause, p.Name+" did not confirm this login; begin again, or tell your administrator")
	}
	return errs.Wrap(errs.Unavailable, err, p.Name+" cannot be reached at the moment")
}
