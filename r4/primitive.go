package r4

import (
	"bytes"
)

// validPrimitive reports whether text (unquoted, valid UTF-8) is in the format of the primitive
// type (FHIR R4, datatypes.html#primitive). The JSON kind has been checked before.
func validPrimitive(t typeID, text []byte) bool {
	switch t {
	case typeBoolean:
		return true
	case typeDecimal:
		return validDecimal(text)
	case typeInteger:
		return validInteger(text, -1<<31)
	case typeUnsignedInt:
		return validInteger(text, 0)
	case typePositiveInt:
		return validInteger(text, 1)
	case typeDate:
		_, ok := parseDate(text)
		return ok
	case typeDateTime:
		_, ok := parseDateTime(text)
		return ok
	case typeInstant:
		return validInstant(text)
	case typeTime:
		return validTime(text)
	case typeCode:
		return validCode(text)
	case typeId:
		return validID(text)
	case typeURI, typeURL, typeCanonical:
		return validURI(text)
	case typeOid:
		return validOID(text)
	case typeUuid:
		return validUUID(text)
	case typeBase64Binary:
		return validBase64(text)
	case typeXhtml:
		return safeXHTML(text)
	}
	return validString(text)
}

// The primitive types under the spelling that Go gives initialisms.
const (
	typeURI = typeUri
	typeURL = typeUrl
)

// maxDigits and maxExponent bound decimals, so that exact arithmetic on them stays cheap.
const (
	maxDigits   = 128
	maxExponent = 400
)

// validDecimal accepts every JSON number whose digits and exponent are within bounds.
func validDecimal(text []byte) bool {
	digits, exp := text, []byte(nil)
	if i := bytes.IndexAny(text, "eE"); i >= 0 {
		digits, exp = text[:i], bytes.TrimLeft(text[i+1:], "+-0")
	}
	if len(digits) > maxDigits || len(exp) > 3 {
		return false
	}
	n := 0
	for _, c := range exp {
		n = n*10 + int(c-'0')
	}
	return n <= maxExponent
}

// validInteger accepts 32-bit integers from least on, without fraction, exponent or negative zero.
func validInteger(text []byte, least int64) bool {
	digits := bytes.TrimPrefix(text, []byte("-"))
	if len(digits) == 0 || len(digits) > 10 {
		return false
	}
	var n int64
	for _, c := range digits {
		if !isDigit(c) {
			return false
		}
		n = n*10 + int64(c-'0')
	}
	if len(digits) < len(text) {
		if n == 0 {
			return false
		}
		n = -n
	}
	return n >= least && n <= 1<<31-1
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// validString accepts text of at least one character without control characters other than tab,
// carriage return and line feed.
func validString(text []byte) bool {
	for _, c := range text {
		if c < ' ' && c != '\t' && c != '\r' && c != '\n' {
			return false
		}
	}
	return len(text) > 0
}

// validCode accepts words separated by single white space.
func validCode(text []byte) bool {
	space := true
	for _, c := range text {
		if isSpace(c) {
			if space {
				return false
			}
			space = true
			continue
		}
		space = false
	}
	return !space
}

func isSpace(c byte) bool { return c == ' ' || '\t' <= c && c <= '\r' }

// validID accepts 1 to 64 letters, digits, hyphens and dots.
func validID(text []byte) bool {
	for _, c := range text {
		if !isAlnum(c) && c != '-' && c != '.' {
			return false
		}
	}
	return 0 < len(text) && len(text) <= 64
}

func isAlnum(c byte) bool { return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'z' }

// ValidID reports whether id may be a resource's logical id.
func ValidID(id string) bool { return validID([]byte(id)) }

// validURI accepts text without white space.
func validURI(text []byte) bool {
	for _, c := range text {
		if isSpace(c) || c < ' ' {
			return false
		}
	}
	return len(text) > 0
}

// validOID accepts urn:oid: and arcs without leading zeros, the first of them 0, 1 or 2.
func validOID(text []byte) bool {
	rest, ok := bytes.CutPrefix(text, []byte("urn:oid:"))
	if !ok || len(rest) < 3 || rest[0] < '0' || rest[0] > '2' || rest[1] != '.' {
		return false
	}
	for arc := range bytes.SplitSeq(rest, []byte(".")) {
		if len(arc) == 0 || len(arc) > 1 && arc[0] == '0' {
			return false
		}
		for _, c := range arc {
			if !isDigit(c) {
				return false
			}
		}
	}
	return true
}

// validUUID accepts urn:uuid: and the lower-case form of RFC 4122.
func validUUID(text []byte) bool {
	rest, ok := bytes.CutPrefix(text, []byte("urn:uuid:"))
	if !ok || len(rest) != 36 {
		return false
	}
	for i, c := range rest {
		hyphen := i == 8 || i == 13 || i == 18 || i == 23
		if hyphen != (c == '-') || !hyphen && !isDigit(c) && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// validBase64 accepts RFC 4648 base64 with padding, with white space between characters.
func validBase64(text []byte) bool {
	n, pad := 0, 0
	for _, c := range text {
		switch {
		case isSpace(c):
			continue
		case c == '=':
			pad++
		case pad > 0 || !isAlnum(c) && c != '+' && c != '/':
			return false
		}
		n++
	}
	return n > 0 && n%4 == 0 && pad <= 2
}
