package r4

import (
	"math/big"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// Range is an interval of exact numbers, both ends included. A nil end is open.
type Range struct {
	Low, High *big.Rat
}

// point is the range of one number.
func point(v *big.Rat) Range { return Range{v, v} }

// parseDecimal reads a FHIR decimal exactly.
func parseDecimal(text string) (*big.Rat, bool) {
	if !jsontext.Value(text).IsValid() || !isNumber(text) || !validDecimal([]byte(text)) {
		return nil, false
	}
	return new(big.Rat).SetString(text)
}

// isNumber tells a JSON number from other valid JSON.
func isNumber(text string) bool {
	return text != "" && (text[0] == '-' || isDigit(text[0])) && isDigit(text[len(text)-1])
}

// implicitPrecision is half of what the last digit of a search number stands for: searching for 100
// means [99.5, 100.5), for 100.00 [99.995, 100.005) (FHIR R4, search.html#number). With an exponent
// the specification counts one digit more: 1e2 means [95, 105).
func implicitPrecision(text string) *big.Rat {
	mantissa, exponent := text, 0
	if i := strings.IndexAny(text, "eE"); i >= 0 {
		mantissa = text[:i]
		exponent = atoi(text[i+1:]) - 1
	}
	if dot := strings.IndexByte(mantissa, '.'); dot >= 0 {
		exponent -= len(mantissa) - dot - 1
	}
	return new(big.Rat).Mul(big.NewRat(1, 2), power10(exponent))
}

// atoi reads a small signed integer that has been validated.
func atoi(s string) int {
	n := 0
	for _, c := range []byte(strings.TrimLeft(s, "+-")) {
		n = n*10 + int(c-'0')
	}
	if strings.HasPrefix(s, "-") {
		return -n
	}
	return n
}

// power10 is 10 to the n.
func power10(n int) *big.Rat {
	p := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(n, -n))), nil)
	if n < 0 {
		return new(big.Rat).SetFrac(big.NewInt(1), p)
	}
	return new(big.Rat).SetInt(p)
}
