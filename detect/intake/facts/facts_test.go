package facts_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela/detect"
	"github.com/tutela-health/tutela/detect/event"
	"github.com/tutela-health/tutela/detect/intake/facts"
	"github.com/tutela-health/tutela/internal/clock"
	"github.com/tutela-health/tutela/internal/rig"
	"github.com/tutela-health/tutela/internal/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

var _ detect.Stream = (*facts.Store)(nil)

// TestFactsAreGivenOnceInOrder follows with a reader that stops in the middle, and takes from two nodes.
func TestFactsAreGivenOnceInOrder(t *testing.T) {
	t.Parallel()
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		one := &facts.Store{DB: r.DB, Notes: r.Records, Clock: clock.System}
		other := &facts.Store{DB: r.DB, Notes: r.Records, Clock: clock.System}
		from := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
		sent := []event.Line{
			{Staff: &event.Staff{ID: "u1", Roles: []string{"nurse"}, Unit: "3W"}},
			{Relation: &event.Relation{Kind: event.Admission, Patient: -7, Unit: "3W", From: from}},
			{Chart: &event.Chart{Patient: -7, VIP: true}},
			{Relation: &event.Relation{Kind: event.CareTeam, Patient: 9, Staff: "u2", From: from, To: from.Add(time.Hour)}},
		}
		must(t, one.Take(t.Context(), sent[:2]))
		must(t, other.Take(t.Context(), sent[2:3]))
		must(t, one.Take(t.Context(), sent[3:]))

		enough := errors.New("enough")
		var got []event.Line
		var at int64
		for len(got) < len(sent) {
			n := 0
			next, err := other.Follow(t.Context(), at, func(_ int64, l event.Line) error {
				if n++; n > 1 {
					return enough
				}
				got = append(got, l)
				return nil
			})
			if err != nil && !errors.Is(err, enough) || next <= at {
				t.Fatalf("from %d to %d: %v", at, next, err)
			}
			at = next
		}
		if d := cmp.Diff(sent, got); d != "" {
			t.Error(d)
		}
		head, err := one.Head(t.Context())
		if err != nil || head != at {
			t.Errorf("the head is %d, behind the last is %d: %v", head, at, err)
		}
	})
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
