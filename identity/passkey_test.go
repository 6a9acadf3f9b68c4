package identity

import (
	"context"
	"crypto/ecdsa"
	"crypto/x509"
	"strconv"
	"testing"
	"time"

	"github.com/descope/virtualwebauthn"
	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela/internal/errs"
)

// device is a software authenticator with one key, at a browser of an origin.
type device struct {
	rp   virtualwebauthn.RelyingParty
	auth virtualwebauthn.Authenticator
	key  virtualwebauthn.Credential
}

func newDevice(kind virtualwebauthn.KeyType) *device {
	return &device{
		rp:   virtualwebauthn.RelyingParty{ID: testHost, Name: "Clinic", Origin: testOrigin},
		auth: virtualwebauthn.NewAuthenticator(), key: newCredential(kind),
	}
}

// newCredential makes a key whose public point virtualwebauthn encodes rightly: it drops leading
// zeros of a coordinate, which RFC 9053, 7.1.1, keeps, and one key in 128 has one.
func newCredential(kind virtualwebauthn.KeyType) virtualwebauthn.Credential {
	for {
		c := virtualwebauthn.NewCredential(kind)
		private, err := x509.ParsePKCS8PrivateKey(c.Key.Data)
		if err != nil {
			panic(err)
		}
		k, ec := private.(*ecdsa.PrivateKey)
		if !ec {
			return c
		}
		point, err := k.PublicKey.Bytes() // 4, X, Y
		if err != nil {
			panic(err)
		}
		if point[1] != 0 && point[33] != 0 {
			return c
		}
	}
}

// create answers the options of an enrolment.
func (d *device) create(t testing.TB, options []byte) []byte {
	t.Helper()
	o, err := virtualwebauthn.ParseAttestationOptions(string(options))
	must(t, err)
	d.auth.Options.UserHandle = []byte(o.UserID)
	return []byte(virtualwebauthn.CreateAttestationResponse(d.rp, d.auth, d.key, *o))
}

// sign answers the options of a login; the counter rises.
func (d *device) sign(t testing.TB, options []byte) []byte {
	t.Helper()
	o, err := virtualwebauthn.ParseAssertionOptions(string(options))
	must(t, err)
	d.key.Counter++
	return []byte(virtualwebauthn.CreateAssertionResponse(d.rp, d.auth, d.key, *o))
}

// enrol adds the device's key to the account of a login.
func (d *device) enrol(t testing.TB, s *Service, l Login) Enrolled {
	t.Helper()
	ctx := t.Context()
	attempt, err := s.BeginEnrolment(ctx, l.Cookie)
	must(t, err)
	options, err := s.BeginPasskeyEnrolment(ctx, attempt)
	must(t, err)
	done, err := s.FinishPasskeyEnrolment(ctx, attempt, d.create(t, options))
	must(t, err)
	return done
}

// second proves the device as a second factor.
func (d *device) second(ctx context.Context, t testing.TB, s *Service, p person) (Login, error) {
	t.Helper()
	a, err := p.begin(ctx, s)
	must(t, err)
	options, err := s.BeginPasskey(ctx, a.ID)
	must(t, err)
	return s.FinishPasskey(ctx, a.ID, d.sign(t, options))
}

func TestPasskeyIsASecondFactor(t *testing.T) {
	each(t, func(t *testing.T, w *world, s *Service) {
		ctx := t.Context()
		p, login := func() (person, Login) {
			p, _ := admin(t, w, s)
			return p, p.logIn(t, w, s)
		}()
		for _, kind := range []virtualwebauthn.KeyType{virtualwebauthn.KeyTypeEC2, virtualwebauthn.KeyTypeRSA} {
			d := newDevice(kind)
			done := d.enrol(t, s, login)
			if len(done.RecoveryCodes) != 0 {
				t.Error("an account with recovery codes got others")
			}
			_, _, err := s.SessionByCookie(ctx, login.Cookie)
			refused(t, "the cookie of before the enrolment", err, errs.Unauthenticated)
			login = done.Login
			for range 2 {
				l, err := d.second(ctx, t, s, p)
				must(t, err)
				if diff := cmp.Diff([]string{"hwk", "mfa", "pwd", "user"}, l.Session.AMR); diff != "" {
					t.Error(diff)
				}
			}
		}
		a, err := p.begin(ctx, s)
		must(t, err)
		if diff := cmp.Diff([]Factor{FactorPasskey, FactorTOTP, FactorRecovery}, a.Factors); diff != "" {
			t.Error(diff)
		}
	})
}

func TestPasskeyIsAFirstSecondFactor(t *testing.T) {
	each(t, func(t *testing.T, w *world, s *Service) {
		ctx := t.Context()
		inv, err := s.FirstInvitation(ctx, NewUser{Username: "root", Roles: []string{"admin"}})
		must(t, err)
		attempt, err := s.AcceptInvitation(ctx, inv.Token, goodPassword)
		must(t, err)
		options, err := s.BeginPasskeyEnrolment(ctx, attempt)
		must(t, err)
		done, err := s.FinishPasskeyEnrolment(ctx, attempt, newDevice(virtualwebauthn.KeyTypeEC2).create(t, options))
		must(t, err)
		if len(done.RecoveryCodes) != recoveryCodes || done.Login.Session.ACR != ACRTwoFactors {
			t.Errorf("%d codes, session %+v", len(done.RecoveryCodes), done.Login.Session)
		}
	})
}

// withPasskey is an administrator who has a passkey, with the cookie of the session that enrolled it.
func withPasskey(t *testing.T, w *world, s *Service) (p person, d *device, cookie string) {
	t.Helper()
	p, _ = admin(t, w, s)
	d = newDevice(virtualwebauthn.KeyTypeEC2)
	return p, d, d.enrol(t, s, p.logIn(t, w, s)).Login.Cookie
}

func TestPasskeyAloneLogsIn(t *testing.T) {
	each(t, func(t *testing.T, w *world, s *Service) {
		ctx := t.Context()
		p, d, _ := withPasskey(t, w, s)
		attempt, options, err := s.BeginPasskeyLogin(ctx, someAddress)
		must(t, err)
		l, err := s.FinishPasskey(ctx, attempt, d.sign(t, options))
		must(t, err)
		if diff := cmp.Diff([]string{"hwk", "mfa", "user"}, l.Session.AMR); diff != "" || l.Session.User != p.ID {
			t.Errorf("session of %s: %s", l.Session.User, diff)
		}
		d.auth.Options.UserNotVerified = true
		attempt, options, err = s.BeginPasskeyLogin(ctx, someAddress)
		must(t, err)
		_, err = s.FinishPasskey(ctx, attempt, d.sign(t, options))
		refused(t, "a passkey whose holder was not verified", err, errs.Unauthenticated)
	})
}

// TestPasskeyAttacks are answers that a thief or a phishing page would give.
func TestPasskeyAttacks(t *testing.T) {
	each(t, func(t *testing.T, w *world, s *Service) {
		ctx := t.Context()
		_, by := admin(t, w, s)
		p, login := nurse(t, w, s, by, "ann")
		other, otherLogin := nurse(t, w, s, by, "bob")
		d, foreign := newDevice(virtualwebauthn.KeyTypeEC2), newDevice(virtualwebauthn.KeyTypeEC2)
		d.enrol(t, s, login)
		foreign.enrol(t, s, otherLogin)
		tries := map[string]func(attempt string, options []byte) []byte{
			"a phishing page's origin": func(_ string, o []byte) []byte {
				fake := *d
				fake.rp.Origin = "https://clinic.test.evil.example"
				return fake.sign(t, o)
			},
			"another host's key": func(_ string, o []byte) []byte {
				fake := *d
				fake.rp.ID = "evil.example"
				return fake.sign(t, o)
			},
			"another account's key": func(_ string, o []byte) []byte { return foreign.sign(t, o) },
			"another key under the same id": func(_ string, o []byte) []byte {
				fake := *d
				fake.key.Key = foreign.key.Key
				return fake.sign(t, o)
			},
			"another login's challenge": func(_ string, _ []byte) []byte {
				_, options, err := s.BeginPasskeyLogin(ctx, someAddress)
				must(t, err)
				return d.sign(t, options)
			},
			"nobody present": func(_ string, o []byte) []byte {
				fake := *d
				fake.auth.Options.UserNotPresent = true
				return fake.sign(t, o)
			},
		}
		for name, answer := range tries {
			a, err := p.begin(ctx, s)
			must(t, err)
			options, err := s.BeginPasskey(ctx, a.ID)
			must(t, err)
			_, err = s.FinishPasskey(ctx, a.ID, answer(a.ID, options))
			refused(t, name, err, errs.Unauthenticated)
		}
		attempt, options, err := s.BeginPasskeyLogin(ctx, someAddress)
		must(t, err)
		liar := *d
		liar.auth.Options.UserHandle = []byte(other.ID)
		_, err = s.FinishPasskey(ctx, attempt, liar.sign(t, options))
		refused(t, "a key that says it is another account's", err, errs.Unauthenticated)
		_, err = s.FinishPasskey(ctx, attempt, []byte("{}"))
		refused(t, "no answer at all", err, errs.Invalid)
	})
}

func TestPasskeyAnswerCountsOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world, s *Service) {
		ctx := t.Context()
		_, d, _ := withPasskey(t, w, s)
		attempt, options, err := s.BeginPasskeyLogin(ctx, someAddress)
		must(t, err)
		answer := d.sign(t, options)
		n := succeeded(together(4, func(int) error {
			_, err := s.FinishPasskey(ctx, attempt, answer)
			return err
		}))
		if n != 1 {
			t.Errorf("one answer made %d sessions", n)
		}
		_, err = s.FinishPasskey(ctx, attempt, answer)
		refused(t, "the answer again", err, errs.Unauthenticated)

		attempt, options, err = s.BeginPasskeyLogin(ctx, someAddress)
		must(t, err)
		_, err = s.FinishPasskey(ctx, attempt, answer)
		refused(t, "the old answer", err, errs.Unauthenticated)
		_, err = s.FinishPasskey(ctx, attempt, d.sign(t, options))
		refused(t, "the right answer to a challenge that was spent", err, errs.Unauthenticated)
	})
}

// TestCopiedPasskeyIsRefused uses a copy of a key, and then the original, whose counter is behind.
func TestCopiedPasskeyIsRefused(t *testing.T) {
	each(t, func(t *testing.T, w *world, s *Service) {
		ctx := t.Context()
		p, d, _ := withPasskey(t, w, s)
		clone := *d
		for range 2 {
			_, err := clone.second(ctx, t, s, p)
			must(t, err)
		}
		_, err := d.second(ctx, t, s, p)
		refused(t, "the one whose counter is behind", err, errs.Unauthenticated)
	})
}

func TestLastFactorStays(t *testing.T) {
	each(t, func(t *testing.T, w *world, s *Service) {
		ctx := t.Context()
		p, d, cookie := withPasskey(t, w, s)
		list, err := s.Authenticators(ctx, p.ID)
		must(t, err)
		refused(t, "removing a passkey that is not there", s.RemovePasskey(ctx, cookie, "none"), errs.NotFound)
		must(t, s.RemoveTOTP(ctx, cookie))
		refused(t, "removing the last factor", s.RemovePasskey(ctx, cookie, list.Passkeys[0].ID), errs.Unprocessable)
		attempt, err := s.BeginEnrolment(ctx, cookie)
		must(t, err)
		_, _, err = s.EnrolTOTP(ctx, attempt)
		must(t, err)
		refused(t, "removing it before the other is confirmed", s.RemovePasskey(ctx, cookie, list.Passkeys[0].ID), errs.Unprocessable)
		_, err = d.second(ctx, t, s, p)
		must(t, err)
	})
}

func TestWithoutARelyingPartyThereAreNoPasskeys(t *testing.T) {
	each(t, func(t *testing.T, w *world, s *Service) {
		ctx := t.Context()
		s.passkeys = nil
		_, _, err := s.BeginPasskeyLogin(ctx, someAddress)
		refused(t, "login", err, errs.Unsupported)
		_, err = s.BeginPasskey(ctx, "x")
		refused(t, "second factor", err, errs.Unsupported)
		_, err = s.FinishPasskey(ctx, "x", nil)
		refused(t, "answer", err, errs.Unsupported)
		_, err = s.BeginPasskeyEnrolment(ctx, "x")
		refused(t, "enrolment", err, errs.Unsupported)
		_, err = s.FinishPasskeyEnrolment(ctx, "x", nil)
		refused(t, "enrolment's answer", err, errs.Unsupported)
	})
}

// TestBeginningPasskeyLoginsIsSlowed holds a network to a pace before there is a name to slow down.
func TestBeginningPasskeyLoginsIsSlowed(t *testing.T) {
	each(t, func(t *testing.T, w *world, s *Service) {
		begun := 0
		var err error
		for begun < 1000 {
			if _, _, err = s.BeginPasskeyLogin(t.Context(), "2001:db8::"+strconv.Itoa(begun%7)); err != nil {
				break
			}
			begun++
		}
		refused(t, "one too many", err, errs.TooMany)
		if begun != passkeyBudget {
			t.Errorf("%d were begun at once", begun)
		}
		if _, _, err := s.BeginPasskeyLogin(t.Context(), someAddress); err != nil {
			t.Errorf("another network: %v", err)
		}
		w.Advance(time.Second)
		if _, _, err := s.BeginPasskeyLogin(t.Context(), "2001:db8::1"); err != nil {
			t.Errorf("after a second: %v", err)
		}
	})
}
