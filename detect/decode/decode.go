package decode

import "strings"

// maxPasses bounds how deep escapes may be nested: an attacker's double and triple encodings, and one more.
const maxPasses = 4

// Text gives a text as what finally reads it would see it. A text that holds no escapes is returned as it is.
func Text(s string) string {
	for range maxPasses {
		if !escapes(s) {
			break
		}
		next := pass(s)
		if next == s {
			break
		}
		s = next
	}
	return uncomment(s)
}

// escapes reports whether a text holds a byte that may begin an escape.
func escapes(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case c == '%' || c == '\\' || c == '&' || c == '+' || c >= 0x80:
			return true
		}
	}
	return false
}

// pass undoes one layer.
func pass(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	query := false // within a word that is a URL's query or a form: there a plus is a space
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c == ' ' || c == '"':
			query = false
		case c == '?' || c == '=' || c == '%':
			query = true
		}
		if c == '+' && query {
			b.WriteByte(' ')
			i++
			continue
		}
		text, n := escape(s[i:])
		if n == 0 {
			b.WriteByte(c)
			i++
			continue
		}
		b.WriteString(text)
		i += n
	}
	return b.String()
}

// escape reads one escape at the front of a text: what it stands for, and its length; 0 where there is none.
func escape(s string) (string, int) {
	switch c := s[0]; {
	case c == '%':
		return percent(s)
	case c == '&':
		return reference(s)
	case c == '\\':
		return backslash(s)
	case c >= 0x80:
		return lookalike(s)
	}
	return "", 0
}

// percent reads %XX (RFC 3986 section 2.1) and %uXXXX, which old servers take. Bytes that follow each other and make
// one over-long sequence (%c0%af for a slash) are what a careless reader takes them for.
func percent(s string) (string, int) {
	if len(s) >= 6 && (s[1] == 'u' || s[1] == 'U') {
		if r, ok := hex(s[2:6]); ok {
			return string(r), 6
		}
	}
	first, ok := octet(s)
	if !ok {
		return "", 0
	}
	second, ok2 := octetAt(s, 3)
	third, ok3 := octetAt(s, 6)
	switch {
	case (first == 0xc0 || first == 0xc1) && ok2 && second&0xc0 == 0x80:
		return string([]byte{first<<6 | second&0x3f}), 6
	case first == 0xe0 && ok2 && ok3 && second&0xfe == 0x80 && third&0xc0 == 0x80:
		return string([]byte{second<<6 | third&0x3f}), 9
	}
	return string([]byte{first}), 3
}

// octet reads %XX.
func octet(s string) (byte, bool) {
	if len(s) < 3 || s[0] != '%' {
		return 0, false
	}
	r, ok := hex(s[1:3])
	return byte(r), ok
}

func octetAt(s string, at int) (byte, bool) {
	if len(s) < at {
		return 0, false
	}
	return octet(s[at:])
}

// hex reads hexadecimal digits.
func hex(s string) (rune, bool) {
	var r rune
	for i := range len(s) {
		d, ok := digit(s[i])
		if !ok {
			return 0, false
		}
		r = r<<4 | d
	}
	return r, len(s) > 0
}

func digit(c byte) (rune, bool) {
	switch {
	case c >= '0' && c <= '9':
		return rune(c - '0'), true
	case c >= 'a' && c <= 'f':
		return rune(c-'a') + 10, true
	case c >= 'A' && c <= 'F':
		return rune(c-'A') + 10, true
	}
	return 0, false
}

// backslash reads \xXX, \uXXXX and \u{X…}, escaped quotes, slashes and backslashes, and the escapes of white space.
// Others stay: they are a path's.
func backslash(s string) (string, int) {
	if len(s) < 2 {
		return "", 0
	}
	switch s[1] {
	case '"', '\'', '/', '\\', '`':
		return s[1:2], 2
	case 'n', 'r', 't':
		return spaceEscape(s)
	case 'x':
		if len(s) >= 4 {
			if r, ok := hex(s[2:4]); ok {
				return string([]byte{byte(r)}), 4
			}
		}
	case 'u':
		return unicodeEscape(s)
	}
	return "", 0
}

// spaceEscape reads \n, \r and \t where no word goes on: C:\temp and \etc\rc are paths.
func spaceEscape(s string) (string, int) {
	if len(s) > 2 && (s[2] >= 'a' && s[2] <= 'z' || s[2] >= 'A' && s[2] <= 'Z') {
		return "", 0
	}
	return " ", 2
}

func unicodeEscape(s string) (string, int) {
	if len(s) >= 6 {
		if r, ok := hex(s[2:6]); ok {
			return string(r), 6
		}
	}
	if len(s) < 4 || s[2] != '{' {
		return "", 0
	}
	end := strings.IndexByte(s[:min(len(s), 11)], '}')
	if end < 0 {
		return "", 0
	}
	r, ok := hex(s[3:end])
	if !ok || r > 0x10ffff {
		return "", 0
	}
	return string(r), end + 1
}
