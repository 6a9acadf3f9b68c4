package identity

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/internal/httpx"
	"github.com/tutela-health/tutela/store"
)

// Hold is what somebody else holds a caller to beyond what his account says: an automatic answer. The zero
// value holds nobody.
type Hold struct {
	Barred      bool      // he may not act
	ProvedAfter time.Time // a second factor that was shown before does not count
	Without     []string  // roles that do not count
}

// OnHold has f asked, at every use of a token and of a session, what its bearer is held to. It belongs to the
// assembly, before the Service is used. f must be quick.
func (s *Service) OnHold(f func(ctx context.Context, p tutela.Principal, client, address string) Hold) {
	s.hold = f
}

// stepUpAge is how old the proof of the second factor may be that a challenge asks for.
const stepUpAge = 5 * time.Minute

// StepUpError says that the second factor must be shown anew before the session counts again.
type StepUpError struct{}

func (*StepUpError) Error() string { return "sign in again, with your second factor" }

// Challenge is what a client needs to know to have it shown (RFC 9470, 3).
func (e *StepUpError) Challenge() string {
	return fmt.Sprintf(`Bearer error="insufficient_user_authentication", error_description="%s", acr_values="aal2", max_age="%d"`,
		e.Error(), int(stepUpAge.Seconds()))
}

// heldOf asks what a caller is held to. Outside a request nobody is.
func (s *Service) heldOf(ctx context.Context, client string, p tutela.Principal) Hold {
	if s.hold == nil || httpx.RequestID(ctx) == "" {
		return Hold{}
	}
	return s.hold(ctx, p, client, httpx.PeerOf(ctx))
}

// Bound gives a caller as he is held: with fewer roles, or not at all. It is what Authenticate does.
func (s *Service) Bound(ctx context.Context, p tutela.Principal) (tutela.Principal, error) {
	h := s.heldOf(ctx, p.Client, p)
	if h.Barred {
		return tutela.Principal{}, s.refuseHeld(ctx, p.Client, p, unauthenticated())
	}
	if len(h.Without) > 0 {
		p.Roles = slices.DeleteFunc(slices.Clone(p.Roles), func(r string) bool { return slices.Contains(h.Without, r) })
	}
	if h.ProvedAfter.IsZero() || p.Kind != tutela.ActorPerson {
		return p, nil
	}
	it, _, err := s.liveSession(ctx, p.Session)
	if err == nil && !it.Value.AuthTime.After(h.ProvedAfter) || errs.Is(err, errs.Unauthenticated) {
		step := &StepUpError{}
		err = s.refuseHeld(ctx, p.Client, p, errs.Wrap(errs.Unauthenticated, step, step.Error()))
	}
	if err != nil {
		return tutela.Principal{}, err
	}
	return p, nil
}

// refuseHeld writes down, once a minute at most, who was refused for an answer, and gives the refusal.
func (s *Service) refuseHeld(ctx context.Context, client string, p tutela.Principal, refusal error) error {
	address := httpx.PeerOf(ctx)
	if _, first := s.strayed.Spend("held "+string(p.ID)+" "+client+" "+address, 1); !first {
		return refusal
	}
	if _, err := s.audit.Append(ctx, tutela.Entry{
		Action: tutela.ActionAnswerHold, Outcome: tutela.OutcomeDenied, Status: http.StatusUnauthorized, Address: address, Client: client,
		Session: p.Session, Request: httpx.RequestID(ctx),
		Actor: tutela.Actor{ID: p.ID, Kind: p.Kind, Name: p.Username, Roles: p.Roles, Unit: p.Unit},
	}, nil); err != nil {
		return errs.Wrap(errs.Unavailable, err, "the request could not be recorded")
	}
	return refusal
}

// EndAccess ends every session and token of an account, in the transaction of what else belongs to that; with is
// told what is alive. It asks for no authority: the caller has seen to that.
func (s *Service) EndAccess(ctx context.Context, by tutela.Actor, id tutela.UserID, with func(tutela.Ending) (store.Op, error)) error {
	a, err := s.accountByID(ctx, id)
	if err != nil {
		return err
	}
	var w work
	ending, err := s.endAll(ctx, order{received: s.clock()}, &a, &w)
	if err != nil {
		return err
	}
	op, err := with(ending)
	if err != nil {
		return err
	}
	claim, err := s.accountClaim(ctx, a)
	if err != nil {
		return err
	}
	op.Claims, op.Deletes = append(op.Claims, claim), append(op.Deletes, w.op.Deletes...)
	entry := s.about(tutela.ActionSessionEnd, by, id)
	entry.Subject.Detail, entry.Ending = "all", &ending
	if err := s.revoke(ctx, op, entry); err != nil {
		return err
	}
	s.tell(ctx, w.told)
	return nil
}

// Logins lists the sessions that are in use.
func (s *Service) Logins(ctx context.Context) ([]Session, error) {
	items, err := listItems[sessionRecord](ctx, s, itemSession, "")
	var list []Session
	for _, it := range items {
		if s.clock().Sub(it.Value.LastSeen) < s.idle {
			list = append(list, it.Value.Session)
		}
	}
	return list, err
}
