package secrets

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"regexp"
	"strings"
)

// struck is what stands where a secret stood, whatever its length.
const struck = "[…]"

// widest is how much of a line is shown.
const widest = 160

// shower shows lines of one document with what is secret in them struck out.
type shower struct {
	d     *document
	hits  []hit // all that are in it
	twins *strings.Replacer
	token *regexp.Regexp
}

// watched are the hits whose repetitions are looked for in lines of others.
const watched = 500

func newShower(d *document, hits []hit, token *regexp.Regexp) *shower {
	var pairs []string
	for _, h := range hits[:min(len(hits), watched)] {
		for _, twin := range twins(d.text[h.start:min(h.end, h.start+longestLine)]) {
			pairs = append(pairs, twin, struck)
		}
	}
	return &shower{d, hits, strings.NewReplacer(pairs...), token}
}

// tokenForm is what may be a secret beside one that was recognised.
func tokenForm() *regexp.Regexp { return regexp.MustCompile(`[A-Za-z0-9+/_=.~!@#%^*-]{12,}`) }

// show gives the line of a hit. Struck out are all hits of the file on it, what repeats their secrets
// in plain or encoded, and what looks random beside them. Only then is the line cut to what is shown, so
// that no piece of anything is left at its ends.
func (s *shower) show(h hit) string {
	from, to := s.d.line(h.mark)
	left, right := []rune(s.clean(from, h.mark)), []rune(s.clean(h.mark, to))
	if len(left) > widest/2 {
		left = append([]rune("…"), left[len(left)-widest/2:]...)
	}
	if len(right) > widest {
		right = append(right[:widest:widest], '…')
	}
	return strings.TrimSpace(string(left) + string(right))
}

// clean gives a part of the text without what is secret in it.
func (s *shower) clean(from, to int) string {
	line := s.token.ReplaceAllStringFunc(s.twins.Replace(s.covered(from, to)), func(word string) string {
		if mixed(word) && entropy(word) > 3 || len(word) >= 24 && entropy(word) > 4 && !wordy(word) {
			return struck
		}
		return word
	})
	return strings.ToValidUTF8(strings.Map(visible, line), "")
}

// covered gives a part of the text with the hits in it struck out.
func (s *shower) covered(from, to int) string {
	var out strings.Builder
	at := from
	for _, o := range s.hits {
		if o.end <= from || o.start >= to {
			continue
		}
		if o.start > at {
			out.Write(s.d.text[at:o.start])
		}
		out.WriteString(struck)
		at = max(at, o.end)
	}
	if at < to {
		out.Write(s.d.text[at:to])
	}
	return out.String()
}

func visible(r rune) rune {
	if r < ' ' || r == 0x7f {
		return ' '
	}
	return r
}

// twins are the ways in which a secret may stand again: as it is, in base64, in hexadecimal, escaped.
func twins(value []byte) []string {
	value = bytes.TrimSpace(value)
	if len(value) < 4 {
		return nil
	}
	v := string(value)
	list := []string{v, base64.StdEncoding.EncodeToString(value), base64.URLEncoding.EncodeToString(value), base64.RawStdEncoding.EncodeToString(value), base64.RawURLEncoding.EncodeToString(value), hex.EncodeToString(value), url.QueryEscape(v), url.PathEscape(v)}
	if plain, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(v, "=")); err == nil && len(plain) >= 4 {
		list = append(list, string(plain))
	}
	return list
}
