package identity

import (
	"context"
	"time"

	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/store"
)

// Factor names what an account proves itself with beside its password.
type Factor string

// The factors.
const (
	FactorPasskey  Factor = "passkey"
	FactorTOTP     Factor = "totp"
	FactorRecovery Factor = "recovery"
	FactorOutside  Factor = "outside" // both, proven to an outside provider
)

// Attempt is a login, step-up or enrolment under way. Whoever has its ID goes on with it.
type Attempt struct {
	ID      string
	Factors []Factor
	Enrol   bool // there is no second factor yet: enrol one to log in
	Outside bool // an outside provider proved the first factor
}

// attempt is what the store keeps of one, under the hash of its id.
type attempt struct {
	User     tutela.UserID         `json:"user,omitempty"` // empty until a passkey alone tells it
	Epoch    int64                 `json:"epoch"`
	Session  string                `json:"session,omitempty"`  // whose bearer steps up or enrols
	Password bool                  `json:"password,omitempty"` // it was right
	Outside  *passage              `json:"outside,omitempty"`  // in place of the password
	Enrol    bool                  `json:"enrol,omitempty"`    // may add factors, proving none
	TOTP     string                `json:"totp,omitempty"`     // secret under enrolment
	Ceremony *webauthn.SessionData `json:"ceremony,omitempty"` // passkey challenge, answered once
	Failures int                   `json:"failures,omitempty"`
	Ends     time.Time             `json:"ends"`
	Address  string                `json:"address,omitempty"`
	Agent    string                `json:"agent,omitempty"`
}

const (
	attemptLife  = 5 * time.Minute
	attemptTries = 5 // of a second factor
)

func attemptOver() error {
	return errs.New(errs.Unauthenticated, "this login is over; begin again")
}

// newAttempt gives an attempt's id and the claim that writes it.
func (s *Service) newAttempt(ctx context.Context, a attempt) (string, store.Claim, error) {
	id := randomText(32)
	a.Ends = s.clock().Add(attemptLife)
	claim, err := s.attemptClaim(ctx, item[attempt]{Name: secretName(id), Value: a})
	return id, claim, err
}

func (s *Service) attemptClaim(ctx context.Context, it item[attempt]) (store.Claim, error) {
	return putItem(ctx, s, itemAttempt, it, string(it.Value.User), it.Value.Ends)
}

// begin writes a new attempt.
func (s *Service) begin(ctx context.Context, a attempt) (string, error) {
	id, claim, err := s.newAttempt(ctx, a)
	if err != nil {
		return "", err
	}
	return id, s.commit(ctx, store.Op{Claims: []store.Claim{claim}})
}

func (s *Service) loadAttempt(ctx context.Context, id string) (item[attempt], error) {
	it, found, err := loadItem[attempt](ctx, s, itemAttempt, secretName(id))
	if err == nil && !found {
		err = attemptOver()
	}
	return it, err
}

// changeAttempt loads an attempt with its account and writes it as f leaves it.
func (s *Service) changeAttempt(ctx context.Context, id string, f func(*attempt, account) error) error {
	return retried(func() error {
		it, err := s.loadAttempt(ctx, id)
		if err != nil {
			return err
		}
		a, err := s.attemptAccount(ctx, it.Value)
		if err != nil {
			return err
		}
		if err := f(&it.Value, a); err != nil {
			return err
		}
		claim, err := s.attemptClaim(ctx, it)
		if err != nil {
			return err
		}
		return s.commit(ctx, store.Op{Claims: []store.Claim{claim}})
	})
}

// attemptAccount is whose attempt it is, if that account may still be logged in to.
func (s *Service) attemptAccount(ctx context.Context, t attempt) (account, error) {
	a, err := s.accountByID(ctx, t.User)
	if errs.Is(err, errs.NotFound) || err == nil && (!a.mayLogIn() || a.Epoch != t.Epoch) {
		return account{}, attemptOver()
	}
	return a, err
}

// try counts a try of a factor before it is judged and gives the attempt with the challenge that it
// may answer; the stored one is spent. After too many the attempt is over. Callers stand in the
// attempts' queue: a form that is sent twice must not make its first try lose.
func (s *Service) try(ctx context.Context, id string) (item[attempt], error) {
	var it item[attempt]
	err := retried(func() error {
		var err error
		if it, err = s.loadAttempt(ctx, id); err != nil {
			return err
		}
		if it.Value.Failures >= attemptTries {
			return attemptOver()
		}
		it.Value.Failures++
		spent := it
		spent.Value.Ceremony = nil
		claim, err := s.attemptClaim(ctx, spent)
		if err != nil {
			return err
		}
		return s.commit(ctx, store.Op{Claims: []store.Claim{claim}})
	})
	it.revision++
	return it, err
}
