package identity

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/internal/testkit"
	"github.com/tutela-health/tutela/store"
)

// verdict holds evidence to what it has to say.
func verdict(t *testing.T, e tutela.Evidence, want tutela.Verdict, say ...string) {
	t.Helper()
	if e.Verdict != want || e.On == "" {
		t.Errorf("on %q: verdict %v (%s), want %v", e.On, e.Verdict, e.Observed, want)
	}
	for _, text := range say {
		if !strings.Contains(e.Observed, text) {
			t.Errorf("%q does not say %q", e.Observed, text)
		}
	}
}

// left counts what lies in identity's tables.
func (w *world) left(t *testing.T) map[string]int64 {
	t.Helper()
	m := map[string]int64{}
	for _, table := range []string{"users", "tokens", "identity_items"} {
		var n int64
		_, err := w.db.QueryRow(t.Context(), "SELECT COUNT(*) FROM "+table, nil, &n)
		must(t, err)
		m[table] = n
	}
	return m
}

// leavesNothing tries a check, which must leave the tables as they were.
func (w *world) leavesNothing(t *testing.T, try func(context.Context) tutela.Evidence) tutela.Evidence {
	t.Helper()
	before := w.left(t)
	e := try(t.Context())
	if d := cmp.Diff(before, w.left(t)); d != "" {
		t.Errorf("the check left something behind: %s", d)
	}
	return e
}

// put writes an account as it should never be written.
func (w *world) put(t *testing.T, s *Service, username string, change func(*account)) {
	t.Helper()
	a, err := s.accountByName(t.Context(), username)
	if errs.Is(err, errs.NotFound) {
		a, err = s.newAccount(NewUser{Username: username, Kind: tutela.ActorPerson}), nil
	}
	must(t, err)
	change(&a)
	claim, err := s.accountClaim(t.Context(), a)
	must(t, err)
	must(t, s.commit(t.Context(), store.Op{Claims: []store.Claim{claim}}))
}

// releaseBrakes is what a server without brakes amounts to.
func (w *world) releaseBrakes(t *testing.T) {
	t.Helper()
	must(t, w.db.Update(t.Context(), func(tx *store.Tx) error {
		_, err := tx.Exec(t.Context(), "DELETE FROM identity_items WHERE kind = ?", int64(itemThrottle))
		return err
	}))
}

func TestGuessingThatNothingStopsIsFound(t *testing.T) {
	each(t, func(t *testing.T, w *world, s *Service) {
		seen := testkit.Sabotage(t, "identity.lockout")
		c := newGuessCheck(s)
		try := func(c guessCheck) tutela.Evidence { return w.leavesNothing(t, c.try) }
		seen.Expect(try(c), tutela.Pass, "5 wrong one-time passwords", "5 wrong passwords")

		free := c
		free.begin = func(ctx context.Context, r LoginRequest) (Attempt, error) {
			w.releaseBrakes(t)
			return s.BeginLogin(ctx, r)
		}
		seen.Expect(try(free), tutela.Fail, "10 wrong passwords in a row were judged", "right password was taken at once")

		codes := c
		codes.finish = func(ctx context.Context, id, code string) (Login, error) {
			w.releaseBrakes(t)
			must(t, s.changeAttempt(ctx, id, func(a *attempt, _ account) error { a.Failures = 0; return nil }))
			return s.FinishTOTP(ctx, id, code)
		}
		seen.Expect(try(codes), tutela.Fail, "after 10 wrong one-time passwords the right one was taken")

		telling := c
		telling.begin = func(ctx context.Context, r LoginRequest) (Attempt, error) {
			if _, err := s.accountByName(ctx, r.Username); err != nil {
				return Attempt{}, err
			}
			return s.BeginLogin(ctx, r)
		}
		seen.Expect(try(telling), tutela.Fail, "a name that nobody has is told")

		slow := free
		slow.begin = func(ctx context.Context, r LoginRequest) (Attempt, error) {
			w.Advance(firstWait) // whoever is that slow may try again
			return free.begin(ctx, r)
		}
		seen.Expect(try(slow), tutela.CouldNotCheck, "nobody has to wait that long")

		broken := c
		broken.begin = func(context.Context, LoginRequest) (Attempt, error) {
			return Attempt{}, errs.New(errs.Unavailable, "later")
		}
		seen.Expect(try(broken), tutela.CouldNotCheck, "later")
		seen.Expect(try(c), tutela.Pass)
	})
}

func TestDefaultPasswordIsFound(t *testing.T) {
	each(t, func(t *testing.T, w *world, s *Service) {
		seen := testkit.Sabotage(t, "identity.default-credentials")
		p, by := admin(t, w, s)
		nurse(t, w, s, by, "guest")
		nurse(t, w, s, by, "nora")
		c := defaultsCheck{s}
		seen.Expect(w.leavesNothing(t, c.try), tutela.Pass, "2 accounts")
		for username, password := range map[string]string{"root": "changeme", "guest": "guest123"} {
			a, err := s.accountByName(t.Context(), username)
			must(t, err)
			weak, err := s.hasher.make(t.Context(), password)
			must(t, err)
			w.put(t, s, username, func(a *account) { a.Verifier = weak })
			e := c.try(t.Context())
			seen.Expect(e, tutela.Fail, "1 of 2", string(a.ID))
			if strings.Contains(e.Observed, password) || strings.Contains(e.Observed, username) {
				t.Errorf("the evidence tells how to get in: %s", e.Observed)
			}
			w.put(t, s, username, func(now *account) { now.Verifier = a.Verifier })
		}
		seen.Expect(c.try(t.Context()), tutela.Pass)
		if _, err := p.begin(t.Context(), s); err != nil {
			t.Errorf("the check keeps an administrator out: %v", err)
		}
		over, cancel := context.WithCancel(t.Context())
		cancel()
		if e := c.try(over); e.Verdict != tutela.CouldNotCheck {
			t.Errorf("in no time: %+v", e)
		}
	})
}

func TestDormantAccountIsFound(t *testing.T) {
	const day = 24 * time.Hour
	each(t, func(t *testing.T, w *world, s *Service) {
		seen := testkit.Sabotage(t, "identity.dormant-accounts")
		_, by := admin(t, w, s)
		n, _ := nurse(t, w, s, by, "nora")
		w.put(t, s, "odile", func(a *account) { a.Roles = []string{rolePatient} })
		w.put(t, s, throwawayPrefix+"x", func(a *account) { a.Client = throwawayClient })
		c := dormantCheck{s, dormantAfter}
		w.Advance(89 * day)
		seen.Expect(w.leavesNothing(t, c.try), tutela.Pass, "2 accounts", "90 days")
		seen.Expect(dormantCheck{s, 30 * day}.try(t.Context()), tutela.Fail, "2 of 2", "30 days")
		w.Advance(2 * day)
		seen.Expect(c.try(t.Context()), tutela.Fail, "2 of 2", string(n.ID))
		n.logIn(t, w, s)
		seen.Expect(c.try(t.Context()), tutela.Fail, "1 of 2", string(by.ID))
		w.put(t, s, "root", func(a *account) { a.Disabled = true })
		seen.Expect(c.try(t.Context()), tutela.Pass, "1 accounts")
	})
}

func TestAdministrationSharedWithEverydayWorkIsFound(t *testing.T) {
	each(t, func(t *testing.T, w *world, s *Service) {
		seen := testkit.Sabotage(t, "identity.separate-administration")
		p, _ := admin(t, w, s)
		c := newSeparationCheck(s)
		seen.Expect(w.leavesNothing(t, c.try), tutela.Pass, "1 accounts administer")
		for name, sabotage := range map[string]func(*account){
			"another role": func(a *account) { a.Roles = []string{"admin", "nurse"} },
			"scopes":       func(a *account) { a.Scopes = []string{"user/*.rs"} },
			"a chart":      func(a *account) { a.Patient = "p1" },
			"a fhirUser":   func(a *account) { a.FHIRUser = tutela.Ref{Type: "Practitioner", ID: "1"} },
		} {
			w.put(t, s, "root", sabotage)
			e := c.try(t.Context())
			if seen.Expect(e, tutela.Fail, "1 of 1", string(p.ID)); t.Failed() {
				t.Fatal(name)
			}
			w.put(t, s, "root", func(a *account) {
				a.Roles, a.Scopes, a.Patient, a.FHIRUser = []string{"admin"}, nil, "", tutela.Ref{}
			})
		}
		lax := c
		lax.create = func(ctx context.Context, by tutela.Actor, n NewUser) (User, Credentials, error) {
			u, creds, err := s.CreateUser(ctx, by, NewUser{Username: n.Username, Kind: n.Kind, Client: n.Client})
			must(t, err)
			w.put(t, s, n.Username, func(a *account) { a.Roles = n.Roles })
			return u, creds, err
		}
		seen.Expect(w.leavesNothing(t, lax.try), tutela.Fail, "could be made")
		seen.Expect(c.try(t.Context()), tutela.Pass)
	})
}

func TestTokenThatLivesTooLongIsFound(t *testing.T) {
	each(t, func(t *testing.T, w *world, s *Service) {
		seen := testkit.Sabotage(t, "identity.token-lifetime")
		_, by := admin(t, w, s)
		_, login := nurse(t, w, s, by, "nora")
		bearer(t, s, login)
		c := newLifetimeCheck(s, false)
		seen.Expect(w.leavesNothing(t, c.try), tutela.Pass, "none of 1 tokens", "1h0m0s", "5m0s")

		lax := c
		lax.issue = func(ctx context.Context, r IssueRequest) (Issued, error) {
			a, err := s.accountByID(ctx, r.User)
			must(t, err)
			return s.issue(ctx, a, token{User: a.ID, Expires: w.Now().Add(r.Life), Epoch: a.Epoch})
		}
		seen.Expect(w.leavesNothing(t, lax.try), tutela.Fail, "a token of a person lives 24h0m0s", "a token of a service lives 24h0m0s")

		_, _, err := s.CreateUser(t.Context(), tutela.Actor{ID: "test"}, NewUser{Username: "loader", Kind: tutela.ActorService})
		must(t, err)
		_, err = s.IssueTryOut(t.Context(), "loader", "loader")
		must(t, err)
		seen.Expect(c.try(t.Context()), tutela.Fail, "1 of 2 tokens")
		seen.Expect(newLifetimeCheck(s, true).try(t.Context()), tutela.Pass, "but for 1 of the try-out's service")
		n, err := s.accountByName(t.Context(), "nora")
		must(t, err)
		_, err = s.issue(t.Context(), n, token{User: n.ID, Assurance: assuranceOfTryOut, Expires: w.Now().Add(2 * time.Hour), Epoch: n.Epoch})
		must(t, err)
		seen.Expect(newLifetimeCheck(s, true).try(t.Context()), tutela.Fail, "1 of 3 tokens")
		w.Advance(24 * time.Hour)
		seen.Expect(c.try(t.Context()), tutela.Pass, "none of 0 tokens")
	})
}

// keySet is a set of one key, with members of the test's choice.
func keySet(members string) []byte {
	return []byte(`{"keys":[{"kid":"1","use":"sig",` + members + `}]}`)
}

func TestWeakClientKeyIsFound(t *testing.T) {
	each(t, func(t *testing.T, w *world, s *Service) {
		seen := testkit.Sabotage(t, "identity.client-keys")
		strong := keySet(`"kty":"EC","crv":"P-384","x":"a","y":"b"`)
		var published []byte
		var gone error
		c := newKeysCheck(s, func(context.Context, string) ([]byte, error) { return published, gone })
		plant := func(record clientRecord) func() {
			record.ID, record.Name = "app", "App"
			claim, err := putItem(t.Context(), s, itemClient, item[clientRecord]{Name: "app", Value: record}, "", time.Time{})
			must(t, err)
			must(t, s.commit(t.Context(), store.Op{Claims: []store.Claim{claim}}))
			return func() { must(t, s.commit(t.Context(), store.Op{Deletes: []store.Rows{s.dropItem(itemClient, "app")}})) }
		}
		byValue := func(set []byte) clientRecord { return clientRecord{Client: Client{JWKS: set}} }
		modulus := func(bytes int) string {
			return `"kty":"RSA","e":"AQAB","n":"` + strings.Repeat("_", (bytes*4+2)/3) + `"`
		}

		seen.Expect(w.leavesNothing(t, c.try), tutela.Pass, "0 keys")
		for name, a := range map[string]struct {
			record clientRecord
			want   tutela.Verdict
			say    string
		}{
			"a strong key":       {byValue(strong), tutela.Pass, "1 keys"},
			"RSA of 2048 bits":   {byValue(keySet(modulus(258))), tutela.Pass, "1 keys"},
			"RSA of 1536 bits":   {byValue(keySet(modulus(192))), tutela.Fail, "app has an RSA key of 1536 bits"},
			"a shared key":       {byValue(keySet(`"kty":"oct","k":"x"`)), tutela.Fail, "shared key"},
			"a private key":      {byValue(keySet(`"kty":"EC","crv":"P-384","x":"a","y":"b","d":"c"`)), tutela.Fail, "private key"},
			"a curve of its own": {byValue(keySet(`"kty":"EC","crv":"secp256k1","x":"a","y":"b"`)), tutela.Fail, "not approved"},
			"a secret":           {clientRecord{Secret: []byte("x")}, tutela.Fail, "proves itself by a secret"},
			"no keys at all":     {byValue([]byte(`{}`)), tutela.CouldNotCheck, "no set of keys"},
			"a public client":    {clientRecord{Client: Client{Public: true}}, tutela.Pass, "0 keys"},
		} {
			remove := plant(a.record)
			if seen.Expect(c.try(t.Context()), a.want, a.say); t.Failed() {
				t.Fatal(name)
			}
			remove()
		}
		remove := plant(clientRecord{Client: Client{JWKSURL: "https://app.example/jwks"}})
		published = strong
		seen.Expect(c.try(t.Context()), tutela.Pass, "1 keys")
		published = keySet(modulus(128))
		seen.Expect(c.try(t.Context()), tutela.Fail, "1024 bits")
		gone = errs.New(errs.Unavailable, "nobody answers")
		seen.Expect(c.try(t.Context()), tutela.CouldNotCheck, "nobody answers")
		seen.Expect(newKeysCheck(s, nil).try(t.Context()), tutela.CouldNotCheck, "lies elsewhere")
		remove()
		seen.Expect(c.try(t.Context()), tutela.Pass)
	})
}

// A registration that takes weak keys is found, and what it registered is removed.
func TestRegistrationOfWeakKeysIsFound(t *testing.T) {
	each(t, func(t *testing.T, w *world, s *Service) {
		c := newKeysCheck(s, nil)
		c.register = func(ctx context.Context, _ tutela.Actor, client Client) error {
			if !json.Valid(client.JWKS) {
				t.Errorf("the key set is no JSON: %s", client.JWKS)
			}
			claim, err := putItem(ctx, s, itemClient, item[clientRecord]{Name: client.ID, Value: clientRecord{Client: client}}, "", time.Time{})
			must(t, err)
			return s.commit(ctx, store.Op{Claims: []store.Claim{claim}})
		}
		verdict(t, w.leavesNothing(t, c.try), tutela.Fail, "an RSA key of 1024 bits could be registered", "a shared key could be registered")
	})
}

// A session that a single factor began is found, whatever let it.
func TestSessionOfASingleFactorIsFound(t *testing.T) {
	each(t, func(t *testing.T, w *world, s *Service) {
		_, login := func() (person, Login) { _, by := admin(t, w, s); return nurse(t, w, s, by, "nora") }()
		c := factorCheck{s: s}
		for _, a := range []struct {
			amr    []string
			acr    string
			single int
		}{{login.Session.AMR, login.Session.ACR, 0}, {[]string{"pwd"}, ACRTwoFactors, 1}, {login.Session.AMR, "aal1", 1}, {login.Session.AMR, "", 1}} {
			it, _, err := s.liveSession(t.Context(), login.Session.ID)
			must(t, err)
			it.Value.AMR, it.Value.ACR = a.amr, a.acr
			claim, err := s.sessionClaim(t.Context(), it)
			must(t, err)
			must(t, s.commit(t.Context(), store.Op{Claims: []store.Claim{claim}}))
			if live, single, err := c.sessions(t.Context()); err != nil || live != 2 || single != a.single {
				t.Errorf("%v, %s: %d of %d, %v", a.amr, a.acr, single, live, err)
			}
		}
	})
}

// What a crash left behind goes with the next check, and what another node's check has in hand stays.
func TestAThrowawayThatWasLeftBehindIsRemoved(t *testing.T) {
	each(t, func(t *testing.T, w *world, s *Service) {
		before := w.left(t)
		u, _, err := s.CreateUser(t.Context(), assessor(), newThrowaway(tutela.ActorPerson))
		must(t, err)
		must(t, s.sweep(t.Context()))
		if _, err := s.UserByID(t.Context(), u.ID); err != nil {
			t.Errorf("one in hand: %v", err)
		}
		w.Advance(throwawayLife)
		verdict(t, newLifetimeCheck(s, false).try(t.Context()), tutela.Pass)
		if d := cmp.Diff(before, w.left(t)); d != "" {
			t.Error(d)
		}
		made, gone := w.entries(t, tutela.ActionUserCreate), w.entries(t, tutela.ActionUserDelete)
		if len(made) != len(gone) || len(made) != 3 {
			t.Errorf("%d made, %d removed", len(made), len(gone))
		}
		for _, e := range append(made, gone...) {
			if e.Actor.ID != assessor().ID || e.Subject.Kind != "user" {
				t.Errorf("%+v", e)
			}
		}
	})
}

// What a check has in hand for a moment is no joiner and no leaver.
func TestDirectoriesAndRostersPassThrowawaysOver(t *testing.T) {
	a := account{User: User{Kind: tutela.ActorPerson}}
	if !(reach{}).holds(a) || !a.employed() {
		t.Error("an account without roles is nobody's")
	}
	a.Client = throwawayClient
	if (reach{}).holds(a) || a.employed() {
		t.Error("a throw-away is somebody's")
	}
}

// Silence is no pass.
func TestNoCheckPassesWithoutADatabase(t *testing.T) {
	each(t, func(t *testing.T, w *world, s *Service) {
		admin(t, w, s)
		must(t, w.db.Close())
		for _, c := range s.Checks(CheckConfig{Base: "https://127.0.0.1:1"}) {
			if e := c.Try(t.Context()); e.Verdict != tutela.CouldNotCheck || e.Observed == "" {
				t.Errorf("%s: %+v", c.ID, e)
			}
			if c.Title == "" || len(c.Controls) == 0 || c.Fresh <= 0 {
				t.Errorf("incomplete: %+v", c)
			}
		}
	})
}

func TestEvidenceNamesAFewAndCountsTheRest(t *testing.T) {
	list := []int{3, 1, 2, 5, 4}
	if got, want := some(list, func(n int) string { return fmt.Sprint(n) }), "1, 2, 3 and 2 more"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
