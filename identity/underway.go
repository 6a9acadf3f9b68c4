package identity

import (
	"context"
)

// AttemptByID tells how an attempt may go on: for a page that is drawn again.
func (s *Service) AttemptByID(ctx context.Context, id string) (Attempt, error) {
	it, err := s.loadAttempt(ctx, id)
	if err != nil {
		return Attempt{}, err
	}
	a, err := s.attemptAccount(ctx, it.Value)
	if err != nil {
		return Attempt{}, err
	}
	if it.Value.Failures >= attemptTries {
		return Attempt{}, attemptOver()
	}
	return Attempt{ID: id, Factors: a.factors(), Enrol: it.Value.Enrol, Outside: it.Value.Outside != nil}, nil
}

// TOTPUnderEnrolment gives the secret that EnrolTOTP made within an attempt once more, so that a
// mistyped code costs no second scan.
func (s *Service) TOTPUnderEnrolment(ctx context.Context, attemptID string) (secret, uri string, err error) {
	it, err := s.loadAttempt(ctx, attemptID)
	if err != nil {
		return "", "", err
	}
	a, err := s.attemptAccount(ctx, it.Value)
	if err != nil {
		return "", "", err
	}
	if !it.Value.Enrol || it.Value.TOTP == "" || it.Value.Failures >= attemptTries {
		return "", "", attemptOver()
	}
	return it.Value.TOTP, totpURI(s.name, a.Username, it.Value.TOTP), nil
}
