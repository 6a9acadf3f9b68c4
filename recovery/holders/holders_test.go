package holders_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/internal/rig"
	"github.com/tutela-health/tutela/internal/testkit"
	"github.com/tutela-health/tutela/keys/escrow"
	"github.com/tutela-health/tutela/recovery/holders"
	"github.com/tutela-health/tutela/store"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// house is a rigged system with a clock that tests turn.
type house struct {
	*rig.Rig
	now time.Time
}

// each runs f on every engine.
func each(t *testing.T, f func(t *testing.T, h *house)) {
	t.Helper()
	for _, engine := range rig.Engines() {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			h := &house{now: time.Now()}
			h.Rig = rig.Open(t, rig.Config{Engine: engine, Clock: func() time.Time { return h.now }})
			f(t, h)
		})
	}
}

func entry(a tutela.Action) tutela.Entry {
	return tutela.Entry{Actor: tutela.Actor{ID: "a", Kind: tutela.ActorPerson, Name: "admin"}, Action: a}
}

func three() []holders.Holder { return []holders.Holder{{Name: "ann"}, {Name: "bob"}, {Name: "cleo"}} }

func (h *house) split(t *testing.T) holders.Given {
	t.Helper()
	g, err := h.Recovery.Split(t.Context(), entry(tutela.ActionRecoverySplit), three(), 2)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// drill opens a wrap as holders would and says so.
func (h *house) drill(t *testing.T, shares [][]byte, g holders.Given) error {
	t.Helper()
	o, err := escrow.Open(shares, g.Wrap)
	if err != nil {
		return err
	}
	defer o.Close()
	challenge, err := h.Recovery.Challenge(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	proof, err := o.Prove(challenge)
	if err != nil {
		t.Fatal(err)
	}
	return h.Recovery.Pass(t.Context(), entry(tutela.ActionRecoveryDrill), holders.Claim{Set: g.Set, Generation: g.Generation, Challenge: challenge, Proof: proof})
}

// due is what the status says is to be done.
func (h *house) due(t *testing.T) string {
	t.Helper()
	st, err := h.Recovery.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return st.Due
}

func (h *house) wantDue(t *testing.T, words string) {
	t.Helper()
	if got := h.due(t); words == "" && got != "" || !strings.Contains(got, words) {
		t.Errorf("due: %q, want %q in it", got, words)
	}
}

// edit writes to the database past everything.
func (h *house) edit(t *testing.T, sql string) {
	t.Helper()
	err := h.DB.Update(t.Context(), func(tx *store.Tx) error {
		_, err := tx.Exec(t.Context(), sql)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// deeds are the actions in the ledger about recovery.
func (h *house) deeds(t *testing.T) (list []string) {
	t.Helper()
	err := h.Audit.Search(t.Context(), audit.Query{}, func(o audit.Opened) error {
		if s := o.Entry.Subject; s != nil && s.Kind == "recovery" {
			list = append(list, string(o.Entry.Action)+": "+s.Detail)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(list) // what is not in the tree yet has no order
	return list
}

// TestTheWayOfARecoveryKey: split, drill, and every step in the ledger.
func TestTheWayOfARecoveryKey(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.wantDue(t, "no recovery key was split")
		g := h.split(t)
		h.wantDue(t, "no recovery drill has passed for generation 1")
		if err := h.drill(t, g.Shares[:1], g); !errs.Is(err, errs.Precondition) {
			t.Errorf("one share of two: %v", err)
		}
		h.wantDue(t, "no recovery drill")
		if err := h.drill(t, g.Shares[1:], g); err != nil {
			t.Fatal(err)
		}
		h.wantDue(t, "")
		h.now = h.now.Add(holders.DrillLife + time.Hour)
		h.wantDue(t, "more than a year ago")
		want := []string{"recovery.drill: drill of generation 1 passed", "recovery.split: 3 holders, of whom 2 are needed; wrap of generation 1"}
		if diff := cmp.Diff(want, h.deeds(t)); diff != "" {
			t.Error(diff)
		}
	})
}

// TestAnotherSplitTakesTheFirstsPlace: its shares and drills count no more, and its wrap is out until
// somebody confirms that it is destroyed.
func TestAnotherSplitTakesTheFirstsPlace(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		first := h.split(t)
		if err := h.drill(t, first.Shares, first); err != nil {
			t.Fatal(err)
		}
		second := h.split(t)
		h.wantDue(t, "no recovery drill")
		if err := h.drill(t, first.Shares, first); !errs.Is(err, errs.Unprocessable) {
			t.Errorf("a drill of the first: %v", err)
		}
		if err := h.drill(t, first.Shares, second); !errs.Is(err, errs.Invalid) {
			t.Errorf("shares of the first with the wrap of the second: %v", err)
		}
		st, err := h.Recovery.Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(st.Outstanding) != 1 || st.Outstanding[0].Set != first.Set {
			t.Errorf("out are %+v, want the first's wrap", st.Outstanding)
		}
		if list, err := h.Recovery.Outstanding(t.Context(), 1); err != nil || len(list) != 2 {
			t.Errorf("of generation 1 %+v are out (%v), want both", list, err)
		}
		if err := h.Recovery.Confirm(t.Context(), entry(tutela.ActionRecoveryConfirm), 1); err != nil {
			t.Fatal(err)
		}
		if list, err := h.Recovery.Outstanding(t.Context(), 1); err != nil || len(list) != 1 || list[0].Set != second.Set {
			t.Errorf("of generation 1 %+v are out (%v), want the second's", list, err)
		}
		if err := h.Recovery.Confirm(t.Context(), entry(tutela.ActionRecoveryConfirm), 1); !errs.Is(err, errs.NotFound) {
			t.Errorf("confirmed the living wrap's destruction: %v", err)
		}
	})
}

// TestRenewGivesAWrapToTheSameHolders, as after a rotation.
func TestRenewGivesAWrapToTheSameHolders(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		if _, err := h.Recovery.Renew(t.Context(), entry(tutela.ActionRecoveryRenew)); !errs.Is(err, errs.Precondition) {
			t.Errorf("renewed what was never split: %v", err)
		}
		g := h.split(t)
		again, err := h.Recovery.Renew(t.Context(), entry(tutela.ActionRecoveryRenew))
		if err != nil {
			t.Fatal(err)
		}
		if again.Set != g.Set || len(again.Shares) != 0 {
			t.Errorf("renewing gave %d shares of %s", len(again.Shares), again.Set)
		}
		if err := h.drill(t, g.Shares[:2], again); err != nil {
			t.Error(err)
		}
	})
}

// TestClaimsThatProveNothing: made-up, stale and foreign answers.
func TestClaimsThatProveNothing(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		g := h.split(t)
		o, err := escrow.Open(g.Shares, g.Wrap)
		if err != nil {
			t.Fatal(err)
		}
		claim := func(change func(*holders.Claim)) holders.Claim {
			challenge, err := h.Recovery.Challenge(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			proof, err := o.Prove(challenge)
			if err != nil {
				t.Fatal(err)
			}
			c := holders.Claim{Set: g.Set, Generation: g.Generation, Challenge: challenge, Proof: proof}
			change(&c)
			return c
		}
		for name, change := range map[string]func(*holders.Claim){
			"no proof":              func(c *holders.Claim) { c.Proof = nil },
			"another proof":         func(c *holders.Claim) { c.Proof[0] ^= 1 },
			"another challenge":     func(c *holders.Claim) { c.Challenge[9] ^= 1 },
			"no challenge":          func(c *holders.Claim) { c.Challenge = nil },
			"a challenge cut short": func(c *holders.Claim) { c.Challenge = c.Challenge[:30] },
			"another set":           func(c *holders.Claim) { c.Set = "x" },
			"another generation":    func(c *holders.Claim) { c.Generation = 2 },
			"too late":              func(*holders.Claim) { h.now = h.now.Add(11 * time.Minute) },
		} {
			if err := h.Recovery.Pass(t.Context(), entry(tutela.ActionRecoveryDrill), claim(change)); !errs.Is(err, errs.Unprocessable) {
				t.Errorf("%s: %v", name, err)
			}
		}
		h.wantDue(t, "no recovery drill")
		if err := h.Recovery.Pass(t.Context(), entry(tutela.ActionRecoveryDrill), claim(func(*holders.Claim) {})); err != nil {
			t.Error(err)
		}
	})
}

// TestSharesAreSealedToTheirHoldersOutsideOfTryOuts: who orders a split must not see the shares.
func TestSharesAreSealedToTheirHoldersOutsideOfTryOuts(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		s := holders.New(holders.Config{DB: h.DB, Ring: h.Ring, Audit: h.Audit, Clock: func() time.Time { return h.now }})
		if _, err := s.Split(t.Context(), entry(tutela.ActionRecoverySplit), three(), 2); !errs.Is(err, errs.Invalid) || !strings.Contains(errs.Public(err), "ann") {
			t.Errorf("plain shares: %v", err)
		}
		people := three()
		for i := range people {
			_, public, err := escrow.NewHolderKey()
			if err == nil {
				people[i].Key, err = escrow.HolderPublic(public)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		g, err := s.Split(t.Context(), entry(tutela.ActionRecoverySplit), people, 2)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := escrow.Open(g.Shares, g.Wrap); !errs.Is(err, errs.Precondition) {
			t.Errorf("opened without the holders' keys: %v", err)
		}
		st, err := s.Status(t.Context())
		if err != nil || len(st.Holders) != 3 || st.Holders[0].Key != people[0].Fingerprint() {
			t.Errorf("holders %+v (%v)", st.Holders, err)
		}
	})
}

// TestAnEditedRowIsNoRecoveryKey: who writes the database cannot have wraps sealed to a key of his.
func TestAnEditedRowIsNoRecoveryKey(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.split(t)
		for _, edit := range []string{
			"UPDATE recovery_holders SET key_version = key_version + 1", "UPDATE recovery_holders SET revision = revision + 1",
		} {
			h.edit(t, edit)
			if _, err := h.Recovery.Renew(t.Context(), entry(tutela.ActionRecoveryRenew)); err == nil {
				t.Errorf("%s: a wrap was given", edit)
			}
		}
	})
}

// TestNothingThatOpensIsStored: neither shares nor wraps lie in the database.
func TestNothingThatOpensIsStored(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		g := h.split(t)
		if err := h.drill(t, g.Shares, g); err != nil {
			t.Fatal(err)
		}
		var sealed []byte
		if _, err := h.DB.QueryRow(t.Context(), "SELECT sealed FROM recovery_holders", nil, &sealed); err != nil || len(sealed) == 0 || len(sealed) > 2000 {
			t.Errorf("the row has %d bytes (%v)", len(sealed), err)
		}
		said := strings.Join(h.deeds(t), " ")
		for _, secret := range append(g.Shares, g.Wrap) {
			if strings.Contains(said, string(secret[:40])) {
				t.Error("the ledger has a share or a wrap")
			}
		}
	})
}

// TestTheCheckSeesSabotage: fine with a drill, and not once the wrap is not the living keyring's.
func TestTheCheckSeesSabotage(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		try := func(plain bool) tutela.Evidence {
			s := holders.New(holders.Config{DB: h.DB, Ring: h.Ring, Audit: h.Audit, Clock: func() time.Time { return h.now }, Plain: plain})
			return s.Checks()[0].Try(context.WithoutCancel(t.Context()))
		}
		seen := testkit.Sabotage(t, "recover.drill")
		want := func(step string, want tutela.Verdict, plain bool) {
			t.Helper()
			if got := seen.Saw(try(plain)).Verdict; got != want {
				t.Errorf("%s: %s, want %s", step, got, want)
			}
		}
		want("a try-out without a split", tutela.NotApplicable, true)
		want("no split", tutela.Fail, false)
		g := h.split(t)
		want("no drill", tutela.Fail, true)
		if err := h.drill(t, g.Shares, g); err != nil {
			t.Fatal(err)
		}
		want("drilled", tutela.Pass, false)
		h.split(t)
		want("split anew", tutela.Fail, false)
		h.edit(t, "UPDATE recovery_holders SET revision = revision + 1")
		want("the row was edited", tutela.CouldNotCheck, false)
	})
}
