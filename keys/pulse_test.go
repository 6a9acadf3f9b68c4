package keys

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
)

// moody is a provider that can be taken away.
type moody struct {
	Provider
	down atomic.Bool
}

func (m *moody) Unwrap(ctx context.Context, generation int, wrapped, aad []byte) ([]byte, error) {
	if m.down.Load() {
		return nil, errs.New(errs.Unavailable, "sealed")
	}
	return m.Provider.Unwrap(ctx, generation, wrapped, aad)
}

// moodyRing is a Ring over a moody provider and a clock that tests turn.
func moodyRing(t *testing.T) (*Ring, *moody, *time.Time) {
	t.Helper()
	cfg, _ := newConfig(t)
	m, now := &moody{Provider: cfg.Provider}, noon()
	cfg.Provider, cfg.Clock = m, func() time.Time { return now }
	return openRing(t, cfg), m, &now
}

func opens(t *testing.T, r *Ring) error {
	t.Helper()
	_, err := r.Current(t.Context(), tutela.KeyPatient, 7)
	return err
}

// TestOpenedKeysOutliveTheProviderForABoundedTime, then nothing opens, and everything does by itself
// when the provider is back.
func TestOpenedKeysOutliveTheProviderForABoundedTime(t *testing.T) {
	r, m, now := moodyRing(t)
	k, err := r.Current(t.Context(), tutela.KeyPatient, 7)
	if err != nil {
		t.Fatal(err)
	}
	place := AAD{Tenant: "clinic", Purpose: "test"}
	sealed := k.Seal(nil, []byte("a chart"), place)
	m.down.Store(true)
	*now = now.Add(59 * time.Minute)
	if err := r.Probe(t.Context(), time.Hour); err == nil {
		t.Fatal("the probe says that the provider answers")
	}
	if err := opens(t, r); err != nil {
		t.Fatalf("within the hour: %v", err)
	}
	if h := r.Health(); h.Shut || h.Failed == nil || !h.Answered.Equal(noon()) {
		t.Errorf("health %+v", h)
	}
	*now = now.Add(time.Minute)
	if err := r.Probe(t.Context(), time.Hour); err == nil {
		t.Fatal("the probe says that the provider answers")
	}
	_, secretErr := r.Secret(t.Context(), "any")
	_, _, prepareErr := r.Prepare(t.Context(), tutela.KeyPatient, 8)
	_, atErr := r.At(t.Context(), tutela.KeyPatient, 7, 1)
	for what, err := range map[string]error{"Current": opens(t, r), "Secret": secretErr, "Prepare": prepareErr, "At": atErr} {
		if !errs.Is(err, errs.Unavailable) || errors.Is(err, ErrDestroyed) {
			t.Errorf("%s after the hour: %v, want Unavailable", what, err)
		}
	}
	if len(r.generations) != 0 || len(r.cache.slots) != 0 {
		t.Error("opened keys are still in memory")
	}
	m.down.Store(false)
	if err := r.Probe(t.Context(), time.Hour); err != nil {
		t.Fatal(err)
	}
	if k, err = r.At(t.Context(), tutela.KeyPatient, 7, 1); err != nil {
		t.Fatal(err)
	}
	got, err := k.Open(nil, sealed, place)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("a chart", string(got)); diff != "" {
		t.Error(diff)
	}
	if h := r.Health(); h.Shut || h.Failed != nil || !h.Answered.Equal(*now) {
		t.Errorf("health %+v", h)
	}
}

// TestAStoreThatDoesNotAnswerIsNoOutageOfTheProvider: nothing can be known of it then.
func TestAStoreThatDoesNotAnswerIsNoOutageOfTheProvider(t *testing.T) {
	r, _, now := moodyRing(t)
	*now = now.Add(2 * time.Hour)
	shelf := r.cfg.Shelf
	r.cfg.Shelf = silentShelf{shelf}
	if err := r.Probe(t.Context(), time.Hour); err == nil {
		t.Fatal("probed without a row")
	}
	r.cfg.Shelf = shelf
	if err := opens(t, r); err != nil || r.Health().Failed != nil {
		t.Errorf("%v, health %+v", err, r.Health())
	}
}

type silentShelf struct{ Shelf }

func (silentShelf) WrappedKey(context.Context, tutela.KeyKind, int64, int) (tutela.WrappedKey, error) {
	return tutela.WrappedKey{}, errs.New(errs.Unavailable, "no database")
}

// TestWatchTellsEachChangeOnce: failing, shut, back.
func TestWatchTellsEachChangeOnce(t *testing.T) {
	cfg, _ := newConfig(t)
	synctest.Test(t, func(t *testing.T) {
		m := &moody{Provider: cfg.Provider}
		cfg.Provider, cfg.Clock = m, time.Now
		r, err := Open(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		told := make(chan Health, 10)
		done := make(chan struct{})
		go func() {
			defer close(done)
			r.Watch(ctx, time.Hour, func(h Health) { told <- h })
		}()
		synctest.Wait()
		m.down.Store(true)
		if h := <-told; h.Failed == nil || h.Shut {
			t.Errorf("told %+v first, want that it fails", h)
		}
		began := time.Now()
		if h := <-told; !h.Shut || time.Since(began) > time.Hour {
			t.Errorf("told %+v after %v, want that keys were let go of within the hour", h, time.Since(began))
		}
		m.down.Store(false)
		if h := <-told; h.Shut || h.Failed != nil {
			t.Errorf("told %+v last, want that it is back", h)
		}
		cancel()
		<-done
		if len(told) > 0 {
			t.Errorf("told %+v besides", <-told)
		}
	})
}

// TestKeysNeverPrint: by no verb, in no log, JSON, error or panic.
func TestKeysNeverPrint(t *testing.T) {
	secret := bytes.Repeat([]byte{0xC3}, Size)
	k, err := NewKey(bytes.Clone(secret), 1)
	if err != nil {
		t.Fatal(err)
	}
	mac, err := k.MAC("test")
	if err != nil {
		t.Fatal(err)
	}
	r, _, _ := moodyRing(t)
	r.generations[1] = k
	r.cache.put(name{tutela.KeyPatient, 1, 1}, k)
	holder := struct {
		Key  *Key
		MAC  *MAC
		Ring *Ring
	}{k, mac, r}
	var log bytes.Buffer
	for _, h := range []slog.Handler{slog.NewJSONHandler(&log, nil), slog.NewTextHandler(&log, nil)} {
		slog.New(h).Info("x", "key", k, "mac", mac, "ring", r, "holder", holder)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%o", "%b", "%c", "%U", "%e", "%t"} {
		fmt.Fprintf(&log, strings.Repeat(verb, 4), k, mac, r, holder)
	}
	for _, v := range []any{k, mac, holder.Key} {
		if text, err := json.Marshal(v); err == nil {
			log.Write(text)
		}
	}
	func() {
		defer func() { fmt.Fprint(&log, recover()) }()
		panic(fmt.Sprint(holder, k))
	}()
	roots := k.roots[:4]
	for _, trace := range []string{"c3c3", "C3C3", "195 195", "w8PD", "\xc3\xc3\xc3", fmt.Sprintf("%x", roots), fmt.Sprintf("%X", roots), strings.Trim(fmt.Sprint(roots), "[]")} {
		if strings.Contains(log.String(), trace) {
			t.Errorf("the key shows as %q", trace)
		}
	}
}
