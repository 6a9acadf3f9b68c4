package secrets

import (
	"bytes"
	"slices"
)

// assignment is a name and what it is set to: offsets into the document.
type assignment struct {
	name       string
	mark       int  // where the name begins
	start, end int  // the value, without quotes
	quote      byte // around the value; 0 for none
	first      bool // nothing stands before it in its line
	alone      bool // at most a word that declares it, or a mark of a list or comment, stands before it
	pair       bool // one of several in a string, as in a connection string or a query
}

// longest values that are looked at: what is longer is data.
const (
	maxName  = 100
	maxValue = 1024
)

// assigned reads the assignment whose name stands around a place, in any of the ways that languages and
// formats have: name = v, "name": v, name => v, <name>v</name>, name="v", key="name" value="v",
// define('name', v), and `name v` on a line of its own.
func (d *document) assigned(at int) (assignment, bool) {
	from, to := d.line(at)
	from, to = max(from, at-maxName), min(to, at+maxName+maxValue)
	t := d.text
	left, right := at, at
	for left > from && isName(t[left-1]) {
		left--
	}
	for right < to && isName(t[right]) {
		right++
	}
	for right > left && (t[right-1] == '.' || t[right-1] == '-') {
		right--
	}
	a := assignment{name: string(t[left:right]), mark: left}
	r := reader{t, right, to}
	switch {
	case left == right || right-left > maxName:
		return a, false
	case left > from && t[left-1] == '<':
		return r.element(a)
	case left > from && isQuote(t[left-1]) && r.at < to && isQuote(t[r.at]):
		return r.afterQuoted(a, bytes.TrimRight(t[from:left-1], " \t"), d.sort)
	}
	if opened := left > from && isQuote(t[left-1]); opened && r.at+1 < to && t[r.at+1] == t[left-1] {
		return a, false // "name=" and the end of the string
	}
	a.pair = left > from && (t[left-1] == '?' || t[left-1] == '&' || t[left-1] == ';')
	a.first = len(bytes.TrimSpace(t[from:left])) == 0
	a.alone = begins(string(bytes.Trim(t[from:left], " \t-#;*/")))
	return r.after(a, d.sort)
}

// begins reports whether what stands before a name is nothing, or a word that declares it.
func begins(before string) bool {
	switch before {
	case "", "export", "set", "setx", "local", "readonly", "declare", "ENV":
		return true
	}
	return false
}

func isName(c byte) bool  { return isAlnum(c) || c == '_' || c == '-' || c == '.' || c == '$' }
func isQuote(c byte) bool { return c == '"' || c == '\'' || c == '`' }

// reader walks over what follows a name.
type reader struct {
	text []byte
	at   int
	end  int
}

func (r *reader) peek() byte {
	if r.at < r.end {
		return r.text[r.at]
	}
	return 0
}

func (r *reader) skip(set string) {
	for r.at < r.end && bytes.IndexByte([]byte(set), r.text[r.at]) >= 0 {
		r.at++
	}
}

func (r *reader) take(s string) bool {
	if bytes.HasPrefix(r.text[r.at:r.end], []byte(s)) {
		r.at += len(s)
		return true
	}
	return false
}

// element reads <name …>value</.
func (r *reader) element(a assignment) (assignment, bool) {
	i := bytes.IndexByte(r.text[r.at:r.end], '>')
	if i < 0 || i > maxName || i > 0 && r.text[r.at+i-1] == '/' {
		return a, false
	}
	a.start = r.at + i + 1
	n := bytes.Index(r.text[a.start:r.end], []byte("</"))
	if n <= 0 {
		return a, false
	}
	a.end = a.start + n
	a.quote = '<'
	return a.trimmed(r.text)
}

// afterQuoted reads what follows a name in quotes.
func (r *reader) afterQuoted(a assignment, before []byte, s sort) (assignment, bool) {
	r.at++
	r.skip(" \t")
	switch {
	case bytes.HasSuffix(before, []byte("=")): // key="name" value="v", name="name">v</
		return r.attribute(a)
	case r.take(","):
		if !bytes.HasSuffix(before, []byte("(")) || tells(before) {
			return a, false
		}
		r.skip(" \t")
		return r.quoted(a)
	}
	r.take("]")
	return r.after(a, s)
}

// tells reports whether what stands before an argument is a function that writes or compares text: it sets nothing.
func tells(before []byte) bool {
	from := len(before) - 1
	for from > 0 && isName(before[from-1]) {
		from--
	}
	name := bytes.ToLower(before[from:])
	return slices.ContainsFunc([]string{"write", "print", "log", "equal", "assert", "expect", "compare", "replace", "match", "includes", "indexof", "split", "join", "format", "translate", "concat"}, func(verb string) bool {
		return bytes.Contains(name, []byte(verb)) && !bytes.Contains(name, []byte("login"))
	})
}

func (r *reader) attribute(a assignment) (assignment, bool) {
	if r.take("value=") || r.take("value =") {
		r.skip(" ")
		return r.quoted(a)
	}
	if r.take(">") {
		r.at--
		return r.element(a)
	}
	return a, false
}

// after reads the sign of the assignment and the value.
func (r *reader) after(a assignment, s sort) (assignment, bool) {
	space := r.at
	r.skip(" \t")
	r.typed()
	spaced := r.at > space
	for _, sign := range []string{"===", "==", "=>", ":=", "?=", "+=", "::=", "=", ":"} {
		if r.take(sign) {
			r.skip(" \t")
			if sign == ":" {
				r.typed()
			}
			return r.value(a, s)
		}
	}
	if a.first && spaced && s == config {
		return r.value(a, s)
	}
	return a, false
}

// typed skips a type between a name and its sign, as in `password string = "…"` or `token: str = "…"`.
func (r *reader) typed() {
	i := r.at
	for i < r.end && i < r.at+40 && (isAlnum(r.text[i]) || bytes.IndexByte([]byte("_.[]<>|?& "), r.text[i]) >= 0) {
		i++
	}
	if i == r.at || i >= r.end || !isAlnum(r.text[r.at]) && r.text[r.at] != '&' {
		return
	}
	if rest := bytes.TrimLeft(r.text[i:r.end], "=: \t"); r.text[i] == '=' && len(rest) > 0 && isQuote(rest[0]) {
		r.at = i
		r.take("=")
		r.skip(" \t")
	}
}

// value reads a value: quoted, or up to what ends it.
func (r *reader) value(a assignment, s sort) (assignment, bool) {
	for _, opening := range []string{"[]byte(", "String(", "b", "r", "@", "N", "u", "\\", "!!str "} {
		if i := r.at; r.take(opening) && !isQuote(r.peek()) {
			r.at = i
		}
	}
	if isQuote(r.peek()) {
		return r.quoted(a)
	}
	if s == code && !a.alone {
		a.pair = true // which only counts among others of its kind
	}
	return r.bare(a, s)
}

func (r *reader) quoted(a assignment) (assignment, bool) {
	q := r.peek()
	if !isQuote(q) {
		return a, false
	}
	r.at++
	a.start, a.quote = r.at, q
	for r.at < r.end && r.text[r.at] != q {
		if r.text[r.at] == '\\' && r.at+1 < r.end {
			if r.text[r.at+1] == q { // the quotes themselves are escaped: text within text
				break
			}
			r.at++
		}
		r.at++
	}
	if r.at >= r.end {
		return a, false
	}
	a.end = r.at
	return a.trimmed(r.text)
}

func (r *reader) bare(a assignment, s sort) (assignment, bool) {
	a.start = r.at
	ends := "\"'` \t\r\n;,&<>()"
	switch {
	case a.pair:
	case s == env:
		ends = " \t\r\n;"
	case s == config && (a.alone || r.text[a.start-1] == ' '):
		ends = "\r\n"
	}
	for r.at < r.end && bytes.IndexByte([]byte(ends), r.text[r.at]) < 0 {
		r.at++
	}
	a.end = r.at
	for _, comment := range []string{" #", " //", "\t#", " ;"} {
		if i := bytes.Index(r.text[a.start:a.end], []byte(comment)); i >= 0 {
			a.end = a.start + i
		}
	}
	return a.trimmed(r.text)
}

// trimmed leaves the space around a value out, and says whether there is anything in it.
func (a assignment) trimmed(text []byte) (assignment, bool) {
	for a.start < a.end && bytes.IndexByte([]byte(" \t\r,"), text[a.end-1]) >= 0 {
		a.end--
	}
	for a.start < a.end && (text[a.start] == ' ' || text[a.start] == '\t') {
		a.start++
	}
	return a, a.end > a.start && a.end-a.start <= maxValue
}
