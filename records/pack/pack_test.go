package pack

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"
	"pgregory.net/rapid"

	"github.com/tutela-health/tutela/internal/errs"
)

func TestUnpackGivesBackEveryResource(t *testing.T) {
	p := newPacker(t)
	for _, r := range heldOut(t) {
		got, err := p.Unpack(nil, mustPack(t, p, r.JSON))
		if err != nil {
			t.Fatalf("%s: %v", r.Type, err)
		}
		if !bytes.Equal(r.JSON, got) {
			t.Fatalf("%s came back changed", r.Type)
		}
	}
}

func TestUnpackGivesBackAnyBytes(t *testing.T) {
	p := newPacker(t)
	rapid.Check(t, func(t *rapid.T) {
		plain := rapid.SliceOf(rapid.Byte()).Draw(t, "plain")
		packed, err := p.Pack(nil, plain)
		if err != nil {
			t.Fatal(err)
		}
		got, err := p.Unpack(nil, packed)
		if err != nil || !bytes.Equal(plain, got) {
			t.Fatalf("came back changed: %v", err)
		}
	})
}

func TestPackAndUnpackAppend(t *testing.T) {
	p, plain := newPacker(t), []byte(strings.Repeat(`{"resourceType":"Patient"}`, 20))
	packed, err := p.Pack([]byte("before"), plain)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(mustPack(t, p, plain), packed[len("before"):]); diff != "" {
		t.Error(diff)
	}
	for _, room := range []int{0, 10, 10_000} {
		dst := append(make([]byte, 0, len("after")+room), "after"...)
		got, err := p.Unpack(dst, packed[len("before"):])
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff("after"+string(plain), string(got)); diff != "" {
			t.Errorf("with room for %d: %s", room, diff)
		}
	}
}

func TestIncompressibleBytesAreStored(t *testing.T) {
	p, plain := newPacker(t), make([]byte, 5000)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(plain)
	packed := mustPack(t, p, plain)
	if packed[0] != formatStored || len(packed) > Class(len(plain)+4) {
		t.Errorf("format %d, %d bytes", packed[0], len(packed))
	}
	got, err := p.Unpack(nil, packed)
	if err != nil || !bytes.Equal(plain, got) {
		t.Errorf("came back changed: %v", err)
	}
}

func TestPackedLengthsAreClasses(t *testing.T) {
	p, text := newPacker(t), make([]byte, 6000)
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range text {
		text[i] = byte(rng.IntN(256))
	}
	lengths := map[int]bool{}
	for n := 0; n <= len(text); n += 7 {
		packed := mustPack(t, p, text[:n])
		if len(packed) != Class(len(packed)) {
			t.Fatalf("%d bytes pack to %d, which is no class", n, len(packed))
		}
		lengths[len(packed)] = true
	}
	if len(lengths) > 85 {
		t.Errorf("%d lengths below 6 KiB", len(lengths))
	}
}

func TestLongestResourceIsPackedAndLongerIsRefused(t *testing.T) {
	p := newPacker(t)
	zeros := make([]byte, MaxSize+1)
	got, err := p.Unpack(nil, mustPack(t, p, zeros[:MaxSize]))
	if err != nil || len(got) != MaxSize {
		t.Errorf("%d bytes came back: %v", len(got), err)
	}
	if _, err := p.Pack(nil, zeros); !errs.Is(err, errs.TooLarge) {
		t.Errorf("one byte more: %v", err)
	}
}

func TestPackerIsSafeForConcurrentUse(t *testing.T) {
	p := newPacker(t)
	all := heldOut(t)
	all = all[:min(len(all), 800)]
	var wg sync.WaitGroup
	for worker := range 8 {
		wg.Go(func() {
			for i := range 200 {
				r := all[(worker*97+i)%len(all)].JSON
				packed, err := p.Pack(nil, r)
				if err != nil {
					t.Error(err)
					return
				}
				if got, err := p.Unpack(nil, packed); err != nil || !bytes.Equal(r, got) {
					t.Errorf("came back changed: %v", err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// wrap frames a body as Pack does.
func wrap(format byte, body []byte) []byte {
	b := binary.AppendUvarint([]byte{format}, uint64(len(body)))
	b = append(b, body...)
	return append(b, make([]byte, Class(len(b))-len(b))...)
}

func TestUnpackRefusesWhatPackDoesNotWrite(t *testing.T) {
	p := newPacker(t)
	good := mustPack(t, p, []byte(strings.Repeat("abc ", 30)))
	_, body, err := split(good)
	if err != nil {
		t.Fatal(err)
	}
	for name, packed := range map[string][]byte{
		"nothing":                   nil,
		"format alone":              {1},
		"zeros":                     make([]byte, 64),
		"unknown dictionary":        wrap(current+1, body),
		"format zero":               wrap(0, body),
		"no frame":                  wrap(current, []byte("not zstd at all")),
		"empty body":                wrap(current, nil),
		"frame cut short":           wrap(current, body[:len(body)-1]),
		"frame of no dictionary":    wrap(current, encode(t, []byte("abc"))),
		"frame of other dictionary": wrap(current, otherDictionary(t, body)),
		"padding missing":           good[:len(good)-1],
		"a class too long":          append(bytes.Clone(good), make([]byte, 16)...),
		"padding not zero":          flip(good, len(good)-1),
		"length beyond the end":     {1, 200, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},
		"length overflowing":        append([]byte{1}, bytes.Repeat([]byte{0xFF}, 15)...),
		"length past 63 bits":       {1, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1, 0, 0, 0, 0, 0},
		"stored, too long":          wrap(formatStored, make([]byte, MaxSize+1)),
	} {
		t.Run(name, func(t *testing.T) {
			got, err := p.Unpack(nil, packed)
			if !errs.Is(err, errs.Internal) || got != nil {
				t.Errorf("unpacked to %d bytes, error %v", len(got), err)
			}
		})
	}
}

func flip(b []byte, i int) []byte {
	b = bytes.Clone(b)
	b[i] ^= 1
	return b
}

// otherDictionary changes the dictionary id in a frame's header.
func otherDictionary(t *testing.T, body []byte) []byte {
	t.Helper()
	other := flip(body, 6)
	var h zstd.Header
	if err := h.Decode(other); err != nil || h.DictionaryID == current {
		t.Fatalf("byte 6 is not the dictionary id: %+v, %v", h, err)
	}
	return other
}

// encode compresses without the current dictionary.
func encode(t *testing.T, plain []byte, opts ...zstd.EOption) []byte {
	t.Helper()
	enc, err := zstd.NewWriter(nil, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return enc.EncodeAll(plain, nil)
}

// TestUnpackBoundsMemory feeds it frames that grow to 256 MiB, with and without saying so.
func TestUnpackBoundsMemory(t *testing.T) {
	p := newPacker(t)
	for name, bomb := range bombs(t) {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			if _, err := p.Unpack(nil, wrap(current, bomb)); !errs.Is(err, errs.Internal) {
				t.Errorf("unpacked: %v", err)
			}
			runtime.ReadMemStats(&after)
			if took := (after.TotalAlloc - before.TotalAlloc) >> 20; took > 200 { // in all, growing step by step
				t.Errorf("took %d MiB to refuse it", took)
			}
		})
	}
}

func bombs(t *testing.T) map[string][]byte {
	t.Helper()
	dict := zstd.WithEncoderDict(dictionaries()[0])
	declared := encode(t, make([]byte, 256<<20), dict)
	var streamed bytes.Buffer
	w, err := zstd.NewWriter(&streamed, dict)
	if err != nil {
		t.Fatal(err)
	}
	chunk := make([]byte, 1<<20)
	for range 256 {
		if _, err := w.Write(chunk); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return map[string][]byte{
		"size declared":   declared,
		"size untold":     streamed.Bytes(),
		"frame on frame":  bytes.Repeat(encode(t, make([]byte, 16<<20), dict), 16),
		"frames of 1 MiB": bytes.Repeat(encode(t, make([]byte, 1<<20), dict), 256),
	}
}

func TestClassesGrowByNoMoreThanASixteenth(t *testing.T) {
	for n := 1; n < 1<<20; n++ {
		c := Class(n)
		if c < n || Class(c) != c || c-n >= max(32, n/16+1) || n <= 256 && c-n >= 16 {
			t.Fatalf("%d is in class %d", n, c)
		}
	}
	want := map[int]int{0: 0, 1: 16, 16: 16, 17: 32, 256: 256, 257: 288, 1024: 1024, 1025: 1088, 2049: 2176, 1 << 20: 1 << 20}
	got := map[int]int{}
	for n := range want {
		got[n] = Class(n)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func FuzzUnpack(f *testing.F) {
	p := newPacker(f)
	for _, s := range []string{"", "{}", strings.Repeat(`{"resourceType":"Patient","id":"a"}`, 9)} {
		f.Add(mustPack(f, p, []byte(s)))
	}
	f.Add(packedByV1())
	f.Add(wrap(current, []byte{0x28, 0xB5, 0x2F, 0xFD, 1, 0, 1, 0xB5}))
	f.Add(wrap(formatStored, []byte("{}")))
	f.Fuzz(func(t *testing.T, packed []byte) {
		plain, err := p.Unpack(nil, packed)
		if err != nil {
			return
		}
		if len(plain) > MaxSize {
			t.Fatalf("%d bytes", len(plain))
		}
		again, err := p.Unpack(nil, mustPack(t, p, plain))
		if err != nil || !bytes.Equal(plain, again) {
			t.Fatalf("came back changed: %v", err)
		}
	})
}

func ExamplePacker() {
	p, err := New()
	if err != nil {
		panic(err)
	}
	packed, err := p.Pack(nil, []byte(`{"resourceType":"Patient","id":"p1","active":true}`))
	if err != nil {
		panic(err)
	}
	plain, err := p.Unpack(nil, packed)
	fmt.Println(len(packed), string(plain), err)
	// Output: 32 {"resourceType":"Patient","id":"p1","active":true} <nil>
}

func newPacker(tb testing.TB) *Packer {
	tb.Helper()
	p, err := New()
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

func mustPack(tb testing.TB, p *Packer, json []byte) []byte {
	tb.Helper()
	packed, err := p.Pack(nil, json)
	if err != nil {
		tb.Fatal(err)
	}
	return packed
}

func BenchmarkPack(b *testing.B) {
	p, all := newPacker(b), heldOut(b)
	var dst []byte
	var n int
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		r := all[i%len(all)].JSON
		dst, _ = p.Pack(dst[:0], r)
		n += len(r)
	}
	b.SetBytes(int64(n / b.N))
}

func BenchmarkUnpack(b *testing.B) {
	p := newPacker(b)
	var packed [][]byte
	for _, r := range heldOut(b) {
		packed = append(packed, mustPack(b, p, r.JSON))
	}
	var dst []byte
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		dst, _ = p.Unpack(dst[:0], packed[i%len(packed)])
	}
}
