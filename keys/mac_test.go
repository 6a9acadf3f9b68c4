package keys

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestMACIsHMACOfLengthPrefixedParts(t *testing.T) {
	secret := bytes.Repeat([]byte{0x0b}, 20)
	h := hmac.New(sha256.New, secret)
	h.Write([]byte("\x02Hi\x00\x05There"))
	want := h.Sum([]byte("x"))
	got := NewMAC(bytes.Clone(secret)).Sum([]byte("x"), []byte("Hi"), nil, []byte("There"))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestSum64IsTheHeadOfSum(t *testing.T) {
	m := NewMAC(random(Size))
	for i := range 100 {
		part := fmt.Append(nil, i)
		if want := int64(binary.BigEndian.Uint64(m.Sum(nil, part))); m.Sum64(part) != want {
			t.Fatalf("Sum64 differs from the first 64 bits of Sum")
		}
	}
}

func TestMACsOfTwoListsAreEqualOnlyWhenTheListsAre(t *testing.T) {
	m := NewMAC(random(Size))
	parts := rapid.SliceOfN(rapid.SliceOfN(rapid.SampledFrom([]byte{0, 1, 'a'}), 0, 3), 0, 3)
	rapid.Check(t, func(t *rapid.T) {
		a, b := parts.Draw(t, "a"), parts.Draw(t, "b")
		same := fmt.Sprintf("%q", a) == fmt.Sprintf("%q", b)
		if equal := bytes.Equal(m.Sum(nil, a...), m.Sum(nil, b...)); equal != same {
			t.Fatalf("lists equal: %v, MACs equal: %v", same, equal)
		}
	})
}

func TestMACsOfTwoKeysDiffer(t *testing.T) {
	if NewMAC(random(Size)).Sum64([]byte("a")) == NewMAC(random(Size)).Sum64([]byte("a")) {
		t.Error("two keys give one MAC")
	}
}

func TestNewMACZeroesItsSecret(t *testing.T) {
	secret := random(Size)
	NewMAC(secret)
	if !bytes.Equal(secret, make([]byte, Size)) {
		t.Error("the secret is still there")
	}
}

func TestMACIsSafeForConcurrentUse(t *testing.T) {
	m := NewMAC(random(Size))
	want := m.Sum64([]byte("part"), []byte("of many"))
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 500 {
				if m.Sum64([]byte("part"), []byte("of many")) != want {
					t.Error("a concurrent MAC differs")
					return
				}
			}
		})
	}
	wg.Wait()
}

func TestMACDoesNotPrintItsSecret(t *testing.T) {
	secret := random(Size)
	m := NewMAC(bytes.Clone(secret))
	m.Sum64(nil)
	printed := fmt.Sprintf("%v %+v %#v", m, m, m) + marshalled(t, m)
	if strings.Contains(printed, hex.EncodeToString(secret[:4])) || strings.Contains(printed, fmt.Sprint(secret[:4])) {
		t.Error("the secret prints")
	}
}
