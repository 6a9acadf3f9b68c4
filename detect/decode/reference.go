package decode

import (
	"strings"
	"unicode/utf8"
)

// maxReference bounds a character reference: leading zeros are an old trick.
const maxReference = 16

// reference reads a character reference of HTML, numeric or by name, with its semicolon or (as browsers do for numbers
// and the oldest names) without.
func reference(s string) (string, int) {
	if len(s) < 3 {
		return "", 0
	}
	if s[1] == '#' {
		return numeric(s)
	}
	n := 1
	for n < len(s) && n < maxReference && (s[n] >= 'a' && s[n] <= 'z' || s[n] >= 'A' && s[n] <= 'Z') {
		n++
	}
	if n < len(s) && s[n] == ';' {
		if text := named(s[1:n]); text != "" {
			return text, n + 1
		}
	}
	return bare(s[1:n])
}

// bare reads one of the names that need no semicolon, at the front of a word.
func bare(word string) (string, int) {
	for n := min(len(word), 4); n >= 2; n-- {
		switch strings.ToLower(word[:n]) {
		case "lt", "gt", "amp", "quot", "nbsp":
			return named(word[:n]), n + 1
		}
	}
	return "", 0
}

// numeric reads &#60; and &#x3c;.
func numeric(s string) (string, int) {
	i, base := 2, rune(10)
	if s[2] == 'x' || s[2] == 'X' {
		i, base = 3, 16
	}
	var r rune
	from := i
	for ; i < len(s) && i < maxReference; i++ {
		d, ok := digit(s[i])
		if !ok || d >= base {
			break
		}
		if r = r*base + d; r > utf8.MaxRune {
			return "", 0
		}
	}
	if i == from || r == 0 {
		return "", 0
	}
	if i < len(s) && s[i] == ';' {
		i++
	}
	return string(r), i
}

// named gives what a name stands for, of those that attacks are written with (HTML Living Standard, section "Named
// character references"); nothing for others.
func named(name string) string {
	switch name {
	case "lt", "LT":
		return "<"
	case "gt", "GT":
		return ">"
	case "amp", "AMP":
		return "&"
	case "quot", "QUOT":
		return `"`
	case "apos":
		return "'"
	case "grave":
		return "`"
	case "nbsp":
		return " "
	case "Tab":
		return "\t"
	case "NewLine":
		return "\n"
	}
	return sign(name)
}

// sign is named's for what separates and brackets.
func sign(name string) string {
	switch name {
	case "lpar":
		return "("
	case "rpar":
		return ")"
	case "lbrace", "lcub":
		return "{"
	case "rbrace", "rcub":
		return "}"
	case "sol":
		return "/"
	case "bsol":
		return `\`
	case "colon":
		return ":"
	case "semi":
		return ";"
	case "comma":
		return ","
	case "period":
		return "."
	case "equals":
		return "="
	case "dollar":
		return "$"
	case "num":
		return "#"
	case "percnt":
		return "%"
	}
	return ""
}

// lookalike reads a character beyond ASCII that software folds to one within it: full-width forms (Unicode block
// Halfwidth and Fullwidth Forms), slashes and quotes of other blocks, the no-break space; a raw over-long sequence too.
func lookalike(s string) (string, int) {
	r, n := utf8.DecodeRuneInString(s)
	switch {
	case r == utf8.RuneError && n == 1:
		return overlong(s)
	case r >= 0xff01 && r <= 0xff5e:
		return string(r - 0xff01 + '!'), n
	}
	switch r {
	case 0x2215, 0x2044:
		return "/", n
	case 0x2216:
		return `\`, n
	case 0x02b9, 0x02bc, 0x2032:
		return "'", n
	case 0x02ba, 0x2033:
		return `"`, n
	case 0x00a0, 0x3000:
		return " ", n
	case 0x200b, 0x200c, 0x200d, 0x2060, 0xfeff, 0x00ad: // no width: they part a word for the machine only
		return "", n
	}
	return s[:n], n
}

func overlong(s string) (string, int) {
	switch {
	case len(s) >= 2 && (s[0] == 0xc0 || s[0] == 0xc1) && s[1]&0xc0 == 0x80:
		return string([]byte{s[0]<<6 | s[1]&0x3f}), 2
	case len(s) >= 3 && s[0] == 0xe0 && s[1]&0xfe == 0x80 && s[2]&0xc0 == 0x80:
		return string([]byte{s[1]<<6 | s[2]&0x3f}), 3
	}
	return s[:1], 1
}
