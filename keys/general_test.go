package keys

import (
	"context"
	"testing"
	"time"

	"github.com/tutela-health/tutela"
)

func TestGeneralKeyGetsANextVersionEachDayOnEveryRing(t *testing.T) {
	cfg, _ := newConfig(t)
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	cfg.Clock = func() time.Time { return now }
	one, two := openRing(t, cfg), openRing(t, cfg)
	first := general(t, one)
	sealed := first.Seal(nil, []byte("x"), AAD{})
	wantSameKey(t, first, general(t, two))

	now = now.Add(generalLife)
	second := general(t, one)
	if second.Version() != 2 {
		t.Fatalf("version %d after a day, want 2", second.Version())
	}
	wantSameKey(t, second, general(t, two)) // which had the first one cached
	if got := general(t, two); got.Version() != 2 {
		t.Errorf("version %d when asked again, want 2", got.Version())
	}
	old, err := two.At(context.Background(), tutela.KeyGeneral, 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := old.Open(nil, sealed, AAD{}); err != nil {
		t.Errorf("the first version no longer opens what it sealed: %v", err)
	}
}

func TestPatientKeysDoNotAge(t *testing.T) {
	cfg, _ := newConfig(t)
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	cfg.Clock = func() time.Time { return now }
	r := openRing(t, cfg)
	first := current(t, r, 5)
	now = now.Add(1000 * generalLife)
	wantSameKey(t, first, current(t, r, 5))
}

func general(t *testing.T, r *Ring) *Key {
	t.Helper()
	k, err := r.Current(context.Background(), tutela.KeyGeneral, 0)
	if err != nil {
		t.Fatal(err)
	}
	return k
}
