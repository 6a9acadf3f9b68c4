package identity

import (
	"encoding/base32"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela/internal/errs"
)

// together calls f n times at once.
func together(n int, f func(i int) error) []error {
	all := make([]error, n)
	var start, done sync.WaitGroup
	start.Add(1)
	for i := range n {
		done.Go(func() {
			start.Wait()
			all[i] = f(i)
		})
	}
	start.Done()
	done.Wait()
	return all
}

func succeeded(all []error) int {
	n := 0
	for _, err := range all {
		if err == nil {
			n++
		}
	}
	return n
}

// TestCodesOfRFC6238 replays the SHA-1 vectors of appendix B, cut to six digits.
func TestCodesOfRFC6238(t *testing.T) {
	secret := []byte("12345678901234567890")
	for at, want := range map[int64]string{
		59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037", 20000000000: "353130",
	} {
		if got := totpCode(secret, totpStep(time.Unix(at, 0))); got != want {
			t.Errorf("at %d: %s, want %s", at, got, want)
		}
	}
}

func TestCodeCountsOneStepAround(t *testing.T) {
	key := []byte("12345678901234567890")
	text := base32.StdEncoding.EncodeToString(key)
	now := time.Unix(1_800_000_000, 0)
	for off, want := range map[int64]bool{-2: false, -1: true, 0: true, 1: true, 2: false} {
		step, ok := verifyTOTP(text, totpCode(key, totpStep(now)+off), now, 0)
		if ok != want || ok && step != totpStep(now)+off {
			t.Errorf("%d steps off: %v, step %d", off, ok, step)
		}
	}
	for _, secret := range []string{"", "AAAA", "not base32"} {
		if _, ok := verifyTOTP(secret, totpCode(nil, totpStep(now)), now, 0); ok {
			t.Errorf("secret %q proves something", secret)
		}
	}
}

func TestAuthenticatorIsToldTheSecret(t *testing.T) {
	u, err := url.Parse(totpURI("St. Mary's", "ann+1@x", "SECRET"))
	must(t, err)
	if u.Scheme != "otpauth" || u.Host != "totp" || u.Path != "/St. Mary's:ann+1@x" || u.Query().Get("secret") != "SECRET" || u.Query().Get("issuer") != "St. Mary's" {
		t.Errorf("uri %s", u)
	}
}

func TestOneTimePasswordCountsOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world, s *Service) {
		ctx := t.Context()
		p, _ := admin(t, w, s)
		first, err := p.begin(ctx, s)
		must(t, err)
		code := p.code(w)
		_, err = s.FinishTOTP(ctx, first.ID, code)
		must(t, err)
		second, err := p.begin(ctx, s)
		must(t, err)
		_, err = s.FinishTOTP(ctx, second.ID, code)
		refused(t, "the code again", err, errs.Unauthenticated)
		older := totpCode(p.secret, totpStep(w.Now())-1)
		_, err = s.FinishTOTP(ctx, second.ID, older)
		refused(t, "the code before it", err, errs.Unauthenticated)
		_, err = s.FinishTOTP(ctx, first.ID, p.code(w))
		refused(t, "the finished attempt", err, errs.Unauthenticated)
	})
}

// TestOneTimePasswordCountsOnceAtOnce replays it while it is taken.
func TestOneTimePasswordCountsOnceAtOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world, s *Service) {
		p, _ := admin(t, w, s)
		ids := make([]string, 4)
		for i := range ids {
			a, err := p.begin(t.Context(), s)
			must(t, err)
			ids[i] = a.ID
		}
		code := p.code(w)
		n := succeeded(together(len(ids), func(i int) error {
			_, err := s.FinishTOTP(t.Context(), ids[i], code)
			return err
		}))
		if n != 1 {
			t.Errorf("one code made %d sessions", n)
		}
	})
}

func TestOneTimePasswordIsNotGuessed(t *testing.T) {
	each(t, func(t *testing.T, w *world, s *Service) {
		ctx := t.Context()
		p, _ := admin(t, w, s)
		a, err := p.begin(ctx, s)
		must(t, err)
		for range attemptTries {
			_, err := s.FinishTOTP(ctx, a.ID, "x")
			refused(t, "a wrong code", err, errs.Unauthenticated)
		}
		_, err = s.FinishTOTP(ctx, a.ID, p.code(w))
		refused(t, "the right code after five wrong ones", err, errs.Unauthenticated)
		again, err := p.begin(ctx, s)
		must(t, err)
		_, err = s.FinishTOTP(ctx, again.ID, totpCode(p.secret, totpStep(w.Now())))
		if err != nil { // the wait of ten seconds is over: code moved the clock by thirty
			t.Errorf("a new attempt after the wait: %v", err)
		}
	})
}

// TestSecondFactorIsSlowedAcrossAttempts is an attacker who has the password and begins anew.
func TestSecondFactorIsSlowedAcrossAttempts(t *testing.T) {
	each(t, func(t *testing.T, w *world, s *Service) {
		ctx := t.Context()
		p, _ := admin(t, w, s)
		judged := 0
		for range 6 {
			a, err := p.begin(ctx, s)
			must(t, err)
			for range attemptTries {
				if _, err := s.FinishTOTP(ctx, a.ID, "x"); errs.Is(err, errs.Unauthenticated) {
					judged++
				}
			}
		}
		if judged != 5 {
			t.Errorf("%d guesses were judged", judged)
		}
	})
}

// TestGuessesOfOneAttemptAtOnceAreCounted sends many before any is judged.
func TestGuessesOfOneAttemptAtOnceAreCounted(t *testing.T) {
	each(t, func(t *testing.T, w *world, s *Service) {
		p, _ := admin(t, w, s)
		a, err := p.begin(t.Context(), s)
		must(t, err)
		together(32, func(int) error {
			_, err := s.FinishTOTP(t.Context(), a.ID, "x")
			return err
		})
		it, err := s.loadAttempt(t.Context(), a.ID)
		must(t, err)
		if it.Value.Failures != attemptTries {
			t.Errorf("%d tries were let through", it.Value.Failures)
		}
	})
}

func TestRecoveryCodeCountsOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world, s *Service) {
		ctx := t.Context()
		p, _ := admin(t, w, s)
		if len(p.codes) != recoveryCodes {
			t.Fatalf("%d codes", len(p.codes))
		}
		for i, want := range []bool{true, false} {
			a, err := p.begin(ctx, s)
			must(t, err)
			_, err = s.FinishRecovery(ctx, a.ID, " "+p.codes[3])
			if (err == nil) != want {
				t.Errorf("use %d: %v", i, err)
			}
		}
		left, err := s.Authenticators(ctx, p.ID)
		must(t, err)
		if diff := cmp.Diff(Authenticators{Password: true, TOTP: true, RecoveryCodes: 9}, left); diff != "" {
			t.Error(diff)
		}
		a, err := s.accountByID(ctx, p.ID)
		must(t, err)
		other := account{User: User{ID: "other"}, Recovery: a.Recovery}
		if other.useRecoveryCode(p.codes[0]) {
			t.Error("a code of one account proves another")
		}
	})
}

func TestRecoveryCodeCountsOnceAtOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world, s *Service) {
		p, _ := admin(t, w, s)
		ids := make([]string, 4)
		for i := range ids {
			a, err := p.begin(t.Context(), s)
			must(t, err)
			ids[i] = a.ID
		}
		n := succeeded(together(len(ids), func(i int) error {
			_, err := s.FinishRecovery(t.Context(), ids[i], p.codes[0])
			return err
		}))
		if n != 1 {
			t.Errorf("one recovery code made %d sessions", n)
		}
	})
}
