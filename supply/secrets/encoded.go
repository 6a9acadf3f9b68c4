package secrets

import (
	"bytes"
	"encoding/base64"
	"iter"
)

// encoded looks for tokens and keys within base64, one level deep. The whole stretch is what must not
// be shown.
type encoded struct {
	patterns *patterns
	keys     *keys
}

// How much is decoded of one file, and from which length on.
const (
	maxDecoded = 4 << 20
	minRun     = 40
)

func newEncoded(list []pattern, k *keys) *encoded {
	var strict []pattern
	for _, p := range list {
		if p.rank >= byToken {
			strict = append(strict, p)
		}
	}
	return &encoded{newPatterns(strict), k}
}

func (e *encoded) find(d *document) []hit {
	if d.sort == binary || d.sort == locked {
		return nil
	}
	var hits []hit
	left := maxDecoded
	for start, end := range runs(d.text) {
		plain := decode(d.text[start:end])
		if left -= len(plain); left < 0 {
			break
		}
		if plain == nil {
			continue
		}
		inner := *d
		inner.text, inner.lower = plain, lower(plain)
		found, _ := e.patterns.find(&inner)
		for _, h := range append(found, e.keys.find(&inner)...) {
			h.start, h.end, h.mark, h.rank = start, end, start, byToken
			h.note = "in base64"
			hits = append(hits, h)
			break
		}
	}
	return hits
}

// runs gives the stretches that could be base64 of either alphabet.
func runs(text []byte) iter.Seq2[int, int] {
	return func(yield func(int, int) bool) {
		start := 0
		for i := 0; i <= len(text); i++ {
			if i < len(text) && (isBase64(text[i]) || text[i] == '-' || text[i] == '_') {
				continue
			}
			if i-start >= minRun && !yield(start, i) {
				return
			}
			start = i + 1
		}
	}
}

// decode gives the text that a stretch of base64 stands for; nil where it stands for none.
func decode(run []byte) []byte {
	if len(run)%4 == 1 {
		return nil
	}
	code := base64.RawStdEncoding
	if bytes.ContainsAny(run, "-_") {
		code = base64.RawURLEncoding
	}
	head := make([]byte, 12)
	if _, err := code.Decode(head, run[:16]); err != nil || !text(head) {
		return nil
	}
	plain := make([]byte, code.DecodedLen(len(run)))
	n, err := code.Decode(plain, run)
	if err != nil || !text(plain[:n]) {
		return nil
	}
	return plain[:n]
}

// text reports whether bytes are ASCII, with line ends and tabs.
func text(b []byte) bool {
	for _, c := range b {
		if (c < ' ' || c > '~') && c != '\n' && c != '\r' && c != '\t' {
			return false
		}
	}
	return true
}
