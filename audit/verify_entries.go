package audit

import (
	"context"
	"errors"
	"fmt"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/keys"
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
