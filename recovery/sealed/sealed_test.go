package sealed_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tutela-health/tutela/recovery/sealed"
)

const (
	chunk       = 64 << 10
	sealedChunk = chunk + 28
)

func place() sealed.Place { return sealed.Place{Tenant: "clinic", Name: "backup-1", Sequence: 7} }

// headerSize is the length of a header at place for n recipients.
func headerSize(n int) int { return 16 + 1 + len("clinic") + 1 + len("backup-1") + 8 + 1 + n*133 + 28 }

func pair(t testing.TB) (sealed.Opener, sealed.Recipient) {
	t.Helper()
	private, err := sealed.Generate()
	if err != nil {
		t.Fatal(err)
	}
	o, err := sealed.ParseOpener(private)
	if err != nil {
		t.Fatal(err)
	}
	public, err := o.Recipient().PEM()
	if err != nil {
		t.Fatal(err)
	}
	r, err := sealed.ParseRecipient(public)
	if err != nil {
		t.Fatal(err)
	}
	return o, r
}

func seal(t testing.TB, p sealed.Place, plain []byte, to ...sealed.Recipient) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := sealed.NewWriter(&out, p, to)
	if err == nil {
		_, err = w.Write(plain)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func open(stream []byte, p sealed.Place, by ...sealed.Opener) ([]byte, error) {
	r, err := sealed.NewReader(bytes.NewReader(stream), p, by...)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i * 7)
	}
	return b
}

// wantDamage asserts that a stream is refused, and that the part is named.
func wantDamage(t *testing.T, err error, part string) {
	t.Helper()
	var d *sealed.Damage
	if !errors.As(err, &d) {
		t.Fatalf("got %v, want damage in %s", err, part)
	}
	if d.Part != part {
		t.Errorf("damage named in %q (%s), want %q", d.Part, d.Why, part)
	}
}

func TestEveryRecipientOpensWhatWasSealed(t *testing.T) {
	a, to := pair(t)
	b, also := pair(t)
	for _, size := range []int{0, 1, chunk - 1, chunk, chunk + 1, 3*chunk + 5} {
		plain := pattern(size)
		stream := seal(t, place(), plain, to, also)
		for _, o := range []sealed.Opener{a, b} {
			got, err := open(stream, place(), o)
			if err != nil || !bytes.Equal(got, plain) {
				t.Errorf("%d bytes: %v, %d came back", size, err, len(got))
			}
		}
	}
}

func TestStreamsOfAnyCutOpen(t *testing.T) {
	o, to := pair(t)
	rapid.Check(t, func(rt *rapid.T) {
		var out bytes.Buffer
		var want []byte
		w, err := sealed.NewWriter(&out, place(), []sealed.Recipient{to})
		if err != nil {
			rt.Fatal(err)
		}
		for _, n := range rapid.SliceOfN(rapid.IntRange(0, 2*chunk), 0, 5).Draw(rt, "writes") {
			piece := pattern(n)
			want = append(want, piece...)
			if _, err := w.Write(piece); err != nil {
				rt.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			rt.Fatal(err)
		}
		r, err := sealed.NewReader(iotest.HalfReader(&out), place(), o)
		if err != nil {
			rt.Fatal(err)
		}
		if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, want) {
			rt.Fatalf("%v: %d of %d bytes", err, len(got), len(want))
		}
	})
}

func TestNobodyElseOpens(t *testing.T) {
	_, to := pair(t)
	other, _ := pair(t)
	if _, err := open(seal(t, place(), pattern(10), to), place(), other); !errors.Is(err, sealed.ErrNotRecipient) {
		t.Errorf("got %v", err)
	}
	if _, err := open(seal(t, place(), pattern(10), to), place()); !errors.Is(err, sealed.ErrNotRecipient) {
		t.Errorf("without a key: %v", err)
	}
}

// TestEveryChangedByteIsRefusedAndNamed changes each byte of a stream of two chunks in turn.
func TestEveryChangedByteIsRefusedAndNamed(t *testing.T) {
	o, to := pair(t)
	stream := seal(t, place(), pattern(chunk+300), to)
	head := headerSize(1)
	if len(stream) != head+sealedChunk+300+28 {
		t.Fatalf("a stream of %d bytes: the layout is not what this test knows", len(stream))
	}
	for at := range stream {
		if at > head+64 && at < head+sealedChunk-64 && at%97 != 0 {
			continue // inside a chunk all bytes are alike
		}
		changed := slices.Clone(stream)
		changed[at] ^= 1 << (at % 8)
		_, err := open(changed, place(), o)
		switch {
		case at < head:
			if errors.Is(err, sealed.ErrNotRecipient) {
				continue // the id of the key was changed
			}
			wantDamage(t, err, "header")
		case at < head+sealedChunk:
			wantDamage(t, err, "chunk 0")
		default:
			wantDamage(t, err, "chunk 1")
		}
	}
}

func TestEveryTruncationIsRefused(t *testing.T) {
	o, to := pair(t)
	stream := seal(t, place(), pattern(2*chunk+9), to)
	head := headerSize(1)
	cuts := []int{0, 1, 15, 16, head - 1, head, head + 1, head + sealedChunk - 1, head + sealedChunk, head + sealedChunk + 1,
		head + 2*sealedChunk, len(stream) - 1}
	for _, n := range cuts {
		_, err := open(stream[:n], place(), o)
		var d *sealed.Damage
		if !errors.As(err, &d) {
			t.Errorf("cut to %d of %d: %v", n, len(stream), err)
		}
	}
	_, err := open(stream[:head+sealedChunk], place(), o)
	if want := "chunk 0: the stream ends after it, and went on"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %q", err, want)
	}
}

func TestMovedChunksAreRefused(t *testing.T) {
	o, to := pair(t)
	stream, other := seal(t, place(), pattern(3*chunk), to), seal(t, place(), pattern(3*chunk), to)
	head := headerSize(1)
	part := func(s []byte, i int) []byte { return s[head+i*sealedChunk : head+(i+1)*sealedChunk] }
	build := func(parts ...[]byte) []byte { return slices.Concat(append([][]byte{stream[:head]}, parts...)...) }
	for _, tt := range []struct {
		name, part string
		stream     []byte
	}{
		{"swapped", "chunk 0", build(part(stream, 1), part(stream, 0), part(stream, 2))},
		{"left out", "chunk 1", build(part(stream, 0), part(stream, 2))},
		{"repeated", "chunk 1", build(part(stream, 0), part(stream, 0), part(stream, 1), part(stream, 2))},
		{"of another stream", "chunk 1", build(part(stream, 0), part(other, 1), part(stream, 2))},
		{"added", "chunk 2", build(part(stream, 0), part(stream, 1), part(stream, 2), part(stream, 2))},
		{"header of another", "chunk 0", slices.Concat(other[:head], stream[head:])},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := open(tt.stream, place(), o)
			wantDamage(t, err, tt.part)
		})
	}
}

func TestStreamOpensAtItsOwnPlaceOnly(t *testing.T) {
	o, to := pair(t)
	stream := seal(t, place(), pattern(10), to)
	for _, p := range []sealed.Place{
		{Tenant: "other", Name: "backup-1", Sequence: 7}, {Tenant: "clinic", Name: "backup-2", Sequence: 7},
		{Tenant: "clinic", Name: "backup-1", Sequence: 8}, {Tenant: "clinicb", Name: "ackup-1", Sequence: 7}, {},
	} {
		_, err := open(stream, p, o)
		wantDamage(t, err, "header")
	}
	forged := bytes.Replace(stream, []byte("clinic"), []byte("otherr"), 1)
	_, err := open(forged, sealed.Place{Tenant: "otherr", Name: "backup-1", Sequence: 7}, o)
	wantDamage(t, err, "header")
}

func TestUnfinishedStreamIsRefused(t *testing.T) {
	o, to := pair(t)
	var out bytes.Buffer
	w, err := sealed.NewWriter(&out, place(), []sealed.Recipient{to})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(pattern(2 * chunk)); err != nil {
		t.Fatal(err)
	}
	_, err = open(out.Bytes(), place(), o)
	wantDamage(t, err, "chunk 0")
}

func TestFailingDestinationIsTold(t *testing.T) {
	_, to := pair(t)
	full := errors.New("no space left")
	w, err := sealed.NewWriter(&stingy{room: headerSize(1) + 100, err: full}, place(), []sealed.Recipient{to})
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.Write(pattern(3 * chunk))
	if !errors.Is(err, full) || !errors.Is(w.Close(), full) {
		t.Errorf("got %v", err)
	}
	if _, err := sealed.NewWriter(&stingy{err: full}, place(), []sealed.Recipient{to}); !errors.Is(err, full) {
		t.Errorf("header: %v", err)
	}
}

// stingy has room for so many bytes.
type stingy struct {
	room int
	err  error
}

func (s *stingy) Write(p []byte) (int, error) {
	if s.room -= len(p); s.room < 0 {
		return 0, s.err
	}
	return len(p), nil
}

func TestFailingSourceIsNoDamage(t *testing.T) {
	o, to := pair(t)
	broken := errors.New("connection lost")
	stream := seal(t, place(), pattern(2*chunk), to)
	for _, n := range []int{3, headerSize(1) - 3, headerSize(1) + 5, headerSize(1) + sealedChunk} {
		r, err := sealed.NewReader(io.MultiReader(bytes.NewReader(stream[:n]), iotest.ErrReader(broken)), place(), o)
		if err == nil {
			_, err = io.ReadAll(r)
		}
		var d *sealed.Damage
		if !errors.Is(err, broken) || errors.As(err, &d) {
			t.Errorf("after %d bytes: %v", n, err)
		}
	}
}

func TestOtherKeysAreRefused(t *testing.T) {
	k, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(&k.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range [][]byte{nil, []byte("key"), pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public}),
		pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: []byte("x")}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("x")})} {
		if _, err := sealed.ParseRecipient(text); err == nil {
			t.Errorf("recipient taken: %q", text)
		}
		if _, err := sealed.ParseOpener(text); err == nil {
			t.Errorf("opener taken: %q", text)
		}
	}
	if _, err := sealed.NewWriter(io.Discard, place(), nil); err == nil {
		t.Error("a stream for nobody was begun")
	}
}

func TestOpenerNeverPrints(t *testing.T) {
	o, _ := pair(t)
	want := []string{"redacted", "redacted", "redacted", "redacted"}
	got := []string{fmt.Sprint(o), fmt.Sprintf("%+v", o), fmt.Sprintf("%#v", o), o.LogValue().String()}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if strings.Contains(fmt.Sprintf("%x", o), "0") {
		t.Error("the key is printed in hexadecimal")
	}
}

func FuzzReader(f *testing.F) {
	o, to := pair(f)
	f.Add(seal(f, place(), []byte("hello"), to))
	f.Add([]byte("tutela-sealed-1\n"))
	f.Fuzz(func(t *testing.T, stream []byte) {
		_, _ = open(stream, place(), o) // must neither panic nor take more memory than a chunk or two
	})
}
