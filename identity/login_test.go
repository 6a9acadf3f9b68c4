package identity

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
)

func TestTwoFactorsMakeASession(t *testing.T) {
	each(t, func(t *testing.T, w *world, s *Service) {
		p, _ := admin(t, w, s)
		a, err := p.begin(t.Context(), s)
		must(t, err)
		if diff := cmp.Diff([]Factor{FactorTOTP, FactorRecovery}, a.Factors); diff != "" || a.Enrol {
			t.Errorf("factors after the password: %s, enrol %v", diff, a.Enrol)
		}
		l, err := s.FinishTOTP(t.Context(), a.ID, p.code(w))
		must(t, err)
		want := Session{
			ID: l.Session.ID, User: p.ID, AuthTime: w.Now(), AMR: []string{"mfa", "otp", "pwd"}, ACR: "aal2",
			Started: w.Now(), LastSeen: w.Now(), Agent: "test", Address: someAddress,
		}
		got, u, err := s.SessionByCookie(t.Context(), l.Cookie)
		must(t, err)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		if u.ID != p.ID || !u.Enrolled || !u.LastLogin.Equal(w.Now()) {
			t.Errorf("the session's account is %+v", u)
		}
		entries := w.entries(t, tutela.ActionAuthenticate)
		last := entries[len(entries)-1]
		if last.Session != l.Session.ID || last.Outcome != tutela.OutcomeSuccess || last.Actor.ID != p.ID || last.Assurance != "aal2" {
			t.Errorf("the login's entry is %+v", last)
		}
	})
}

// TestLoginTellsNoAccountsApart compares what an attacker sees and what the server works for an
// account that is there, one that is not, one that is disabled and one that nobody finished.
func TestLoginTellsNoAccountsApart(t *testing.T) {
	each(t, func(t *testing.T, w *world, s *Service) {
		ctx := t.Context()
		_, by := admin(t, w, s)
		nurse(t, w, s, by, "known")
		gone, _ := nurse(t, w, s, by, "disabled")
		must(t, s.Disable(ctx, by, gone.ID))
		_, _, err := s.CreateUser(ctx, tutela.Actor{}, NewUser{Username: "robot", Kind: tutela.ActorService})
		must(t, err)
		for _, try := range []LoginRequest{
			{Username: "known", Password: "not this one at all"}, {Username: "unknown", Password: "not this one at all"},
			{Username: "disabled", Password: goodPassword}, {Username: "robot", Password: goodPassword},
			{Username: "", Password: ""}, {Username: "known", Password: strings.Repeat("x", 1<<20)},
		} {
			before := w.hashes.Load()
			a, err := s.BeginLogin(ctx, try)
			if got := errs.Public(err); got != "username or password is wrong" || !errs.Is(err, errs.Unauthenticated) {
				t.Errorf("%s: %q, %v", try.Username, got, err)
			}
			if n := w.hashes.Load() - before; n != 1 {
				t.Errorf("%s: %d hashes", try.Username, n)
			}
			if diff := cmp.Diff(Attempt{}, a); diff != "" {
				t.Errorf("%s: %s", try.Username, diff)
			}
		}
		denied := 0
		for _, e := range w.entries(t, tutela.ActionAuthenticate) {
			if e.Outcome == tutela.OutcomeDenied {
				denied++
			}
		}
		if denied != 6 {
			t.Errorf("%d of 6 refusals are in the ledger", denied)
		}
	})
}

// TestHashingWorkIsTheSame holds the rounds for an account that is not there to those of one that is.
func TestHashingWorkIsTheSame(t *testing.T) {
	h := newHasher(noon, 16)
	var rounds []int
	h.derive = func(v Verifier, _ string) ([]byte, error) {
		rounds = append(rounds, v.Iterations, len(v.Salt))
		return make([]byte, 32), nil
	}
	v, err := h.make(t.Context(), goodPassword)
	must(t, err)
	for _, v := range []Verifier{v, {}} {
		if _, err := h.matches(t.Context(), v, "x"); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]int{600_000, 16, 600_000, 16, 600_000, 16}, rounds); diff != "" {
		t.Error(diff)
	}
}

func TestAnEmptyVerifierMatchesNothing(t *testing.T) {
	h := newHasher(noon, 16)
	h.derive = func(Verifier, string) ([]byte, error) { return make([]byte, 32), nil } // what an empty verifier is compared with
	if ok, err := h.matches(t.Context(), Verifier{}, ""); ok || err != nil {
		t.Errorf("matches: %v, %v", ok, err)
	}
}

func TestGuessingIsSlowedByAccountKnownOrNot(t *testing.T) {
	each(t, func(t *testing.T, w *world, s *Service) {
		ctx := t.Context()
		p, _ := admin(t, w, s)
		said := map[string][]string{}
		for _, name := range []string{p.Username, "nobody"} {
			for i := range 8 {
				_, err := s.BeginLogin(ctx, LoginRequest{Username: name, Password: "wrong wrong wrong"})
				said[name] = append(said[name], errs.Public(err))
				if i >= 5 && !errs.Is(err, errs.TooMany) || i < 5 && !errs.Is(err, errs.Unauthenticated) {
					t.Errorf("%s, try %d: %v", name, i, err)
				}
			}
		}
		if diff := cmp.Diff(said[p.Username], said["nobody"]); diff != "" {
			t.Errorf("a known account is answered otherwise: %s", diff)
		}
		_, err := p.begin(ctx, s)
		refused(t, "the right password while the brake is on", err, errs.TooMany)
		w.Advance(firstWait)
		p.logIn(t, w, s)
		_, err = s.BeginLogin(ctx, LoginRequest{Username: p.Username, Password: "wrong wrong wrong"})
		refused(t, "a first wrong password after a login", err, errs.Unauthenticated)
	})
}

func TestGuessingIsSlowedByAddress(t *testing.T) {
	each(t, func(t *testing.T, w *world, s *Service) {
		ctx := t.Context()
		p, _ := admin(t, w, s)
		var err error
		tries := 0
		for tries < 200 && !errs.Is(err, errs.TooMany) {
			tries++
			_, err = s.BeginLogin(ctx, LoginRequest{Username: "n" + strings.Repeat("x", tries), Password: "w", Address: "2001:db8::" + string(rune('a'+tries%6))})
		}
		if tries != addressBrake("").free+1 {
			t.Errorf("stopped at try %d", tries)
		}
		_, err = s.BeginLogin(ctx, LoginRequest{Username: p.Username, Password: goodPassword, Address: "2001:db8::1:2:3:4"})
		refused(t, "the same network of 64 bits", err, errs.TooMany)
		if _, err = s.BeginLogin(ctx, LoginRequest{Username: p.Username, Password: goodPassword, Address: "2001:db8:0:1::1"}); err != nil {
			t.Errorf("another network: %v", err)
		}
	})
}

// TestManyGuessesAtOnceAreCounted sends them before any is judged.
func TestManyGuessesAtOnceAreCounted(t *testing.T) {
	each(t, func(t *testing.T, w *world, s *Service) {
		p, _ := admin(t, w, s)
		before := w.hashes.Load()
		all := together(32, func(int) error {
			_, err := s.BeginLogin(t.Context(), LoginRequest{Username: p.Username, Password: "wrong wrong wrong"})
			return err
		})
		for _, err := range all {
			if !errs.Is(err, errs.Unauthenticated) && !errs.Is(err, errs.TooMany) {
				t.Error(err)
			}
		}
		if n := w.hashes.Load() - before; n != 5 {
			t.Errorf("%d passwords were judged", n)
		}
	})
}

func TestBackOffDoublesToAQuarterOfAnHour(t *testing.T) {
	b, now := accountBrake("x"), time.Unix(0, 0)
	var waits []time.Duration
	var c throttled
	for range 13 {
		c = c.count(b, now)
		waits = append(waits, max(0, c.Until.Sub(now)))
	}
	var want []time.Duration
	for _, seconds := range []int{0, 0, 0, 0, 10, 20, 40, 80, 160, 320, 640, 900, 900} {
		want = append(want, time.Duration(seconds)*time.Second)
	}
	if diff := cmp.Diff(want, waits); diff != "" {
		t.Error(diff)
	}
}

func TestAttemptEndsAfterFiveMinutes(t *testing.T) {
	each(t, func(t *testing.T, w *world, s *Service) {
		p, _ := admin(t, w, s)
		a, err := p.begin(t.Context(), s)
		must(t, err)
		w.Advance(attemptLife)
		_, err = s.FinishTOTP(t.Context(), a.ID, p.code(w))
		refused(t, "a late second factor", err, errs.Unauthenticated)
	})
}

// TestLoginUnderWayEndsWithTheAccount covers what changes between the two factors.
func TestLoginUnderWayEndsWithTheAccount(t *testing.T) {
	each(t, func(t *testing.T, w *world, s *Service) {
		_, by := admin(t, w, s)
		p, _ := nurse(t, w, s, by, "leaver")
		a, err := p.begin(t.Context(), s)
		must(t, err)
		must(t, s.Disable(t.Context(), by, p.ID))
		must(t, s.Enable(t.Context(), by, p.ID))
		_, err = s.FinishTOTP(t.Context(), a.ID, p.code(w))
		refused(t, "the second factor after the account was disabled and enabled", err, errs.Unauthenticated)
		p.logIn(t, w, s)
	})
}
