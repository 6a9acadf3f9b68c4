package keys

import (
	"context"
	"slices"
	"time"
)

// Destroyer is a Provider whose Destroy is not final at once: a cloud's KMS keeps a key for days, in
// which it can be brought back.
type Destroyer interface {
	Provider
	// Destruction says of a generation that Destroy was called for whether its key is gone for good, and
	// otherwise when it will be; the zero time where it is not going to be.
	Destruction(ctx context.Context, generation int) (done bool, at time.Time, err error)
}

// Destruction says whether a generation's key is gone for good from a provider, and otherwise when it
// will be. A provider that destroys at once is taken at its word that the key is no longer there.
func Destruction(ctx context.Context, p Provider, generation int) (done bool, at time.Time, err error) {
	switch p := p.(type) {
	case Destroyer:
		return p.Destruction(ctx, generation)
	case *Switch:
		return Destruction(ctx, p.Get(), generation)
	case *Moving:
		done, at, err = Destruction(ctx, p.From, generation)
		if err != nil || !done {
			return done, at, err
		}
		return Destruction(ctx, p.To, generation)
	}
	list, err := p.Generations(ctx)
	return err == nil && !slices.Contains(list, generation), time.Time{}, err
}
