package secrets

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/tutela-health/tutela/supply"
)

// Scanner finds secrets in files, one at a time. Safe for concurrent use.
type Scanner struct {
	version     string
	own         *own
	patterns    *patterns
	keys        *keys
	stores      *stores
	assignments *assignments
	encoded     *encoded
	token       *regexp.Regexp
}

// New compiles the rules.
func New() (*Scanner, error) {
	c, err := gitleaks()
	if err != nil {
		return nil, err
	}
	o := newOwn()
	list := append(borrow(c), o.patterns()...)
	k := newKeys(o)
	return &Scanner{editions(), o, newPatterns(list), k, newStores(o), newAssignments(o, c), newEncoded(list, k), tokenForm()}, nil
}

// Class says secrets.
func (s *Scanner) Class() supply.Class { return supply.Secrets }

// Version changes with the rules.
func (s *Scanner) Version() string { return s.version }

// Rules lists the rules, for those who read findings by rule.
func (s *Scanner) Rules() []supply.Rule {
	var list []supply.Rule
	for _, r := range s.own.all() {
		list = append(list, *r)
	}
	for _, p := range s.patterns.list {
		if !slices.ContainsFunc(list, func(r supply.Rule) bool { return r.ID == p.rule.ID }) {
			list = append(list, *p.rule)
		}
	}
	return list
}

// Wants takes all files but pictures, fonts, sound and what is compressed.
func (s *Scanner) Wants(name string, size int64) bool {
	if size == 0 {
		return false
	}
	switch strings.ToLower(path.Ext(name)) {
	case ".png", ".jpg", ".jpeg", ".gif", ".bmp", ".ico", ".webp", ".tif", ".tiff", ".avif", ".woff", ".woff2", ".ttf", ".otf", ".eot", ".mp3", ".mp4", ".webm", ".ogg", ".wav", ".flac", ".mov", ".avi",
		".zip", ".gz", ".tgz", ".bz2", ".xz", ".zst", ".7z", ".rar", ".whl", ".egg", ".pdf", ".psd", ".wasm", ".a", ".o", ".so", ".dylib", ".dll", ".exe", ".syso":
		return false
	}
	return true
}

// most is how many findings of one file are told; a dump of a table has thousands.
const most = 100

// errPartly says that a file is made so that looking at all of it would take too long.
var errPartly = errors.New("looks like secrets from end to end: it was looked at in part")

// File gives the secrets of one file.
func (s *Scanner) File(ctx context.Context, name string, text []byte) ([]supply.Finding, error) {
	d := newDocument(name, text)
	hits, whole := s.patterns.find(d)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	hits = choose(slices.Concat(hits, s.keys.find(d), s.stores.find(d), s.assignments.find(d), s.own.addresses(d), s.encoded.find(d)), len(d.text))
	found := s.findings(d, hits)
	if !whole {
		return found, errPartly
	}
	return found, nil
}

func (s *Scanner) findings(d *document, hits []hit) []supply.Finding {
	var found []supply.Finding
	show, lines := newShower(d, hits, s.token), liner{text: d.text}
	told := s.told(hits)
	for _, h := range told {
		found = append(found, finding(d, h, show, &lines))
	}
	if more := len(hits) - len(told); more > 0 {
		found[len(found)-1].Message += fmt.Sprintf(", and %d more in this file", more)
	}
	return found
}

// told are the hits that become findings: of keys among tests the first, of all others so many.
func (s *Scanner) told(hits []hit) []hit {
	var told []hit
	tests := 0
	for _, h := range hits {
		if h.rule == s.own.testKey {
			tests++
		}
		if len(told) < most && (h.rule != s.own.testKey || tests == 1) {
			told = append(told, h)
		}
	}
	return told
}

func finding(d *document, h hit, show *shower, lines *liner) supply.Finding {
	f := supply.Finding{Class: supply.Secrets, Rule: *h.rule, Severity: h.severity, Message: h.rule.Name, Place: supply.Place{Path: d.path}}
	if h.note != "" {
		f.Message += " (" + h.note + ")"
	}
	if d.sort == binary {
		return f // a place in it says nothing, and a line of it is none
	}
	mark := min(h.mark, h.start)
	f.Place.Line = lines.number(mark)
	f.Place.Column = mark - bytes.LastIndexByte(d.text[:mark], '\n')
	if end := f.Place.Line + bytes.Count(d.text[mark:max(mark, h.end-1)], []byte("\n")); end > f.Place.Line {
		f.Place.End = end
	}
	f.Excerpt = show.show(h)
	from, to := d.line(mark)
	if bytes.Contains(d.text[from:to], []byte(allowed)) {
		f.Waiver = &supply.Waiver{Reason: "a comment in the line allows it", From: allowed}
	}
	return f
}

// allowed is the comment with which gitleaks' users excuse a line.
const allowed = "gitleaks:allow"

// liner counts lines as places go up.
type liner struct {
	text     []byte
	at, line int
}

func (l *liner) number(at int) int {
	if at < l.at {
		l.at, l.line = 0, 0
	}
	l.line += bytes.Count(l.text[l.at:at], []byte("\n"))
	l.at = at
	return l.line + 1
}
