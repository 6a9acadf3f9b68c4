package identity

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/protocol/webauthncose"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
)

// passkey is a WebAuthn credential of an account. https://www.w3.org/TR/webauthn-3/
type passkey struct {
	Credential webauthn.Credential `json:"credential"`
	Created    time.Time           `json:"created"`
	Used       time.Time           `json:"used,omitzero"`
}

func (p passkey) id() string { return base64.RawURLEncoding.EncodeToString(p.Credential.ID) }

// holder shows an account to the WebAuthn library.
type holder struct{ account }

func (h holder) WebAuthnID() []byte          { return []byte(h.ID) }
func (h holder) WebAuthnName() string        { return h.Username }
func (h holder) WebAuthnDisplayName() string { return h.Username }

func (h holder) WebAuthnCredentials() []webauthn.Credential {
	list := make([]webauthn.Credential, len(h.Passkeys))
	for i, p := range h.Passkeys {
		list[i] = p.Credential
	}
	return list
}

func newRelyingParty(name, host string, origins []string) (*webauthn.WebAuthn, error) {
	rp, err := webauthn.New(&webauthn.Config{
		RPID: host, RPDisplayName: name, RPOrigins: origins, AttestationPreference: protocol.PreferNoAttestation,
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			ResidentKey: protocol.ResidentKeyRequirementPreferred, UserVerification: protocol.VerificationPreferred,
		},
	})
	if err != nil {
		return nil, fmt.Errorf("set up passkeys: %w", err)
	}
	return rp, nil
}

// relyingParty is the WebAuthn relying party, where one was configured.
func (s *Service) relyingParty() (*webauthn.WebAuthn, error) {
	if s.passkeys == nil {
		return nil, errs.New(errs.Unsupported, "passkeys are not set up here")
	}
	return s.passkeys, nil
}

// BeginPasskey gives the options with which a browser asks for one of the account's passkeys.
func (s *Service) BeginPasskey(ctx context.Context, attemptID string) ([]byte, error) {
	rp, err := s.relyingParty()
	if err != nil {
		return nil, err
	}
	var options *protocol.CredentialAssertion
	err = s.changeAttempt(ctx, attemptID, func(t *attempt, a account) error {
		if len(a.Passkeys) == 0 {
			return errs.New(errs.Unprocessable, "the account has no passkey")
		}
		options, t.Ceremony, err = rp.BeginLogin(holder{a})
		return err
	})
	return encoded(options, err)
}

// BeginPasskeyLogin begins a login by a passkey alone, which tells the account and verifies its
// person: a factor that is two (NIST SP 800-63B-4, 3.1.7). Anybody may begin one, and each is a row:
// address is held to a pace.
func (s *Service) BeginPasskeyLogin(ctx context.Context, address string) (attemptID string, options []byte, err error) {
	rp, err := s.relyingParty()
	if err != nil {
		return "", nil, err
	}
	if wait, ok := s.begins.Spend(address, 1); !ok {
		return "", nil, errs.New(errs.TooMany, "too many logins were begun here; try again in %s", wait.Round(time.Second)+time.Second)
	}
	asked, ceremony, err := rp.BeginDiscoverableLogin(webauthn.WithUserVerification(protocol.VerificationRequired))
	if err != nil {
		return "", nil, fmt.Errorf("begin passkey login: %w", err)
	}
	if options, err = encoded(asked, nil); err != nil {
		return "", nil, err
	}
	attemptID, err = s.begin(ctx, attempt{Ceremony: ceremony})
	return attemptID, options, err
}

func encoded(v any, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode passkey options: %w", err)
	}
	return text, nil
}

func wrongPasskey(err error) error {
	return errs.Wrap(errs.Unauthenticated, err, "the passkey was not accepted")
}

// FinishPasskey proves a passkey by the browser's answer.
func (s *Service) FinishPasskey(ctx context.Context, attemptID string, response []byte) (Login, error) {
	rp, err := s.relyingParty()
	if err != nil {
		return Login{}, err
	}
	answer, err := protocol.ParseCredentialRequestResponseBytes(response)
	if err != nil {
		return Login{}, errs.Wrap(errs.Invalid, err, "the passkey's answer cannot be read")
	}
	defer s.attempts.enter(attemptID)()
	it, err := s.try(ctx, attemptID)
	if err != nil {
		return Login{}, err
	}
	if it.Value.User == "" {
		if it.Value.User, it.Value.Epoch, err = s.claimed(ctx, answer.Response.UserHandle); err != nil {
			return Login{}, err
		}
	}
	return s.prove(ctx, it, FactorPasskey, func(t attempt, a *account) ([]string, error) {
		return s.provePasskey(rp, t, a, answer)
	})
}

// claimed is the account that a passkey says it is of, still to be proven. One that is not there
// fails later, like a wrong signature; so does one without a password: its way in is the outside
// provider, which knows of leavers.
func (s *Service) claimed(ctx context.Context, handle []byte) (tutela.UserID, int64, error) {
	a, err := s.accountByID(ctx, tutela.UserID(handle))
	if errs.Is(err, errs.NotFound) || err == nil && !a.hasPassword() {
		return "", 0, nil
	}
	return a.ID, a.Epoch, err
}

// provePasskey verifies an assertion against the attempt's challenge (WebAuthn, 7.2). A counter
// that did not rise tells of a copy of the key, and is refused.
func (s *Service) provePasskey(rp *webauthn.WebAuthn, t attempt, a *account, answer *protocol.ParsedCredentialAssertionData) ([]string, error) {
	if t.Ceremony == nil {
		return nil, wrongPasskey(errs.New(errs.Invalid, "no challenge is open"))
	}
	c, err := s.validate(rp, *t.Ceremony, *a, answer)
	if err != nil {
		return nil, wrongPasskey(err)
	}
	if c.Authenticator.CloneWarning {
		return nil, wrongPasskey(errs.New(errs.Denied, "the counter did not rise: the key may have been copied"))
	}
	a.Passkeys = slices.Clone(a.Passkeys)
	for i := range a.Passkeys {
		if slices.Equal(a.Passkeys[i].Credential.ID, c.ID) {
			a.Passkeys[i].Credential, a.Passkeys[i].Used = *c, s.clock()
		}
	}
	return passkeyMethods(*c, answer.Response.AuthenticatorData.Flags), nil
}

func (s *Service) validate(rp *webauthn.WebAuthn, ceremony webauthn.SessionData, a account, answer *protocol.ParsedCredentialAssertionData) (*webauthn.Credential, error) {
	if len(ceremony.UserID) > 0 {
		return rp.ValidateLogin(holder{a}, ceremony, answer)
	}
	_, c, err := rp.ValidatePasskeyLogin(func(_, _ []byte) (webauthn.User, error) { return holder{a}, nil }, ceremony, answer)
	return c, err
}

// passkeyMethods names a key that can be copied between devices software's (RFC 8176, 2).
func passkeyMethods(c webauthn.Credential, f protocol.AuthenticatorFlags) []string {
	amr := []string{"hwk"}
	if c.Flags.BackupEligible {
		amr[0] = "swk"
	}
	if f.HasUserPresent() {
		amr = append(amr, "user")
	}
	return amr
}

// passkeyAlgorithms are those of approved signatures that authenticators have: ES256, else RS256.
func passkeyAlgorithms() []protocol.CredentialParameter {
	return []protocol.CredentialParameter{
		{Type: protocol.PublicKeyCredentialType, Algorithm: webauthncose.AlgES256},
		{Type: protocol.PublicKeyCredentialType, Algorithm: webauthncose.AlgRS256},
	}
}
