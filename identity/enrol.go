package identity

import (
	"context"
	"encoding/base32"
	"fmt"
	"slices"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
)

// Enrolled is the end of an enrolment. The codes are shown once; there are none when the account
// has some left.
type Enrolled struct {
	RecoveryCodes []string
	Login         Login
}

// enrolWithin is how fresh the proof of a second factor must be to change what proves an account.
const enrolWithin = 5 * time.Minute

// BeginEnrolment lets a session's bearer add a factor, shortly after a login or step-up.
func (s *Service) BeginEnrolment(ctx context.Context, cookie string) (attemptID string, err error) {
	it, a, err := s.recentSession(ctx, cookie)
	if err != nil {
		return "", err
	}
	return s.begin(ctx, attempt{
		User: a.ID, Epoch: a.Epoch, Session: it.Name, Enrol: true, Address: it.Value.Address, Agent: it.Value.Agent,
	})
}

// recentSession is the session of a cookie, if a second factor was shown in it lately.
func (s *Service) recentSession(ctx context.Context, cookie string) (item[sessionRecord], account, error) {
	it, a, err := s.sessionByCookie(ctx, cookie)
	if err == nil && !s.Recent(it.Value.Session, enrolWithin) {
		err = errs.New(errs.Denied, "prove your second factor again first")
	}
	return it, a, err
}

// mayEnrol holds an attempt to what it was begun for: a session's bearer adds a factor, and a
// password alone only the first. Of two who have the password, the one who is second adds none.
func mayEnrol(t attempt, a account) error {
	if !t.Enrol || t.Session == "" && a.enrolled() {
		return errs.New(errs.Denied, "a factor is enrolled by who has proven another; log in again")
	}
	return nil
}

// EnrolTOTP gives a new one-time-password secret, as text and as the URI of a QR code. It counts
// once ConfirmTOTP has seen a code of it.
func (s *Service) EnrolTOTP(ctx context.Context, attemptID string) (secret, uri string, err error) {
	secret = base32.StdEncoding.EncodeToString(randomBytes(totpSecretSize))
	err = s.changeAttempt(ctx, attemptID, func(t *attempt, a account) error {
		if err := mayEnrol(*t, a); err != nil {
			return err
		}
		t.TOTP, uri = secret, totpURI(s.name, a.Username, secret)
		return nil
	})
	if err != nil {
		return "", "", err
	}
	return secret, uri, nil
}

// ConfirmTOTP puts the new secret into effect and logs in.
func (s *Service) ConfirmTOTP(ctx context.Context, attemptID, code string) (Enrolled, error) {
	return s.enrol(ctx, attemptID, FactorTOTP, func(t attempt, a *account) ([]string, error) {
		step, ok := verifyTOTP(t.TOTP, code, s.clock(), 0)
		if !ok {
			return nil, wrongCode()
		}
		a.TOTP, a.Step = t.TOTP, step
		return []string{"otp"}, nil
	})
}

// BeginPasskeyEnrolment gives the options with which a browser makes a passkey.
func (s *Service) BeginPasskeyEnrolment(ctx context.Context, attemptID string) ([]byte, error) {
	rp, err := s.relyingParty()
	if err != nil {
		return nil, err
	}
	var options *protocol.CredentialCreation
	err = s.changeAttempt(ctx, attemptID, func(t *attempt, a account) error {
		if err := mayEnrol(*t, a); err != nil {
			return err
		}
		h := holder{a}
		options, t.Ceremony, err = rp.BeginRegistration(h, webauthn.WithCredentialParameters(passkeyAlgorithms()),
			webauthn.WithExclusions(webauthn.Credentials(h.WebAuthnCredentials()).CredentialDescriptors()))
		return err
	})
	return encoded(options, err)
}

// FinishPasskeyEnrolment keeps the passkey of the browser's answer and logs in.
func (s *Service) FinishPasskeyEnrolment(ctx context.Context, attemptID string, response []byte) (Enrolled, error) {
	rp, err := s.relyingParty()
	if err != nil {
		return Enrolled{}, err
	}
	answer, err := protocol.ParseCredentialCreationResponseBytes(response)
	if err != nil {
		return Enrolled{}, errs.Wrap(errs.Invalid, err, "the passkey's answer cannot be read")
	}
	return s.enrol(ctx, attemptID, FactorPasskey, func(t attempt, a *account) ([]string, error) {
		if t.Ceremony == nil {
			return nil, wrongPasskey(fmt.Errorf("no challenge is open"))
		}
		c, err := rp.CreateCredential(holder{*a}, *t.Ceremony, answer)
		if err != nil {
			return nil, wrongPasskey(err)
		}
		c.Attestation = webauthn.CredentialAttestation{} // none was asked for
		a.Passkeys = append(slices.Clip(a.Passkeys), passkey{Credential: *c, Created: s.clock()})
		return passkeyMethods(*c, answer.Response.AttestationObject.AuthData.Flags), nil
	})
}

// enrol adds a factor that prove has seen work, with recovery codes where there are none, and logs in.
func (s *Service) enrol(ctx context.Context, id string, f Factor, prove prover) (Enrolled, error) {
	var done Enrolled
	defer s.attempts.enter(id)()
	it, err := s.try(ctx, id)
	if err != nil {
		return done, err
	}
	err = s.judged(ctx, it, f, func(a account) error {
		if err := mayEnrol(it.Value, a); err != nil {
			return err
		}
		amr, err := prove(it.Value, &a)
		if err != nil {
			return err
		}
		var codes []string
		if len(a.Recovery) == 0 {
			codes, a.Recovery = newRecoveryCodes(a.ID)
		}
		a.EnrolBy = time.Time{}
		entry := s.about(tutela.ActionUserEnrol, actorOf(a.User), a.ID)
		entry.Address, entry.Subject.Detail = it.Value.Address, string(f)
		login, err := s.logIn(ctx, it, a, f, amr, entry)
		done = Enrolled{RecoveryCodes: codes, Login: login}
		return err
	})
	if err != nil {
		return Enrolled{}, err
	}
	return done, nil
}
