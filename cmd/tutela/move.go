package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/keys"
	"github.com/tutela-health/tutela/recovery/moving"
	"github.com/tutela-health/tutela/server"
)

// keyProvider says where the generation keys are, and how that is.
func (s *system) keyProvider(ctx context.Context) (server.KeyProvider, error) {
	h := s.ring.Health()
	out := server.KeyProvider{
		Provider: s.provider.Name(), Answers: h.Failed == nil, Answered: h.Answered.UTC().Truncate(time.Second), Shut: h.Shut,
		Outage: int(s.config.Keys.outage().Minutes()), Generations: []int{},
	}
	if h.Failed != nil {
		out.Failed = errs.Public(h.Failed)
	}
	list, err := s.provider.Generations(ctx)
	if err != nil {
		out.Answers, out.Failed = false, errs.Public(err)
		return out, nil
	}
	out.Generations = append(out.Generations, list...)
	if m, ok := s.provider.Get().(*keys.Moving); ok {
		out.MovingFrom = m.From.Name()
		if out.Left, err = m.From.Generations(ctx); err != nil {
			return out, err
		}
	}
	return out, nil
}

// moveKeys moves the keyring to the provider that tutela.yaml names by now, and away from the one that it
// says `from` of. Where to is nobody's to say who calls: it takes who may write the machine's files.
func (s *system) moveKeys(ctx context.Context, base tutela.Entry) (server.KeyProvider, error) {
	if !s.moving.TryLock() {
		return server.KeyProvider{}, errs.New(errs.Conflict, "keys are being moved already")
	}
	defer s.moving.Unlock()
	named, err := readConfig(filepath.Join(s.config.dir, configFile))
	if err != nil {
		return server.KeyProvider{}, err
	}
	m, err := s.bothProviders(ctx, named)
	if err != nil {
		return server.KeyProvider{}, err
	}
	s.provider.Set(m)
	if err := (moving.Config{DB: s.db, Audit: s.audit, Tenant: s.config.Tenant}).Run(ctx, base, m); err != nil {
		if errors.Is(err, moving.ErrSame) {
			s.provider.Set(m.From)
			s.keys = *named.Keys.From
		}
		return server.KeyProvider{}, err
	}
	if err := rewriteKeys(named.dir, func(p providerSettings) providerSettings { p.From = nil; return p }); err != nil {
		return server.KeyProvider{}, err
	}
	s.keys.From = nil
	s.provider.Set(m.To)
	return s.keyProvider(ctx)
}

// bothProviders opens the two that a configuration names; the first must be the one that is in use.
func (s *system) bothProviders(ctx context.Context, named config) (*keys.Moving, error) {
	if named.Keys.From == nil {
		return nil, errs.New(errs.Precondition, "%s names no provider that keys are to move from: tutela keys provider migrate --to FILE", configFile)
	}
	if m, ok := s.provider.Get().(*keys.Moving); ok && named.Keys.place() == s.keys.place() {
		return m, nil // a move that was begun
	}
	from, used := named.Keys.From.within(named), s.keys.within(s.config)
	if from.place() != used.place() {
		return nil, errs.New(errs.Precondition, "keys are in another provider than %s says that they move from", configFile)
	}
	settings := named.Keys.within(named)
	to, err := settings.openOrMake(ctx)
	if err != nil {
		s.log.LogAttrs(ctx, slog.LevelError, "keys are not moved", slog.String("error", err.Error()))
		return nil, errs.Wrap(errs.Precondition, err, "the provider that keys are to move to cannot be opened; the log of the server says why")
	}
	if settings.Provider != providerLocal {
		if err := s.holdNode(); err != nil {
			return nil, errs.Wrap(errs.Precondition, err, "the lock of this node cannot be had")
		}
	}
	s.keys = named.Keys
	return &keys.Moving{From: s.provider.Get(), To: to}, nil
}

// rewriteKeys changes what tutela.yaml says of keys, and nothing else of it.
func rewriteKeys(dir string, change func(providerSettings) providerSettings) error {
	path := filepath.Join(dir, configFile)
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read configuration: %w", err)
	}
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil || len(document.Content) != 1 {
		return usage("%s cannot be read as YAML", path)
	}
	root := document.Content[0]
	for i := 0; i+1 < len(root.Content); i += 2 {
		if root.Content[i].Value != "keys" {
			continue
		}
		var p providerSettings
		if err := root.Content[i+1].Decode(&p); err != nil {
			return usage("%s: %v", path, err)
		}
		if err := root.Content[i+1].Encode(change(p)); err != nil {
			return fmt.Errorf("encode keys: %w", err)
		}
	}
	if text, err = yaml.Marshal(&document); err != nil {
		return fmt.Errorf("encode configuration: %w", err)
	}
	return writePrivate(path, text)
}

// warnOfRecovery says in the log, at the start and once a day, when the key provider's loss would be the
// charts' loss.
func (s *system) warnOfRecovery(ctx context.Context) {
	for {
		st, err := s.recovery.Status(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			s.log.LogAttrs(ctx, slog.LevelWarn, "whether keys could be recovered is not known", slog.String("error", err.Error()))
		case st.Due != "":
			s.log.LogAttrs(ctx, slog.LevelWarn, "keys could not be recovered as they should be", slog.String("due", st.Due))
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(24 * time.Hour):
		}
	}
}
