package records_test

import (
	"context"
	"testing"
	"time"

	"github.com/tutela-health/tutela/internal/clock"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/internal/testkit"
	"github.com/tutela-health/tutela/records"
	"github.com/tutela-health/tutela/store"
)

// TestReadsGoOnAfterTheDatabaseWasSilent has a network swallow the statements that reads share. Their
// callers leave, and whoever comes later must be answered, though what was sent never is.
func TestReadsGoOnAfterTheDatabaseWasSilent(t *testing.T) {
	t.Parallel()
	open := func(url string) *store.DB {
		db, err := store.Open(t.Context(), store.Config{URL: url, Reserve: -1, MinFree: -1, Clock: clock.System})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		return db
	}
	url := testkit.Postgres(t)
	if err := open(url).Migrate(t.Context(), records.Migrations()); err != nil {
		t.Fatal(err)
	}
	relay, through := testkit.RelayPostgres(t, url)
	read := records.GatheredRead(open(through))
	if _, err := read(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	relay.Hold()
	failed := make(chan error)
	for range 4 {
		go func() {
			_, err := read(t.Context(), 1)
			failed <- err
		}()
	}
	for range 4 {
		select {
		case err := <-failed:
			if !errs.Is(err, errs.Unavailable) {
				t.Errorf("while nobody answers: %v", err)
			}
		case <-time.After(time.Minute):
			t.Fatal("a read still waits for a database that does not answer")
		}
	}
	relay.Lose()
	relay.Mend()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		found, err := read(ctx, 1)
		if err == nil && !found {
			return
		}
		if ctx.Err() != nil {
			t.Fatalf("found %v, %v: reads did not come back", found, err)
		}
	}
}
