package r4

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Fold brings text to the form in which strings are searched (FHIR R4, search.html#string): without
// case and accents, apostrophes dropped, and every run of white space and punctuation one space.
// Letters, digits and symbols of every script stay.
func Fold(s string) string {
	if folded, ok := foldASCII(s); ok {
		return folded
	}
	var b strings.Builder
	gap := false
	for _, r := range norm.NFKD.String(s) {
		switch {
		case unicode.Is(unicode.Mn, r) || isApostrophe(r):
		case unicode.IsSpace(r) || unicode.IsPunct(r) || unicode.IsControl(r):
			gap = true
		default:
			if gap && b.Len() > 0 {
				b.WriteByte(' ')
			}
			gap = false
			writeFolded(&b, r)
		}
	}
	return b.String()
}

func isApostrophe(r rune) bool { return r == '\'' || r == '’' || r == '‘' || r == 'ʼ' || r == '`' }

// writeFolded writes r without case; a sharp s becomes ss, since its capital does.
func writeFolded(b *strings.Builder, r rune) {
	switch r {
	case 'ß', 'ẞ':
		b.WriteString("ss")
	case 'ς':
		b.WriteRune('σ')
	default:
		b.WriteRune(unicode.ToLower(r))
	}
}

// foldASCII folds text of plain letters, digits and single inner spaces, and reports false for other.
func foldASCII(s string) (string, bool) {
	for i := range len(s) {
		inner := s[i] == ' ' && i > 0 && i < len(s)-1 && s[i-1] != ' '
		if !isAlnum(s[i]) && !inner {
			return "", false
		}
	}
	return strings.ToLower(s), true
}
