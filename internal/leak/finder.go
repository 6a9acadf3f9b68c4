package leak

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"strings"
	"unicode/utf16"
)

// Finder looks for a fixed set of values.
type Finder struct {
	needles []needle
	longest int
}

// needle is one value in one form.
type needle struct {
	form string
	text []byte
}

// New returns a Finder of values, each as given, in capitals and in small letters. Values should
// be long enough not to occur by chance: 12 letters and more.
func New(values ...string) *Finder {
	f := &Finder{}
	for _, v := range values {
		f.add("UTF-8", []byte(v))
		f.add("UTF-8", []byte(strings.ToUpper(v)))
		f.add("UTF-8", []byte(strings.ToLower(v)))
		f.add("UTF-16", utf16Bytes(v, binary.LittleEndian))
		f.add("UTF-16", utf16Bytes(v, binary.BigEndian))
		f.add("hexadecimal", []byte(hex.EncodeToString([]byte(v))))
		f.add("hexadecimal", []byte(strings.ToUpper(hex.EncodeToString([]byte(v)))))
		for offset := range 3 {
			f.add("base64", base64Inside(base64.RawStdEncoding, v, offset))
			f.add("base64", base64Inside(base64.RawURLEncoding, v, offset))
		}
	}
	return f
}

func (f *Finder) add(form string, text []byte) {
	for _, n := range f.needles {
		if bytes.Equal(n.text, text) {
			return
		}
	}
	f.needles = append(f.needles, needle{form, text})
	f.longest = max(f.longest, len(text))
}

func utf16Bytes(s string, order binary.AppendByteOrder) []byte {
	var b []byte
	for _, u := range utf16.Encode([]rune(s)) {
		b = order.AppendUint16(b, u)
	}
	return b
}

// base64Inside is the part of s's encoding that stays the same whatever stands around s, when s
// begins offset bytes into a group of three.
func base64Inside(e *base64.Encoding, s string, offset int) []byte {
	text := []byte(e.EncodeToString(append(make([]byte, offset), s...)))
	first := (offset*8 + 5) / 6       // characters that hold bits of what is before
	last := (offset + len(s)) * 8 / 6 // whole characters until the end of s
	return text[first:min(last, len(text))]
}

// chunk is how much is in memory at once.
const chunk = 1 << 20

// Scan reads r to its end and names the form of the first value that it finds, or none. It also
// says how many bytes it read.
func (f *Finder) Scan(r io.Reader) (form string, n int64, err error) {
	buf := make([]byte, 0, chunk+f.longest)
	for {
		got, err := io.ReadFull(r, buf[len(buf):len(buf)+chunk])
		n += int64(got)
		buf = buf[:len(buf)+got]
		if form := f.In(buf); form != "" {
			return form, n, nil
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return "", n, nil
		}
		if err != nil {
			return "", n, err
		}
		keep := min(f.longest-1, len(buf)) // a value may lie across two chunks
		buf = buf[:copy(buf, buf[len(buf)-keep:])]
	}
}

// In names the form of a value that is in b, or none.
func (f *Finder) In(b []byte) string {
	for _, n := range f.needles {
		if bytes.Contains(b, n.text) {
			return n.form
		}
	}
	return ""
}
