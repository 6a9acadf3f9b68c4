package keys

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
)

// shelf is a Shelf in memory. Its hooks let tests act in between, and fail.
type shelf struct {
	mu        sync.Mutex // guards rows
	rows      map[name]tutela.WrappedKey
	made      []tutela.KeyGeneration
	beforePut func(tutela.WrappedKey) error
	afterGet  func(tutela.WrappedKey)
}

func newShelf() *shelf {
	return &shelf{
		rows:      make(map[name]tutela.WrappedKey),
		beforePut: func(tutela.WrappedKey) error { return nil },
		afterGet:  func(tutela.WrappedKey) {},
	}
}

func (s *shelf) WrappedKey(_ context.Context, kind tutela.KeyKind, id int64, version int) (tutela.WrappedKey, error) {
	w, ok := s.find(name{kind, id, version})
	if !ok {
		return w, errs.New(errs.NotFound, "no such key")
	}
	s.afterGet(w)
	return w, nil
}

func (s *shelf) find(n name) (newest tutela.WrappedKey, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range s.rows {
		if w.Kind == n.kind && w.ID == n.id && (n.version == 0 || n.version == w.Version) && w.Version > newest.Version {
			newest, ok = w, true
		}
	}
	return newest, ok
}

func (s *shelf) WrappedKeys(_ context.Context, yield func(tutela.WrappedKey) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range s.rows {
		if err := yield(w); err != nil {
			return err
		}
	}
	return nil
}

func (s *shelf) PutWrappedKey(_ context.Context, w tutela.WrappedKey) error {
	if err := s.beforePut(w); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	n := name{w.Kind, w.ID, w.Version}
	if _, taken := s.rows[n]; taken {
		return errs.New(errs.Conflict, "key exists")
	}
	s.rows[n] = w
	return nil
}

// alter changes a row that is there, and may move it.
func (s *shelf) alter(t *testing.T, from name, change func(*tutela.WrappedKey)) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	w, ok := s.rows[from]
	if !ok {
		t.Fatalf("no row %v", from)
	}
	delete(s.rows, from)
	change(&w)
	s.rows[name{w.Kind, w.ID, w.Version}] = w
}

// newConfig is an initialised system: a local provider, a shelf, one generation.
func newConfig(t *testing.T) (Config, *shelf) {
	t.Helper()
	p, err := CreateLocal(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	s := newShelf()
	cfg := Config{Tenant: "clinic", Shelf: s, Provider: p, Clock: noon}
	if err := Init(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	return cfg, s
}

func noon() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC) }

func openRing(t *testing.T, cfg Config) *Ring {
	t.Helper()
	r, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

func (s *shelf) Shredded(context.Context, tutela.KeyKind, int64, int) (int, bool, error) {
	return 0, false, nil
}

func (s *shelf) Generations(context.Context) ([]tutela.KeyGeneration, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.made), nil
}

func (s *shelf) OpenGeneration(ctx context.Context, w tutela.WrappedKey, provider string) error {
	if err := s.PutWrappedKey(ctx, w); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.made = append(s.made, tutela.KeyGeneration{Number: w.Generation, Provider: provider, Opened: w.Created})
	return nil
}

func (s *shelf) old(n int) (list []tutela.WrappedKey) {
	for _, w := range s.rows {
		if w.Generation < n && w.Kind != tutela.KeyRing {
			list = append(list, w)
		}
	}
	return list
}

func (s *shelf) RewrapKeys(_ context.Context, n, limit int, rewrap func([]tutela.WrappedKey) ([]tutela.WrappedKey, error)) (int, error) {
	s.mu.Lock()
	old := s.old(n)
	s.mu.Unlock()
	old = old[:min(limit, len(old))]
	wrapped, err := rewrap(old)
	if err != nil {
		return 0, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range wrapped {
		s.rows[name{w.Kind, w.ID, w.Version}] = w
	}
	return len(wrapped), nil
}

func (s *shelf) OldKeys(_ context.Context, n int) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.old(n)), nil
}

func (s *shelf) CloseGeneration(_ context.Context, n int, at time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.old(n+1)) > 0 {
		return errs.New(errs.Conflict, "the generation still wraps keys")
	}
	delete(s.rows, name{tutela.KeyRing, 0, n})
	s.note(n, func(g *tutela.KeyGeneration) { g.Closed = at })
	return nil
}

func (s *shelf) GenerationDestroyed(_ context.Context, n int, at, final time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.note(n, func(g *tutela.KeyGeneration) { g.Destroyed, g.Final = at, final })
	return nil
}

// note needs mu.
func (s *shelf) note(n int, change func(*tutela.KeyGeneration)) {
	for i := range s.made {
		if s.made[i].Number == n {
			change(&s.made[i])
		}
	}
}
