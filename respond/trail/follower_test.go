package trail_test

import (
	"context"
	"errors"
	"fmt"

	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/internal/rig"
	"github.com/tutela-health/tutela/internal/testkit"
	"github.com/tutela-health/tutela/respond/trail"
	"github.com/tutela-health/tutela/store"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// house is a rigged system with a follower, and what that was given.
type house struct {
	*rig.Rig
	*trail.Follower

	taken []string
}

func each(t *testing.T, f func(t *testing.T, h *house)) {
	t.Helper()
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		h := &house{Rig: r, Follower: follower(r, "one")}
		h.follow(t) // from now on
		f(t, h)
	})
}

func follower(r *rig.Rig, node string) *trail.Follower {
	return &trail.Follower{
		Book: trail.Book{DB: r.DB, Alias: r.Identity.Alias}, Audit: r.Audit, Clock: time.Now, Name: "test", Node: node, For: time.Minute,
	}
}

// found has findings told in the ledger, a batch each.
func (h *house) found(t *testing.T, ids ...string) {
	t.Helper()
	for _, id := range ids {
		_, err := h.Rig.Audit.Append(t.Context(), tutela.Entry{
			Actor: tutela.Actor{ID: "system:detect", Kind: tutela.ActorSystem}, Action: tutela.ActionFindingOpen, Outcome: tutela.OutcomeSuccess,
			Subject: &tutela.Subject{Kind: "finding", ID: id},
		}, nil)
		must(t, err)
		h.Sequence(t)
	}
}

func (h *house) take(_ context.Context, f trail.Finding) error {
	h.taken = append(h.taken, f.ID)
	return nil
}

func (h *house) follow(t *testing.T) {
	t.Helper()
	must(t, h.Follow(t.Context(), h.take))
}

func (h *house) edit(t *testing.T, statement string, args ...any) {
	t.Helper()
	must(t, h.DB.Update(t.Context(), func(tx *store.Tx) error {
		_, err := tx.Exec(t.Context(), statement, args...)
		return err
	}))
}

func (h *house) took(t *testing.T, want ...string) {
	t.Helper()
	if d := cmp.Diff(want, h.taken); d != "" {
		t.Errorf("taken: %s", d)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// An entry that was tampered with keeps nobody from what comes behind it.
func TestDamageIsPassed(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.found(t, "1", "2", "3")
		h.edit(t, `UPDATE ledger_batches SET blob = mac WHERE first_leaf = (SELECT MAX(first_leaf) FROM ledger_batches) - 1`)
		h.follow(t)
		h.found(t, "4")
		h.follow(t)
		h.took(t, "1", "3", "4")
	})
}

// A ledger whose end cannot be made out, or lies about it, has nobody pass over what is found later.
func TestPlaceIsNeverBehindTheEnd(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.found(t, "1")
		h.follow(t)
		h.edit(t, `UPDATE ledger_state SET size = size + 9`)
		for range 20 {
			_ = h.Follow(t.Context(), h.take) // may fail, for as long as that lasts
		}
		h.edit(t, `UPDATE ledger_state SET size = size - 9`)
		h.found(t, "2", "3")
		h.follow(t)
		h.took(t, "1", "2", "3")
	})
}

// What is not done yet comes again, also where what stands in its way is other evidence that was tampered with.
func TestWhatFailedComesAgain(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.found(t, "1", "2")
		for _, reason := range []error{errs.New(errs.Unavailable, "not now"), fmt.Errorf("its evidence: %w", audit.ErrTampered)} {
			err := h.Follow(t.Context(), func(ctx context.Context, f trail.Finding) error {
				if f.ID == "2" {
					return reason
				}
				return h.take(ctx, f)
			})
			if !errors.Is(err, reason) {
				t.Errorf("it said %v", err)
			}
		}
		h.follow(t)
		h.took(t, "1", "1", "1", "2")
	})
}

// Of two nodes one works, the other when the first has let go; whoever rewinds is given everything again.
func TestOneNodeFollowsAtATime(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		other := follower(h.Rig, "two")
		h.found(t, "1")
		if err := other.Follow(t.Context(), h.take); !errs.Is(err, errs.Conflict) {
			t.Errorf("the other node: %v", err)
		}
		h.Release(t.Context())
		must(t, other.Follow(t.Context(), h.take))
		h.took(t, "1")
		must(t, other.Rewind(t.Context()))
		must(t, other.Follow(t.Context(), h.take))
		h.took(t, "1", "1")
	})
}
