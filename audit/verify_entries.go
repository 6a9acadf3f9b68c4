package audit

import (
	"context"
	"errors"
	"fmt"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/keys"
	"github.com/tutela-health/tutela/store"
)

func isTampered(err error) bool { return errors.Is(err, ErrTampered) }

// entry opens an entry and checks its commitments; leaf is Pending for one outside the tree.
func (v *verification) entry(ctx context.Context, where string, leaf int64, b []byte) error {
	f, err := parseLeaf(b)
	if err != nil {
		v.problem(where, "%v", err)
		return nil
	}
	if v.options.Sealed {
		return nil
	}
	salted, err := v.log.openHeader(ctx, f)
	if err != nil {
		return v.unopened(where, fmt.Sprintf("header of day %d", f.day), err)
	}
	if err := v.header(where, leaf, salted[saltSize:]); err != nil {
		return err
	}
	for n := range f.sections {
		if err := v.section(ctx, where, f, n); err != nil {
			return err
		}
	}
	return nil
}

// header reads a header's plaintext and hands on its writes.
func (v *verification) header(where string, leaf int64, plain []byte) error {
	_, writes, err := splitHeader(plain)
	if err == nil && v.options.Deep {
		_, err = decodeHeader(plain)
	}
	if err != nil {
		v.problem(where, "header: %v", err)
		return nil
	}
	if v.options.Write == nil {
		return nil
	}
	for _, w := range writes {
		if err := v.options.Write(leaf, w); err != nil {
			return err
		}
	}
	return nil
}

// section opens a personal section. One whose key was destroyed has been erased, and is still
// covered by the tree.
func (v *verification) section(ctx context.Context, where string, f leaf, n int) error {
	_, err := v.log.openSection(ctx, f, n)
	if errs.Is(err, errs.NotFound) && f.sections[n].patient != tutela.BucketGeneral {
		v.report.Erased++
		return nil
	}
	if err != nil {
		return v.unopened(where, fmt.Sprintf("section %d", n), err)
	}
	return nil
}

// unopened notes what does not open, and gives back errors that say nothing about the ledger. A
// key that is gone is named once.
func (v *verification) unopened(where, part string, err error) error {
	switch {
	case errs.Is(err, errs.NotFound):
		if !v.keyless[part] {
			if v.keyless == nil {
				v.keyless = make(map[string]bool)
			}
			v.keyless[part] = true
			v.problem("wrapped_keys", "the key of %s's %s is gone, and perhaps of others", where, part)
		}
	case errors.Is(err, errCommitment), errors.Is(err, keys.ErrSealed):
		v.problem(where, "%s does not open: %v", part, err)
	default:
		return err
	}
	return nil
}

// batchPostings checks that a batch can be found under each of its words.
func (v *verification) batchPostings(ctx context.Context, q store.Querier, first int64, entries [][]byte) error {
	if !v.options.Deep {
		return nil
	}
	words, err := v.log.batchTokens(ctx, entries)
	if err != nil {
		return err
	}
	v.postings += int64(len(words))
	for w := range words {
		found, err := hasPosting(ctx, q, w, first)
		if err != nil {
			return err
		}
		if !found {
			v.problem(postingWhere(w, first), "missing")
		}
	}
	return nil
}

func postingWhere(token, first int64) string {
	return fmt.Sprintf("ledger_postings token %016x first_leaf %d", uint64(token), first)
}

// postingsMatch looks for postings that no batch accounts for, when there are more than there should be.
func (v *verification) postingsMatch(ctx context.Context, q store.Querier) error {
	if !v.options.Deep {
		return nil
	}
	n, err := countPostings(ctx, q)
	if err != nil || n == v.postings {
		return err
	}
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
			if err := v.accounted(ctx, q, p[0], p[1]); err != nil {
				return err
			}
			token, first = p[0], p[1]
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
		entries, _ := unbundle(b.blob) // one that does not split has been named
		words, err := v.log.batchTokens(ctx, entries)
		if err != nil {
			return err
		}
		_, found = words[token]
	}
	if !found {
		v.problem(postingWhere(token, first), "no entry accounts for it")
	}
	return nil
}
