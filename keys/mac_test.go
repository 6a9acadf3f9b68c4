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

func TestNoTwoListsShareAMAC(t *testing.T) {
	m := NewMAC(random(Size))
	seen, lists := make(map[string]bool), 0
	add := func(parts ...[]byte) {
		seen[string(m.Sum(nil, parts...))] = true
		lists++
	}
	add()
	for _, a := range shortStrings() {
		add([]byte(a))
		for _, b := range shortStrings() {
			add([]byte(a), []byte(b))
			for _, c := range shortStrings() {
				add([]byte(a), []byte(b), []byte(c))
			}
		}
	}
	if len(seen) != lists {
		t.Errorf("%d MACs of %d lists", len(seen), lists)
	}
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
