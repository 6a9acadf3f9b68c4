package secrets

import (
	"bytes"
	"math"
	"regexp"
	"slices"
	"strings"

	ahocorasick "github.com/BobuSumisu/aho-corasick"
	leaks "github.com/zricethezav/gitleaks/v8/config"

	"github.com/tutela-health/tutela/supply"
)

// pattern is a rule that a regular expression says. It is tried only near its keywords.
type pattern struct {
	rule     *supply.Rule
	keywords []string // in lower case
	regex    *regexp.Regexp
	group    int                // what of the match is the secret; 0 is the first group that has something
	entropy  float64            // bits a character that it has more of; 0 asks for none
	path     *regexp.Regexp     // of the files it is for; nil for all
	allow    []*leaks.Allowlist // what it does not mean
	rank     rank
	brief    bool                    // it opens something for a short time only: one in a test is old
	guard    func(value string) bool // what else must be true of the secret; nil for nothing
}

// patterns finds by many patterns at once: one walk over the text finds the keywords of all.
type patterns struct {
	list  []pattern
	trie  *ahocorasick.Trie
	users [][]int // by keyword: the patterns that have it
}

func newPatterns(list []pattern) *patterns {
	p := &patterns{list: list}
	at := map[string]int{}
	build := ahocorasick.NewTrieBuilder()
	for i, one := range list {
		for _, word := range one.keywords {
			k, known := at[word]
			if !known {
				k = len(p.users)
				at[word] = k
				p.users = append(p.users, nil)
				build.AddString(word)
			}
			p.users[k] = append(p.users[k], i)
		}
	}
	p.trie = build.Build()
	return p
}

// reach is how far from a keyword a match may go: a name and its value stand close together; the
// longest tokens are JSON web tokens.
func (p *pattern) reach() (before, beyond int) {
	if p.rank < byToken {
		return 128, 512
	}
	return 512, 4096
}

// effort bounds how many bytes regular expressions see of one file. Files of people stay far below
// it; a file that is made to take long is given up as not checked.
const effort = 16 << 20

// spans are stretches of a text, in order.
type spans [][2]int

// find gives the hits in a document, and whether all of it could be looked at.
func (p *patterns) find(d *document) (hits []hit, whole bool) {
	near := make([]spans, len(p.list))
	p.trie.Walk(d.lower, func(end, n, keyword int64) bool {
		for _, i := range p.users[keyword] {
			near[i] = p.list[i].widen(near[i], d, int(end-n)+1, int(end)+1)
		}
		return true
	})
	left := effort
	for i := range p.list {
		if len(near[i]) == 0 || !p.list[i].fits(d) {
			continue
		}
		for _, window := range near[i] {
			if left -= window[1] - window[0]; left < 0 {
				return hits, false
			}
			hits = append(hits, p.list[i].within(d, window[0], window[1])...)
		}
	}
	return hits, true
}

// widen adds the surroundings of a keyword: from the line before it on, and some lines after it.
func (p *pattern) widen(all spans, d *document, start, end int) spans {
	before, beyond := p.reach()
	if n := len(all); n > 0 && all[n-1][1] >= min(end+beyond, len(d.text)) {
		return all
	}
	from := max(0, start-before)
	if i := bytes.IndexByte(d.text[from:start], '\n'); from > 0 && i >= 0 {
		from += i + 1
	}
	to := min(len(d.text), end+beyond)
	if i := bytes.LastIndexByte(d.text[end:to], '\n'); to < len(d.text) && i >= 0 {
		to = end + i + 1
	}
	if n := len(all); n > 0 && all[n-1][1] >= from {
		all[n-1][1] = max(all[n-1][1], to)
		return all
	}
	return append(all, [2]int{from, to})
}

// fits reports whether the pattern is for this sort of file at all.
func (p *pattern) fits(d *document) bool {
	switch {
	case p.path != nil && !p.path.MatchString(d.path):
		return false
	case p.rank < byToken && (d.sort == locked || d.sort == binary):
		return false
	case p.rank == byGuess && (d.test || d.sort == prose), p.brief && d.test:
		return false
	}
	return !slices.ContainsFunc(p.allow, func(a *leaks.Allowlist) bool {
		return a.MatchCondition == leaks.AllowlistMatchOr && a.PathAllowed(d.path)
	})
}

func (p *pattern) within(d *document, from, to int) []hit {
	var hits []hit
	window := d.text[from:to]
	for _, m := range p.regex.FindAllSubmatchIndex(window, -1) {
		if m[1] == len(window) && to < len(d.text) && window[len(window)-1] != '\n' {
			continue // cut off by the window, not by the file
		}
		start, end := p.secret(m)
		value := string(window[start:end])
		if before := string(window[m[0]:start]); p.rank == byGuess && !guessed(d, before, from+start, from+end) || p.rank == byName && (digest(before, value) || d.variable(from+start, from+end)) {
			continue
		}
		if !buried(d.text, from+start, from+end) && p.means(d, value, string(window[m[0]:m[1]]), from+m[0]) {
			hits = append(hits, hit{rule: p.rule, start: from + start, end: from + end, mark: from + m[0], severity: p.rule.Severity, rank: p.rank})
		}
	}
	return hits
}

// guessed reports whether what stands before a value lets one guess that it is secret.
func guessed(d *document, before string, start, end int) bool {
	if d.sortAt(start) == prose || d.expression(start, end) {
		return false
	}
	if strings.Contains(before, "-----") {
		return false // a mark of PEM: of a public key, since private ones are found as such
	}
	return slices.ContainsFunc(lastNames(before), func(name string) bool {
		return sounds(name) && (meaningOf(name) != nothing || !isUUID(string(d.text[start:end])))
	})
}

// digest reports whether a value is a SHA-1 or SHA-256 of something, rather than what a vendor gave out: no name says
// that it is secret.
func digest(before, value string) bool {
	return (len(value) == 40 || len(value) == 64) && isHex(value) && !slices.ContainsFunc(lastNames(before), sounds)
}

// lastNames are the two names that stand last before a value: the last may be a type.
func lastNames(before string) []string {
	names := strings.FieldsFunc(before, func(r rune) bool { return r > 'z' || !isName(byte(r)) })
	return names[max(0, len(names)-2):]
}

// buried reports whether a match is a piece of a longer stretch of base64, where any form comes up by chance.
func buried(text []byte, start, end int) bool {
	from, to := start, end
	for from > 0 && start-from < 200 && isBase64(text[from-1]) {
		from--
	}
	for to < len(text) && to-end < 200 && isBase64(text[to]) {
		to++
	}
	beside := string(text[from:start]) + string(text[end:to])
	return len(beside) >= 20 && mixed(beside) && !wordy(beside) || wrapped(text, start)
}

// wrapped reports whether a place is in base64 that is broken into lines of one length.
func wrapped(text []byte, at int) bool {
	from := bytes.LastIndexByte(text[:at], '\n') + 1
	n := bytes.IndexByte(text[from:], '\n')
	if n < 60 || n > 80 || !allBase64(text[from:from+n]) {
		return false
	}
	above, below := text[max(0, from-n-1):max(0, from-1)], text[min(len(text), from+n+1):min(len(text), from+2*n+1)]
	return len(above) == n && allBase64(above) || len(below) == n && allBase64(below)
}

func allBase64(b []byte) bool {
	return !bytes.ContainsFunc(b, func(r rune) bool { return r > 'z' || !isBase64(byte(r)) && r != '=' })
}

func isBase64(c byte) bool { return isAlnum(c) || c == '+' || c == '/' }

// secret says what of a match is secret: the group that is named, or the first that has something.
func (p *pattern) secret(m []int) (start, end int) {
	if p.group > 0 {
		return m[2*p.group], m[2*p.group+1]
	}
	for i := 2; i+1 < len(m); i += 2 {
		if m[i+1] > m[i] {
			return m[i], m[i+1]
		}
	}
	return m[0], m[1]
}

func (p *pattern) means(d *document, value, match string, at int) bool {
	if p.entropy > 0 && entropy(value) <= p.entropy || p.guard != nil && !p.guard(value) || placeholder(p.drawn(value)) {
		return false
	}
	if d.test && (p.rank == byName && !random(value) || isHex(value)) {
		return false
	}
	from, to := d.line(at)
	line := string(d.text[from:to])
	return !slices.ContainsFunc(p.allow, func(a *leaks.Allowlist) bool { return allows(a, d.path, value, match, line) })
}

// drawn is what somebody drew of a value. Of an address that is a secret itself, as a webhook's, it is the end.
func (p *pattern) drawn(value string) string {
	if p.rank == byToken && strings.HasPrefix(strings.ToLower(value), "http") {
		return value[strings.LastIndexByte(value, '/')+1:]
	}
	return value
}

// allows reports whether an allow list of gitleaks excuses a match, as gitleaks reads it.
func allows(a *leaks.Allowlist, path, value, match, line string) bool {
	target := value
	switch a.RegexTarget {
	case "match":
		target = match
	case "line":
		target = line
	}
	word, _ := a.ContainsStopWord(value)
	if a.MatchCondition != leaks.AllowlistMatchAnd {
		return a.RegexAllowed(target) || word
	}
	return (len(a.Commits) == 0) && (len(a.Paths) == 0 || a.PathAllowed(path)) &&
		(len(a.Regexes) == 0 || a.RegexAllowed(target)) && (len(a.StopWords) == 0 || word)
}

// entropy is Shannon's, in bits a byte.
func entropy(value string) float64 {
	var counts [256]int
	for i := range len(value) {
		counts[value[i]]++
	}
	sum := 0.0
	for _, n := range counts {
		if n > 0 {
			share := float64(n) / float64(len(value))
			sum -= share * math.Log2(share)
		}
	}
	return sum
}
