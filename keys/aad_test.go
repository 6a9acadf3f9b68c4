package keys

import (
	"bytes"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tutela-health/tutela"
)

// place is an AAD and the version of the key that sealed.
type place struct {
	AAD
	key int
}

func drawPlace(t *rapid.T, label string) place {
	short := rapid.SliceOfN(rapid.SampledFrom([]byte{0, 1, 2, 'a'}), 0, 4) // collisions are likely if any exist
	return place{
		AAD: AAD{
			Tenant:  tutela.Tenant(short.Draw(t, label+" tenant")),
			Purpose: string(short.Draw(t, label+" purpose")),
			Subject: short.Draw(t, label+" subject"),
			ID:      rapid.Int64Range(0, 2).Draw(t, label+" id"),
			Version: rapid.Int64Range(0, 2).Draw(t, label+" version"),
		},
		key: rapid.IntRange(0, 2).Draw(t, label+" key"),
	}
}

// shortStrings are all strings of up to two letters of an alphabet in which length
// prefixes and text look alike.
func shortStrings() []string {
	all, letters := []string{""}, []string{"\x00", "\x01", "a"}
	for _, a := range letters {
		all = append(all, a)
		for _, b := range letters {
			all = append(all, a+b)
		}
	}
	return all
}

func TestNoTwoPlacesShareAnEncoding(t *testing.T) {
	seen := make(map[string]bool)
	places := 0
	for _, tenant := range shortStrings() {
		for _, purpose := range shortStrings() {
			for _, subject := range shortStrings() {
				for n := range int64(8) {
					a := AAD{tutela.Tenant(tenant), purpose, []byte(subject), n & 1, n >> 1 & 1}
					seen[string(a.encode(nil, int(n>>2)))] = true
					places++
				}
			}
		}
	}
	if len(seen) != places {
		t.Errorf("%d encodings of %d places", len(seen), places)
	}
}

func (p place) equal(q place) bool {
	return p.Tenant == q.Tenant && p.Purpose == q.Purpose && bytes.Equal(p.Subject, q.Subject) &&
		p.ID == q.ID && p.Version == q.Version && p.key == q.key
}

func FuzzEncodingIsInjective(f *testing.F) {
	f.Add("a", "b", []byte("c"), int64(1), "ab", "", []byte("c"), int64(1))
	f.Add("", "a", []byte{}, int64(-1), "a", "", []byte{}, int64(-1))
	f.Fuzz(func(t *testing.T, t1, p1 string, s1 []byte, n1 int64, t2, p2 string, s2 []byte, n2 int64) {
		a := place{AAD{tutela.Tenant(t1), p1, s1, n1, n1}, int(n1)}
		b := place{AAD{tutela.Tenant(t2), p2, s2, n2, n2}, int(n2)}
		if bytes.Equal(a.encode(nil, a.key), b.encode(nil, b.key)) != a.equal(b) {
			t.Errorf("%+v and %+v", a, b)
		}
	})
}

// TestEncodingIsFixed pins the bytes: a change would lock every record out for ever.
func TestEncodingIsFixed(t *testing.T) {
	a := AAD{Tenant: "clinic", Purpose: "record", Subject: Subject64(-2), ID: 3, Version: 4}
	want := "\x06clinic\x06record\x08\xff\xff\xff\xff\xff\xff\xff\xfe" +
		"\x00\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x00\x00\x00\x00\x04\x00\x00\x00\x00\x00\x00\x00\x05"
	if diff := cmp.Diff([]byte("x"+want), a.encode([]byte("x"), 5)); diff != "" {
		t.Error(diff)
	}
}

func TestMovedCiphertextDoesNotOpen(t *testing.T) {
	home := AAD{Tenant: "clinic-a", Purpose: "record", Subject: Subject64(17), ID: 99, Version: 3}
	secret := random(Size)
	sealed := testKey(t, secret, 1).Seal(nil, []byte("chart"), home)
	for _, c := range []struct {
		name string
		move func(*AAD)
		key  int
	}{
		{"another tenant", func(a *AAD) { a.Tenant = "clinic-b" }, 1},
		{"no tenant", func(a *AAD) { a.Tenant = "" }, 1},
		{"another purpose", func(a *AAD) { a.Purpose = "ledger" }, 1},
		{"another patient", func(a *AAD) { a.Subject = Subject64(18) }, 1},
		{"no patient", func(a *AAD) { a.Subject = nil }, 1},
		{"another resource", func(a *AAD) { a.ID = 98 }, 1},
		{"an older version", func(a *AAD) { a.Version = 2 }, 1},
		{"id and version swapped", func(a *AAD) { a.ID, a.Version = a.Version, a.ID }, 1},
		{"tenant and purpose shifted", func(a *AAD) { a.Tenant, a.Purpose = "clinic-arecord", "" }, 1},
		{"another key version", func(*AAD) {}, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			moved := home
			c.move(&moved)
			got, err := testKey(t, secret, c.key).Open(nil, sealed, moved)
			if !errors.Is(err, ErrSealed) || got != nil {
				t.Errorf("opened: %v", err)
			}
		})
	}
	if _, err := testKey(t, secret, 1).Open(nil, sealed, home); err != nil {
		t.Errorf("at home: %v", err)
	}
}

func TestCiphertextOpensInItsPlaceAlone(t *testing.T) {
	secret := random(Size)
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawPlace(t, "a"), drawPlace(t, "b")
		plain := rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "plain")
		sealed := testKey(t, secret, a.key).Seal(nil, plain, a.AAD)
		got, err := testKey(t, secret, b.key).Open(nil, sealed, b.AAD)
		if a.equal(b) != (err == nil) {
			t.Fatalf("same place: %v, error: %v", a.equal(b), err)
		}
		if err == nil && !bytes.Equal(plain, got) {
			t.Fatalf("opened to other bytes")
		}
	})
}
