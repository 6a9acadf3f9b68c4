package leak

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf16"
)

const value = "Quillfeather-7731"

func utf16LE(s string) string {
	var b []byte
	for _, u := range utf16.Encode([]rune(s)) {
		b = append(b, byte(u), byte(u>>8))
	}
	return string(b)
}

// forms writes a value down in every form, in the middle of something else.
func forms() map[string]string {
	return map[string]string{
		"UTF-8":             `{"family":"` + value + `"}`,
		"capitals":          "X" + strings.ToUpper(value) + "Y",
		"small letters":     "x" + strings.ToLower(value) + "y",
		"UTF-16":            utf16LE("name " + value),
		"hexadecimal":       hex.EncodeToString([]byte("name " + value + "!")),
		"HEXADECIMAL":       strings.ToUpper(hex.EncodeToString([]byte(value))),
		"base64, offset 0":  base64.StdEncoding.EncodeToString([]byte(value + " and more")),
		"base64, offset 1":  base64.StdEncoding.EncodeToString([]byte("~" + value + " and more")),
		"base64, offset 2":  base64.StdEncoding.EncodeToString([]byte("~~" + value)),
		"base64, offset 14": base64.RawURLEncoding.EncodeToString([]byte("some bytes ÿÿÿ" + value + "ÿ")),
	}
}

func TestEveryFormIsFoundAnywhere(t *testing.T) {
	f := New("another value", value)
	for name, text := range forms() {
		for _, before := range []int{0, 1, chunk - 5, chunk - 1, chunk, 2*chunk - 20} {
			hay := append(bytes.Repeat([]byte{'.'}, before), text...)
			form, _, err := f.Scan(bytes.NewReader(append(hay, make([]byte, 100)...)))
			if err != nil || form == "" || form[0]|32 != name[0]|32 && form != "UTF-8" {
				t.Errorf("%s after %d bytes: form %q, %v", name, before, form, err)
			}
		}
	}
}

func TestNothingIsFoundWhereNothingIs(t *testing.T) {
	noise := make([]byte, 3*chunk+17)
	rnd := rand.NewChaCha8([32]byte{1})
	_, _ = rnd.Read(noise)
	near := append(noise, value[1:]+value[:len(value)-1]...) // all but a letter of it, twice
	form, n, err := New(value).Scan(bytes.NewReader(near))
	if err != nil || form != "" || n != int64(len(near)) {
		t.Errorf("form %q in %d of %d bytes, %v", form, n, len(near), err)
	}
}

func TestWhatCannotBeReadIsAnError(t *testing.T) {
	broken := errors.New("broken")
	if _, _, err := New(value).Scan(iotest.ErrReader(broken)); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}
