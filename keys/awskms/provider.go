package awskms

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/keys"
)

// Provider is a keys.Destroyer over AWS KMS.
type Provider struct {
	kms *kms.Client
	cfg Config
	lag time.Duration // between looks for what was just made: KMS is eventually consistent
}

// Open connects, and sees that the credentials may list what is there.
func Open(ctx context.Context, cfg Config) (*Provider, error) {
	cfg.Window = cmp.Or(cfg.Window, MinWindow)
	if err := cfg.check(); err != nil {
		return nil, err
	}
	o, err := options(ctx, cfg)
	if err != nil {
		return nil, err
	}
	p := &Provider{kms: kms.New(o), cfg: cfg, lag: 500 * time.Millisecond}
	if _, err := p.Generations(ctx); err != nil {
		return nil, fmt.Errorf("open AWS KMS: %w", err)
	}
	return p, nil
}

// Name is "awskms".
func (*Provider) Name() string { return "awskms" }

// Generations lists what is there and was not destroyed.
func (p *Provider) Generations(ctx context.Context) ([]int, error) {
	r, err := p.register(ctx)
	if err != nil {
		return nil, err
	}
	maps.DeleteFunc(r.keys, func(g int, _ string) bool { return r.marks[g] != "" })
	return slices.Sorted(maps.Keys(r.keys)), nil
}

// Create has KMS make a generation's key. Of two that make it at once one gets the alias; the other's key is deleted.
func (p *Provider) Create(ctx context.Context, generation int) error {
	r, err := p.register(ctx)
	switch {
	case err != nil:
		return err
	case r.used(generation):
		return errs.New(errs.Conflict, "key generation %d was destroyed; generations are not used twice", generation)
	case r.keys[generation] != "":
		return errs.New(errs.Conflict, "key generation %d exists", generation)
	}
	_, err = p.make(ctx, p.alias(generation), fmt.Sprintf("Tutela %s, key generation %d", p.cfg.Prefix, generation))
	if errs.Is(err, errs.Conflict) {
		return errs.New(errs.Conflict, "key generation %d exists", generation)
	}
	return err
}

// make makes a key, calls it by an alias that must be free, and waits until KMS knows it by that everywhere.
func (p *Provider) make(ctx context.Context, alias, what string) (id string, err error) {
	made, err := ask(ctx, p.kms.CreateKey, &kms.CreateKeyInput{
		Description: &what, KeySpec: types.KeySpecSymmetricDefault, KeyUsage: types.KeyUsageTypeEncryptDecrypt,
		Tags: []types.Tag{{TagKey: aws.String("tutela"), TagValue: &p.cfg.Prefix}},
	})
	if err != nil {
		return "", fmt.Errorf("make KMS key: %w", err)
	}
	id = aws.ToString(made.KeyMetadata.KeyId)
	if _, err := ask(ctx, p.kms.CreateAlias, &kms.CreateAliasInput{AliasName: &alias, TargetKeyId: &id}); err != nil {
		_, undo := p.schedule(context.WithoutCancel(ctx), id, MinWindow)
		if undo != nil {
			return "", fmt.Errorf("name KMS key: %w (and the key %s that nobody uses is left: %w)", err, id, undo)
		}
		return "", fmt.Errorf("name KMS key: %w", err)
	}
	return id, p.settled(ctx, alias, id)
}

// settled waits until an alias leads to its key.
func (p *Provider) settled(ctx context.Context, alias, id string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		k, err := p.describe(ctx, alias)
		if err == nil && aws.ToString(k.KeyId) == id {
			return nil
		}
		if err != nil && !errs.Is(err, errs.NotFound) {
			return err
		}
		select {
		case <-ctx.Done():
			return errs.Wrap(errs.Unavailable, ctx.Err(), "AWS KMS does not know yet what it made: try again")
		case <-time.After(p.lag):
		}
	}
}

func (p *Provider) describe(ctx context.Context, key string) (*types.KeyMetadata, error) {
	out, err := ask(ctx, p.kms.DescribeKey, &kms.DescribeKeyInput{KeyId: &key})
	if err != nil {
		return nil, err
	}
	if out.KeyMetadata == nil {
		return nil, errs.New(errs.Unavailable, "AWS KMS's answer says nothing of the key")
	}
	return out.KeyMetadata, nil
}

// look finds a generation's key, and takes none that others could have a copy of.
func (p *Provider) look(ctx context.Context, generation int) (arn string, err error) {
	k, err := p.describe(ctx, p.alias(generation))
	switch {
	case errs.Is(err, errs.NotFound):
		return "", p.missing(generation)
	case err != nil:
		return "", err
	case k.KeySpec != types.KeySpecSymmetricDefault || k.KeyUsage != types.KeyUsageTypeEncryptDecrypt || k.KeyManager != types.KeyManagerTypeCustomer,
		k.Origin != types.OriginTypeAwsKms && k.Origin != types.OriginTypeAwsCloudhsm, aws.ToBool(k.MultiRegion):
		return "", errs.New(errs.Conflict, "the KMS key of generation %d was not made to stay there: there may be copies of it", generation)
	case k.KeyState == types.KeyStatePendingDeletion:
		return "", p.leaving(ctx, generation)
	}
	return aws.ToString(k.Arn), nil
}

// leaving tells a generation that was destroyed from one that somebody else has scheduled for deletion.
func (p *Provider) leaving(ctx context.Context, generation int) error {
	r, err := p.register(ctx)
	if err != nil {
		return err
	}
	if r.used(generation) {
		return p.missing(generation)
	}
	return errs.New(errs.Unavailable, "somebody has scheduled the KMS key of generation %d for deletion: cancel that (CancelKeyDeletion, EnableKey), or what it wraps is lost", generation)
}

// maxWrapped is the most bytes that KMS takes to decrypt (Decrypt, CiphertextBlob).
const maxWrapped = 6144

// Wrap has KMS encrypt plain.
func (p *Provider) Wrap(ctx context.Context, generation int, plain, aad []byte) ([]byte, error) {
	arn, err := p.look(ctx, generation)
	if err != nil {
		return nil, err
	}
	out, err := ask(ctx, p.kms.Encrypt, &kms.EncryptInput{KeyId: &arn, Plaintext: plain, EncryptionContext: place(generation, aad)})
	if err != nil {
		return nil, fmt.Errorf("wrap: %w", err)
	}
	if aws.ToString(out.KeyId) != arn || len(out.CiphertextBlob) == 0 || len(out.CiphertextBlob) > maxWrapped {
		return nil, errs.New(errs.Unavailable, "AWS KMS's answer is not one to what was asked")
	}
	return out.CiphertextBlob, nil
}

// Unwrap has KMS decrypt what Wrap gave, by this generation's key and no other.
func (p *Provider) Unwrap(ctx context.Context, generation int, wrapped, aad []byte) ([]byte, error) {
	arn, err := p.look(ctx, generation)
	if err != nil {
		return nil, err
	}
	if len(wrapped) == 0 || len(wrapped) > maxWrapped {
		return nil, fmt.Errorf("unwrap: %w", keys.ErrSealed)
	}
	out, err := ask(ctx, p.kms.Decrypt, &kms.DecryptInput{KeyId: &arn, CiphertextBlob: wrapped, EncryptionContext: place(generation, aad)})
	switch {
	case is(err, codeBadCiphertext, codeIncorrectKey):
		return nil, fmt.Errorf("unwrap: %w: %w", keys.ErrSealed, err)
	case err != nil:
		return nil, fmt.Errorf("unwrap: %w", err)
	case aws.ToString(out.KeyId) != arn:
		return nil, errs.New(errs.Unavailable, "AWS KMS's answer is not one to what was asked")
	}
	return out.Plaintext, nil
}

// place is what a wrapped key is bound to. CloudTrail shows it, so it holds a digest of the aad.
func place(generation int, aad []byte) map[string]string {
	digest := sha256.Sum256(aad)
	return map[string]string{"tutela": "keyring-key", "generation": strconv.Itoa(generation), "aad-sha256": hex.EncodeToString(digest[:])}
}

func (p *Provider) missing(generation int) error {
	return errs.New(errs.NotFound, "no key of generation %d called %s-… in %s", generation, p.cfg.Prefix, p.cfg.Region)
}
