package store_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/testkit"
	"github.com/tutela-health/tutela/store"
)

// Leases that two nodes get, and a holder of before who may still write, are found.
func TestLeasesThatTwoHoldAreFound(t *testing.T) {
	onEachEngineAt(t, func(t *testing.T, db *store.DB, _ *hands) {
		seen := testkit.Sabotage(t, "sustain.one-at-a-time")
		sound := func() tutela.Evidence { return db.Checks()[0].Try(t.Context()) }
		seen.Expect(sound(), tutela.Pass, "another did not get it")

		generous := func(ctx context.Context, name, owner string, ttl time.Duration) (store.Lease, error) {
			return db.Acquire(ctx, name+owner, owner, ttl)
		}
		seen.Expect(store.LeaseCheck(db, generous, nil)(t.Context()), tutela.Fail, "two nodes got the same lease")
		seen.Expect(sound(), tutela.Pass)

		unfenced := func(context.Context, store.Lease) error { return nil }
		seen.Expect(store.LeaseCheck(db, nil, unfenced)(t.Context()), tutela.Fail, "can still write")

		broken := func(context.Context, string, string, time.Duration) (store.Lease, error) {
			return store.Lease{}, errors.New("gone")
		}
		seen.Expect(store.LeaseCheck(db, broken, nil)(t.Context()), tutela.CouldNotCheck, "would prove nothing")
		seen.Expect(sound(), tutela.Pass)
		var left int64
		if _, err := db.QueryRow(t.Context(), "SELECT COUNT(*) FROM leases WHERE name LIKE 'tutela-assess-%' AND name NOT LIKE '%first' AND name NOT LIKE '%second'", nil, &left); err != nil || left != 0 {
			t.Errorf("%d leases are left, %v", left, err)
		}
	})
}

func TestRoomIsThatOfTheFileSystem(t *testing.T) {
	free, of, err := store.Room(t.TempDir())
	if err != nil || free <= 0 || of < free {
		t.Errorf("%d of %d, %v", free, of, err)
	}
	if _, _, err := store.Room("/nowhere/at/all"); err == nil {
		t.Error("a folder that is not there has room")
	}
}
