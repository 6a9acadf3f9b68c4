package awskms

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/tutela-health/tutela/internal/errs"
)

// Destroy orders the deletion of a generation's key, which opens nothing from then on, and marks its number as used up.
// An order that somebody has taken back since is given again.
func (p *Provider) Destroy(ctx context.Context, generation int) error {
	r, err := p.register(ctx)
	if err != nil {
		return err
	}
	key := r.keys[generation]
	if key == "" {
		return p.missing(generation)
	}
	shelf, err := p.theShelf(ctx, r)
	if err != nil {
		return fmt.Errorf("before generation %d is destroyed: %w", generation, err)
	}
	tidied := p.tidy(ctx, r, shelf)
	ordered, err := p.schedule(ctx, key, p.cfg.Window)
	switch {
	case err != nil:
		return fmt.Errorf("destroy KMS key: %w", err)
	case r.marks[generation] == "":
		return p.markDestroyed(ctx, generation, key, shelf, tidied)
	case !ordered:
		return p.missing(generation)
	}
	return nil
}

// markDestroyed marks a number. Of those that destroy a generation at once one does; a mark that is missing since
// whoever ordered the deletion was cut off is made now.
func (p *Provider) markDestroyed(ctx context.Context, generation int, key, shelf string, tidied error) error {
	name := p.mark(generation, key)
	_, err := ask(ctx, p.kms.CreateAlias, &kms.CreateAliasInput{AliasName: &name, TargetKeyId: &shelf})
	switch {
	case is(err, codeExists):
		return p.missing(generation)
	case is(err, codeLimit) && tidied != nil:
		return fmt.Errorf("mark generation destroyed: %w (marks cannot be put together: %w)", err, tidied)
	case err != nil:
		return fmt.Errorf("mark generation destroyed: %w", err)
	}
	return nil
}

// schedule orders the deletion of a key, and reports whether it was not ordered before.
func (p *Provider) schedule(ctx context.Context, key string, days int) (ordered bool, err error) {
	out, err := ask(ctx, p.kms.ScheduleKeyDeletion, &kms.ScheduleKeyDeletionInput{KeyId: &key, PendingWindowInDays: aws.Int32(int32(days))})
	if is(err, codeState) { // it may also be unavailable for another reason
		k, err := p.describe(ctx, key)
		if err == nil && k.KeyState != types.KeyStatePendingDeletion {
			err = errs.New(errs.Unavailable, "the KMS key is %s and cannot be deleted now", k.KeyState)
		}
		return false, err
	}
	if err != nil {
		return false, err
	}
	if out.KeyState != types.KeyStatePendingDeletion {
		return false, errs.New(errs.Unavailable, "the KMS key is %s after it was to be deleted", out.KeyState)
	}
	return true, nil
}

// Destruction says whether KMS no longer knows the key of a generation that was destroyed, and otherwise when it will
// delete it; the zero time where somebody has taken the order back.
func (p *Provider) Destruction(ctx context.Context, generation int) (done bool, at time.Time, err error) {
	r, err := p.register(ctx)
	if err != nil {
		return false, time.Time{}, err
	}
	key := r.marks[generation]
	switch {
	case key == "" && r.keys[generation] != "":
		return false, time.Time{}, nil
	case key == "" && generation <= r.floor:
		return true, time.Time{}, nil
	case key == "":
		return false, time.Time{}, p.missing(generation)
	}
	k, err := p.describe(ctx, key)
	switch {
	case errs.Is(err, errs.NotFound):
		return true, time.Time{}, nil
	case err != nil:
		return false, time.Time{}, err
	case k.KeyState != types.KeyStatePendingDeletion:
		return false, time.Time{}, nil
	}
	return false, aws.ToTime(k.DeletionDate), nil
}
