package identity

import (
	"context"
	"slices"
	"strings"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/store"
)

// LoginRequest is what a person gives first, and where from.
type LoginRequest struct {
	Username string
	Password string
	Address  string // network address of the peer
	Agent    string // what the browser says of itself
}

// Login is a session in the only moment in which its cookie is known.
type Login struct {
	Cookie  string
	Session Session
}

// BeginLogin proves a password. Whether the account exists shows neither in the answer nor in the
// work: both walk the same path, one hash included, and are slowed alike.
func (s *Service) BeginLogin(ctx context.Context, r LoginRequest) (Attempt, error) {
	if s.hasher.full() { // a crowd costs the database nothing
		return Attempt{}, errCrowd()
	}
	username := foldUsername(r.Username)
	brakes := []brake{accountBrake(username), addressBrake(r.Address)}
	if err := s.charge(ctx, brakes...); err != nil {
		return Attempt{}, err
	}
	a, err := s.accountByName(ctx, username)
	if err != nil && !errs.Is(err, errs.NotFound) {
		return Attempt{}, err
	}
	right, err := s.hasher.matches(ctx, a.Verifier, r.Password)
	if err != nil {
		return Attempt{}, errOr(s.refund(context.WithoutCancel(ctx), brakes...), err)
	}
	if !right || !a.mayLogIn() {
		return Attempt{}, s.refuse(ctx, a.ID, r.Address, "password", errs.New(errs.Unauthenticated, "username or password is wrong"))
	}
	if err := s.refund(ctx, brakes...); err != nil {
		return Attempt{}, err
	}
	return s.beginFactors(ctx, a, r)
}

// beginFactors goes on where the password was right.
func (s *Service) beginFactors(ctx context.Context, a account, r LoginRequest) (Attempt, error) {
	enrol := !a.enrolled()
	if enrol && !s.clock().Before(a.EnrolBy) {
		return Attempt{}, errs.New(errs.Denied, "no second factor was enrolled in time; ask an administrator for another invitation")
	}
	id, err := s.begin(ctx, attempt{
		User: a.ID, Epoch: a.Epoch, Password: true, Enrol: enrol, Address: r.Address, Agent: clipped(r.Agent),
	})
	return Attempt{ID: id, Factors: a.factors(), Enrol: enrol}, err
}

// clipped keeps what a browser says of itself short.
func clipped(agent string) string { return agent[:min(len(agent), 256)] }

// refuse writes down a failed proof and gives what to answer. The entry of an account that there is
// not differs in the id alone.
func (s *Service) refuse(ctx context.Context, id tutela.UserID, address, what string, answer error) error {
	e := s.about(tutela.ActionAuthenticate, tutela.Actor{Kind: tutela.ActorAnonymous}, id)
	e.Outcome, e.Address, e.Subject.Detail = tutela.OutcomeDenied, address, what
	if _, err := s.audit.Append(ctx, located(ctx, e), nil); err != nil {
		return err
	}
	return answer
}

// FinishTOTP proves a one-time password.
func (s *Service) FinishTOTP(ctx context.Context, attemptID, code string) (Login, error) {
	return s.finish(ctx, attemptID, FactorTOTP, func(_ attempt, a *account) ([]string, error) {
		if a.TOTP == "" {
			return nil, wrongCode()
		}
		step, ok := verifyTOTP(a.TOTP, code, s.clock(), a.Step)
		if !ok {
			return nil, wrongCode()
		}
		a.Step = step
		return []string{"otp"}, nil
	})
}

// FinishRecovery proves a recovery code and uses it up.
func (s *Service) FinishRecovery(ctx context.Context, attemptID, code string) (Login, error) {
	return s.finish(ctx, attemptID, FactorRecovery, func(_ attempt, a *account) ([]string, error) {
		if !a.useRecoveryCode(code) {
			return nil, wrongCode()
		}
		return []string{"otp"}, nil
	})
}

// wrongCode says that a factor was not proven.
func wrongCode() error {
	return errs.New(errs.Unauthenticated, "the code is wrong, or was used before")
}

// prover judges a factor and notes in the account what must not be taken again; amr names it.
type prover func(attempt, *account) (amr []string, err error)

// finish ends a login or step-up with a second factor. What proves it is used up in the same op
// that begins the session, so that of two at once one logs in.
func (s *Service) finish(ctx context.Context, id string, f Factor, prove prover) (Login, error) {
	defer s.attempts.enter(id)()
	it, err := s.try(ctx, id)
	if err != nil {
		return Login{}, err
	}
	if f != FactorPasskey { // nobody guesses a signature
		if err := s.charge(ctx, factorBrake(string(it.Value.User))); err != nil {
			return Login{}, err
		}
	}
	return s.prove(ctx, it, f, prove)
}

// prove has a counted try judged and logs in.
func (s *Service) prove(ctx context.Context, it item[attempt], f Factor, prove prover) (Login, error) {
	var login Login
	err := s.judged(ctx, it, f, func(a account) error {
		amr, err := prove(it.Value, &a)
		if err != nil {
			return err
		}
		login, err = s.logIn(ctx, it, a, f, amr)
		return err
	})
	if err != nil {
		return Login{}, err
	}
	return login, nil
}

// judged has judge decide on a counted try, anew while another change of the account was first. A
// wrong one is written down.
func (s *Service) judged(ctx context.Context, it item[attempt], f Factor, judge func(account) error) error {
	err := retried(func() error {
		a, err := s.attemptAccount(ctx, it.Value)
		if err != nil {
			return err
		}
		return judge(a)
	})
	if errs.Is(err, errs.Conflict) {
		err = attemptOver() // the same attempt was tried at the same time
	}
	if errs.Is(err, errs.Unauthenticated) {
		return s.refuse(ctx, it.Value.User, it.Value.Address, string(f), err)
	}
	return err
}

// logIn begins the attempt's session, or steps the one up that it belongs to. The cookie is new
// either way: one that was planted before is worth nothing (session fixation). more are further entries.
func (s *Service) logIn(ctx context.Context, it item[attempt], a account, f Factor, amr []string, more ...tutela.Entry) (Login, error) {
	if err := s.entering(ctx, a); err != nil {
		return Login{}, err
	}
	ses, action, err := s.sessionOf(ctx, it.Value, a, amr)
	if err != nil {
		return Login{}, err
	}
	a.LastLogin = s.clock()
	var cookie string
	cookie, ses.Value.Secret = newCookie(ses.Name)
	claims, err := s.loginClaims(ctx, it, a, ses)
	if err != nil {
		return Login{}, err
	}
	entry := s.about(action, actorOf(a.User), a.ID)
	entry.Session, entry.Address, entry.Assurance = ses.Name, it.Value.Address, ses.Value.ACR
	entry.Subject.Detail = strings.TrimSpace(string(f) + " " + it.Value.Outside.provider())
	op := store.Op{Claims: claims, Deletes: []store.Rows{
		s.dropItem(itemAttempt, it.Name),
		s.dropItem(itemThrottle, factorBrake(string(a.ID)).name), s.dropItem(itemThrottle, accountBrake(a.Username).name),
	}}
	return Login{Cookie: cookie, Session: ses.Value.Session}, s.commit(ctx, op, append(more, entry)...)
}

// loginClaims hold that attempt, account and session are still what was read.
func (s *Service) loginClaims(ctx context.Context, it item[attempt], a account, ses item[sessionRecord]) ([]store.Claim, error) {
	under, err := s.attemptClaim(ctx, it)
	if err != nil {
		return nil, err
	}
	who, err := s.accountClaim(ctx, a)
	if err != nil {
		return nil, err
	}
	session, err := s.sessionClaim(ctx, ses)
	return []store.Claim{under, who, session}, err
}

// sessionOf gives the session that an attempt ends in: a new one, or the stepped up one.
func (s *Service) sessionOf(ctx context.Context, t attempt, a account, amr []string) (item[sessionRecord], tutela.Action, error) {
	now := s.clock()
	if t.Session != "" {
		it, _, err := s.liveSession(ctx, t.Session)
		if err != nil {
			return it, "", err
		}
		it.Value.AuthTime, it.Value.LastSeen = t.Outside.proven(now), now
		it.Value.AMR = methods(append(slices.Clone(it.Value.AMR), amr...))
		return it, tutela.ActionStepUp, nil
	}
	if t.Password {
		amr = append([]string{"pwd"}, amr...)
	}
	id := randomText(12)
	return item[sessionRecord]{Name: id, Value: sessionRecord{Epoch: a.Epoch, Session: Session{
		ID: id, User: a.ID, AuthTime: t.Outside.proven(now), AMR: methods(append(amr, "mfa")), ACR: ACRTwoFactors,
		Started: now, LastSeen: now, Agent: t.Agent, Address: t.Address, Provider: t.Outside.provider(),
	}}}, tutela.ActionAuthenticate, nil
}

// methods are authentication method references (RFC 8176), each once and in order.
func methods(amr []string) []string {
	amr = slices.Clone(amr)
	slices.Sort(amr)
	return slices.Compact(amr)
}

// StepUp begins a fresh proof of a second factor within a session. A Finish method ends it: the
// session's AuthTime rises and its cookie changes.
func (s *Service) StepUp(ctx context.Context, cookie string) (Attempt, error) {
	it, a, err := s.sessionByCookie(ctx, cookie)
	if err != nil {
		return Attempt{}, err
	}
	id, err := s.begin(ctx, attempt{
		User: a.ID, Epoch: a.Epoch, Session: it.Name, Address: it.Value.Address, Agent: it.Value.Agent,
	})
	return Attempt{ID: id, Factors: a.factors()}, err
}
