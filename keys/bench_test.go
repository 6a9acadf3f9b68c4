package keys

import "testing"

// benchAAD is the place of a version of a resource.
func benchAAD() AAD {
	return AAD{Tenant: "tenant", Purpose: "record", Subject: Subject64(101), ID: 102, Version: 3}
}

func benchKey(b *testing.B) *Key {
	b.Helper()
	k, err := NewKey(NewSecret(), 1)
	if err != nil {
		b.Fatal(err)
	}
	return k
}

func BenchmarkSeal(b *testing.B) {
	k, text := benchKey(b), make([]byte, 512)
	out := make([]byte, 0, len(text)+Overhead)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if len(k.Seal(out, text, benchAAD())) != cap(out) {
			b.Fatal("sealed to another length")
		}
	}
}

func BenchmarkOpen(b *testing.B) {
	k, text := benchKey(b), make([]byte, 512)
	sealed := k.Seal(nil, text, benchAAD())
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := k.Open(text[:0], sealed, benchAAD()); err != nil {
			b.Fatal(err)
		}
	}
}
