package identity

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/internal/testkit"
)

func TestSessionEndsWhenNobodyUsesIt(t *testing.T) {
	each(t, func(t *testing.T, w *world, s *Service) {
		ctx := t.Context()
		p, _ := admin(t, w, s)
		login := p.logIn(t, w, s)
		for range 4 {
			w.Advance(14 * time.Minute)
			got, _, err := s.SessionByCookie(ctx, login.Cookie)
			must(t, err)
			if !got.LastSeen.Equal(w.Now()) {
				t.Errorf("last seen at %s, now %s", got.LastSeen, w.Now())
			}
		}
		w.Advance(15 * time.Minute)
		_, _, err := s.SessionByCookie(ctx, login.Cookie)
		refused(t, "an idle session", err, errs.Unauthenticated)
		_, err = s.StepUp(ctx, login.Cookie)
		refused(t, "stepping it up", err, errs.Unauthenticated)
	})
}

func TestSessionEndsAfterTwelveHours(t *testing.T) {
	each(t, func(t *testing.T, w *world, s *Service) {
		p, _ := admin(t, w, s)
		login := p.logIn(t, w, s)
		until := w.Now().Add(12 * time.Hour)
		for w.Advance(10 * time.Minute); w.Now().Before(until); w.Advance(10 * time.Minute) {
			_, _, err := s.SessionByCookie(t.Context(), login.Cookie)
			must(t, err)
		}
		_, _, err := s.SessionByCookie(t.Context(), login.Cookie)
		refused(t, "an old session in use", err, errs.Unauthenticated)
	})
}

func TestUseIsNotedOnceAMinute(t *testing.T) {
	each(t, func(t *testing.T, w *world, s *Service) {
		p, _ := admin(t, w, s)
		login := p.logIn(t, w, s)
		revision := func() int64 {
			it, _, err := loadItem[sessionRecord](t.Context(), s, itemSession, login.Session.ID)
			must(t, err)
			return it.revision
		}
		var seen []int64
		for range 5 {
			w.Advance(30 * time.Second)
			_, _, err := s.SessionByCookie(t.Context(), login.Cookie)
			must(t, err)
			seen = append(seen, revision())
		}
		if diff := cmp.Diff([]int64{1, 2, 2, 3, 3}, seen); diff != "" {
			t.Error(diff)
		}
	})
}

func TestForgedCookiesAreNoSessions(t *testing.T) {
	each(t, func(t *testing.T, w *world, s *Service) {
		p, _ := admin(t, w, s)
		login := p.logIn(t, w, s)
		id, secret, _ := strings.Cut(login.Cookie, ".")
		for _, c := range []string{"", ".", id, id + ".", id + "." + secret[1:], "x." + secret, secret, "." + secret, login.Cookie + "x"} {
			_, _, err := s.SessionByCookie(t.Context(), c)
			refused(t, "cookie "+c, err, errs.Unauthenticated)
		}
	})
}

// TestStepUpChangesTheCookie: a cookie that was planted or stolen before is worth nothing after.
func TestStepUpChangesTheCookie(t *testing.T) {
	each(t, func(t *testing.T, w *world, s *Service) {
		ctx := t.Context()
		p, _ := admin(t, w, s)
		first, other := p.logIn(t, w, s), p.logIn(t, w, s)
		if first.Cookie == other.Cookie || first.Session.ID == other.Session.ID {
			t.Error("two logins share a session")
		}
		access := bearer(t, s, first)
		w.Advance(10 * time.Minute)
		a, err := s.StepUp(ctx, first.Cookie)
		must(t, err)
		up, err := s.FinishTOTP(ctx, a.ID, p.code(w))
		must(t, err)
		want := first.Session
		want.AuthTime, want.LastSeen = w.Now(), w.Now()
		if diff := cmp.Diff(want, up.Session); diff != "" {
			t.Error(diff)
		}
		_, _, err = s.SessionByCookie(ctx, first.Cookie)
		refused(t, "the cookie of before", err, errs.Unauthenticated)
		_, _, err = s.SessionByCookie(ctx, up.Cookie)
		must(t, err)
		if _, err := s.Authenticate(ctx, access); err != nil {
			t.Errorf("the session's token after a step-up: %v", err)
		}
		if !s.Recent(up.Session, time.Minute) || s.Recent(other.Session, time.Minute) {
			t.Error("recent proof is told wrongly")
		}
	})
}

func TestStepUpEndsWithItsSession(t *testing.T) {
	each(t, func(t *testing.T, w *world, s *Service) {
		ctx := t.Context()
		p, _ := admin(t, w, s)
		login := p.logIn(t, w, s)
		a, err := s.StepUp(ctx, login.Cookie)
		must(t, err)
		must(t, s.EndSession(ctx, s.Principal(login.Session, p.User), login.Session.ID))
		_, err = s.FinishTOTP(ctx, a.ID, p.code(w))
		refused(t, "stepping up an ended session", err, errs.Unauthenticated)
	})
}

func TestSessionsAreEndedByTheirOwnerAndAdministrators(t *testing.T) {
	each(t, func(t *testing.T, w *world, s *Service) {
		ctx := t.Context()
		_, by := admin(t, w, s)
		ann, mine := nurse(t, w, s, by, "ann")
		bob, his := nurse(t, w, s, by, "bob")
		own := s.Principal(mine.Session, ann.User)
		refused(t, "ending another's session", s.EndSession(ctx, own, his.Session.ID), errs.NotFound)
		refused(t, "ending another's sessions", s.EndAllSessions(ctx, own, bob.ID), errs.Denied)
		refused(t, "ending none", s.EndSession(ctx, own, "none"), errs.NotFound)
		kept := ann.logIn(t, w, s)
		access, keptAccess := bearer(t, s, mine), bearer(t, s, kept)
		for _, token := range []string{access, keptAccess} {
			_, err := s.Authenticate(ctx, token)
			must(t, err)
		}
		must(t, s.EndSession(ctx, own, mine.Session.ID))
		_, err := s.Authenticate(ctx, access)
		refused(t, "the ended session's token", err, errs.Unauthenticated)
		if _, err = s.Authenticate(ctx, keptAccess); err != nil {
			t.Errorf("the other session's token: %v", err)
		}
		list, err := s.Sessions(ctx, ann.ID)
		must(t, err)
		if diff := cmp.Diff([]Session{kept.Session}, list); diff != "" {
			t.Error(diff)
		}
		must(t, s.EndSession(ctx, by, his.Session.ID))
		_, _, err = s.SessionByCookie(ctx, his.Cookie)
		refused(t, "a session that an administrator ended", err, errs.Unauthenticated)
	})
}

// TestTokenForAnEndedSession: one that was decided on before the session ended is dead at once.
func TestTokenForAnEndedSession(t *testing.T) {
	each(t, func(t *testing.T, w *world, s *Service) {
		ctx := t.Context()
		_, by := admin(t, w, s)
		p, login := nurse(t, w, s, by, "ann")
		r := IssueRequest{User: p.ID, Client: "app", Session: login.Session.ID}
		a, tok, err := s.prepareToken(ctx, r)
		must(t, err)
		must(t, s.EndSession(ctx, by, login.Session.ID))
		issued, err := s.issue(ctx, a, tok)
		must(t, err)
		_, err = s.Authenticate(ctx, "Bearer "+issued.Token)
		refused(t, "a token of an ended session", err, errs.Unauthenticated)
		_, err = s.IssueFor(ctx, r)
		refused(t, "issuing for an ended session", err, errs.Unauthenticated)
	})
}

func TestTokensCarryWhatProvedTheCaller(t *testing.T) {
	each(t, func(t *testing.T, w *world, s *Service) {
		ctx := t.Context()
		_, by := admin(t, w, s)
		p, login := nurse(t, w, s, by, "ann")
		bob, _ := nurse(t, w, s, by, "bob")
		issued, err := s.IssueFor(ctx, IssueRequest{
			User: p.ID, Client: "app", Session: login.Session.ID, Scopes: []string{"patient/*.rs"}, Patient: "p1", Assurance: "aal2", Life: 24 * time.Hour,
		})
		must(t, err)
		got, err := s.Authenticate(ctx, "Bearer "+issued.Token)
		must(t, err)
		want := tutela.Principal{
			Tenant: "clinic", ID: p.ID, Kind: tutela.ActorPerson, Username: "ann", Roles: []string{"nurse"}, Scopes: []string{"patient/*.rs"},
			Session: login.Session.ID, Client: "app", Assurance: "aal2", Patient: "p1", Expires: w.Now().Add(time.Hour),
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		_, err = s.IssueFor(ctx, IssueRequest{User: bob.ID, Client: "app", Session: login.Session.ID})
		refused(t, "a token for another's session", err, errs.Denied)
		robot, _, err := s.CreateUser(ctx, tutela.Actor{}, NewUser{Username: "robot", Kind: tutela.ActorService})
		must(t, err)
		issued, err = s.IssueFor(ctx, IssueRequest{User: robot.ID, Client: "robot", Life: time.Hour})
		must(t, err)
		if diff := cmp.Diff(w.Now().Add(5*time.Minute), issued.Expires); diff != "" {
			t.Error(diff)
		}
	})
}

func TestEndingTokensOfAClient(t *testing.T) {
	each(t, func(t *testing.T, w *world, s *Service) {
		ctx := t.Context()
		_, by := admin(t, w, s)
		p, login := nurse(t, w, s, by, "ann")
		var tokens []string
		for _, client := range []string{"app", "other"} {
			issued, err := s.IssueFor(ctx, IssueRequest{User: p.ID, Client: client, Session: login.Session.ID})
			must(t, err)
			tokens = append(tokens, "Bearer "+issued.Token)
		}
		must(t, s.EndTokens(ctx, actorOf(p.User), p.ID, "app"))
		_, err := s.Authenticate(ctx, tokens[0])
		refused(t, "the client's token", err, errs.Unauthenticated)
		if _, err = s.Authenticate(ctx, tokens[1]); err != nil {
			t.Errorf("another client's token: %v", err)
		}
	})
}

// TestRevocationReachesOtherNodes has two nodes over one PostgreSQL: what one ends is dead on the
// other as soon as that has heard of it, and before that it does not trust a cache that is stale.
func TestRevocationReachesOtherNodes(t *testing.T) {
	w := newWorld(t, testkit.Postgres(t))
	one := w.open()
	_, by := admin(t, w, one)
	p, login := nurse(t, w, one, by, "ann")
	access := bearer(t, one, login)
	two, heard := w.openElsewhere(t)
	if _, err := two.Authenticate(t.Context(), access); err != nil {
		t.Fatalf("the token on the second node: %v", err)
	}
	for len(heard) > 0 {
		<-heard
	}
	must(t, one.Disable(t.Context(), by, p.ID))
	<-heard
	_, err := two.Authenticate(t.Context(), access)
	refused(t, "the token on the second node", err, errs.Unauthenticated)
	_, _, err = two.SessionByCookie(t.Context(), login.Cookie)
	refused(t, "the session on the second node", err, errs.Unauthenticated)
}

// openElsewhere gives the Service of a second node, and tells when it has heard of a change.
func (w *world) openElsewhere(t *testing.T) (*Service, <-chan struct{}) {
	t.Helper()
	changes, err := w.db.Watch(t.Context())
	must(t, err)
	t.Cleanup(changes.Close)
	s := w.open()
	heard := make(chan struct{}, 1000)
	changes.Subscribe(Topic, func([]byte) {
		s.Invalidate()
		heard <- struct{}{}
	})
	return s, heard
}

// TestStaleNodeAsksTheDatabase: a node that hears nothing does not answer from memory.
func TestStaleNodeAsksTheDatabase(t *testing.T) {
	each(t, func(t *testing.T, w *world, one *Service) {
		_, by := admin(t, w, one)
		p, login := nurse(t, w, one, by, "ann")
		access := bearer(t, one, login)
		two := w.open()
		two.fresh = func() bool { return false }
		if _, err := two.Authenticate(t.Context(), access); err != nil {
			t.Fatal(err)
		}
		must(t, one.Disable(t.Context(), by, p.ID))
		_, err := two.Authenticate(t.Context(), access)
		refused(t, "the token on the deaf node", err, errs.Unauthenticated)
	})
}

func TestExpiredRowsAreDeleted(t *testing.T) {
	each(t, func(t *testing.T, w *world, s *Service) {
		ctx := t.Context()
		p, _ := admin(t, w, s)
		bearer(t, s, p.logIn(t, w, s))
		count := func(table string) int64 {
			var n int64
			_, err := w.db.QueryRow(ctx, "SELECT COUNT(*) FROM "+table, nil, &n)
			must(t, err)
			return n
		}
		if count("identity_items") == 0 || count("tokens") == 0 {
			t.Fatal("there is nothing to delete")
		}
		w.Advance(30 * 24 * time.Hour)
		must(t, s.purge(ctx))
		if items, tokens := count("identity_items"), count("tokens"); items != 0 || tokens != 0 {
			t.Errorf("%d items and %d tokens are left", items, tokens)
		}
	})
}
