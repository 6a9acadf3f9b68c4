package keys

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/tutela-health/tutela/internal/errs"
)

// Moving is a Provider of two while generations move from one to the other: new ones are made in To,
// those in From are used until they are destroyed.
type Moving struct {
	From, To Provider
}

// Name is that of the provider where new generations are made.
func (m *Moving) Name() string { return m.To.Name() }

// Create makes a generation in To. A number that From has, To must not have.
func (m *Moving) Create(ctx context.Context, generation int) error {
	old, err := m.inFrom(ctx, generation)
	if err != nil {
		return err
	}
	if old {
		return errs.New(errs.Conflict, "key generation %d exists in the provider that is moved from", generation)
	}
	return m.To.Create(ctx, generation)
}

// Generations lists those of both.
func (m *Moving) Generations(ctx context.Context) ([]int, error) {
	from, err := m.From.Generations(ctx)
	if err != nil {
		return nil, fmt.Errorf("generations of %s: %w", m.From.Name(), err)
	}
	to, err := m.To.Generations(ctx)
	if err != nil {
		return nil, fmt.Errorf("generations of %s: %w", m.To.Name(), err)
	}
	all := slices.Concat(from, to)
	slices.Sort(all)
	return slices.Compact(all), nil
}

// Wrap seals under a generation's key, wherever it is.
func (m *Moving) Wrap(ctx context.Context, generation int, plain, aad []byte) ([]byte, error) {
	p, err := m.holder(ctx, generation)
	if err != nil {
		return nil, err
	}
	return p.Wrap(ctx, generation, plain, aad)
}

// Unwrap opens what Wrap sealed. A generation that is being moved is in both: what does not open in the
// old provider was wrapped in the new one.
func (m *Moving) Unwrap(ctx context.Context, generation int, wrapped, aad []byte) ([]byte, error) {
	p, err := m.holder(ctx, generation)
	if err != nil {
		return nil, err
	}
	plain, err := p.Unwrap(ctx, generation, wrapped, aad)
	if err == nil || p == m.To {
		return plain, err
	}
	if plain, toErr := m.To.Unwrap(ctx, generation, wrapped, aad); toErr == nil {
		return plain, nil
	}
	return nil, err
}

// Destroy makes a generation's key unrecoverable. Its number is used up in To as well: From, which knows
// that it was destroyed, will not be asked for ever.
func (m *Moving) Destroy(ctx context.Context, generation int) error {
	old, err := m.inFrom(ctx, generation)
	if err != nil {
		return err
	}
	if !old {
		return m.To.Destroy(ctx, generation)
	}
	if err := m.To.Create(ctx, generation); err != nil && !errs.Is(err, errs.Conflict) {
		return fmt.Errorf("use the number up in %s: %w", m.To.Name(), err)
	}
	if err := m.To.Destroy(ctx, generation); err != nil && !errs.Is(err, errs.NotFound) {
		return fmt.Errorf("use the number up in %s: %w", m.To.Name(), err)
	}
	return m.From.Destroy(ctx, generation)
}

// holder is the provider that has a generation. Where From does not answer, To is asked, so that what
// has moved opens without it.
func (m *Moving) holder(ctx context.Context, generation int) (Provider, error) {
	old, err := m.inFrom(ctx, generation)
	if old {
		return m.From, nil
	}
	if err == nil {
		return m.To, nil
	}
	moved, toErr := m.To.Generations(ctx)
	if toErr == nil && slices.Contains(moved, generation) {
		return m.To, nil
	}
	return nil, errors.Join(err, toErr)
}

func (m *Moving) inFrom(ctx context.Context, generation int) (bool, error) {
	list, err := m.From.Generations(ctx)
	if err != nil {
		return false, fmt.Errorf("generations of %s: %w", m.From.Name(), err)
	}
	return slices.Contains(list, generation), nil
}

// Switch is a Provider that can be exchanged for another while it is used.
type Switch struct {
	now atomic.Pointer[Provider]
}

// NewSwitch starts with a provider.
func NewSwitch(p Provider) *Switch {
	s := &Switch{}
	s.Set(p)
	return s
}

// Set has calls from now on go to p. Those under way end where they began.
func (s *Switch) Set(p Provider) { s.now.Store(&p) }

// Get is the provider that calls go to.
func (s *Switch) Get() Provider { return *s.now.Load() }

// Name is the provider's.
func (s *Switch) Name() string { return s.Get().Name() }

// Create makes the key of a generation.
func (s *Switch) Create(ctx context.Context, generation int) error {
	return s.Get().Create(ctx, generation)
}

// Generations lists what is there.
func (s *Switch) Generations(ctx context.Context) ([]int, error) { return s.Get().Generations(ctx) }

// Wrap seals a key under a generation's key.
func (s *Switch) Wrap(ctx context.Context, generation int, plain, aad []byte) ([]byte, error) {
	return s.Get().Wrap(ctx, generation, plain, aad)
}

// Unwrap reverses Wrap.
func (s *Switch) Unwrap(ctx context.Context, generation int, wrapped, aad []byte) ([]byte, error) {
	return s.Get().Unwrap(ctx, generation, wrapped, aad)
}

// Destroy makes a generation's key unrecoverable.
func (s *Switch) Destroy(ctx context.Context, generation int) error {
	return s.Get().Destroy(ctx, generation)
}
