package simulate

import (
	"encoding/hex"
	"math"
	"math/rand/v2"
)

// dice are a stream of chance. Each part of the hospital has its own, so that more of one thing
// does not change another.
type dice struct{ *rand.Rand }

// The streams.
const (
	streamPeople uint64 = iota + 1
	streamPatients
	streamRoster
	streamCare
	streamMisuse
	streamIDs
	streamWeb
)

func newDice(seed, stream uint64) dice { return dice{rand.New(rand.NewPCG(seed, stream))} }

// chance is true in a share p of all cases.
func (d dice) chance(p float64) bool { return d.Float64() < p }

// between gives a whole number from lo to hi, both included.
func (d dice) between(lo, hi int) int { return lo + d.IntN(hi-lo+1) }

// around gives a number whose logarithm is normal: median m, spread s.
func (d dice) around(m, s float64) float64 { return m * math.Exp(s*d.NormFloat64()) }

// some gives a Poisson number of mean m (Knuth's method; a normal one where m is large).
func (d dice) some(m float64) int {
	if m > 40 {
		return max(0, int(math.Round(m+math.Sqrt(m)*d.NormFloat64())))
	}
	n, limit := 0, math.Exp(-m)
	for p := d.Float64(); p > limit; p *= d.Float64() {
		n++
	}
	return n
}

// zipf picks from n things of which the first are common and the last are rare.
func (d dice) zipf(n int) int {
	return min(n-1, int(float64(n)*math.Pow(d.Float64(), 2.2)))
}

func pick[T any](d dice, list []T) T { return list[d.IntN(len(list))] }

// id gives 128 random bits, as an entry's id has.
func (d dice) id() string {
	var b [16]byte
	d.fill(b[:])
	return hex.EncodeToString(b[:])
}

// hash gives 64 random bits in hexadecimal, as a keyed hash looks.
func (d dice) hash() string {
	var b [8]byte
	d.fill(b[:])
	return hex.EncodeToString(b[:])
}

// session gives the name of a session.
func (d dice) session() string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567" // RFC 4648, 6
	var b [26]byte
	for i := range b {
		b[i] = letters[d.IntN(len(letters))]
	}
	return string(b[:])
}

func (d dice) fill(b []byte) {
	for i := 0; i < len(b); i += 8 {
		v := d.Uint64()
		for j := range 8 {
			b[i+j] = byte(v >> (8 * j))
		}
	}
}
