package identity_test

import (
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/store"
)

// proves tells whether a token is accepted. Any failure but a refusal ends the test.
func proves(t *testing.T, s *identity.Service, token string) bool {
	t.Helper()
	_, err := s.Authenticate(t.Context(), "Bearer "+token)
	if err != nil && !errs.Is(err, errs.Unauthenticated) {
		t.Errorf("authenticate: %v", err)
	}
	return err == nil
}

func expect(t *testing.T, s *identity.Service, token string, want bool) {
	t.Helper()
	if got := proves(t, s, token); got != want {
		t.Errorf("the token proves its caller: %v, want %v", got, want)
	}
}

func TestATokenProvesItsCaller(t *testing.T) {
	onEachEngine(t, func(t *testing.T, w *world) {
		s := w.service(nil)
		i := w.issued(s, nurse("nora"))
		u, err := s.User(t.Context(), "nora")
		must(t, err)
		want := tutela.Principal{
			Tenant: tenant, ID: u.ID, Kind: tutela.ActorPerson, Username: "nora", Roles: []string{"nurse"},
			Unit: "ward-1", Scopes: []string{"user/*.cruds"}, Client: "app", Assurance: "aal2",
			FHIRUser: tutela.Ref{Type: "Practitioner", ID: "p-nora"}, Expires: i.Expires,
		}
		for range 2 { // from the store, and from memory
			got, err := s.Authenticate(t.Context(), "bearer "+i.Token)
			must(t, err)
			if d := cmp.Diff(want, got); d != "" {
				t.Error(d)
			}
		}
		e := w.entries(tutela.ActionTokenIssue)
		if len(e) != 1 || e[0].Actor.ID != u.ID || e[0].Client != "app" || e[0].Assurance != "aal2" {
			t.Errorf("entries %+v", e)
		}
	})
}

// The door of a try-out gives its services a day, and people nothing (docs/decisions/0006).
func TestTheTryOutsDoorIsForServices(t *testing.T) {
	w := newWorld(t, "sqlite:"+t.TempDir()+"/t.db")
	s := w.service(nil)
	person, service := nurse("nora"), nurse("loader")
	service.Kind = tutela.ActorService
	for _, n := range []identity.NewUser{person, service} {
		_, _, err := s.CreateUser(t.Context(), root(), n)
		must(t, err)
	}
	if _, err := s.IssueTryOut(t.Context(), "nora", "app"); !errs.Is(err, errs.Denied) {
		t.Errorf("a person: %v", err)
	}
	if _, err := s.IssueTryOut(t.Context(), "nobody", "app"); !errs.Is(err, errs.NotFound) {
		t.Errorf("nobody: %v", err)
	}
	i, err := s.IssueTryOut(t.Context(), "loader", "app")
	must(t, err)
	if !i.Expires.Equal(w.Now().Add(24 * time.Hour)) {
		t.Errorf("expires %v", i.Expires)
	}
	p, err := s.Authenticate(t.Context(), "Bearer "+i.Token)
	must(t, err)
	if p.Assurance != "tryout" || s.MayAdminister(t.Context(), p) == nil {
		t.Errorf("%+v", p)
	}
}

// Every malformed, unknown or altered credential is refused in the same words.
func TestWhatIsNoTokenIsRefusedAlike(t *testing.T) {
	w := newWorld(t, "sqlite:"+t.TempDir()+"/t.db")
	s := w.service(nil)
	token := w.issued(s, nurse("nora")).Token
	if !strings.HasPrefix(token, "tut_") || len(token) < 40 {
		t.Fatalf("a token of %d characters", len(token))
	}
	for name, header := range map[string]string{
		"nothing": "", "no scheme": token, "another scheme": "Basic " + token, "no token": "Bearer ", "prefix alone": "Bearer tut_",
		"another prefix": "Bearer xxx_" + token[4:], "no prefix": "Bearer " + token[4:], "one letter more": "Bearer " + token + "A",
		"one letter less": "Bearer " + token[:len(token)-1], "another case": "Bearer " + strings.ToUpper(token),
		"two spaces": "Bearer  " + token, "a space after it": "Bearer " + token + " ", "two tokens": "Bearer " + token + "," + token,
		"a huge one": "Bearer tut_" + strings.Repeat("A", 1<<20),
	} {
		p, err := s.Authenticate(t.Context(), header)
		if !errs.Is(err, errs.Unauthenticated) || errs.Public(err) != "a valid access token is required" || p.ID != "" {
			t.Errorf("%s: %+v, %v", name, p, err)
		}
	}
	expect(t, s, token, true)
}

func TestATokenEndsWithItsTime(t *testing.T) {
	for name, c := range map[string]struct {
		kind tutela.ActorKind
		life time.Duration
	}{"person": {tutela.ActorPerson, time.Hour}, "service": {tutela.ActorService, 5 * time.Minute}} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "sqlite:"+t.TempDir()+"/t.db")
			s := w.service(nil)
			n := nurse("nora")
			n.Kind = c.kind
			i := w.issued(s, n)
			if !i.Expires.Equal(w.Now().Add(c.life)) {
				t.Errorf("expires %v", i.Expires)
			}
			expect(t, s, i.Token, true)
			w.Advance(c.life - time.Millisecond)
			expect(t, s, i.Token, true)
			w.Advance(time.Millisecond)
			expect(t, s, i.Token, false)              // from memory
			expect(t, w.service(nil), i.Token, false) // from the store
		})
	}
}

func TestARevokedTokenEndsEverywhere(t *testing.T) {
	onEachEngine(t, func(t *testing.T, w *world) {
		var fresh atomic.Bool
		fresh.Store(true)
		here, there := w.service(nil), w.service(&fresh)
		first := w.issued(here, nurse("nora"))
		second, err := w.issue(here, "nora")
		must(t, err)
		expect(t, there, first.Token, true) // it is in the other node's memory now
		must(t, here.Revoke(t.Context(), first.Token, root()))
		expect(t, here, first.Token, false)
		expect(t, there, first.Token, true) // until the other node hears of it
		fresh.Store(false)
		expect(t, there, first.Token, false) // a node that hears of nothing does not trust its memory
		fresh.Store(true)
		there.Invalidate()
		expect(t, there, first.Token, false)
		expect(t, there, second.Token, true)                   // the account's other token is another token
		must(t, here.Revoke(t.Context(), first.Token, root())) // again, which is no error
		if e := w.entries(tutela.ActionTokenRevoke); len(e) != 2 || e[0].Actor.ID != "root" {
			t.Errorf("entries %+v", e)
		}
	})
}

// The other node hears of a revocation through the database.
func TestRevocationsArePublished(t *testing.T) {
	w := newWorld(t, "sqlite:"+t.TempDir()+"/t.db")
	s := w.service(nil)
	i := w.issued(s, nurse("nora"))
	count := func() (n int) {
		_, err := w.db.QueryRow(t.Context(), "SELECT COUNT(*) FROM invalidations WHERE topic = ?", []any{identity.Topic}, &n)
		must(t, err)
		return n
	}
	before := count()
	must(t, s.Revoke(t.Context(), i.Token, root()))
	if got := count(); got != before+1 {
		t.Errorf("%d publications, want %d", got, before+1)
	}
}

// What lies in the database proves nothing: tokens are hashes, and what belongs to them is sealed.
func TestTheDatabaseHoldsNoTokenAndNoName(t *testing.T) {
	onEachEngine(t, func(t *testing.T, w *world) {
		s := w.service(nil)
		n := nurse("quillfeather")
		n.Patient = "quillfeather-1"
		_, c, err := s.CreateUser(t.Context(), root(), n)
		must(t, err)
		i, err := w.issue(s, n.Username)
		must(t, err)
		rows := 0
		for table, columns := range map[string]string{"tokens": "hash, sealed", "users": "sealed, sealed"} {
			must(t, w.db.Query(t.Context(), "SELECT "+columns+" FROM "+table, nil, func(r store.Scanner) error {
				var a, b []byte
				if err := r.Scan(&a, &b); err != nil {
					return err
				}
				rows++
				for _, secret := range []string{i.Token, i.Token[4:], c.Password, c.TOTP, "quillfeather", "Practitioner", "nurse"} {
					if strings.Contains(string(a)+string(b), secret) {
						t.Errorf("%s holds %q", table, secret)
					}
				}
				return nil
			}))
		}
		if rows != 2 {
			t.Errorf("%d rows, want a token and an account", rows)
		}
	})
}

// A row moved to another token, or edited, proves nobody.
func TestAnEditedTokenRowProvesNobody(t *testing.T) {
	for name, sql := range map[string]string{
		"moved":   "UPDATE tokens SET sealed = (SELECT sealed FROM tokens WHERE hash <> ?) WHERE hash = ?",
		"altered": "UPDATE tokens SET sealed = hash WHERE hash <> ? OR hash = ?",
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "sqlite:"+t.TempDir()+"/t.db")
			s := w.service(nil)
			token := w.issued(s, nurse("nora")).Token
			w.issued(s, nurse("nils"))
			hash := identity.HashOf(token)
			must(t, w.db.Update(t.Context(), func(tx *store.Tx) error {
				_, err := tx.Exec(t.Context(), sql, hash[:], hash[:])
				return err
			}))
			if p, err := s.Authenticate(t.Context(), "Bearer "+token); err == nil {
				t.Errorf("proves %+v", p)
			}
		})
	}
}

// What was looked up before a revocation must not come back into memory after it.
func TestConcurrentCallersNeverOutliveARevocation(t *testing.T) {
	onEachEngine(t, func(t *testing.T, w *world) {
		s := w.service(nil)
		_, _, err := s.CreateUser(t.Context(), root(), nurse("nora"))
		must(t, err)
		for range 20 {
			i, err := w.issue(s, "nora")
			must(t, err)
			var callers sync.WaitGroup
			var revoked atomic.Bool
			for range 4 {
				callers.Go(func() {
					for over := false; !over; {
						over = revoked.Load()
						if proves(t, s, i.Token) && over {
							t.Error("a revoked token proves its caller")
						}
					}
				})
			}
			err = s.Revoke(t.Context(), i.Token, root())
			revoked.Store(true)
			callers.Wait()
			must(t, err)
		}
	})
}

func TestAStoreThatFailsProvesNobody(t *testing.T) {
	w := newWorld(t, "sqlite:"+t.TempDir()+"/t.db")
	s := w.service(nil)
	known := w.issued(s, nurse("nora")).Token
	must(t, w.db.Close())
	p, err := s.Authenticate(t.Context(), "Bearer "+known)
	if err == nil || errs.Is(err, errs.Unauthenticated) || !errors.Is(err, store.ErrClosed) {
		t.Errorf("%+v, %v", p, err)
	}
	if _, err := w.issue(s, "nora"); err == nil {
		t.Error("a token was issued without a store")
	}
}
