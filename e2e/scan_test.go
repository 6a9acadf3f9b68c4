package e2e_test

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"
)

// needle is a text that must not lie in plaintext. Its label says what it is, and is fit to be printed.
type needle struct{ label, text string }

// shortest is how many bytes a needle has at least: shorter ones occur in any heap of bytes.
const shortest = 6

// pattern is a needle as some program might write it.
type pattern struct {
	needle   needle
	encoding string
	bytes    []byte
}

// finding is a pattern that lies somewhere.
type finding struct {
	file     string
	needle   needle
	encoding string
}

// patterns writes a needle in every encoding that is looked for, as it is and in lower case.
func patterns(n needle) []pattern {
	var list []pattern
	for _, text := range []string{n.text, strings.ToLower(n.text)} {
		for encoding, b := range encodings(text) {
			list = append(list, pattern{n, encoding, b})
		}
		if text == strings.ToLower(n.text) {
			break
		}
	}
	return list
}

func encodings(text string) map[string][]byte {
	big, little := []byte(nil), []byte(nil)
	for _, unit := range utf16.Encode([]rune(text)) {
		big, little = binary.BigEndian.AppendUint16(big, unit), binary.LittleEndian.AppendUint16(little, unit)
	}
	lower := hex.EncodeToString([]byte(text))
	all := map[string][]byte{
		"UTF-8": []byte(text), "UTF-16BE": big, "UTF-16LE": little,
		"hex": []byte(lower), "HEX": []byte(strings.ToUpper(lower)),
	}
	for shift, name := range []string{"base64", "base64+1", "base64+2"} {
		all[name] = inside64(base64.RawStdEncoding, text, shift)
		all[name+" URL"] = inside64(base64.RawURLEncoding, text, shift)
	}
	return all
}

// inside64 gives the characters that a text has in base64 wherever shift bytes (modulo 3) come
// before it: those that no neighbouring byte has a part in.
func inside64(e *base64.Encoding, text string, shift int) []byte {
	encoded := e.EncodeToString(append(make([]byte, shift), text...))
	first := (shift*8 + 5) / 6
	return []byte(encoded[first : (shift+len(text))*8/6])
}

// scanner finds many patterns in one pass: each window of six bytes is looked up in a bitmap,
// and what the bitmap lets through in a map of the patterns that begin so.
type scanner struct {
	bitmap []uint64
	begins map[uint64][]pattern
}

const bitmapBits = 22

func newScanner(needles []needle) *scanner {
	s := &scanner{bitmap: make([]uint64, 1<<(bitmapBits-6)), begins: map[uint64][]pattern{}}
	for _, n := range needles {
		for _, p := range patterns(n) {
			w := uint64(0)
			for _, b := range p.bytes[:shortest] {
				w = slide(w, b)
			}
			s.begins[w] = append(s.begins[w], p)
			at := spread(w)
			s.bitmap[at/64] |= 1 << (at % 64)
		}
	}
	return s
}

// slide moves the window one byte on.
func slide(w uint64, b byte) uint64 { return w>>8 | uint64(b)<<40 }

// spread hashes a window into the bitmap (Fibonacci hashing).
func spread(w uint64) uint64 { return w * 0x9e3779b97f4a7c15 >> (64 - bitmapBits) }

// scan calls found for every place at which a pattern lies.
func (s *scanner) scan(data []byte, found func(pattern)) {
	w := uint64(0)
	for i, b := range data {
		w = slide(w, b)
		if at := spread(w); s.bitmap[at/64]>>(at%64)&1 == 0 {
			continue
		}
		for _, p := range s.begins[w] {
			if begin := i + 1 - shortest; begin >= 0 && bytes.HasPrefix(data[begin:], p.bytes) {
				found(p)
			}
		}
	}
}

// files scans every file under the paths and counts the bytes.
func (s *scanner) files(t testing.TB, paths ...string) (findings map[finding]int, size int64) {
	t.Helper()
	findings = map[finding]int{}
	for _, top := range paths {
		must(t, filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return err
			}
			data, err := os.ReadFile(path)
			size += int64(len(data))
			s.scan(data, func(p pattern) { findings[finding{path, p.needle, p.encoding}]++ })
			return err
		}))
	}
	return findings, size
}

// The scanner itself is held to what it promises: a text is found in every encoding, at every
// alignment, between any neighbours, at both ends of a file.
func TestScannerFindsATextInEveryEncoding(t *testing.T) {
	const text = "Ünïque Näme Of Nobody>>??~~"
	s := newScanner([]needle{{"planted", text}, {"short", "Abcdef"}})
	for _, planted := range []string{text, strings.ToLower(text), "Abcdef", "abcdef"} {
		for want, b := range map[string][]byte{
			"UTF-8": []byte(planted), "UTF-16LE": utf16Bytes(planted, binary.LittleEndian), "UTF-16BE": utf16Bytes(planted, binary.BigEndian),
			"hex": []byte(hex.EncodeToString([]byte(planted))), "HEX": []byte(strings.ToUpper(hex.EncodeToString([]byte(planted)))),
		} {
			for before := range 4 {
				for after := range 4 {
					data := append(append(bytes.Repeat([]byte{0xff}, before), b...), bytes.Repeat([]byte{0xff}, after)...)
					if got := encodingsFound(s, data); !got[want] {
						t.Errorf("%q as %s between %d and %d bytes: found %v", planted, want, before, after, got)
					}
				}
			}
		}
		for before := range 6 {
			data := append(append(bytes.Repeat([]byte{0xff}, before), planted...), 0xff, 0xff, 0xff)
			for suffix, e := range map[string]*base64.Encoding{"": base64.StdEncoding, " URL": base64.URLEncoding} {
				want := []string{"base64", "base64+1", "base64+2"}[before%3] + suffix
				if got := encodingsFound(s, []byte(e.EncodeToString(data))); !got[want] {
					t.Errorf("%q as %s after %d bytes: found %v", planted, want, before, got)
				}
			}
		}
	}
}

func utf16Bytes(text string, order binary.AppendByteOrder) []byte {
	var b []byte
	for _, unit := range utf16.Encode([]rune(text)) {
		b = order.AppendUint16(b, unit)
	}
	return b
}

func encodingsFound(s *scanner, data []byte) map[string]bool {
	got := map[string]bool{}
	s.scan(data, func(p pattern) { got[p.encoding] = true })
	return got
}

func TestScannerNamesTheFileAndPassesOverOthers(t *testing.T) {
	dir := t.TempDir()
	must(t, os.MkdirAll(filepath.Join(dir, "deep", "er"), 0o700))
	guilty, innocent := filepath.Join(dir, "deep", "er", "a"), filepath.Join(dir, "b")
	must(t, os.WriteFile(guilty, []byte(strings.Repeat("x", 100_000)+"Someone Else and Someone Else"), 0o600))
	must(t, os.WriteFile(innocent, []byte(strings.Repeat("someone.else ", 1000)+"Someone els"), 0o600))
	got, size := newScanner([]needle{{"name", "Someone Else"}}).files(t, dir)
	if diff := cmp.Diff(map[finding]int{{guilty, needle{"name", "Someone Else"}, "UTF-8"}: 2}, got); diff != "" {
		t.Error(diff)
	}
	if want := int64(100_000 + 29 + 13_000 + 11); size != want {
		t.Errorf("read %d bytes, want %d", size, want)
	}
}
