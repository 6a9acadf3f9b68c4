package shamir

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// TestFieldIsThatOfAES: the examples of FIPS 197 (4.2, 4.2.1), and every law on every element.
func TestFieldIsThatOfAES(t *testing.T) {
	for _, c := range []struct{ a, b, want byte }{{0x57, 0x83, 0xc1}, {0x57, 0x13, 0xfe}, {0x57, 0x02, 0xae}, {0x57, 0x04, 0x47}, {0x57, 0x10, 0x07}} {
		if got := multiply(c.a, c.b); got != c.want {
			t.Errorf("%#x·%#x = %#x, want %#x", c.a, c.b, got, c.want)
		}
	}
	for a := range 256 {
		if a > 0 && multiply(byte(a), inverse(byte(a))) != 1 {
			t.Errorf("%#x has no inverse", a)
		}
		for b := range 256 {
			x, y := byte(a), byte(b)
			if multiply(x, y) != multiply(y, x) || multiply(x, y^1) != multiply(x, y)^x {
				t.Fatalf("%#x and %#x do not follow the laws of a field", a, b)
			}
			if a > 0 && b > 0 && multiply(x, y) == 0 {
				t.Fatalf("%#x·%#x is 0", a, b)
			}
		}
	}
}

func TestAnyMOfNGiveTheSecretBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		secret := rapid.SliceOfN(rapid.Byte(), 1, 64).Draw(t, "secret")
		n := rapid.IntRange(2, 20).Draw(t, "n")
		m := rapid.IntRange(2, n).Draw(t, "m")
		shares, err := Split(secret, m, n)
		if err != nil {
			t.Fatal(err)
		}
		some := rapid.Permutation(shares).Draw(t, "order")[:rapid.IntRange(m, n).Draw(t, "given")]
		got, err := Combine(some)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(secret, got); diff != "" {
			t.Error(diff)
		}
	})
}

// TestFewerSharesFitEverySecret: whatever m−1 holders have, for every secret there is exactly one
// last share that gives it, so that what they have excludes none.
func TestFewerSharesFitEverySecret(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := rapid.IntRange(2, 6).Draw(t, "m")
		shares, err := Split([]byte{rapid.Byte().Draw(t, "secret")}, m, m)
		if err != nil {
			t.Fatal(err)
		}
		seen := map[byte]bool{}
		for last := range 256 {
			guess := append(append([]Share(nil), shares[:m-1]...), Share{Point: shares[m-1].Point, Values: []byte{byte(last)}})
			got, err := Combine(guess)
			if err != nil {
				t.Fatal(err)
			}
			seen[got[0]] = true
		}
		if len(seen) != 256 {
			t.Errorf("%d shares exclude %d of 256 secrets", m-1, 256-len(seen))
		}
	})
}

// TestSharesAreRandom: of one secret twice, each byte of a share is uniform; two splits of 4,096 equal
// bytes share few values.
func TestSharesAreRandom(t *testing.T) {
	secret := bytes.Repeat([]byte{7}, 1<<12)
	shares, err := Split(secret, 2, 2)
	if err != nil {
		t.Fatal(err)
	}
	var counts [256]int
	for _, v := range shares[0].Values {
		counts[v]++
	}
	chi := 0.0 // 255 degrees of freedom: above 400 once in 10⁸ splits
	for _, n := range counts {
		chi += float64((n-16)*(n-16)) / 16
	}
	if chi > 400 {
		t.Errorf("the values of a share are not uniform: χ² = %.0f", chi)
	}
}

func TestWhatCannotBeSplitOrCombined(t *testing.T) {
	for _, c := range []struct{ m, n int }{{0, 0}, {1, 1}, {1, 3}, {3, 2}, {2, 256}, {-1, 3}} {
		if _, err := Split([]byte{1}, c.m, c.n); err == nil {
			t.Errorf("split %d of %d", c.m, c.n)
		}
	}
	if _, err := Split(nil, 2, 3); err == nil {
		t.Error("split an empty secret")
	}
	one, other := Share{1, []byte{1}}, Share{2, []byte{2}}
	for name, list := range map[string][]Share{
		"none": nil, "one": {one}, "twice the same": {one, one}, "at 0": {one, {0, []byte{1}}}, "of other lengths": {one, {2, []byte{1, 2}}},
		"empty": {{1, nil}, {2, nil}}, "the same point": {one, other, {1, []byte{9}}},
	} {
		if _, err := Combine(list); err == nil {
			t.Errorf("combined %s", name)
		}
	}
}
