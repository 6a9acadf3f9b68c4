package keys

import "context"

// Provider holds generation keys: an HSM, a KMS, or files. A generation key never leaves it.
//
// Every implementation passes the suite in keys/keystest. Methods may be called concurrently.
type Provider interface {
	// Name tells which provider this is, in a word that a receipt can carry.
	Name() string
	// Create makes the key of a generation. It MUST fail when the generation exists or was destroyed.
	Create(ctx context.Context, generation int) error
	// Generations lists the generations whose key is there, ascending.
	Generations(ctx context.Context) ([]int, error)
	// Wrap seals a key under a generation's key. aad MUST be bound to the result.
	Wrap(ctx context.Context, generation int, plain, aad []byte) ([]byte, error)
	// Unwrap reverses Wrap. It MUST fail when wrapped, aad or generation differ in one bit, and
	// with errs.NotFound when the generation is not there.
	Unwrap(ctx context.Context, generation int, wrapped, aad []byte) ([]byte, error)
	// Destroy makes a generation's key unrecoverable. When it returns nil the key is gone;
	// destroying what is not there is errs.NotFound.
	Destroy(ctx context.Context, generation int) error
}
