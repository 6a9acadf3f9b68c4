package duty_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tutela-health/tutela/assure/duty"
	"github.com/tutela-health/tutela/assure/register"
	"github.com/tutela-health/tutela/internal/rig"
	"github.com/tutela-health/tutela/internal/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Each duty is told of once at each stage, escalated when nobody does it, and over when it is done.
func TestDutiesAreToldOfOnceAtEachStage(t *testing.T) {
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		now := time.Date(2027, 3, 1, 9, 0, 0, 0, time.UTC)
		due := now.AddDate(0, 0, 20)
		a := register.Duty{Kind: "risk", ID: "a", What: "look again", Title: "A", Owner: "u-1", Name: "ann", Due: due, Do: "do"}
		all := []register.Duty{a, {Kind: "risk", ID: "b", What: "look again", Title: "B", Owner: "u-2", Name: "bob", Due: due.AddDate(1, 0, 0), Do: "do"}}
		var told []string
		var refuse error
		s := duty.New(duty.Config{
			Register: r.Register, Clock: func() time.Time { return now },
			Sources: []duty.Source{func(context.Context) ([]register.Duty, error) { return slices.Clone(all), nil }},
			Tell: func(_ context.Context, tell duty.Telling) error {
				if refuse == nil {
					told = append(told, fmt.Sprintf("%t %s", tell.Escalate, strings.Join(tell.Lines, ",")))
				}
				return refuse
			},
		})
		for _, step := range []struct {
			days int
			want string
		}{
			{0, ""}, {6, "false risk a: look again, by 2027-03-21"}, {7, ""}, {20, "false risk a: look again, overdue since 2027-03-21"}, {26, ""},
			{27, "true risk a: look again, overdue since 2027-03-21"}, {40, ""},
		} {
			now, told = time.Date(2027, 3, 1+step.days, 9, 0, 0, 0, time.UTC), nil
			if step.days == 20 { // what was not told is told the next time
				refuse = errors.New("down")
				if err := s.Work(t.Context()); !errors.Is(err, refuse) {
					t.Fatalf("%v", err)
				}
				refuse = nil
			}
			for range 2 {
				must(t, s.Work(t.Context()))
			}
			if got := strings.Join(told, "|"); got != step.want {
				t.Errorf("day %d: %q, want %q", step.days, got, step.want)
			}
		}
		list, err := s.List(t.Context(), "u-2")
		must(t, err)
		if len(list) != 1 || list[0].ID != "b" || list[0].Stage != duty.Later {
			t.Errorf("%+v", list)
		}
		all = all[1:]
		must(t, s.Work(t.Context()))
		kept, err := r.Register.List(t.Context(), register.Filter{Kind: "reminder"})
		must(t, err)
		if len(kept) != 1 || kept[0].State != duty.Done || kept[0].Revision != 4 {
			t.Errorf("%+v", kept)
		}
		all, told = append(all, a), nil // it comes back
		must(t, s.Work(t.Context()))
		if len(told) != 1 {
			t.Errorf("what came back was not told: %q", told)
		}
		r.Verify(t)
	})
}

// Many things at once are one message.
func TestManyDutiesAreOneMessage(t *testing.T) {
	r := rig.Open(t, rig.Config{})
	now := time.Now().UTC()
	var all []register.Duty
	for i := range 1500 {
		all = append(all, register.Duty{Kind: "vendor", ID: fmt.Sprint("v", i), What: "renew", Owner: "u-1", Name: "ann", Due: now.AddDate(0, 0, 3)})
	}
	var told []duty.Telling
	s := duty.New(duty.Config{
		Register: r.Register, Clock: func() time.Time { return now },
		Sources: []duty.Source{func(context.Context) ([]register.Duty, error) { return all, nil }},
		Tell:    func(_ context.Context, tell duty.Telling) error { told = append(told, tell); return nil },
	})
	must(t, s.Work(t.Context()))
	must(t, s.Work(t.Context()))
	if len(told) != 1 || told[0].Title != "1500 things are to be done" || len(told[0].Lines) != 21 || told[0].Lines[20] != "and 1480 more: tutela duties" {
		t.Errorf("%d: %+v", len(told), told)
	}
}
