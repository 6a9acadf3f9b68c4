package escrow_test

import (
	"bytes"
	"crypto/ecdh"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/clock"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/internal/rig"
	"github.com/tutela-health/tutela/keys"
	"github.com/tutela-health/tutela/keys/escrow"
)

func noon() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC) }

func threeHolders() []escrow.Holder {
	return []escrow.Holder{{Name: "ann"}, {Name: "bob"}, {Name: "cleo"}}
}

func keyring() []byte { return bytes.Repeat([]byte{0xA5}, keys.Size) }

// split gives a set of three holders of whom two are needed, their shares and a wrap of generation 3.
func split(t *testing.T, holders ...escrow.Holder) (shares [][]byte, wrap []byte) {
	t.Helper()
	if len(holders) == 0 {
		holders = threeHolders()
	}
	set, shares, err := escrow.Split("clinic", holders, 2, noon())
	if err != nil {
		t.Fatal(err)
	}
	if wrap, err = set.Wrap(3, keyring(), noon()); err != nil {
		t.Fatal(err)
	}
	return shares, wrap
}

// TestTheHostIsDestroyed: what is left is the database and what the holders have. Two of three open the
// keyring, and through it everything; one does not.
func TestTheHostIsDestroyed(t *testing.T) {
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		secret, generation, err := r.Ring.KeyringKey(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		set, shares, err := escrow.Split(r.Ring.Tenant(), threeHolders(), 2, noon())
		if err != nil {
			t.Fatal(err)
		}
		wrap, err := set.Wrap(generation, secret, noon())
		if err != nil {
			t.Fatal(err)
		}
		general, err := r.Ring.Current(t.Context(), tutela.KeyGeneral, 0)
		if err != nil {
			t.Fatal(err)
		}
		place := keys.AAD{Tenant: r.Ring.Tenant(), Purpose: "test"}
		sealed := general.Seal(nil, []byte("a chart"), place)

		if _, err := escrow.Open(shares[:1], wrap); !errs.Is(err, errs.Precondition) {
			t.Errorf("one share of two: %v", err)
		}
		opened, err := escrow.Open(shares[1:], wrap)
		if err != nil {
			t.Fatal(err)
		}
		defer opened.Close()
		ring, err := keys.Open(t.Context(), keys.Config{Tenant: r.Ring.Tenant(), Shelf: r.DB, Provider: opened.Provider(), Clock: clock.System, Complete: true})
		if err != nil {
			t.Fatal(err)
		}
		defer ring.Close()
		k, err := ring.At(t.Context(), tutela.KeyGeneral, 0, general.Version())
		if err != nil {
			t.Fatal(err)
		}
		got, err := k.Open(nil, sealed, place)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff("a chart", string(got)); diff != "" {
			t.Error(diff)
		}
		wantProved(t, r.Ring, opened)
	})
}

// wantProved holds a drill's proof to the living keyring, and to no other challenge.
func wantProved(t *testing.T, ring *keys.Ring, opened *escrow.Opened) {
	t.Helper()
	proof, err := opened.Prove([]byte("challenge"))
	if err != nil {
		t.Fatal(err)
	}
	want, err := escrow.Answer(t.Context(), ring, opened.About().Generation, []byte("challenge"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, proof); diff != "" {
		t.Error(diff)
	}
	other, err := opened.Prove([]byte("another"))
	if err != nil || bytes.Equal(other, proof) {
		t.Errorf("one proof answers every challenge (%v)", err)
	}
	if _, err := escrow.Answer(t.Context(), ring, opened.About().Generation+1, []byte("challenge")); err == nil {
		t.Error("answered for a generation that is not there")
	}
}

func TestAnyTwoOfThreeOpen(t *testing.T) {
	shares, wrap := split(t)
	for _, pick := range [][]int{{0, 1}, {0, 2}, {1, 2}, {2, 0}, {0, 1, 2}, {1, 1, 2}} {
		var some [][]byte
		for _, i := range pick {
			some = append(some, shares[i])
		}
		wantKeyring(t, some, wrap)
	}
	for _, pick := range [][]int{{}, {0}, {1, 1}, {2, 2, 2}} {
		var some [][]byte
		for _, i := range pick {
			some = append(some, shares[i])
		}
		if _, err := escrow.Open(some, wrap); !errs.Is(err, errs.Precondition) {
			t.Errorf("shares %v: %v", pick, err)
		}
	}
}

// wantKeyring opens a wrap and compares what is in it by a proof.
func wantKeyring(t *testing.T, shares [][]byte, wrap []byte, private ...*ecdh.PrivateKey) {
	t.Helper()
	o, err := escrow.Open(shares, wrap, private...)
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	got, err := o.Provider().Unwrap(t.Context(), 3, nil, keys.KeyringPlace("clinic", 3))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(keyring(), got); diff != "" {
		t.Error(diff)
	}
}

// TestAnAlteredShareIsNamed changes each part of what bob's file says.
func TestAnAlteredShareIsNamed(t *testing.T) {
	shares, wrap := split(t)
	for part, value := range map[string]any{
		"point": 3, "threshold": 1, "holders": 2, "tenant": "other", "holder": "bobby", "made": noon().Add(time.Second),
		"share": bytes.Repeat([]byte{1}, 32), "signature": []byte{1}, "verifier": []byte{4},
	} {
		_, err := escrow.Open([][]byte{shares[0], altered(t, shares[1], part, value), shares[2]}, wrap)
		if !errs.Is(err, errs.Invalid) || !strings.Contains(errs.Public(err), `share 2: the share of "bob`) {
			t.Errorf("%s: %v, want that bob's share was altered", part, err)
		}
	}
	for name, text := range map[string][]byte{"empty": nil, "a wrap": wrap, "cut": shares[1][:100], "with more": altered(t, shares[1], "more", 1)} {
		if _, err := escrow.Open([][]byte{shares[0], text, shares[2]}, wrap); !errs.Is(err, errs.Invalid) || !strings.Contains(errs.Public(err), "share 2") {
			t.Errorf("%s: %v, want share 2 named", name, err)
		}
	}
}

// TestEveryBitOfAShareCounts: a share with one bit changed is refused, or says the same as before.
func TestEveryBitOfAShareCounts(t *testing.T) {
	shares, wrap := split(t)
	for i := range shares[1] {
		changed := bytes.Clone(shares[1])
		changed[i] ^= 1 << (i % 8)
		if o, err := escrow.Open([][]byte{shares[0], changed}, wrap); err == nil {
			got, err := o.Provider().Unwrap(t.Context(), 3, nil, keys.KeyringPlace("clinic", 3))
			if err != nil || !bytes.Equal(got, keyring()) {
				t.Fatalf("byte %d: opened another key (%v)", i, err)
			}
		}
	}
}

// TestAnAlteredWrapDoesNotOpen, nor one that says that it is of another generation or tenant.
func TestAnAlteredWrapDoesNotOpen(t *testing.T) {
	shares, wrap := split(t)
	for part, value := range map[string]any{
		"generation": 4, "tenant": "other", "made": noon().Add(time.Second), "set": "another", "recovery": []byte{4}, "verifier": []byte{4},
		"sealed": bytes.Repeat([]byte{4}, 125), "tutela": "x",
	} {
		if _, err := escrow.Open(shares, altered(t, wrap, part, value)); !errs.Is(err, errs.Invalid) {
			t.Errorf("%s: %v", part, err)
		}
	}
	if _, other := split(t); true {
		if _, err := escrow.Open(shares, other); !errs.Is(err, errs.Invalid) || !strings.Contains(errs.Public(err), "another split") {
			t.Errorf("another split's wrap: %v", err)
		}
	}
}

// altered changes one member of a JSON file.
func altered(t *testing.T, text []byte, member string, value any) []byte {
	t.Helper()
	var m map[string]any
	err := json.Unmarshal(text, &m)
	m[member] = value
	changed, encodeErr := json.Marshal(m)
	if err := errors.Join(err, encodeErr); err != nil {
		t.Fatal(err)
	}
	return changed
}

// TestASealedShareNeedsItsHoldersKey: who finds the files of all holders has nothing.
func TestASealedShareNeedsItsHoldersKey(t *testing.T) {
	var holders []escrow.Holder
	var private []*ecdh.PrivateKey
	for _, name := range []string{"ann", "bob", "cleo"} {
		secret, public, err := escrow.NewHolderKey()
		if err != nil {
			t.Fatal(err)
		}
		point, err := escrow.HolderPublic(public)
		if err != nil {
			t.Fatal(err)
		}
		key, err := escrow.HolderPrivate(secret)
		if err != nil {
			t.Fatal(err)
		}
		holders, private = append(holders, escrow.Holder{Name: name, Key: point}), append(private, key)
	}
	shares, wrap := split(t, holders...)
	for _, have := range [][]*ecdh.PrivateKey{nil, private[:1], private[2:]} {
		if _, err := escrow.Open(shares[:2], wrap, have...); !errs.Is(err, errs.Precondition) {
			t.Errorf("%d keys: %v", len(have), err)
		}
	}
	wantKeyring(t, shares[:2], wrap, private[:2]...)
	wantKeyring(t, shares[1:], wrap, private[2], private[0], private[1])
	if _, err := escrow.Open([][]byte{shares[0], altered(t, shares[1], "sealed", []byte("x"))}, wrap, private...); !errs.Is(err, errs.Invalid) {
		t.Errorf("an altered sealed share: %v", err)
	}
}

func TestWhatCannotBeSplit(t *testing.T) {
	point := func() []byte {
		_, public, err := escrow.NewHolderKey()
		if err != nil {
			t.Fatal(err)
		}
		p, err := escrow.HolderPublic(public)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}()
	many := make([]escrow.Holder, escrow.MostHolders+1)
	for i := range many {
		many[i].Name = fmt.Sprint("h", i)
	}
	for name, c := range map[string]struct {
		holders   []escrow.Holder
		threshold int
	}{
		"none":           {nil, 2},
		"one is enough":  {threeHolders(), 1},
		"more than all":  {threeHolders(), 4},
		"too many":       {many, 2},
		"twice":          {[]escrow.Holder{{Name: "ann"}, {Name: "ann"}}, 2},
		"no name":        {[]escrow.Holder{{Name: "ann"}, {Name: ""}}, 2},
		"a path":         {[]escrow.Holder{{Name: "ann"}, {Name: "../bob"}}, 2},
		"no key":         {[]escrow.Holder{{Name: "ann"}, {Name: "bob", Key: []byte("x")}}, 2},
		"one key of two": {[]escrow.Holder{{Name: "ann", Key: point}, {Name: "bob", Key: point}}, 2},
	} {
		if _, _, err := escrow.Split("clinic", c.holders, c.threshold, noon()); !errs.Is(err, errs.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestTheOpenedKeyDoesNotPrint by any verb, nor in a log.
func TestTheOpenedKeyDoesNotPrint(t *testing.T) {
	shares, wrap := split(t)
	o, err := escrow.Open(shares, wrap)
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("opened", "it", o, "through", o.Provider())
	encoded, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	said := log.String() + string(encoded) + fmt.Sprintf("%v %+v %#v %s %x %q %d", o, o, o, o, o, o, o) + fmt.Sprintf("%v %+v %#v %x", o.Provider(), o.Provider(), o.Provider(), o.Provider())
	for _, trace := range []string{"a5a5", "165 165", "0xa5", "\xa5\xa5", "paWl", `\xa5`} {
		if strings.Contains(said, trace) {
			t.Errorf("the key shows as %s in %s", trace, said)
		}
	}
}

// TestTheRecoveryProviderOnlyOpens its own generation, of its own tenant.
func TestTheRecoveryProviderOnlyOpens(t *testing.T) {
	shares, wrap := split(t)
	o, err := escrow.Open(shares, wrap)
	if err != nil {
		t.Fatal(err)
	}
	p := o.Provider()
	_, wrapErr := p.Wrap(t.Context(), 3, keyring(), nil)
	for what, err := range map[string]error{"Create": p.Create(t.Context(), 4), "Wrap": wrapErr, "Destroy": p.Destroy(t.Context(), 3)} {
		if !errs.Is(err, errs.Unsupported) {
			t.Errorf("%s: %v", what, err)
		}
	}
	for _, c := range []struct {
		generation int
		aad        []byte
	}{{4, keys.KeyringPlace("clinic", 4)}, {3, keys.KeyringPlace("other", 3)}, {3, keys.KeyringPlace("clinic", 4)}, {3, nil}} {
		if _, err := p.Unwrap(t.Context(), c.generation, nil, c.aad); !errs.Is(err, errs.NotFound) {
			t.Errorf("generation %d: %v", c.generation, err)
		}
	}
	list, err := p.Generations(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]int{3}, list); diff != "" || p.Name() != "recovery" {
		t.Error(diff, p.Name())
	}
}

func TestKeysOfHoldersThatAreNone(t *testing.T) {
	for _, text := range []string{"", "x", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"} {
		if _, err := escrow.HolderPublic([]byte(text)); !errs.Is(err, errs.Invalid) {
			t.Errorf("public %q: %v", text, err)
		}
		if _, err := escrow.HolderPrivate([]byte(text)); !errs.Is(err, errs.Invalid) {
			t.Errorf("private %q: %v", text, err)
		}
	}
}

func FuzzOpen(f *testing.F) {
	set, shares, err := escrow.Split("clinic", threeHolders(), 2, noon())
	if err != nil {
		f.Fatal(err)
	}
	wrap, err := set.Wrap(1, keyring(), noon())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(shares[0], shares[1], wrap)
	f.Add([]byte("{}"), []byte("null"), []byte(`{"tutela":"recovery-wrap-v1"}`))
	f.Fuzz(func(t *testing.T, a, b, w []byte) {
		o, err := escrow.Open([][]byte{a, b}, w)
		if err != nil {
			return
		}
		got, err := o.Provider().Unwrap(t.Context(), o.About().Generation, nil, keys.KeyringPlace(o.About().Tenant, o.About().Generation))
		if err != nil || !bytes.Equal(got, keyring()) {
			t.Errorf("opened what nobody made (%v)", err)
		}
	})
}
