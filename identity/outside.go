package identity

import (
	"context"
	"slices"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/store"
)

// Outside is who signed in at an outside provider: the claims of an id_token that package federation
// has verified.
type Outside struct {
	Provider Provider // as it was when the login began
	Subject  string
	Email    string
	Verified bool     // the provider says that the address is the person's
	Username string   // preferred_username
	Roles    []string // values of the claim of roles
	ACR      string
	AMR      []string
	AuthTime time.Time // when the person proved it there; zero: not said
	Asked    time.Time // when the login began
}

// label is what people call the person.
func (o Outside) label() string {
	for _, l := range []string{o.Email, o.Username} {
		if l != "" {
			return l[:min(len(l), maxWord)]
		}
	}
	return o.Subject[:min(len(o.Subject), maxWord)]
}

// passage is what an attempt keeps of a login outside.
type passage struct {
	Provider string    `json:"provider"`
	At       time.Time `json:"at,omitzero"` // of the second factor there; zero when none counts
}

// proven is when the attempt's second factor was shown: there, else now and here.
func (p *passage) proven(now time.Time) time.Time {
	if p == nil || p.At.IsZero() || p.At.After(now) {
		return now
	}
	return p.At
}

func (p *passage) provider() string {
	if p == nil {
		return ""
	}
	return p.Provider
}

// Entered is where a login outside leads: into a session, or to a second factor here.
type Entered struct {
	Login   Login
	Attempt Attempt // without an ID when there is a session
}

// UseState notes that a login outside came back, once: a second time is errs.Unauthenticated until
// expires, when its state counts no more.
func (s *Service) UseState(ctx context.Context, state string, expires time.Time) error {
	claim, err := putItem(ctx, s, itemReplay, item[bool]{Name: "outside\x00" + hashName(state), Value: true}, "", expires)
	if err == nil {
		err = s.commit(ctx, store.Op{Claims: []store.Claim{claim}})
	}
	if errs.Is(err, errs.Conflict) {
		return errs.Wrap(errs.Unauthenticated, err, "this login came back before; begin again")
	}
	return err
}

// RefuseOutside writes down that a login over a provider was refused, and gives the answer on.
func (s *Service) RefuseOutside(ctx context.Context, provider string, answer error) error {
	return s.refuseOutside(ctx, provider, "", answer)
}

func (s *Service) refuseOutside(ctx context.Context, provider string, id tutela.UserID, answer error) error {
	e := s.entry(tutela.ActionAuthenticate, tutela.Actor{Kind: tutela.ActorAnonymous}, tutela.OutcomeDenied)
	e.Subject = &tutela.Subject{Kind: "provider", ID: provider, Detail: string(id)}
	if _, err := s.audit.Append(ctx, located(ctx, e), nil); err != nil {
		return errs.Wrap(errs.Unavailable, err, "the call could not be recorded")
	}
	return answer
}

// stands holds a login outside to the provider's configuration as it is now.
func (s *Service) stands(ctx context.Context, o Outside) error {
	p, err := s.Provider(ctx, o.Provider.ID)
	switch {
	case errs.Is(err, errs.NotFound), err == nil && (p.Disabled || p.Epoch != o.Provider.Epoch):
		return errs.New(errs.Unauthenticated, "this way in was changed meanwhile; begin again")
	case err != nil:
		return err
	case o.Subject == "":
		return errs.New(errs.Unauthenticated, "%s does not say who you are", p.Name)
	case !p.admits(o.Email, o.Verified):
		return s.refuseOutside(ctx, p.ID, "", errs.New(errs.Denied, "your address at %s is not one of those that may sign in here", p.Name))
	}
	return nil
}

// EnterOutside logs in who signed in outside: with a linked account, or one that the provider may make.
func (s *Service) EnterOutside(ctx context.Context, o Outside, r LoginRequest) (Entered, error) {
	if err := s.stands(ctx, o); err != nil {
		return Entered{}, err
	}
	var a account
	err := retried(func() error {
		var found bool
		var err error
		a, _, found, err = s.linked(ctx, o.Provider.ID, o.Subject)
		switch {
		case err != nil:
			return err
		case !found:
			a, err = s.welcome(ctx, o)
		case a.Maker == o.Provider.ID && a.Provisioner == "": // a directory knows better
			a, err = s.follow(ctx, o, a)
		}
		return err
	})
	if err != nil {
		return Entered{}, err
	}
	return s.pass(ctx, o, a, r)
}

// AcceptOutside takes up an invitation to a new account with a login outside in place of a password.
func (s *Service) AcceptOutside(ctx context.Context, token string, o Outside, r LoginRequest) (Entered, error) {
	if err := s.stands(ctx, o); err != nil {
		return Entered{}, err
	}
	var a account
	err := retried(func() error {
		it, err := s.openInvitation(ctx, token)
		if err != nil {
			return err
		}
		var action tutela.Action
		if a, action, err = s.invitedAccount(ctx, it.Value); err != nil {
			return err
		}
		if onlyAdmin(a.Roles) {
			return errs.New(errs.Denied, "an administrator signs in here, and nowhere else: choose a password")
		}
		a.EnrolBy = it.Value.Expires
		it.Value.Used = true
		used, err := putItem(ctx, s, itemInvitation, it, invitee(it.Value), it.Value.Expires)
		if err != nil {
			return err
		}
		return s.settle(ctx, o, &a, s.about(action, actorOf(a.User), a.ID), used)
	})
	if err != nil {
		return Entered{}, err
	}
	return s.pass(ctx, o, a, r)
}

// settle writes an account with its first link to a provider.
func (s *Service) settle(ctx context.Context, o Outside, a *account, entry tutela.Entry, claims ...store.Claim) error {
	filed, err := s.tie(ctx, a, o)
	if err != nil {
		return err
	}
	made, err := s.accountClaim(ctx, *a)
	if err != nil {
		return err
	}
	entry.Subject.Detail = "outside " + o.Provider.ID
	if err := s.commit(ctx, store.Op{Claims: append(claims, filed, made)}, entry); err != nil {
		return taken(err)
	}
	a.revision++
	return nil
}

// pass goes on where a provider proved an account's owner: with a session when it saw two factors,
// else with ours.
func (s *Service) pass(ctx context.Context, o Outside, a account, r LoginRequest) (Entered, error) {
	if !a.mayLogIn() || onlyAdmin(a.Roles) {
		return Entered{}, s.refuseOutside(ctx, o.Provider.ID, a.ID, errs.New(errs.Denied, "your account cannot be entered from %s; ask an administrator", o.Provider.Name))
	}
	t := attempt{User: a.ID, Epoch: a.Epoch, Outside: &passage{Provider: o.Provider.ID}, Address: r.Address, Agent: clipped(r.Agent)}
	if o.Provider.strong(o.ACR, o.AMR) {
		t.Outside.At = s.shown(o)
		id, err := s.begin(ctx, t)
		if err != nil {
			return Entered{}, err
		}
		login, err := s.finishOutside(ctx, id, o)
		return Entered{Login: login}, err
	}
	t.Enrol = !a.enrolled()
	if t.Enrol && !s.clock().Before(a.EnrolBy) {
		return Entered{}, s.refuseOutside(ctx, o.Provider.ID, a.ID,
			errs.New(errs.Denied, "%s saw one factor only, and you have no second one here; sign in with two there, or ask an administrator", o.Provider.Name))
	}
	id, err := s.begin(ctx, t)
	return Entered{Attempt: Attempt{ID: id, Factors: a.factors(), Enrol: t.Enrol, Outside: true}}, err
}

// shown is when the person proved two factors outside. A provider that does not say it was asked for
// a login no older than a session may be: it counts as that old, and a sensitive page asks anew.
func (s *Service) shown(o Outside) time.Time {
	if o.AuthTime.IsZero() {
		return s.clock().Add(-s.absolute)
	}
	return o.AuthTime
}

// MaxAge is how old a login outside may be: as old as a session.
func (s *Service) MaxAge() time.Duration { return s.absolute }

// finishOutside ends an attempt with the two factors that the provider saw.
func (s *Service) finishOutside(ctx context.Context, id string, o Outside) (Login, error) {
	defer s.attempts.enter(id)()
	it, err := s.try(ctx, id)
	if err != nil {
		return Login{}, err
	}
	return s.prove(ctx, it, FactorOutside, func(attempt, *account) ([]string, error) { return registered(o.AMR), nil })
}

// StepUpOutside proves the two factors of a session's bearer anew, at a provider of the account.
func (s *Service) StepUpOutside(ctx context.Context, cookie string, o Outside) (Login, error) {
	if err := s.stands(ctx, o); err != nil {
		return Login{}, err
	}
	it, a, err := s.sessionByCookie(ctx, cookie)
	if err != nil {
		return Login{}, err
	}
	other, _, found, err := s.linked(ctx, o.Provider.ID, o.Subject)
	if err != nil {
		return Login{}, err
	}
	if !found || other.ID != a.ID || !o.Provider.strong(o.ACR, o.AMR) || o.AuthTime.Before(o.Asked.Add(-time.Minute)) {
		return Login{}, s.refuseOutside(ctx, o.Provider.ID, a.ID, errs.New(errs.Denied, "%s did not say that you proved two factors just now", o.Provider.Name))
	}
	id, err := s.begin(ctx, attempt{
		User: a.ID, Epoch: a.Epoch, Session: it.Name, Outside: &passage{o.Provider.ID, o.AuthTime}, Address: it.Value.Address, Agent: it.Value.Agent,
	})
	if err != nil {
		return Login{}, err
	}
	return s.finishOutside(ctx, id, o)
}

// registered keeps of a provider's amr what RFC 8176, 2, registers.
func registered(amr []string) []string {
	known := []string{"face", "fpt", "geo", "hwk", "iris", "kba", "mca", "mfa", "otp", "pin", "pop", "pwd", "rba", "retina", "sc", "sms", "swk", "tel", "user", "vbm", "wia"}
	return slices.DeleteFunc(slices.Clone(amr), func(m string) bool { return !slices.Contains(known, m) })
}
