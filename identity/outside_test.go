package identity

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
)

// hospital is a provider that makes accounts, and whose amr "mfa" counts as two factors.
func hospital(t testing.TB, s *Service, by tutela.Principal, change ...func(*Provider)) Provider {
	t.Helper()
	p := Provider{
		Name: "St Nowhere", Issuer: "https://id.nowhere.test", ClientID: "tutela", RolesClaim: "groups", Create: true,
		Rules: []RoleRule{{"doctors", "physician"}, {"nurses", "nurse"}}, AMR: []string{"mfa"}, ACR: []string{"urn:two"},
	}
	for _, f := range change {
		f(&p)
	}
	made, err := s.AddProvider(t.Context(), by, p)
	must(t, err)
	return made
}

// says is what a provider says of a person who signed in there just now.
func says(w *world, p Provider, subject string, change ...func(*Outside)) Outside {
	o := Outside{
		Provider: p, Subject: subject, Username: subject, Email: subject + "@nowhere.test", Verified: true,
		Roles: []string{"nurses"}, AMR: []string{"pwd", "mfa"}, AuthTime: w.Now(), Asked: w.Now(),
	}
	for _, f := range change {
		f(&o)
	}
	return o
}

func oneFactor(o *Outside) { o.AMR = []string{"pwd"} }

func from() LoginRequest { return LoginRequest{Address: someAddress, Agent: "test"} }

func TestFirstLoginOutsideMakesAnAccountAsFarAsClaimsGiveRoles(t *testing.T) {
	each(t, func(t *testing.T, w *world, s *Service) {
		_, by := admin(t, w, s)
		p := hospital(t, s, by)
		e, err := s.EnterOutside(t.Context(), says(w, p, "anna"), from())
		must(t, err)
		u, err := s.User(t.Context(), "anna")
		must(t, err)
		if diff := cmp.Diff([]string{"nurse"}, u.Roles); diff != "" {
			t.Error(diff)
		}
		got := e.Login.Session
		if got.ACR != ACRTwoFactors || got.Provider != p.ID || !slices.Equal(got.AMR, []string{"mfa", "pwd"}) {
			t.Errorf("session %+v", got)
		}
		if _, _, err := s.SessionByCookie(t.Context(), e.Login.Cookie); err != nil {
			t.Error(err)
		}
		again, err := s.EnterOutside(t.Context(), says(w, p, "anna"), from())
		must(t, err)
		if again.Login.Session.User != u.ID {
			t.Error("the second login leads to another account")
		}
		_, err = s.EnterOutside(t.Context(), says(w, p, "otto", func(o *Outside) { o.Roles = []string{"gardeners"} }), from())
		refused(t, "no role", err, errs.Denied)
		if made := w.entries(t, tutela.ActionUserCreate); !slices.ContainsFunc(made, func(e tutela.Entry) bool {
			return e.Actor.ID == tutela.UserID("provider:"+p.ID) && e.Subject.ID == string(u.ID)
		}) {
			t.Errorf("entries %+v", made)
		}
	})
}

func TestNoClaimMakesAnAdministrator(t *testing.T) {
	each(t, func(t *testing.T, w *world, s *Service) {
		_, by := admin(t, w, s)
		p := Provider{Name: "X", Issuer: "https://x.test", ClientID: "c", RolesClaim: "groups", Create: true, Rules: []RoleRule{{"bosses", "admin"}}}
		_, err := s.AddProvider(t.Context(), by, p)
		refused(t, "a rule for admin", err, errs.Unprocessable)
		p = hospital(t, s, by)
		o := says(w, p, "eve", func(o *Outside) {
			o.Roles = []string{"admin", "nurses"}
			o.Provider.Rules = append(o.Provider.Rules, RoleRule{"admin", "admin"}) // as if one had been stored
		})
		e, err := s.EnterOutside(t.Context(), o, from())
		must(t, err)
		u, err := s.UserByID(t.Context(), e.Login.Session.User)
		must(t, err)
		if !slices.Equal(u.Roles, []string{"nurse"}) {
			t.Errorf("roles %q", u.Roles)
		}
	})
}

// TestOutsideAddressTakesOverNoAccount tries to become somebody by an equal name or address.
func TestOutsideAddressTakesOverNoAccount(t *testing.T) {
	each(t, func(t *testing.T, w *world, s *Service) {
		_, by := admin(t, w, s)
		p := hospital(t, s, by)
		nurse(t, w, s, by, "vera@nowhere.test")
		nurse(t, w, s, by, "walt")
		for what, o := range map[string]Outside{
			"verified address": says(w, p, "1", func(o *Outside) { o.Username, o.Email = "", "vera@nowhere.test" }),
			"case and width":   says(w, p, "2", func(o *Outside) { o.Username = "ＷＡＬＴ" }),
			"the root's name":  says(w, p, "3", func(o *Outside) { o.Username = "root" }),
		} {
			_, err := s.EnterOutside(t.Context(), o, from())
			refused(t, what, err, errs.Denied)
		}
		o := says(w, p, "4", func(o *Outside) { o.Username, o.Verified = "", false })
		_, err := s.EnterOutside(t.Context(), o, from())
		refused(t, "an address that nobody verified as a name", err, errs.Denied)
		_, _, found, err := s.linked(t.Context(), p.ID, "1")
		if err != nil || found {
			t.Errorf("a refused login left a link: %v", err)
		}
	})
}

// TestOutsideFactorsCountOnlyWhenConfigurationSaysSo holds logins to our second factor where the
// provider says nothing, or something that nobody configured.
func TestOutsideFactorsCountOnlyWhenConfigurationSaysSo(t *testing.T) {
	each(t, func(t *testing.T, w *world, s *Service) {
		_, by := admin(t, w, s)
		p := hospital(t, s, by)
		for what, change := range map[string]func(*Outside){
			"neither":       func(o *Outside) { o.AMR, o.ACR = nil, "" },
			"one factor":    oneFactor,
			"another's acr": func(o *Outside) { o.AMR, o.ACR = nil, "urn:one" },
			"mfa as acr":    func(o *Outside) { o.AMR, o.ACR = nil, "mfa" },
		} {
			e, err := s.EnterOutside(t.Context(), says(w, p, "nora", change), from())
			must(t, err)
			if e.Login.Cookie != "" || e.Attempt.ID == "" || !e.Attempt.Enrol {
				t.Errorf("%s: %+v", what, e)
			}
		}
		e, err := s.EnterOutside(t.Context(), says(w, p, "nora", func(o *Outside) { o.AMR, o.ACR = nil, "urn:two" }), from())
		must(t, err)
		if e.Login.Cookie == "" {
			t.Error("the configured acr does not count")
		}
		must(t, s.UpdateProvider(t.Context(), by, func() Provider { p.AMR, p.ACR = nil, nil; return p }()))
		p, err = s.Provider(t.Context(), p.ID)
		must(t, err)
		e, err = s.EnterOutside(t.Context(), says(w, p, "nora"), from())
		must(t, err)
		if e.Login.Cookie != "" {
			t.Error("mfa counts though nothing is configured")
		}
	})
}

func TestSecondFactorHereCompletesALoginOutside(t *testing.T) {
	each(t, func(t *testing.T, w *world, s *Service) {
		ctx := t.Context()
		_, by := admin(t, w, s)
		p := hospital(t, s, by)
		e, err := s.EnterOutside(ctx, says(w, p, "nora", oneFactor), from())
		must(t, err)
		secret, _, err := s.EnrolTOTP(ctx, e.Attempt.ID)
		must(t, err)
		nora := person{secret: decoded(t, secret)}
		_, err = s.ConfirmTOTP(ctx, e.Attempt.ID, nora.code(w))
		must(t, err)

		e, err = s.EnterOutside(ctx, says(w, p, "nora", oneFactor), from())
		must(t, err)
		if e.Attempt.Enrol {
			t.Fatal("one factor outside may add a factor beside the one that is there")
		}
		_, _, err = s.EnrolTOTP(ctx, e.Attempt.ID)
		refused(t, "enrolling a second time", err, errs.Denied)
		login, err := s.FinishTOTP(ctx, e.Attempt.ID, nora.code(w))
		must(t, err)
		if !login.Session.AuthTime.Equal(w.Now()) || login.Session.Provider != p.ID || !slices.Equal(login.Session.AMR, []string{"mfa", "otp"}) {
			t.Errorf("session %+v", login.Session)
		}
	})
}

// TestLateFirstFactorIsRefused tries, with a password stolen outside, to enrol a factor for somebody
// who always proved both there.
func TestLateFirstFactorIsRefused(t *testing.T) {
	each(t, func(t *testing.T, w *world, s *Service) {
		_, by := admin(t, w, s)
		p := hospital(t, s, by)
		_, err := s.EnterOutside(t.Context(), says(w, p, "nora"), from())
		must(t, err)
		w.Advance(invitationLife)
		_, err = s.EnterOutside(t.Context(), says(w, p, "nora", oneFactor), from())
		refused(t, "one factor after months of two", err, errs.Denied)
	})
}

func TestSessionIsAsOldAsTheLoginOutside(t *testing.T) {
	each(t, func(t *testing.T, w *world, s *Service) {
		ctx := t.Context()
		_, by := admin(t, w, s)
		p := hospital(t, s, by)
		for what, tc := range map[string]struct {
			at     time.Time
			recent bool
		}{
			"just now":  {w.Now(), true},
			"this dawn": {w.Now().Add(-4 * time.Hour), false},
			"not said":  {time.Time{}, false},
			"tomorrow":  {w.Now().Add(24 * time.Hour), true},
		} {
			e, err := s.EnterOutside(ctx, says(w, p, "nora", func(o *Outside) { o.AuthTime = tc.at }), from())
			must(t, err)
			if got := s.Recent(e.Login.Session, enrolWithin); got != tc.recent {
				t.Errorf("%s: recent %v", what, got)
			}
			if e.Login.Session.AuthTime.After(w.Now()) {
				t.Errorf("%s: proven in the future", what)
			}
		}
		e, err := s.EnterOutside(ctx, says(w, p, "nora", func(o *Outside) { o.AuthTime = w.Now().Add(-time.Hour) }), from())
		must(t, err)
		_, err = s.BeginEnrolment(ctx, e.Login.Cookie)
		refused(t, "enrolling on an old login outside", err, errs.Denied)
		for what, change := range map[string]func(*Outside){
			"one factor":     oneFactor,
			"an old login":   func(o *Outside) { o.AuthTime = w.Now().Add(-time.Hour) },
			"no auth_time":   func(o *Outside) { o.AuthTime = time.Time{} },
			"another person": func(o *Outside) { o.Subject = "otto" },
		} {
			_, err := s.StepUpOutside(ctx, e.Login.Cookie, says(w, p, "nora", change))
			refused(t, "step-up with "+what, err, errs.Denied)
		}
		stepped, err := s.StepUpOutside(ctx, e.Login.Cookie, says(w, p, "nora"))
		must(t, err)
		if _, err := s.BeginEnrolment(ctx, stepped.Cookie); err != nil {
			t.Errorf("after step-up: %v", err)
		}
		_, _, err = s.SessionByCookie(ctx, e.Login.Cookie)
		refused(t, "the cookie of before", err, errs.Unauthenticated)
	})
}

func TestRolesOfAMadeAccountFollowItsProvider(t *testing.T) {
	each(t, func(t *testing.T, w *world, s *Service) {
		ctx := t.Context()
		_, by := admin(t, w, s)
		p := hospital(t, s, by)
		e, err := s.EnterOutside(ctx, says(w, p, "mona"), from())
		must(t, err)
		doctor := func(o *Outside) { o.Roles = []string{"doctors"} }
		moved, err := s.EnterOutside(ctx, says(w, p, "mona", doctor), from())
		must(t, err)
		_, _, err = s.SessionByCookie(ctx, e.Login.Cookie)
		refused(t, "the session with the old roles", err, errs.Unauthenticated)
		_, err = s.EnterOutside(ctx, says(w, p, "mona", func(o *Outside) { o.Roles = nil }), from())
		refused(t, "a leaver", err, errs.Denied)
		_, _, err = s.SessionByCookie(ctx, moved.Login.Cookie)
		refused(t, "the leaver's session", err, errs.Unauthenticated)
		u, err := s.User(ctx, "mona")
		must(t, err)
		if len(u.Roles) != 0 {
			t.Errorf("a leaver has the roles %q", u.Roles)
		}
		must(t, s.SetRoles(ctx, by, u.ID, []string{"auditor"}))
		_, err = s.EnterOutside(ctx, says(w, p, "mona", doctor), from())
		must(t, err)
		u, err = s.User(ctx, "mona")
		must(t, err)
		if !slices.Equal(u.Roles, []string{"auditor"}) {
			t.Errorf("claims changed roles that an administrator gave: %q", u.Roles)
		}
	})
}

func TestLinkingNeedsItsOwnerOrAnInvitation(t *testing.T) {
	each(t, func(t *testing.T, w *world, s *Service) {
		ctx := t.Context()
		root, by := admin(t, w, s)
		p := hospital(t, s, by, func(p *Provider) { p.Create = false })
		_, err := s.EnterOutside(ctx, says(w, p, "lena"), from())
		refused(t, "somebody unknown", err, errs.Denied)

		lena, login := nurse(t, w, s, by, "lena")
		must(t, s.LinkOutside(ctx, login.Cookie, says(w, p, "sub-of-lena")))
		e, err := s.EnterOutside(ctx, says(w, p, "sub-of-lena"), from())
		must(t, err)
		if e.Login.Session.User != lena.ID {
			t.Error("the link leads elsewhere")
		}
		_, other := nurse(t, w, s, by, "otto")
		refused(t, "linking another's person", s.LinkOutside(ctx, other.Cookie, says(w, p, "sub-of-lena")), errs.Unprocessable)
		w.Advance(enrolWithin + time.Second)
		refused(t, "linking long after the login", s.LinkOutside(ctx, other.Cookie, says(w, p, "otto")), errs.Denied)
		refused(t, "an administrator's link", s.LinkOutside(ctx, root.logIn(t, w, s).Cookie, says(w, p, "root")), errs.Denied)

		inv, err := s.Invite(ctx, by, NewUser{Username: "ida", Roles: []string{"nurse"}})
		must(t, err)
		e, err = s.AcceptOutside(ctx, inv.Token, says(w, p, "sub-of-ida"), from())
		must(t, err)
		if u, err := s.UserByID(ctx, e.Login.Session.User); err != nil || u.Username != "ida" {
			t.Errorf("%v, %v", u, err)
		}
		_, err = s.AcceptOutside(ctx, inv.Token, says(w, p, "thief"), from())
		refused(t, "the invitation a second time", err, errs.NotFound)
		inv, err = s.Invite(ctx, by, NewUser{Username: "boss", Roles: []string{"admin"}})
		must(t, err)
		_, err = s.AcceptOutside(ctx, inv.Token, says(w, p, "boss"), from())
		refused(t, "an administrator's invitation", err, errs.Denied)
		if got := len(w.entries(t, tutela.ActionUserLink)); got != 2 { // lena's, and the administrator's refused
			t.Errorf("%d entries of links", got)
		}
	})
}

func TestUnlinkingAndRemovalEndWhatCameThroughAProvider(t *testing.T) {
	each(t, func(t *testing.T, w *world, s *Service) {
		ctx := t.Context()
		_, by := admin(t, w, s)
		p := hospital(t, s, by)
		lena, own := nurse(t, w, s, by, "lena")
		must(t, s.LinkOutside(ctx, own.Cookie, says(w, p, "sub-of-lena")))
		e, err := s.EnterOutside(ctx, says(w, p, "sub-of-lena"), from())
		must(t, err)
		must(t, s.UnlinkOutside(ctx, own.Cookie, p.ID))
		_, _, err = s.SessionByCookie(ctx, e.Login.Cookie)
		refused(t, "the session over the link", err, errs.Unauthenticated)
		if _, _, err := s.SessionByCookie(ctx, own.Cookie); err != nil {
			t.Errorf("the owner's session: %v", err)
		}
		must(t, s.LinkOutside(ctx, own.Cookie, says(w, p, "sub-of-lena")))
		must(t, s.Unlink(ctx, by, lena.ID, p.ID))
		_, _, err = s.SessionByCookie(ctx, own.Cookie)
		refused(t, "a session after an administrator unlinked", err, errs.Unauthenticated)

		mona, err := s.EnterOutside(ctx, says(w, p, "mona"), from())
		must(t, err)
		refused(t, "the only way in", s.UnlinkOutside(ctx, mona.Login.Cookie, p.ID), errs.Unprocessable)
		must(t, s.RemoveProvider(ctx, by, p.ID))
		_, _, err = s.SessionByCookie(ctx, mona.Login.Cookie)
		refused(t, "a session over a removed provider", err, errs.Unauthenticated)
		_, err = s.EnterOutside(ctx, says(w, p, "mona"), from())
		refused(t, "a login that was under way", err, errs.Unauthenticated)
		next := hospital(t, s, by)
		_, err = s.EnterOutside(ctx, says(w, next, "mona"), from())
		refused(t, "the account's name over the issuer configured anew", err, errs.Denied)
	})
}

func TestLoginOutsideHoldsToTheConfigurationOfNow(t *testing.T) {
	each(t, func(t *testing.T, w *world, s *Service) {
		ctx := t.Context()
		_, by := admin(t, w, s)
		p := hospital(t, s, by, func(p *Provider) { p.Domains = []string{"nowhere.test"} })
		for what, change := range map[string]func(*Outside){
			"another domain":     func(o *Outside) { o.Email = "anna@elsewhere.test" },
			"a domain below":     func(o *Outside) { o.Email = "anna@nowhere.test.elsewhere.test" },
			"a quoted domain":    func(o *Outside) { o.Email = `"anna@nowhere.test"@elsewhere.test` },
			"nobody verified it": func(o *Outside) { o.Verified = false },
			"no address":         func(o *Outside) { o.Email = "" },
		} {
			_, err := s.EnterOutside(ctx, says(w, p, "anna", change), from())
			refused(t, what, err, errs.Denied)
		}
		_, err := s.EnterOutside(ctx, says(w, p, "anna"), from())
		must(t, err)
		old := p
		p.Disabled = true
		must(t, s.UpdateProvider(ctx, by, p))
		_, err = s.EnterOutside(ctx, says(w, old, "anna"), from())
		refused(t, "a provider that was switched off", err, errs.Unauthenticated)
		p.Issuer = "https://id.elsewhere.test"
		refused(t, "another issuer under old links", s.UpdateProvider(ctx, by, p), errs.Unprocessable)
		_, err = s.AddProvider(ctx, by, Provider{Name: "Twin", Issuer: old.Issuer, ClientID: "c"})
		refused(t, "an issuer twice", err, errs.Unprocessable)
		u, err := s.User(ctx, "anna")
		must(t, err)
		_, err = s.AddProvider(ctx, u.principal("clinic"), Provider{Name: "Mine", Issuer: "https://mine.test", ClientID: "c"})
		refused(t, "a provider that a nurse configures", err, errs.Denied)
	})
}

// TestAccountWithoutPasswordHasNoOtherWayIn tries what a leaver of the provider could still have here.
func TestAccountWithoutPasswordHasNoOtherWayIn(t *testing.T) {
	each(t, func(t *testing.T, w *world, s *Service) {
		ctx := t.Context()
		_, by := admin(t, w, s)
		p := hospital(t, s, by)
		e, err := s.EnterOutside(ctx, says(w, p, "mona"), from())
		must(t, err)
		for _, password := range []string{"", goodPassword} {
			_, err := s.BeginLogin(ctx, LoginRequest{Username: "mona", Password: password, Address: someAddress})
			refused(t, "a password", err, errs.Unauthenticated)
		}
		user, _, err := s.claimed(ctx, []byte(e.Login.Session.User))
		if err != nil || user != "" {
			t.Errorf("a passkey alone leads to %q, %v", user, err)
		}
	})
}

func TestStateOfALoginOutsideCountsOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world, s *Service) {
		ends := w.Now().Add(time.Minute)
		must(t, s.UseState(t.Context(), "state", ends))
		refused(t, "again", s.UseState(t.Context(), "state", ends), errs.Unauthenticated)
	})
}

func TestProviderConfigurationsThatCannotStand(t *testing.T) {
	s := &Service{roles: []string{"nurse", "admin", "auditor"}, above: []string{"admin", "auditor"}}
	good := Provider{Name: "X", Issuer: "https://x.test/realms/a", ClientID: "c"}
	if err := s.checkProvider(good); err != nil {
		t.Fatal(err)
	}
	for what, change := range map[string]func(*Provider){
		"no name":               func(p *Provider) { p.Name = " " },
		"http":                  func(p *Provider) { p.Issuer = "http://x.test" },
		"a query":               func(p *Provider) { p.Issuer = "https://x.test/?a=b" },
		"a user in the issuer":  func(p *Provider) { p.Issuer = "https://u@x.test" },
		"a script":              func(p *Provider) { p.Issuer = "javascript:alert(1)" },
		"no client id":          func(p *Provider) { p.ClientID = "" },
		"a path to a secret":    func(p *Provider) { p.SecretFile = "../keys/ring" },
		"an absolute path":      func(p *Provider) { p.SecretFile = "/etc/shadow" },
		"a hidden file":         func(p *Provider) { p.SecretFile = ".ssh" },
		"making without roles":  func(p *Provider) { p.Create = true },
		"the role admin":        func(p *Provider) { p.Rules = []RoleRule{{"v", "admin"}} },
		"a role of watchers":    func(p *Provider) { p.Rules = []RoleRule{{"v", "auditor"}} },
		"a role of none":        func(p *Provider) { p.Rules = []RoleRule{{"v", "king"}} },
		"a wildcard domain":     func(p *Provider) { p.Domains = []string{"*.x.test"} },
		"a scope with a space":  func(p *Provider) { p.Scopes = []string{"a b"} },
		"a line break in acr":   func(p *Provider) { p.ACR = []string{"a\nb"} },
		"an address for domain": func(p *Provider) { p.Domains = []string{"a@x.test"} },
	} {
		p := good
		change(&p)
		if err := s.checkProvider(p); !errs.Is(err, errs.Unprocessable) {
			t.Errorf("%s: %v", what, err)
		}
	}
}
