package sigma

import (
	"strings"
	"unicode/utf8"
)

// pattern is a value with wildcards (specification, "Wildcards"): parts that must occur in this order, with any text
// (*) between them; within a part, anyOne stands for one character (?).
type pattern struct {
	parts      []string
	open, shut bool // nothing need stand before the first part; after the last
	cased      bool
	single     bool // a part holds anyOne
}

// anyOne stands for "?" in a part; it is no character that text can hold.
const anyOne = '\uFFFF'

// readPattern reads wildcards and escapes: a backslash takes the meaning from *, ? and \ and stands for itself before
// anything else.
func readPattern(s string) pattern {
	p := pattern{}
	var part strings.Builder
	escaped, first := false, true
	end := func() {
		if part.Len() > 0 {
			p.parts = append(p.parts, part.String())
			part.Reset()
		}
	}
	for _, r := range s {
		starred := false
		switch {
		case escaped:
			if r != '*' && r != '?' && r != '\\' {
				part.WriteByte('\\')
			}
			part.WriteRune(r)
			escaped = false
		case r == '\\':
			escaped = true
		case r == '?':
			part.WriteRune(anyOne)
			p.single = true
		case r == '*':
			starred = true
			end()
			p.open = p.open || first
		default:
			part.WriteRune(r)
		}
		p.shut, first = starred, false
	}
	if escaped {
		part.WriteByte('\\')
	}
	end()
	return p
}

// lower makes the pattern one for text without case.
func (p pattern) lower() pattern {
	parts := make([]string, len(p.parts))
	for i, s := range p.parts {
		parts[i] = strings.ToLower(s)
	}
	p.parts = parts
	return p
}

// matches reports whether a text is what the pattern says. Where the pattern minds no case, the text is in lower case.
func (p *pattern) matches(s string) bool {
	if len(p.parts) == 0 {
		return p.open || s == ""
	}
	last := len(p.parts) - 1
	for i, part := range p.parts {
		anchored := i == 0 && !p.open
		ends := i == last && !p.shut
		var ok bool
		switch {
		case anchored && ends:
			return p.whole(s, part)
		case anchored:
			s, ok = p.cutPrefix(s, part)
		case ends:
			return p.suffix(s, part)
		default:
			s, ok = p.cut(s, part)
		}
		if !ok {
			return false
		}
	}
	return true
}

func (p *pattern) whole(s, part string) bool {
	rest, ok := p.cutPrefix(s, part)
	return ok && rest == ""
}

// cutPrefix takes a part off the front.
func (p *pattern) cutPrefix(s, part string) (string, bool) {
	if !p.single {
		return strings.CutPrefix(s, part)
	}
	for _, want := range part {
		r, n := utf8.DecodeRuneInString(s)
		if n == 0 || want != anyOne && r != want {
			return "", false
		}
		s = s[n:]
	}
	return s, true
}

// cut finds the first place of a part, and gives what follows.
func (p *pattern) cut(s, part string) (string, bool) {
	if !p.single {
		_, after, found := strings.Cut(s, part)
		return after, found
	}
	for {
		if rest, ok := p.cutPrefix(s, part); ok {
			return rest, true
		}
		_, n := utf8.DecodeRuneInString(s)
		if n == 0 {
			return "", false
		}
		s = s[n:]
	}
}

func (p *pattern) suffix(s, part string) bool {
	if !p.single {
		return strings.HasSuffix(s, part)
	}
	skip := utf8.RuneCountInString(s) - utf8.RuneCountInString(part)
	if skip < 0 {
		return false
	}
	for range skip {
		_, n := utf8.DecodeRuneInString(s)
		s = s[n:]
	}
	return p.whole(s, part)
}

// literal gives the text of a pattern without wildcards.
func (p *pattern) literal() (string, bool) {
	switch {
	case p.single || p.open || p.shut || len(p.parts) > 1:
		return "", false
	case len(p.parts) == 0:
		return "", true
	}
	return p.parts[0], true
}
