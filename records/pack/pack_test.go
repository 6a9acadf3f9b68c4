package pack

import (
	"testing"
)

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
