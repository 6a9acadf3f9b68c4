package emergency

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/access"
	"github.com/tutela-health/tutela/internal/clock"
	"github.com/tutela-health/tutela/internal/testkit"
	"github.com/tutela-health/tutela/store"
)

// bare is a Service with nothing but its table, and an alias that is no secret.
func bare(t *testing.T, url string, judges clock.Clock) (*Service, *access.Policies) {
	t.Helper()
	db, err := store.Open(t.Context(), store.Config{URL: url, Reserve: -1, MinFree: -1, Clock: clock.System})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if err := db.Migrate(t.Context(), Migrations()); err != nil {
		t.Fatal(err)
	}
	sum := func(text string) (n int64) {
		for _, r := range text {
			n = n*31 + int64(r)
		}
		return n
	}
	s, err := New(Config{
		DB: db, Clock: judges, Alias: func(what, id string) int64 { return sum(what + " " + id) },
		Locate: func(id tutela.PatientID) tutela.Bucket { return tutela.Bucket(sum(string(id)) | 1<<40) },
	})
	if err != nil {
		t.Fatal(err)
	}
	policies, err := access.Shipped()
	if err != nil {
		t.Fatal(err)
	}
	return s, policies
}

// The check passes where emergencies end, fails where the clock that judges them stands still or
// a session's end is not asked for, and leaves nothing behind.
func TestTheExpiryCheckSeesWhatItIsThereToSee(t *testing.T) {
	for engine, url := range map[string]func(testing.TB) string{
		"sqlite":   func(t testing.TB) string { return "sqlite:" + filepath.Join(t.TempDir(), "check.db") },
		"postgres": testkit.Postgres,
	} {
		t.Run(engine, func(t *testing.T) {
			stopped := clock.System().Add(-time.Hour)
			seen := testkit.Sabotage(t, "access.break-glass-expires")
			for _, c := range []struct {
				name   string
				judges clock.Clock
				want   tutela.Verdict
			}{
				{"as it is", clock.System, tutela.Pass},
				{"sabotaged: time stands still", func() time.Time { return stopped }, tutela.Fail},
				{"healed", clock.System, tutela.Pass},
			} {
				s, policies := bare(t, url(t), c.judges)
				check := expiryCheck{s: s, clock: clock.System, policies: func() *access.Policies { return policies }}
				seen.Expect(check.try(t.Context()), c.want)
				rows, err := s.rows(context.WithoutCancel(t.Context()), "")
				if err != nil || len(rows) != 0 {
					t.Errorf("%s: %d rows are left, %v", c.name, len(rows), err)
				}
			}
		})
	}
}

// Without policies nothing is admitted, and the check says that it could not tell.
func TestTheExpiryCheckProvesNothingWhereNothingOpens(t *testing.T) {
	s, _ := bare(t, "sqlite:"+filepath.Join(t.TempDir(), "check.db"), clock.System)
	check := expiryCheck{s: s, clock: clock.System, policies: func() *access.Policies { return nil }}
	if e := check.try(t.Context()); e.Verdict != tutela.CouldNotCheck {
		t.Errorf("%s: %s", e.Verdict, e.Observed)
	}
}
