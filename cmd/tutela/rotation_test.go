package main

import (
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/internal/clock"
	"github.com/tutela-health/tutela/internal/testkit"
	"github.com/tutela-health/tutela/keys/awskms/kmstest"
)

const aDay = 24 * time.Hour

// What was done by a clock that has gone back since is due again; one that another node's clock did a moment ahead is not.
func TestSchedulesSurviveClocksThatGoBack(t *testing.T) {
	for since, want := range map[time.Duration]bool{
		0: false, 364 * aDay: false, 365 * aDay: true, 10000 * aDay: true, -time.Second: false, -23 * time.Hour: false, -25 * time.Hour: true, -365 * aDay: true,
	} {
		if got := dueAfter(365*aDay, since); got != want {
			t.Errorf("%s after the last time it is due: %v", since, got)
		}
	}
}

// keptSystem is a system whose keys are kept by a clock of the test's.
type keptSystem struct {
	*keeper
	ahead time.Duration
}

// keptBy opens a tenant, and keeps its keys by a clock that the test puts forward.
func keptBy(t *testing.T, l *lodger) *keptSystem {
	t.Helper()
	k := &keptSystem{}
	s, err := (&system{config: l.conf, log: slog.New(slog.DiscardHandler), clock: func() time.Time { return clock.System().Add(k.ahead) }}).open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.close(t.Context()); err != nil && !errors.Is(err, t.Context().Err()) {
			t.Error(err)
		}
	})
	k.keeper = &keeper{system: s, asked: map[int]time.Time{}}
	return k
}

// after puts the clock forward, and has what is due then done.
func (k *keptSystem) after(t *testing.T, d time.Duration) []tutela.KeyGeneration {
	t.Helper()
	k.ahead += d
	for range 3 { // rotate, retire, destroy
		if err := k.once(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	list, err := k.db.Generations(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// agreed has two people want a generation destroyed, by the clock of the test.
func (k *keptSystem) agreed(t *testing.T, n int) {
	t.Helper()
	for _, who := range []tutela.UserID{"ann", "bob"} {
		if _, err := k.db.AgreeToDestroy(t.Context(), n, who, k.clock()); err != nil {
			t.Fatal(err)
		}
	}
}

// told lists what the ledger says became of a generation, oldest first.
func (k *keptSystem) told(t *testing.T, action tutela.Action) (list []string) {
	t.Helper()
	err := k.audit.Search(t.Context(), audit.Query{Action: action}, func(o audit.Opened) error {
		list = append(list, o.Entry.Subject.ID+" "+o.Entry.Subject.Detail)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// TestKeysAreRotatedBySchedule, on the day and not before; and what two people wanted destroyed is when the waiting
// period is over and not before.
func TestKeysAreRotatedBySchedule(t *testing.T) {
	for engine, database := range map[string]string{"sqlite": "", "postgres": testkit.Postgres(t)} {
		t.Run(engine, func(t *testing.T) {
			l := moveIn(t, t.TempDir(), "alpha", database)
			days, hours := 30, 48
			l.conf.Keys.RotateDays, l.conf.Keys.WaitHours = &days, &hours
			k := keptBy(t, l)
			if list := k.after(t, 29*aDay); len(list) != 1 {
				t.Fatalf("rotated a day early: %v", list)
			}
			list := k.after(t, aDay)
			if len(list) != 2 || list[0].Closed.IsZero() {
				t.Fatalf("not rotated on the day: %v", list)
			}
			if diff := cmp.Diff([]string{"2 by schedule"}, k.told(t, tutela.ActionKeyRotate)); diff != "" {
				t.Error(diff)
			}
			k.agreed(t, 1)
			if list = k.after(t, 47*time.Hour); !list[0].Destroyed.IsZero() {
				t.Error("destroyed an hour early")
			}
			if list = k.after(t, time.Hour); list[0].Final.IsZero() {
				t.Error("not destroyed when the waiting period is over")
			}
			if diff := cmp.Diff([]string{"1 final"}, k.told(t, tutela.ActionKeyDestroy)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestDestructionByAKMSIsFinalDaysLater: ledger and list say pending until the key is gone there, an order that was taken
// back is given again, and the provider is not asked every second.
func TestDestructionByAKMSIsFinalDaysLater(t *testing.T) {
	for engine, database := range map[string]string{"sqlite": "", "postgres": testkit.Postgres(t)} {
		t.Run(engine, func(t *testing.T) {
			aws := kmstest.New(t)
			settings := providerSettings{Provider: providerAWSKMS, Region: kmstest.Region, Prefix: "alpha", Endpoint: aws.URL, CredentialsFile: aws.Credentials}
			l := moveInWith(t, settings, t.TempDir(), "alpha", database)
			k := keptBy(t, l)
			if _, err := k.ring.Rotate(t.Context()); err != nil {
				t.Fatal(err)
			}
			k.after(t, 0)
			k.agreed(t, 1)
			if list := k.after(t, time.Second); list[0].Destroyed.IsZero() || !list[0].Final.IsZero() {
				t.Errorf("ordered %v, final %v", list[0].Destroyed, list[0].Final)
			}
			asked := func() (n int) { aws.Set(func(s *kmstest.Service) { n = s.Asked["ListAliases"] }); return n }
			before := asked()
			k.after(t, time.Minute)
			if n := asked(); n != before {
				t.Errorf("asked %d times within a minute", n-before)
			}
			aws.Set(func(s *kmstest.Service) { s.Cancel(s.Find("alias/alpha-000001")) })
			k.after(t, askAgain)
			aws.Pass(6)
			if list := k.after(t, 6*aDay); !list[0].Final.IsZero() {
				t.Error("final before KMS deleted the key")
			}
			aws.Pass(1)
			if list := k.after(t, aDay); list[0].Final.IsZero() {
				t.Error("not final when KMS has deleted the key")
			}
			if diff := cmp.Diff([]string{"1 pending", "1 final"}, k.told(t, tutela.ActionKeyDestroy)); diff != "" {
				t.Error(diff)
			}
		})
	}
}
