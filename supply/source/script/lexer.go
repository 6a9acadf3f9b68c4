package script

import (
	"strings"
	"unicode/utf8"
)

// kind is what a token is.
type kind uint8

const (
	end kind = iota
	word
	private // #name
	number
	text
	mark     // punctuation
	template // the first ` of one
)

// token is a piece of source. What a slash begins is for the parser to say.
type token struct {
	kind       kind
	text       string // a string's is what it says
	at, till   int
	line, col  int
	newline    bool // a line ended before it
	unfinished bool
}

// lexer cuts source into tokens, one at a time.
type lexer struct {
	src   string
	pos   int
	line  int
	begin int // where the line begins
}

// newLine notes that the line ended before pos.
func (l *lexer) newLine() {
	l.line++
	l.begin = l.pos
}

// blank skips blanks and comments, and reports whether a line ended.
func (l *lexer) blank() (newline bool) {
	for l.pos < len(l.src) {
		switch c := l.src[l.pos]; {
		case c == '\n':
			l.pos++
			l.newLine()
			newline = true
		case c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f':
			l.pos++
		case c == '/' && strings.HasPrefix(l.src[l.pos:], "//"):
			l.pos = l.lineEnd()
		case c == '/' && strings.HasPrefix(l.src[l.pos:], "/*"):
			newline = l.comment() || newline
		case c >= utf8.RuneSelf:
			r, n := utf8.DecodeRuneInString(l.src[l.pos:])
			if !blankRune(r) {
				return newline
			}
			l.pos += n
			newline = newline || r == '\u2028' || r == '\u2029'
		default:
			return newline
		}
	}
	return newline
}

func blankRune(r rune) bool {
	return r == '\u00a0' || r == '\ufeff' || r == '\u2028' || r == '\u2029' || r >= '\u2000' && r <= '\u200a' || r == '\u3000'
}

func (l *lexer) lineEnd() int {
	if i := strings.IndexByte(l.src[l.pos:], '\n'); i >= 0 {
		return l.pos + i
	}
	return len(l.src)
}

// comment skips /* … */, and reports whether a line ended in it.
func (l *lexer) comment() (newline bool) {
	till := len(l.src)
	if i := strings.Index(l.src[l.pos+2:], "*/"); i >= 0 {
		till = l.pos + 2 + i + 2
	}
	return l.skip(till)
}

// skip moves on to a place and counts the lines.
func (l *lexer) skip(till int) (newline bool) {
	for l.pos < till {
		c := l.src[l.pos]
		l.pos++
		if c == '\n' {
			l.newLine()
			newline = true
		}
	}
	return newline
}

// next gives the token that follows.
func (l *lexer) next() token {
	t := token{newline: l.blank()}
	t.at, t.line, t.col = l.pos, l.line, l.pos-l.begin+1
	if l.pos >= len(l.src) {
		t.till = l.pos
		return t
	}
	switch c := l.src[l.pos]; {
	case letter(c):
		t.kind, t.text = word, l.word()
	case c == '#' && l.pos+1 < len(l.src) && letter(l.src[l.pos+1]):
		l.pos++
		t.kind, t.text = private, "#"+l.word()
	case digit(c) || c == '.' && l.pos+1 < len(l.src) && digit(l.src[l.pos+1]):
		t.kind, t.text = number, l.number()
	case c == '"' || c == '\'':
		t.kind = text
		t.text, t.unfinished = l.quoted(c)
	case c == '`':
		l.pos++
		t.kind, t.text = template, "`"
	default:
		t.kind, t.text = mark, l.mark()
	}
	t.till = l.pos
	return t
}

func letter(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c == '$' || c == '\\' || c >= utf8.RuneSelf
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

func (l *lexer) word() string {
	at := l.pos
	for l.pos < len(l.src) && (letter(l.src[l.pos]) || digit(l.src[l.pos])) {
		if l.src[l.pos] == '\\' && strings.HasPrefix(l.src[l.pos:], `\u{`) {
			if i := strings.IndexByte(l.src[l.pos:min(len(l.src), l.pos+12)], '}'); i > 0 {
				l.pos += i
			}
		}
		l.pos++
	}
	return l.src[at:l.pos]
}

func (l *lexer) number() string {
	at := l.pos
	for l.pos < len(l.src) {
		c := l.src[l.pos]
		exponent := (c == '+' || c == '-') && (l.src[l.pos-1] == 'e' || l.src[l.pos-1] == 'E') && !strings.HasPrefix(l.src[at:], "0x")
		if !digit(c) && c != '.' && !letter(c) && !exponent || l.pos == at && exponent {
			break
		}
		l.pos++
	}
	return l.src[at:l.pos]
}

// quoted reads a string. One that the line ends before its quote is unfinished.
func (l *lexer) quoted(quote byte) (says string, unfinished bool) {
	l.pos++
	at := l.pos
	for l.pos < len(l.src) {
		switch l.src[l.pos] {
		case quote:
			says = unescape(l.src[at:l.pos])
			l.pos++
			return says, false
		case '\\':
			l.pos = min(l.pos+2, len(l.src))
			if l.src[l.pos-1] == '\n' {
				l.newLine()
			}
		case '\n':
			return unescape(l.src[at:l.pos]), true
		default:
			l.pos++
		}
	}
	return unescape(l.src[at:l.pos]), true
}

// unescape gives what a literal says, as far as rules care: letters by number stay as they are.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	return strings.NewReplacer(`\\`, `\`, `\n`, "\n", `\r`, "\r", `\t`, "\t", `\'`, `'`, `\"`, `"`, "\\`", "`", `\/`, "/", "\\\n", "").Replace(s)
}

// mark reads punctuation, the longest that fits.
func (l *lexer) mark() string {
	rest := l.src[l.pos:]
	for n := min(4, len(rest)); n > 1; n-- {
		if joined(rest[:n]) {
			if rest[:n] == "?." && len(rest) > 2 && digit(rest[2]) {
				continue
			}
			l.pos += n
			return rest[:n]
		}
	}
	l.pos++
	return rest[:1]
}

// joined reports whether several characters are one mark.
func joined(s string) bool {
	switch s {
	case ">>>=", "...", "===", "!==", "**=", "<<=", ">>=", ">>>", "&&=", "||=", "??=",
		"=>", "==", "!=", "<=", ">=", "&&", "||", "??", "?.", "++", "--", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "<<", ">>", "**":
		return true
	}
	return false
}

// regex reads a regular expression whose first slash is at at.
func (l *lexer) regex(at int) (pattern string, ok bool) {
	l.pos = at + 1
	class := false
	for l.pos < len(l.src) && l.src[l.pos] != '\n' {
		switch c := l.src[l.pos]; {
		case c == '\\':
			l.pos++
		case c == '[':
			class = true
		case c == ']':
			class = false
		case c == '/' && !class:
			pattern = l.src[at+1 : l.pos]
			l.pos++
			if l.pos < len(l.src) && letter(l.src[l.pos]) {
				l.word()
			}
			return pattern, true
		}
		l.pos++
	}
	l.pos = min(l.pos, len(l.src))
	return "", false
}
