package identity

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/identity/signin"
)

// factorCheck signs in with a right password and no second factor, and tries to get on from there
// in every way that the answer offers. Then it does so with both, to know that the first was
// stopped by nothing else.
type factorCheck struct {
	s     *Service
	probe prober
}

func (c factorCheck) try(ctx context.Context) tutela.Evidence {
	e, err := c.s.withThrowaway(ctx, tutela.ActorPerson, func(t throwaway) tutela.Evidence {
		wrong, err := c.tried(ctx, t)
		if err != nil {
			return unseen(c.probe.base, err)
		}
		live, single, err := c.sessions(ctx)
		if err != nil {
			return unseen(c.probe.base, err)
		}
		if single > 0 {
			wrong = append(wrong, fmt.Sprintf("%d of %d sessions that live began without a second factor", single, live))
		}
		return verdictOf(c.probe.base, wrong, "after a right password alone no page of an account, no token and no code was to be had; "+
			"with a one-time password the same account got in; all of %d sessions that live began with two factors", live)
	})
	if err != nil {
		return unseen(c.probe.base, err)
	}
	return e
}

// tried says how the password alone got further than it may.
func (c factorCheck) tried(ctx context.Context, t throwaway) (wrong []string, err error) {
	b, done, err := c.probe.browser()
	if err != nil {
		return nil, err
	}
	defer done()
	page, err := b.Open(ctx, loginPage)
	if err == nil {
		page, err = b.Password(ctx, page, signin.Person{Username: t.Username, Password: t.credentials.Password})
	}
	if err != nil {
		return nil, err
	}
	form, asked := page.Form(factorForm)
	if !asked {
		return []string{fmt.Sprintf("after the password the server showed %q (%d) and asked for no second factor", page.Title, page.Status)}, nil
	}
	if wrong, err = c.shortcuts(ctx, b); err != nil || len(wrong) > 0 {
		return wrong, err
	}
	return nil, c.withFactor(ctx, b, form, t)
}

// The pages of a login, and one that only who is signed in may see.
const (
	loginPage   = "/login"
	factorForm  = "/login/factor/totp"
	accountPage = "/account"
)

// shortcuts tries what a thief of the password would: to go past the question, and to use what the
// half login left in the browser as a session or a token.
func (c factorCheck) shortcuts(ctx context.Context, b *signin.Browser) (wrong []string, err error) {
	entered := func(how string) error {
		page, err := b.Open(ctx, accountPage)
		if err == nil && page.Path == accountPage && page.Status < http.StatusBadRequest {
			wrong = append(wrong, how+" shows the account")
		}
		return err
	}
	if err := entered("a password alone"); err != nil {
		return nil, err
	}
	for _, half := range b.Cookies() {
		for place := range places() {
			status, err := c.probe.show(ctx, place, half.Value)
			if err != nil {
				return nil, err
			}
			if status != http.StatusUnauthorized {
				wrong = append(wrong, fmt.Sprintf("a half login's cookie shown as token at %s is answered %d", place, status))
			}
		}
		b.SetCookie("__Host-tutela-session", half.Value)
		if err := entered("a half login's cookie taken for a session"); err != nil {
			return nil, err
		}
	}
	return wrong, nil
}

// withFactor goes on where the password was right, with a right code.
func (c factorCheck) withFactor(ctx context.Context, b *signin.Browser, f signin.Form, t throwaway) error {
	codes, err := OneTimePasswords(t.credentials.TOTP, c.s.clock())
	if err != nil {
		return err
	}
	page, err := b.Submit(ctx, f, map[string][]string{"code": {codes[len(codes)/2]}})
	if err != nil {
		return err
	}
	if page.Path != accountPage || page.Status != http.StatusOK {
		return fmt.Errorf("with both factors the server showed %q (%d): that it stopped the password alone proves nothing", page.Title, page.Status)
	}
	return nil
}

// sessions counts the sessions that live, and those of them that a single factor began.
func (c factorCheck) sessions(ctx context.Context) (live, single int, err error) {
	items, err := listItems[sessionRecord](ctx, c.s, itemSession, "")
	for _, it := range items {
		live++
		if !slices.Contains(it.Value.AMR, "mfa") || !strings.HasPrefix(it.Value.ACR, "aal") || it.Value.ACR < ACRTwoFactors {
			single++
		}
	}
	return live, single, err
}
