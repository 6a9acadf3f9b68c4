package decode

import "strings"

// maxComment bounds a comment that is taken out.
const maxComment = 80

// uncomment puts a space where SQL's comments stand (or /*!50000 … */, which MySQL executes, loses its brackets).
// A comment that holds anything but words and numbers stays: to whom it is no comment it may be the attack.
func uncomment(s string) string {
	at := strings.Index(s, "/*")
	if at < 0 {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	for at >= 0 {
		b.WriteString(s[:at])
		text, n := comment(s[at:])
		b.WriteString(text)
		s = s[at+n:]
		at = strings.Index(s, "/*")
	}
	b.WriteString(s)
	return b.String()
}

// comment reads one at the front of a text: what stands for it, and its length.
func comment(s string) (string, int) {
	body := s[2:min(len(s), maxComment)]
	end := strings.Index(body, "*/")
	switch {
	case end < 0:
		return s[:2], 2
	case strings.HasPrefix(body, "!"):
		return " " + strings.TrimLeft(body[1:end], "0123456789") + " ", end + 4
	case strings.ContainsFunc(body[:end], telling):
		return s[:2], 2
	}
	return " ", end + 4
}

// telling reports whether a character may be part of an attack.
func telling(r rune) bool {
	return strings.ContainsRune("<>'\"`(){}$|;/\\=&%", r)
}
