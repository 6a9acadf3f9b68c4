package records

import "math"

// A number is indexed by magnitude: two significant digits, one, and none, each a cell of a
// number line that grows by powers of ten. A range is found by the cells that tile it.

// magnitude levels; the value is part of the token.
const (
	levelTwoDigits = '2'
	levelOneDigit  = '1'
	levelExponent  = '0'
	levelWide      = 'W' // an interval over more than one two-digit cell
)

const maxExponent = 30 // larger and smaller magnitudes share the outermost cells

// cellsPerExponent is how many two-digit cells a power of ten has: 1.0 to 9.9.
const cellsPerExponent = 90

// cellOf is the two-digit cell of v, in an order that is the numbers' own. Zero lies at 0,
// positive cells above it, negative cells below.
func cellOf(v float64) int32 {
	if v == 0 || math.IsNaN(v) {
		return 0
	}
	if v < 0 {
		return -cellOf(-v)
	}
	exponent := int32(math.Floor(math.Log10(v)))
	exponent = min(max(exponent, -maxExponent), maxExponent)
	digits := math.Floor(v / math.Pow10(int(exponent)) * 10)
	return (exponent+maxExponent)*cellsPerExponent + int32(min(max(digits, 10), 99)) - 10 + 1
}

// numberNodes are the index nodes of the closed interval [low, high].
func numberNodes(low, high float64) []node {
	if math.IsInf(low, 0) || math.IsInf(high, 0) {
		return []node{{levelWide, 0}}
	}
	a, b := cellOf(low), cellOf(high)
	if a != b {
		return []node{{levelWide, 0}}
	}
	return []node{{levelTwoDigits, a}, {levelOneDigit, floorDiv(a-1, 10)}, {levelExponent, floorDiv(a-1, cellsPerExponent)}}
}

// numberCover are the nodes under which every interval that touches [low, high] is indexed;
// infinities are open ends. One cell more on each side makes rounding harmless.
func numberCover(low, high float64) []node {
	const limit = (2*maxExponent + 1) * cellsPerExponent
	a, b := int32(-limit-1), int32(limit+1)
	if !math.IsInf(low, 0) {
		a = cellOf(low) - 1
	}
	if !math.IsInf(high, 0) {
		b = cellOf(high) + 1
	}
	nodes := []node{{levelWide, 0}}
	for c := a; c <= b; {
		switch {
		case floorMod(c-1, cellsPerExponent) == 0 && c+cellsPerExponent-1 <= b:
			nodes = append(nodes, node{levelExponent, floorDiv(c-1, cellsPerExponent)})
			c += cellsPerExponent
		case floorMod(c-1, 10) == 0 && c+9 <= b:
			nodes = append(nodes, node{levelOneDigit, floorDiv(c-1, 10)})
			c += 10
		default:
			nodes = append(nodes, node{levelTwoDigits, c})
			c++
		}
	}
	return nodes
}

func floorDiv(a, b int32) int32 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

func floorMod(a, b int32) int32 { return a - floorDiv(a, b)*b }
