package identity

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/store"
)

// provisioner is the authority of a directory that maps nurses.
func provisioner(t *testing.T, w *world, s *Service, by tutela.Principal) *Provisioner {
	t.Helper()
	c, _, err := s.RegisterClient(t.Context(), by, Client{
		ID: "directory", Name: "Directory", JWKSURL: "https://directory.example/keys", GrantTypes: []string{GrantCredentials},
		Scopes: []string{ScopeSCIM}, Groups: []GroupRole{{Group: "nurse", Role: "nurse"}},
	})
	must(t, err)
	p, err := s.Provisioner(t.Context(), tutela.Principal{
		Tenant: "clinic", ID: c.Account, Kind: tutela.ActorService, Client: c.ID, Scopes: c.Scopes,
	}, w.Now())
	must(t, err)
	return p
}

// Nothing that proved the owner of a removed account is left, so that nobody comes in as somebody who
// is gone, and whoever signed in outside can have an account again.
func TestRemovedAccountKeepsNothingThatProvesIt(t *testing.T) {
	each(t, func(t *testing.T, w *world, s *Service) {
		ctx := t.Context()
		_, by := admin(t, w, s)
		ann, _ := nurse(t, w, s, by, "ann")
		a, err := s.accountByID(ctx, ann.ID)
		must(t, err)
		a.Outside = []link{{Provider: "elsewhere", Name: linkName("elsewhere", "sub-1")}}
		claim, err := s.accountClaim(ctx, a)
		must(t, err)
		must(t, s.commit(ctx, store.Op{Claims: []store.Claim{claim}}))
		must(t, provisioner(t, w, s, by).Remove(ctx, ann.ID, nil))
		a, err = s.accountByID(ctx, ann.ID)
		must(t, err)
		left := account{Verifier: a.Verifier, TOTP: a.TOTP, Recovery: a.Recovery, Passkeys: a.Passkeys, Outside: a.Outside}
		if diff := cmp.Diff(0, len(left.Verifier.Hash)+len(left.TOTP)+len(left.Recovery)+len(left.Passkeys)+len(left.Outside)); diff != "" || a.active() {
			t.Errorf("left: %s", diff)
		}
		_, err = s.accountByName(ctx, "ann")
		refused(t, "the name", err, errs.NotFound)
		for name, err := range map[string]error{
			"enabling": s.Enable(ctx, by, ann.ID), "roles": s.SetRoles(ctx, by, ann.ID, []string{"nurse"}), "disabling": s.Disable(ctx, by, ann.ID),
		} {
			refused(t, name, err, errs.Unprocessable)
		}
		_, err = s.ResetCredentials(ctx, by, ann.ID)
		refused(t, "new credentials", err, errs.Unprocessable)
	})
}
