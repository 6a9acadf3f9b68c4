package dossier

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
)

// The root that follows from some leaves and the hashes between them is the one that other people's code computes from all
// leaves, for any size of tree and any choice of leaves.
func TestRootsAgreeWithTlog(t *testing.T) {
	dice := rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))
	for size := int64(1); size <= 70; size++ {
		var stored []tlog.Hash
		var sealed [][]byte
		reader := tlog.HashReaderFunc(func(list []int64) (out []tlog.Hash, err error) {
			for _, i := range list {
				out = append(out, stored[i])
			}
			return out, nil
		})
		for i := range size {
			sealed = append(sealed, fmt.Appendf(nil, "leaf %d", i))
			more, err := tlog.StoredHashes(i, sealed[i], reader)
			if err != nil {
				t.Fatal(err)
			}
			stored = append(stored, more...)
		}
		want, err := tlog.TreeHash(size, reader)
		if err != nil {
			t.Fatal(err)
		}
		var known []int64
		for i := range size {
			if dice.IntN(3) == 0 {
				known = append(known, i)
			}
		}
		hashes := between(t, 0, size, known, stored)
		if got, err := rooted(size, hashes, known, sealed); err != nil || got != want {
			t.Fatalf("size %d, leaves %v: %v", size, known, err)
		}
		for i := range hashes {
			wrong := slices.Clone(hashes)
			wrong[i] = bytes.Clone(wrong[i])
			wrong[i][7] ^= 4
			if got, err := rooted(size, wrong, known, sealed); err == nil && got == want {
				t.Errorf("size %d: a hash that was changed is not seen", size)
			}
			if got, err := rooted(size, slices.Delete(slices.Clone(hashes), i, i+1), known, sealed); err == nil && got == want {
				t.Errorf("size %d: a hash that was left out is not seen", size)
			}
		}
		if got, err := rooted(size, append(hashes, make([]byte, 32)), known, sealed); err == nil && got == want {
			t.Errorf("size %d: a hash too many is not seen", size)
		}
	}
}

// rooted is root over known leaves.
func rooted(size int64, hashes [][]byte, known []int64, sealed [][]byte) (tlog.Hash, error) {
	i := 0
	got, err := root(size, hashes, func() (int64, nodeSum, bool) {
		if i == len(known) {
			return 0, nodeSum{}, false
		}
		i++
		return known[i-1], leafHash(sealed[known[i-1]]), true
	})
	return got, err
}

// between collects the hashes of the largest whole subtrees without known leaves, as the definition says.
func between(t *testing.T, from, end int64, known []int64, stored []tlog.Hash) [][]byte {
	t.Helper()
	inside := slices.ContainsFunc(known, func(k int64) bool { return k >= from && k < end })
	level, size := 0, end-from
	for int64(1)<<level < size {
		level++
	}
	switch {
	case !inside && size == 1<<level:
		h := stored[tlog.StoredHashIndex(level, from>>level)]
		return [][]byte{h[:]}
	case size == 1:
		return nil
	}
	split := int64(1) << (level - 1)
	return append(between(t, from, from+split, known, stored), between(t, from+split, end, known, stored)...)
}

// Whatever somebody hands over as a package, it is read or refused, and no bytes of it crash who verifies.
func FuzzVerify(f *testing.F) {
	f.Add([]byte("PK\x05\x06" + string(make([]byte, 18))))
	f.Fuzz(func(t *testing.T, b []byte) {
		if r, err := Verify(bytes.NewReader(b), int64(len(b)), "a+b+c"); err == nil && r.Good() {
			t.Error("this is a package by a key that is none")
		}
	})
}

func FuzzLine(f *testing.F) {
	f.Add([]byte{1, 0, 0, 0, 1, 1}, make([]byte, 16), []byte{2, '{', '}'})
	f.Fuzz(func(t *testing.T, sealed, salt, header []byte) {
		if _, err := (Line{Sealed: sealed, Salt: salt, Header: header}).open(); err == nil {
			if _, err := commitment(sealed); err != nil {
				t.Error("it opens and has no commitment")
			}
		}
	})
}

// Whatever somebody hands over as a statement, it is read or refused, and verifies by no key that is none.
func FuzzStatement(f *testing.F) {
	f.Add([]byte(`{"version":1,"kind":"answers","text":"{}","checkpoint":"a\n1\nAAAA\n\n","seal":{"leaf":0,"sealed":"AQ==","salt":"","header":""},"hashes":[""]}`))
	f.Add([]byte(`{"version":2}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := ReadStatement(b)
		if err != nil {
			return
		}
		if _, err := s.Verify("a+b+c"); err == nil {
			t.Error("this is a statement by a key that is none")
		}
	})
}
