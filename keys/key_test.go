package keys

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela/internal/errs"
)

// testing.T and rapid.T.
type fataler interface {
	Helper()
	Fatal(args ...any)
}

// testKey makes a Key of a copy of secret.
func testKey(t fataler, secret []byte, version int) *Key {
	t.Helper()
	k, err := NewKey(bytes.Clone(secret), version)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestKeyOpensWhatItSealed(t *testing.T) {
	k := testKey(t, random(Size), 1)
	for _, plain := range [][]byte{{}, []byte("a"), bytes.Repeat([]byte("chart "), 10_000)} {
		sealed := k.Seal([]byte("before"), plain, AAD{Purpose: "record"})
		if want := len("before") + len(plain) + Overhead; len(sealed) != want {
			t.Errorf("sealed to %d bytes, want %d", len(sealed), want)
		}
		got, err := k.Open([]byte("after"), sealed[len("before"):], AAD{Purpose: "record"})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff("after"+string(plain), string(got)); diff != "" {
			t.Error(diff)
		}
	}
}

func TestAlteredCiphertextDoesNotOpen(t *testing.T) {
	k := testKey(t, random(Size), 1)
	sealed := k.Seal(nil, []byte("a chart"), AAD{})
	for i := range 8 * len(sealed) {
		altered := bytes.Clone(sealed)
		altered[i/8] ^= 1 << (i % 8)
		if _, err := k.Open(nil, altered, AAD{}); !errors.Is(err, ErrSealed) {
			t.Fatalf("bit %d altered: %v", i, err)
		}
	}
	for n := range sealed {
		if _, err := k.Open(nil, sealed[:n], AAD{}); !errors.Is(err, ErrSealed) {
			t.Fatalf("%d bytes of %d: %v", n, len(sealed), err)
		}
	}
}

func TestNoncesDoNotRepeat(t *testing.T) {
	k := testKey(t, random(Size), 1)
	seen := make(map[string]bool)
	for range 1000 {
		seen[string(k.Seal(nil, nil, AAD{})[:12])] = true
	}
	if len(seen) != 1000 {
		t.Errorf("%d nonces in 1000 seals", len(seen))
	}
}

func TestErrSealedTellsTheCallerNothing(t *testing.T) {
	_, err := testKey(t, random(Size), 1).Open(nil, nil, AAD{Tenant: "clinic", Purpose: "record"})
	if got := errs.Public(err); got != "internal error" {
		t.Errorf("public text %q", got)
	}
}

func TestNewKeyTakesThirtyTwoBytesAndZeroesThem(t *testing.T) {
	for _, n := range []int{0, 16, 31, 32, 33} {
		secret := random(n)
		if _, err := NewKey(secret, 1); (err == nil) != (n == Size) {
			t.Errorf("%d bytes: %v", n, err)
		}
		if !bytes.Equal(secret, make([]byte, n)) {
			t.Errorf("%d bytes were not zeroed", n)
		}
	}
}

func TestKeyKnowsItsVersion(t *testing.T) {
	if got := testKey(t, random(Size), 7).Version(); got != 7 {
		t.Errorf("version %d, want 7", got)
	}
}

func TestKeyNeverPrints(t *testing.T) {
	type holder struct {
		Key    *Key
		hidden *Key
	}
	secret := bytes.Repeat([]byte{0xAB, 0xCD}, Size/2)
	k := testKey(t, secret, 1)
	h := holder{k, k}
	var printed strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%p", "%t", "%08b"} {
		for _, v := range []any{k, h, &h, []*Key{k}, map[string]*Key{"k": k}} {
			printed.WriteString(fmt.Sprintf(verb, v) + "\n")
		}
		if got := fmt.Sprintf(verb, k); verb != "%p" && got != "redacted" {
			t.Errorf("%s prints %q", verb, got)
		}
	}
	printed.WriteString(logged(k, h))
	printed.WriteString(marshalled(t, k, h))
	wantNoTrace(t, printed.String(), secret, k)
}

// logged is what both handlers of slog make of the values.
func logged(values ...any) string {
	var out bytes.Buffer
	for _, h := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		for _, v := range values {
			slog.New(h).Info("m", "v", v)
		}
	}
	return out.String()
}

func marshalled(t *testing.T, values ...any) string {
	t.Helper()
	b, err := json.Marshal(values)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// wantNoTrace looks for any four bytes of the secret or of its schedule in the forms that
// printing gives bytes.
func wantNoTrace(t *testing.T, printed string, secret []byte, k *Key) {
	t.Helper()
	for _, material := range [][]byte{secret, schedule(k.aead)[:240]} {
		for i := 0; i+4 <= len(material); i += 4 {
			four := material[i : i+4]
			if bytes.Equal(four, make([]byte, 4)) {
				continue
			}
			for _, form := range []string{string(four), fmt.Sprintf("%x", four), fmt.Sprintf("%X", four), fmt.Sprint(four)} {
				if strings.Contains(printed, strings.Trim(form, "[]")) {
					t.Fatalf("key material prints")
				}
			}
		}
	}
}

func TestLogsSayRedacted(t *testing.T) {
	got := logged(testKey(t, random(Size), 1))
	if strings.Count(got, "redacted") != 2 {
		t.Errorf("logged %s", got)
	}
}

// schedule is the memory in which an AEAD holds its key.
func schedule(aead cipher.AEAD) []byte {
	p := reflect.ValueOf(aead).Field(0)
	return unsafe.Slice((*byte)(p.UnsafePointer()), p.Type().Elem().Size())
}

// TestWipe holds the one assumption about the standard library's insides: that an AEAD with
// random nonces is a struct around one pointer to all of its key material.
func TestWipe(t *testing.T) {
	secret := random(Size)
	k := testKey(t, secret, 1)
	memory := schedule(k.aead)
	if !bytes.Contains(memory, secret[:16]) {
		t.Fatal("the AEAD's memory does not hold the key where wipe looks for it")
	}
	wipe(k.aead)
	if !bytes.Equal(memory, make([]byte, len(memory))) {
		t.Error("wipe left key material")
	}
	runtime.KeepAlive(k)
}

// TestNewKeyLeavesNoSecondSchedule holds that the block which the AEAD is built from is
// copied, so that zeroing it is both needed and harmless.
func TestNewKeyLeavesNoSecondSchedule(t *testing.T) {
	secret := random(Size)
	block, err := aes.NewCipher(secret)
	if err != nil {
		t.Fatal(err)
	}
	v := reflect.ValueOf(block)
	memory := unsafe.Slice((*byte)(v.UnsafePointer()), v.Type().Elem().Size())
	if !bytes.Contains(memory, secret[:16]) {
		t.Fatal("the block's memory does not hold the key where zero looks for it")
	}
	zero(v)
	if !bytes.Equal(memory, make([]byte, len(memory))) {
		t.Error("zero left key material")
	}
}

func TestWipeLeavesOtherAEADsAlone(t *testing.T) {
	wipe(nil)
	zero(reflect.ValueOf((*int)(nil)))
	zero(reflect.ValueOf(1))
}

func TestKeyIsWipedWhenNobodyHoldsIt(t *testing.T) {
	memory := schedule(testKey(t, random(Size), 1).aead)
	wantWiped(t, memory)
}

func TestEvictedKeyIsWiped(t *testing.T) {
	c := newCache(1)
	memory := func() []byte {
		k := testKey(t, random(Size), 1)
		c.put(name{id: 1}, k)
		return schedule(k.aead)
	}()
	runtime.GC()
	if bytes.Equal(memory, make([]byte, len(memory))) {
		t.Fatal("a cached key was wiped")
	}
	c.put(name{id: 2}, testKey(t, random(Size), 1))
	wantWiped(t, memory)
	runtime.KeepAlive(c)
}

// wantWiped collects garbage until memory is zero.
func wantWiped(t *testing.T, memory []byte) {
	t.Helper()
	for range 1000 {
		runtime.GC()
		runtime.Gosched()
		if bytes.Equal(memory, make([]byte, len(memory))) {
			return
		}
	}
	t.Error("the key's memory was not zeroed")
}

// TestKeyIsNotWipedWhileItSeals: the last use of a Key is often a Seal or Open, and the
// collector may run during it.
func TestKeyIsNotWipedWhileItSeals(t *testing.T) {
	stop, plain, secret := make(chan struct{}), make([]byte, 4<<20), random(Size)
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				runtime.GC()
			}
		}
	})
	twin := testKey(t, secret, 1)
	var sealed []byte
	for range 30 {
		sealed = testKey(t, secret, 1).Seal(sealed[:0], plain, AAD{})
		if _, err := twin.Open(nil, sealed, AAD{}); err != nil {
			t.Error("sealed under a key that was wiped meanwhile")
			break
		}
		if _, err := testKey(t, secret, 1).Open(nil, sealed, AAD{}); err != nil {
			t.Error("opened under a key that was wiped meanwhile")
			break
		}
	}
	close(stop)
	wg.Wait()
}

func TestNewSecretsAreKeysAndDiffer(t *testing.T) {
	a, b := NewSecret(), NewSecret()
	if len(a) != Size || bytes.Equal(a, b) {
		t.Errorf("%d bytes, want %d that differ", len(a), Size)
	}
}

// A MAC is of one key and one purpose, and the same after the key was opened again.
func TestDerivedMACsAreOfKeyAndPurpose(t *testing.T) {
	t.Parallel()
	sum := func(fill byte, version int, purpose string) int64 {
		m, err := testKey(t, bytes.Repeat([]byte{fill}, Size), version).MAC(purpose)
		if err != nil {
			t.Fatal(err)
		}
		return m.Sum64([]byte("value"))
	}
	want := sum(1, 1, "a")
	if got := sum(1, 2, "a"); got != want {
		t.Error("the same key gives another MAC")
	}
	for name, got := range map[string]int64{"another key": sum(2, 1, "a"), "another purpose": sum(1, 1, "b"), "the key itself": NewMAC(bytes.Repeat([]byte{1}, Size)).Sum64([]byte("value"))} {
		if got == want {
			t.Errorf("%s gives the same MAC", name)
		}
	}
}
