package python

import (
	"strings"
	"unicode/utf8"
)

// kind is what a token is.
type kind uint8

const (
	end kind = iota
	word
	number
	text
	formatted // an f-string, whose text is what stands between its quotes
	mark
	newline
	indent
	dedent
	broken // a string without an end
)

// token is a piece of source.
type token struct {
	kind      kind
	text      string
	raw       bool
	line, col int
}

// lexer cuts a file into tokens.
type lexer struct {
	src    string
	pos    int
	line   int
	begin  int // where the line begins
	open   int // how many brackets are open
	levels []int
	tokens []token
}

// lex gives all tokens of a file. It always ends with as many dedents as there were indents.
func lex(src string, line int) []token {
	l := &lexer{src: src, line: line, levels: []int{0}}
	l.indentation()
	for l.pos < len(l.src) {
		l.step()
	}
	if n := len(l.tokens); n > 0 && l.tokens[n-1].kind != newline {
		l.add(newline, "", l.pos)
	}
	for range l.levels[1:] {
		l.add(dedent, "", l.pos)
	}
	l.add(end, "", l.pos)
	return l.tokens
}

func (l *lexer) add(k kind, says string, at int) {
	l.tokens = append(l.tokens, token{kind: k, text: says, line: l.line, col: max(1, at-l.begin+1)})
}

func letter(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c >= utf8.RuneSelf
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

// step reads one token, blank, comment or line's end.
func (l *lexer) step() {
	switch c := l.src[l.pos]; {
	case c == '\n':
		l.lineEnds()
	case c == ' ' || c == '\t' || c == '\r' || c == '\f':
		l.pos++
	case c == '\\':
		l.pos++
		l.skip(min(l.lineEnd()+1, len(l.src)))
	case c == '#':
		l.pos = l.lineEnd()
	case c == '"' || c == '\'':
		l.quoted("")
	case letter(c):
		l.word()
	case digit(c) || c == '.' && l.pos+1 < len(l.src) && digit(l.src[l.pos+1]):
		l.number()
	default:
		l.mark()
	}
}

func (l *lexer) lineEnd() int {
	if i := strings.IndexByte(l.src[l.pos:], '\n'); i >= 0 {
		return l.pos + i
	}
	return len(l.src)
}

// skip moves on and counts lines.
func (l *lexer) skip(till int) {
	for l.pos < till {
		if l.src[l.pos] == '\n' {
			l.line++
			l.begin = l.pos + 1
		}
		l.pos++
	}
}

// lineEnds ends a logical line, unless a bracket is open.
func (l *lexer) lineEnds() {
	if l.open == 0 {
		if n := len(l.tokens); n > 0 && l.tokens[n-1].kind < newline {
			l.add(newline, "", l.pos)
		}
		l.skip(l.pos + 1)
		l.indentation()
		return
	}
	l.skip(l.pos + 1)
	if l.lostBracket() {
		l.open = 0
		l.add(newline, "", l.pos)
		l.indentation()
	}
}

// lostBracket reports whether a line begins with what cannot stand in brackets: one was never closed.
func (l *lexer) lostBracket() bool {
	rest := l.src[l.pos:]
	for _, w := range []string{"def ", "class ", "import ", "from ", "return ", "@app.", "async def ", "if __name__"} {
		if strings.HasPrefix(rest, w) {
			return true
		}
	}
	return false
}

// indentation compares a line's beginning with those before it. Empty lines do not count.
func (l *lexer) indentation() {
	for l.pos < len(l.src) {
		width := 0
		at := l.pos
		for at < len(l.src) && (l.src[at] == ' ' || l.src[at] == '\t' || l.src[at] == '\f') {
			width++
			if l.src[at] == '\t' {
				width += 7 - (width-1)%8
			}
			at++
		}
		if at < len(l.src) && (l.src[at] == '\n' || l.src[at] == '\r' || l.src[at] == '#') {
			l.pos = at
			l.pos = l.lineEnd()
			l.skip(min(l.pos+1, len(l.src)))
			continue
		}
		l.pos = at
		if at < len(l.src) {
			l.level(width)
		}
		return
	}
}

func (l *lexer) level(width int) {
	top := l.levels[len(l.levels)-1]
	if width > top {
		l.levels = append(l.levels, width)
		l.add(indent, "", l.pos)
		return
	}
	for width < l.levels[len(l.levels)-1] {
		l.levels = l.levels[:len(l.levels)-1]
		l.add(dedent, "", l.pos)
	}
}

// word reads a name, or the prefix of a string with it.
func (l *lexer) word() {
	at := l.pos
	for l.pos < len(l.src) && (letter(l.src[l.pos]) || digit(l.src[l.pos])) {
		l.pos++
	}
	w := l.src[at:l.pos]
	if len(w) <= 2 && l.pos < len(l.src) && (l.src[l.pos] == '"' || l.src[l.pos] == '\'') && strings.Trim(strings.ToLower(w), "rbuft") == "" {
		l.quoted(strings.ToLower(w))
		return
	}
	l.add(word, w, at)
}

func (l *lexer) number() {
	at := l.pos
	for l.pos < len(l.src) {
		c := l.src[l.pos]
		exponent := (c == '+' || c == '-') && l.pos > at && (l.src[l.pos-1] == 'e' || l.src[l.pos-1] == 'E') && !strings.HasPrefix(l.src[at:], "0x")
		if !digit(c) && c != '.' && !letter(c) && !exponent {
			break
		}
		l.pos++
	}
	l.add(number, l.src[at:l.pos], at)
}

// quoted reads a string at its quote.
func (l *lexer) quoted(prefix string) {
	quote := l.src[l.pos : l.pos+1]
	if strings.HasPrefix(l.src[l.pos:], strings.Repeat(quote, 3)) {
		quote = strings.Repeat(quote, 3)
	}
	t := token{kind: text, line: l.line, col: l.pos - l.begin + 1, raw: strings.Contains(prefix, "r")}
	if strings.ContainsAny(prefix, "ft") {
		t.kind = formatted
	}
	l.pos += len(quote)
	at := l.pos
	till := l.closing(at, quote)
	for t.kind == formatted && till >= 0 && !balanced(l.src[at:till]) && till-at < maxFormatted {
		more := l.closing(till+len(quote), quote)
		if more < 0 {
			break
		}
		till = more
	}
	if till < 0 {
		t.kind = broken
		l.skip(l.lineEnd())
		l.tokens = append(l.tokens, t)
		return
	}
	t.text = l.src[at:till]
	l.tokens = append(l.tokens, t)
	l.skip(till + len(quote))
}

// maxFormatted is how far the end of an f-string with quotes within its braces is looked for, in bytes.
const maxFormatted = 4 << 10

// closing finds the quote that ends a string; -1 where there is none.
func (l *lexer) closing(at int, quote string) int {
	for i := at; i < len(l.src); i++ {
		switch c := l.src[i]; {
		case c == '\\':
			i++
		case c == quote[0] && strings.HasPrefix(l.src[i:], quote):
			return i
		case c == '\n' && len(quote) == 1:
			return -1
		}
	}
	return -1
}

func balanced(s string) bool { return strings.Count(s, "{") == strings.Count(s, "}") }

func (l *lexer) mark() {
	at := l.pos
	n := 1
	for k := min(3, len(l.src)-at); k > 1; k-- {
		if joined(l.src[at : at+k]) {
			n = k
			break
		}
	}
	m := l.src[at : at+n]
	switch m {
	case "(", "[", "{":
		l.open++
	case ")", "]", "}":
		l.open = max(0, l.open-1)
	}
	l.pos += n
	l.add(mark, m, at)
}

func joined(s string) bool {
	switch s {
	case "**=", "//=", ">>=", "<<=", "...", "**", "//", ">>", "<<", "->", ":=", "==", "!=", "<=", ">=", "<>", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "@=":
		return true
	}
	return false
}
