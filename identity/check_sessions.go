package identity

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/identity/signin"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/store"
)

// idleCheck lets a session lie for as long as it may, and shows its cookie again.
type idleCheck struct {
	s    *Service
	show func(ctx context.Context, cookie string) (Session, User, error)
}

func newIdleCheck(s *Service) idleCheck { return idleCheck{s, s.SessionByCookie} }

func (c idleCheck) try(ctx context.Context) tutela.Evidence {
	const on = "the sessions of this node"
	return c.s.tryOut(ctx, on, func(t throwaway) tutela.Evidence {
		login, err := c.s.signIn(ctx, t)
		if err == nil {
			_, _, err = c.show(ctx, login.Cookie)
		}
		if err != nil {
			return unseen(on, fmt.Errorf("a session that has just begun does not count, so that a refusal would prove nothing: %w", err))
		}
		var wrong []string
		for _, at := range []struct {
			what   string
			change func(*sessionRecord)
		}{
			{fmt.Sprintf("was not used for %v", c.s.idle), func(r *sessionRecord) { r.LastSeen = r.LastSeen.Add(-c.s.idle - time.Second) }},
			{"is another's, by its cookie's second half", func(r *sessionRecord) { r.LastSeen, r.Secret = c.s.clock(), []byte("another") }},
		} {
			if err := c.rewrite(ctx, login.Session.ID, at.change); err != nil {
				return unseen(on, err)
			}
			if _, _, err := c.show(ctx, login.Cookie); err == nil {
				wrong = append(wrong, "a session that "+at.what+" still counts")
			} else if !refusal(err) {
				return unseen(on, err)
			}
		}
		return verdictOf(on, wrong, "a session that was not used for %v counts no more, nor one whose cookie is another's", c.s.idle)
	})
}

// rewrite changes a session as it is stored.
func (c idleCheck) rewrite(ctx context.Context, id string, change func(*sessionRecord)) error {
	it, _, err := c.s.liveSession(ctx, id)
	if err != nil {
		return fmt.Errorf("read the session: %w", err)
	}
	change(&it.Value)
	claim, err := c.s.sessionClaim(ctx, it)
	if err != nil {
		return err
	}
	return c.s.commit(ctx, store.Op{Claims: []store.Claim{claim}})
}

// signIn begins a session of a throw-away by both factors.
func (s *Service) signIn(ctx context.Context, t throwaway) (Login, error) {
	a, err := s.BeginLogin(ctx, LoginRequest{Username: t.Username, Password: t.credentials.Password, Address: throwawayClient, Agent: throwawayClient})
	if err != nil {
		return Login{}, fmt.Errorf("begin a login: %w", err)
	}
	codes, err := OneTimePasswords(t.credentials.TOTP, s.clock())
	if err != nil {
		return Login{}, err
	}
	login, err := s.FinishTOTP(ctx, a.ID, codes[len(codes)/2])
	if err != nil {
		return Login{}, fmt.Errorf("finish a login: %w", err)
	}
	return login, s.forgive(ctx, addressBrake(throwawayClient))
}

// tryOut is withThrowaway where what goes wrong with the account is evidence of nothing.
func (s *Service) tryOut(ctx context.Context, on string, f func(throwaway) tutela.Evidence) tutela.Evidence {
	e, err := s.withThrowaway(ctx, tutela.ActorPerson, f)
	if err != nil {
		return unseen(on, err)
	}
	return e
}

// cookieCheck signs in over the network and looks at what is put into the browser.
type cookieCheck struct {
	s     *Service
	probe prober
}

func (c cookieCheck) try(ctx context.Context) tutela.Evidence {
	return c.s.tryOut(ctx, c.probe.base, func(t throwaway) tutela.Evidence {
		set, err := c.signedIn(ctx, t)
		if err != nil {
			return unseen(c.probe.base, err)
		}
		var wrong []string
		for _, k := range set {
			if text := loose(k); text != "" {
				wrong = append(wrong, fmt.Sprintf("the cookie %s %s", k.Name, text))
			}
		}
		return verdictOf(c.probe.base, wrong, "%d cookies of a login are bound to this host, go over TLS alone, are not read by scripts, and are sent by no other site's forms", len(set))
	})
}

// signedIn gives the cookies that a login sets, up to the session's.
func (c cookieCheck) signedIn(ctx context.Context, t throwaway) ([]*http.Cookie, error) {
	transport := &notingCookies{next: c.probe.transport()}
	defer transport.next.CloseIdleConnections()
	b, err := signin.New(c.probe.base, transport)
	if err != nil {
		return nil, err
	}
	page, err := b.Open(ctx, loginPage)
	if err == nil {
		page, err = b.Password(ctx, page, signin.Person{Username: t.Username, Password: t.credentials.Password})
	}
	if err != nil {
		return nil, err
	}
	form, asked := page.Form(factorForm)
	codes, err := OneTimePasswords(t.credentials.TOTP, c.s.clock())
	if err == nil && !asked {
		err = fmt.Errorf("no second factor was asked for, but %q (%d)", page.Title, page.Status)
	}
	if err == nil {
		page, err = b.Submit(ctx, form, map[string][]string{"code": {codes[len(codes)/2]}})
	}
	if err != nil {
		return nil, err
	}
	if page.Path != accountPage || len(transport.set) == 0 {
		return nil, errors.New("the login led to no account, so that its cookies prove nothing")
	}
	return transport.set, nil
}

// notingCookies keeps what a site puts into a browser.
type notingCookies struct {
	next *http.Transport
	set  []*http.Cookie
}

// RoundTrip implements http.RoundTripper.
func (n *notingCookies) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := n.next.RoundTrip(r)
	if err == nil {
		n.set = append(n.set, slices.DeleteFunc(res.Cookies(), func(k *http.Cookie) bool { return k.Value == "" })...)
	}
	return res, err
}

// loose says what a cookie lets others do (RFC 6265bis, 4.1.3.2 for the prefix).
func loose(k *http.Cookie) string {
	switch {
	case !strings.HasPrefix(k.Name, "__Host-") || k.Domain != "" || k.Path != "/":
		return "is not bound to this host"
	case !k.Secure:
		return "is sent without TLS"
	case !k.HttpOnly:
		return "is read by scripts"
	case k.SameSite != http.SameSiteLaxMode && k.SameSite != http.SameSiteStrictMode:
		return "is sent with other sites' forms"
	}
	return ""
}

// promotionCheck has an account without a role do what only administrators may, to itself and others, also with a caller's
// word that it is one.
type promotionCheck struct {
	s      *Service
	change map[string]func(ctx context.Context, by tutela.Principal, id tutela.UserID) error
}

func newPromotionCheck(s *Service) promotionCheck {
	return promotionCheck{s, map[string]func(context.Context, tutela.Principal, tutela.UserID) error{
		"take the role of an administrator": func(ctx context.Context, by tutela.Principal, id tutela.UserID) error {
			return s.SetRoles(ctx, by, id, []string{roleAdmin})
		},
		"reset its credentials": func(ctx context.Context, by tutela.Principal, id tutela.UserID) error {
			_, err := s.ResetCredentials(ctx, by, id)
			return err
		},
		"lock itself out": s.Disable,
		"register an application": func(ctx context.Context, by tutela.Principal, _ tutela.UserID) error {
			_, _, err := s.RegisterClient(ctx, by, Client{Name: "Assessment", Public: true, GrantTypes: []string{GrantCode}, RedirectURIs: []string{"https://tutela-assess.invalid/callback"}})
			return err
		},
	}}
}

func (c promotionCheck) try(ctx context.Context) tutela.Evidence {
	const on = "the administration of accounts"
	return c.s.tryOut(ctx, on, func(t throwaway) tutela.Evidence {
		plain := tutela.Principal{ID: t.ID, Kind: tutela.ActorPerson, Tenant: c.s.ring.Tenant(), Assurance: ACRTwoFactors, Client: throwawayClient}
		claiming := plain
		claiming.Roles = []string{roleAdmin}
		var wrong []string
		for _, by := range []tutela.Principal{plain, claiming} {
			for what, do := range c.change {
				switch err := do(ctx, by, t.ID); {
				case err == nil:
					wrong = append(wrong, "an account without a role could "+what)
				case !errs.Is(err, errs.Denied):
					return unseen(on, fmt.Errorf("an account that wanted to %s: %w", what, err))
				}
			}
		}
		slices.Sort(wrong)
		return verdictOf(on, slices.Compact(wrong), "an account without a role was refused each of %d acts of administration, also when its token said that it was an administrator's", len(c.change))
	})
}
