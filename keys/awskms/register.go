package awskms

import (
	"context"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/tutela-health/tutela/internal/errs"
)

// register is what the aliases say of generations.
type register struct {
	keys  map[int]string // the key of a generation, for as long as KMS has it
	marks map[int]string // of a destroyed generation, what its key was
	floor int            // no number up to this one is used again
	shelf string         // the key that marks point to; empty: there is none yet
}

// used reports whether a generation's number was used up.
func (r register) used(generation int) bool {
	return r.marks[generation] != "" || generation <= r.floor && r.keys[generation] == ""
}

// maxPages bounds how many aliases of an account are read, a hundred a page.
const maxPages = 1000

// register reads the aliases.
func (p *Provider) register(ctx context.Context) (register, error) {
	r := register{keys: map[int]string{}, marks: map[int]string{}}
	in := &kms.ListAliasesInput{Limit: aws.Int32(100)}
	for range maxPages {
		page, err := ask(ctx, p.kms.ListAliases, in)
		if err != nil {
			return r, fmt.Errorf("list aliases: %w", err)
		}
		for _, a := range page.Aliases {
			p.enter(&r, aws.ToString(a.AliasName), aws.ToString(a.TargetKeyId))
		}
		if !page.Truncated {
			return r, nil
		}
		in.Marker = page.NextMarker
	}
	return r, errs.New(errs.Unavailable, "the account has more than %d KMS aliases in %s", 100*maxPages, p.cfg.Region)
}

func keyID() *regexp.Regexp {
	return regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
}

// enter takes down what one alias says, if it is of this system.
func (p *Provider) enter(r *register, alias, target string) {
	rest, ours := strings.CutPrefix(alias, aliasPrefix+p.cfg.Prefix+"-")
	number, mark, marked := strings.Cut(rest, destroyed)
	upTo, isFloor := strings.CutPrefix(rest, usedUpTo)
	switch {
	case !ours:
	case rest == shelf:
		r.shelf = target
	case isFloor && numbered(upTo) > 0:
		r.floor = max(r.floor, numbered(upTo))
	case marked && numbered(number) > 0 && keyID().MatchString(mark):
		r.marks[numbered(number)] = mark
	case numbered(rest) > 0:
		r.keys[numbered(rest)] = target
	}
}

// The names of aliases, after the prefix.
const (
	aliasPrefix = "alias/"
	destroyed   = "-destroyed-"
	usedUpTo    = "used-up-to-"
	shelf       = "register"
)

// numbered reads a generation as alias writes it; 0 for anything else.
func numbered(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > math.MaxInt32 || fmt.Sprintf("%06d", n) != s {
		return 0
	}
	return n
}

func (p *Provider) named(rest string) string { return aliasPrefix + p.cfg.Prefix + "-" + rest }

func (p *Provider) alias(generation int) string { return p.named(fmt.Sprintf("%06d", generation)) }

func (p *Provider) mark(generation int, key string) string {
	return p.named(fmt.Sprintf("%06d%s%s", generation, destroyed, key))
}

// theShelf gives the key that marks point to, and makes it where there is none.
func (p *Provider) theShelf(ctx context.Context, r register) (string, error) {
	if r.shelf != "" {
		return r.shelf, nil
	}
	id, err := p.make(ctx, p.named(shelf), fmt.Sprintf("Tutela %s, carries the aliases of destroyed generations; wraps nothing", p.cfg.Prefix))
	if !errs.Is(err, errs.Conflict) {
		return id, err
	}
	k, err := p.describe(ctx, p.named(shelf))
	if err != nil {
		return "", err
	}
	return aws.ToString(k.KeyId), nil
}

// manyMarks is from how many marks on they are put together: a KMS key carries 50 aliases (AWS KMS Developer Guide,
// Resource quotas).
const manyMarks = 20

// tidy puts marks of keys that are gone together into one floor. The floor is there before a mark goes, so that no
// number is free in between; two that tidy at once are both right.
func (p *Provider) tidy(ctx context.Context, r register, shelf string) error {
	if len(r.marks) < manyMarks {
		return nil
	}
	done, err := p.gone(ctx, r)
	if err != nil || len(done) == 0 {
		return err
	}
	floor := p.named(fmt.Sprintf("%s%06d", usedUpTo, done[len(done)-1]))
	if _, err := ask(ctx, p.kms.CreateAlias, &kms.CreateAliasInput{AliasName: &floor, TargetKeyId: &shelf}); err != nil && !is(err, codeExists) {
		return fmt.Errorf("note which generations are used up: %w", err)
	}
	var old []string
	for _, g := range done {
		old = append(old, p.mark(g, r.marks[g]))
	}
	if r.floor > 0 {
		old = append(old, p.named(fmt.Sprintf("%s%06d", usedUpTo, r.floor)))
	}
	for _, alias := range old {
		if _, err := ask(ctx, p.kms.DeleteAlias, &kms.DeleteAliasInput{AliasName: &alias}); err != nil && !errs.Is(err, errs.NotFound) {
			return fmt.Errorf("tidy marks: %w", err)
		}
	}
	return nil
}

// gone gives, ascending, the marked generations below every key that KMS still has, for as far as it no longer knows
// their keys either.
func (p *Provider) gone(ctx context.Context, r register) ([]int, error) {
	lowest := math.MaxInt
	for g := range r.keys {
		lowest = min(lowest, g)
	}
	var below []int
	for g := range r.marks {
		if g < lowest {
			below = append(below, g)
		}
	}
	slices.Sort(below)
	for i, g := range below {
		switch _, err := p.describe(ctx, r.marks[g]); {
		case err == nil:
			return below[:i], nil
		case !errs.Is(err, errs.NotFound):
			return nil, err
		}
	}
	return below, nil
}
