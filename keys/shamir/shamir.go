package shamir

import (
	"crypto/rand"
	"fmt"
)

// Most is the most shares of a secret: the field's points but 0, which is the secret's.
const Most = 255

// Share is one point of each byte's polynomial.
type Share struct {
	Point  byte // 1 to Most, different for each share
	Values []byte
}

// Split gives n shares of secret, of which m are needed: 2 ≤ m ≤ n ≤ Most.
func Split(secret []byte, m, n int) ([]Share, error) {
	if m < 2 || n < m || n > Most {
		return nil, fmt.Errorf("split into %d shares of which %d are needed: at least 2 are, and there are at most %d", n, m, Most)
	}
	if len(secret) == 0 {
		return nil, fmt.Errorf("split an empty secret")
	}
	shares := make([]Share, n)
	for i := range shares {
		shares[i] = Share{Point: byte(i + 1), Values: make([]byte, len(secret))}
	}
	coefficients := make([]byte, m)
	defer clear(coefficients)
	for b, value := range secret {
		_, _ = rand.Read(coefficients[1:]) // never fails: it ends the process instead
		coefficients[0] = value
		for i := range shares {
			shares[i].Values[b] = evaluate(coefficients, shares[i].Point)
		}
	}
	return shares, nil
}

// Combine gives the secret of at least as many shares as were needed (Lagrange's interpolation at 0).
// What fewer give looks like a secret, and is none.
func Combine(shares []Share) ([]byte, error) {
	if err := check(shares); err != nil {
		return nil, err
	}
	secret := make([]byte, len(shares[0].Values))
	for i, s := range shares {
		weight := basis(shares, i)
		for b, value := range s.Values {
			secret[b] ^= multiply(value, weight)
		}
	}
	return secret, nil
}

// check looks at what is no secret: points and lengths.
func check(shares []Share) error {
	if len(shares) < 2 {
		return fmt.Errorf("combine %d shares: at least 2 are needed", len(shares))
	}
	seen := map[byte]bool{}
	for _, s := range shares {
		switch {
		case s.Point == 0 || seen[s.Point]:
			return fmt.Errorf("combine shares: point %d is there twice, or none that a share has", s.Point)
		case len(s.Values) == 0 || len(s.Values) != len(shares[0].Values):
			return fmt.Errorf("combine shares: they are of different lengths")
		}
		seen[s.Point] = true
	}
	return nil
}

// basis is the value at 0 of the polynomial that is 1 at share i's point and 0 at the others'.
func basis(shares []Share, i int) byte {
	weight := byte(1)
	for j, s := range shares {
		if j != i {
			weight = multiply(weight, multiply(s.Point, inverse(s.Point^shares[i].Point)))
		}
	}
	return weight
}
