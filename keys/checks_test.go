package keys

import (
	"context"
	"errors"
	"testing"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/testkit"
)

// bound is a key that opens as it does, but for what a test takes from it.
type bound struct {
	sealer
	seal func(k sealer, plain []byte, at AAD) []byte
	open func(k sealer, sealed []byte, at AAD) ([]byte, error)
}

func (b bound) Seal(_, plain []byte, at AAD) []byte {
	if b.seal != nil {
		return b.seal(b.sealer, plain, at)
	}
	return b.sealer.Seal(nil, plain, at)
}

func (b bound) Open(_, sealed []byte, at AAD) ([]byte, error) {
	if b.open != nil {
		return b.open(b.sealer, sealed, at)
	}
	return b.sealer.Open(nil, sealed, at)
}

func TestSealsThatDoNotHoldAreFound(t *testing.T) {
	cfg, _ := newConfig(t)
	r := openRing(t, cfg)
	seen := testkit.Sabotage(t, "protect.seals-hold")
	sound := r.Checks()[0]
	seen.Expect(sound.Try(t.Context()), tutela.Pass, "in none of")
	placeless := AAD{}
	for say, b := range map[string]bound{
		"a sealed text opens ": {
			seal: func(k sealer, plain []byte, _ AAD) []byte { return k.Seal(nil, plain, placeless) },
			open: func(k sealer, sealed []byte, _ AAD) ([]byte, error) { return k.Open(nil, sealed, placeless) },
		},
		"although a bit of it was changed": {open: func(k sealer, sealed []byte, at AAD) ([]byte, error) {
			plain, err := k.Open(nil, sealed, at)
			if at.ID == 1 && err != nil && len(sealed) > 50 {
				return []byte("altered"), nil
			}
			return plain, err
		}},
		"holds the text": {
			seal: func(_ sealer, plain []byte, _ AAD) []byte { return plain },
			open: func(_ sealer, sealed []byte, _ AAD) ([]byte, error) { return sealed, nil },
		},
		"does not open where it belongs": {open: func(sealer, []byte, AAD) ([]byte, error) { return nil, ErrSealed }},
	} {
		c := sealCheck{r.Tenant(), func(ctx context.Context) (sealer, error) {
			k, err := r.throwaway(ctx)
			b.sealer = k
			return b, err
		}}
		seen.Expect(c.try(t.Context()), tutela.Fail, say)
		seen.Expect(sound.Try(t.Context()), tutela.Pass)
	}
	none := sealCheck{r.Tenant(), func(context.Context) (sealer, error) { return nil, errors.New("the provider is gone") }}
	seen.Expect(none.try(t.Context()), tutela.CouldNotCheck, "the provider is gone")
}
