package awskms

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/smithy-go/logging"

	"github.com/tutela-health/tutela/internal/clock"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/keys"
)

// credentials says who asks: a file's profile, or whom the SDK's chain finds the machine to be.
func credentials(ctx context.Context, cfg Config) (aws.CredentialsProvider, error) {
	if cfg.CredentialsFile != "" {
		f := profile{path: cfg.CredentialsFile, name: cfg.Profile}
		if _, err := f.Retrieve(ctx); err != nil {
			return nil, err
		}
		return aws.NewCredentialsCache(f), nil
	}
	chain := []func(*config.LoadOptions) error{config.WithRegion(cfg.Region), config.WithLogger(logging.Nop{})}
	if cfg.Profile != "" {
		chain = append(chain, config.WithSharedConfigProfile(cfg.Profile))
	}
	if !cfg.NoFIPS {
		chain = append(chain, config.WithUseFIPSEndpoint(aws.FIPSEndpointStateEnabled))
	}
	all, err := config.LoadDefaultConfig(ctx, chain...)
	if err != nil {
		return nil, errs.Wrap(errs.Invalid, err, "the AWS credentials of this machine cannot be read")
	}
	return all.Credentials, nil
}

// renewed is how long what stood in a credentials file counts.
const renewed = time.Minute

// profile is the credentials in a file that only its owner may read.
type profile struct{ path, name string }

// Retrieve reads the file.
func (f profile) Retrieve(ctx context.Context) (aws.Credentials, error) {
	if _, err := keys.ReadSecretFile(f.path); err != nil {
		return aws.Credentials{}, errs.Wrap(errs.Unavailable, err, "the AWS credentials cannot be read")
	}
	name := f.name
	if name == "" {
		name = config.DefaultSharedConfigProfile
	}
	p, err := config.LoadSharedConfigProfile(ctx, name, func(o *config.LoadSharedConfigOptions) {
		o.CredentialsFiles, o.ConfigFiles, o.Logger = []string{f.path}, []string{}, logging.Nop{}
	})
	if err != nil || !p.Credentials.HasKeys() {
		return aws.Credentials{}, errs.Wrap(errs.Unavailable, fmt.Errorf("profile %s of %s: %w", name, f.path, err), "the file of AWS credentials has no such profile, or no keys in it")
	}
	c := p.Credentials
	c.CanExpire, c.Expires = true, clock.System().Add(renewed)
	return c, nil
}
