package pack

import "math/bits"

// Class is the smallest length class that holds n bytes.
func Class(n int) int {
	s := step(n)
	return (n + s - 1) / s * s
}

// step is the distance between the length classes around n.
func step(n int) int {
	switch {
	case n <= 256:
		return 16
	case n <= 1024:
		return 32
	default:
		return 1 << (bits.Len(uint(n-1)) - 5)
	}
}
