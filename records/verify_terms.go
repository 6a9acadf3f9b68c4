package records

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"math"

	"github.com/tutela-health/tutela/store"
)

// The terms of a large system do not fit into memory. So the ones that follow from the resources and the ones that are there
// are added up to fingerprints, a part of the resources each, under a key made for this one verification: nobody can have
// prepared two sets with one fingerprint. Only of parts that differ are the terms themselves compared, some parts at a time.

// termParts is how many there are: the first bits of a locator say to which it belongs.
const (
	partBits  = 10
	termParts = 1 << partBits
)

// mostTerms bounds the terms that are held in memory at a time, but for a single part that has more: some 200 MB.
const mostTerms = 2 << 20

func partOf(locator int64) int { return int(uint64(locator) >> (64 - partBits)) }

// partEnds are the first and the last locator of a part.
func partEnds(p int) (first, last int64) {
	low := uint64(p) << (64 - partBits)
	return int64(low), int64(low | math.MaxUint64>>partBits)
}

// termSum is the fingerprint of a set of terms: how many, and the sum of their images under a cipher, modulo 2⁶⁴ twice.
type termSum struct {
	count  int64
	lo, hi uint64
}

// termHash maps terms to 128 bits: CBC-MAC over two blocks of AES-256 (all terms have one length). Not safe for concurrent use.
type termHash struct {
	block cipher.Block
	buf   [aes.BlockSize]byte
}

func newTermHash() (*termHash, error) {
	secret := make([]byte, 32)
	_, _ = rand.Read(secret) // never fails: it ends the process instead
	block, err := aes.NewCipher(secret)
	return &termHash{block: block}, err
}

func (h *termHash) add(sums *[termParts]termSum, t term) {
	binary.BigEndian.PutUint64(h.buf[:8], uint64(t.token))
	binary.BigEndian.PutUint64(h.buf[8:], uint64(t.bucket))
	h.block.Encrypt(h.buf[:], h.buf[:])
	binary.BigEndian.PutUint64(h.buf[:8], binary.BigEndian.Uint64(h.buf[:8])^uint64(t.locator))
	h.block.Encrypt(h.buf[:], h.buf[:])
	s := &sums[partOf(t.locator)]
	s.count++
	s.lo += binary.BigEndian.Uint64(h.buf[:8])
	s.hi += binary.BigEndian.Uint64(h.buf[8:])
}

// term is a row of the blind index.
type term struct{ token, bucket, locator int64 }

func (t term) where(table string) string {
	return fmt.Sprintf("%s token %016x locator %016x", table, uint64(t.token), uint64(t.locator))
}

// index opens every live resource and compares its terms, kind and time with the rows.
func (v *Verification) index(ctx context.Context, q store.Querier) error {
	state, err := readIndexState(ctx, q)
	if err != nil {
		return err
	}
	hash, err := newTermHash()
	if err != nil {
		return fmt.Errorf("make a fingerprint's key: %w", err)
	}
	var want, found [termParts]termSum
	err = v.everyWanted(ctx, q, state, func(t term) { hash.add(&want, t) })
	if err == nil {
		err = v.eachTerm(ctx, q, state, func(t term) { hash.add(&found, t) })
	}
	for _, some := range differing(&want, &found, v.room) {
		if err == nil {
			err = v.compareTerms(ctx, q, state, some)
		}
	}
	return err
}

// differing groups the parts that differ, so that none has more terms than there is room for, or is a single part.
func differing(want, found *[termParts]termSum, room int64) [][]int {
	var groups [][]int
	left := int64(0)
	for p := range want {
		if want[p] == found[p] {
			continue
		}
		n := max(want[p].count, 1)
		if left -= n; left < 0 {
			groups, left = append(groups, nil), room-n
		}
		last := len(groups) - 1
		groups[last] = append(groups[last], p)
	}
	return groups
}

// compareTerms names the rows of some parts that are too many or missing.
func (v *Verification) compareTerms(ctx context.Context, q store.Querier, state indexState, some []int) error {
	again := *v
	again.Problem = func(string, string) {} // what else is wrong has been named
	want, among := map[term]bool{}, [termParts]bool{}
	for _, p := range some {
		among[p] = true
		first, last := partEnds(p)
		if err := again.eachWanted(ctx, q, state, first, last, func(t term) { want[t] = true }); err != nil {
			return err
		}
	}
	table := v.s.tables.terms[state.slot].Name
	err := v.eachTerm(ctx, q, state, func(t term) {
		if among[partOf(t.locator)] && !want[t] {
			v.Problem(t.where(table), "no resource has this term, or it is there twice")
		}
		delete(want, t)
	})
	for t := range want {
		v.Problem(t.where(table), "is missing")
	}
	return err
}

// eachTerm reads the rows of the index that serves, but for what it still has of the erased.
func (v *Verification) eachTerm(ctx context.Context, q store.Querier, state indexState, f func(term)) error {
	return q.Query(ctx, "SELECT token, bucket, locator FROM "+v.s.tables.terms[state.slot].Name, nil, func(s store.Scanner) error {
		var t term
		err := s.Scan(&t.token, &t.bucket, &t.locator)
		if b, left := v.noise[t.locator]; !left || b != t.bucket {
			f(t)
		}
		return err
	})
}

// everyWanted works out the terms of all resources.
func (v *Verification) everyWanted(ctx context.Context, q store.Querier, state indexState, f func(term)) error {
	for w := newWalk(walkStep); !w.done; {
		page, err := w.next(ctx, q)
		if err == nil {
			err = v.wanted(ctx, q, state, page, f)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// eachWanted works out the terms of the resources from one locator to another.
func (v *Verification) eachWanted(ctx context.Context, q store.Querier, state indexState, first, last int64, f func(term)) error {
	for {
		page, err := currentPage(ctx, q, first, last)
		if err != nil || len(page) == 0 {
			return err
		}
		if err := v.wanted(ctx, q, state, page, f); err != nil {
			return err
		}
		at := page[len(page)-1].locator
		if at == math.MaxInt64 {
			return nil
		}
		first = at + 1
	}
}

func (v *Verification) wanted(ctx context.Context, q store.Querier, state indexState, page []*row, f func(term)) error {
	for _, r := range page {
		terms, err := v.expect(ctx, q, state, r)
		if err != nil {
			return err
		}
		for _, t := range terms {
			f(term{t, r.bucket, r.locator})
		}
	}
	return nil
}
