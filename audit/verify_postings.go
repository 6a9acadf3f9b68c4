package audit

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"

	"github.com/tutela-health/tutela/keys"
	"github.com/tutela-health/tutela/store"
)

// postingSum is a fingerprint of a set of postings: how many, and the sum of their hashes under a
// key made for this one verification. Nobody can have prepared two sets with one fingerprint, and
// neither set need be in memory or in order.
type postingSum struct {
	count int64
	sum   uint64
}

func newPostingHash() *keys.MAC {
	secret := make([]byte, keys.Size)
	_, _ = rand.Read(secret) // never fails: it ends the process instead
	return keys.NewMAC(secret)
}

func (p *postingSum) add(m *keys.MAC, token, first int64) {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], uint64(token))
	binary.BigEndian.PutUint64(b[8:], uint64(first))
	p.count++
	p.sum += uint64(m.Sum64(b[:]))
}

// batchPostings adds up under which words a batch should be found.
func (v *verification) batchPostings(ctx context.Context, first int64, entries [][]byte) error {
	if !v.options.Deep {
		return nil
	}
	found, err := v.log.batchTokens(ctx, entries)
	if err != nil {
		return err
	}
	for w := range found {
		v.expected.add(v.postingHash, w, first)
	}
	return nil
}

// postings compares the stored postings with what the batches add up to. Only when they differ
// are they held against one another row by row, to name the ones that are missing or too many.
func (v *verification) postings(ctx context.Context, q store.Querier) error {
	if !v.options.Deep {
		return nil
	}
	var found postingSum
	err := everyPosting(ctx, q, func(token, first int64) error {
		found.add(v.postingHash, token, first)
		return nil
	})
	if err != nil || found == v.expected {
		return err
	}
	before := len(v.report.Problems) + int(v.report.More)
	if err := v.missingPostings(ctx, q); err != nil {
		return err
	}
	if err := v.surplusPostings(ctx, q); err != nil {
		return err
	}
	if len(v.report.Problems)+int(v.report.More) == before {
		v.problem("ledger_postings", "are not those that the entries account for")
	}
	return nil
}

// missingPostings looks for each posting that there should be.
func (v *verification) missingPostings(ctx context.Context, q store.Querier) error {
	return everyBatch(ctx, q, func(b stored) error {
		expected, err := v.tokens(ctx, b)
		if err != nil {
			return err
		}
		for w := range expected {
			found, err := hasPosting(ctx, q, w, b.first)
			if err != nil {
				return err
			}
			if !found {
				v.problem(postingWhere(w, b.first), "missing")
			}
		}
		return nil
	})
}

// surplusPostings looks for postings that no batch accounts for.
func (v *verification) surplusPostings(ctx context.Context, q store.Querier) error {
	token, first := int64(minInt), int64(minInt)
	for {
		var page [][2]int64
		err := eachPosting(ctx, q, token, first, func(t, f int64) error {
			page = append(page, [2]int64{t, f})
			return nil
		})
		if err != nil || len(page) == 0 {
			return err
		}
		for _, p := range page {
			token, first = p[0], p[1]
			if err := v.accounted(ctx, q, token, first); err != nil {
				return err
			}
		}
	}
}

// accounted notes a posting that its batch has no word for.
func (v *verification) accounted(ctx context.Context, q store.Querier, token, first int64) error {
	b, found, err := readBatch(ctx, q, first)
	if err != nil {
		return err
	}
	if found {
		expected, err := v.tokens(ctx, b)
		if err != nil {
			return err
		}
		_, found = expected[token]
	}
	if !found {
		v.problem(postingWhere(token, first), "no entry accounts for it")
	}
	return nil
}

func (v *verification) tokens(ctx context.Context, b stored) (tokens, error) {
	entries, _ := unbundle(b.blob) // a blob that does not split has been named
	return v.log.batchTokens(ctx, entries)
}

func postingWhere(token, first int64) string {
	return fmt.Sprintf("ledger_postings token %016x first_leaf %d", uint64(token), first)
}
