// Package zxcvbn stands in for github.com/ccojocar/zxcvbn-go, of which gosec asks one thing: how much a
// string that is assigned to something called a password looks like chance. The original reads 18 MB of
// dictionaries at the start of every program that holds it, servers too, and keeps them.
package zxcvbn

import "math"

// Strength is how hard a text is to guess.
type Strength struct {
	Entropy float64 // in bits
}

// PasswordStrength gives the Shannon entropy of a text's own characters, over its length. Words that
// dictionaries have come out higher than the original says.
func PasswordStrength(password string, _ []string) Strength {
	count := map[rune]float64{}
	length := 0.0
	for _, r := range password {
		count[r]++
		length++
	}
	bits := 0.0
	for _, n := range count {
		bits -= n * math.Log2(n/length)
	}
	return Strength{bits}
}
