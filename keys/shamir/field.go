package shamir

// The field is GF(2⁸) modulo x⁸+x⁴+x³+x+1, that of AES (FIPS 197, 4). Addition is XOR.

// multiply gives a·b in time that does not depend on either.
func multiply(a, b byte) byte {
	var product byte
	for range 8 {
		product ^= a & -(b & 1)
		carry := -(a >> 7)
		a = a<<1 ^ 0x1b&carry
		b >>= 1
	}
	return product
}

// inverse gives a⁻¹ = a²⁵⁴, and 0 for 0.
func inverse(a byte) byte {
	power, result := a, byte(1)
	for range 7 { // 254 = 2 + 4 + … + 128
		power = multiply(power, power)
		result = multiply(result, power)
	}
	return result
}

// evaluate gives the polynomial's value at x; coefficients from the constant one up (Horner).
func evaluate(coefficients []byte, x byte) byte {
	var value byte
	for i := len(coefficients) - 1; i >= 0; i-- {
		value = multiply(value, x) ^ coefficients[i]
	}
	return value
}
