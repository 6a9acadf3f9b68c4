package main

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/store"
)

// demoOrigin is the name of the ledger of a try-out system whose history is invented.
const demoOrigin = audit.DemoPrefix + "tryout"

// openDemo opens a try-out system whose ledger says that its history is invented, and makes it when there is none.
func openDemo(ctx context.Context, c console, dir string) (*system, error) {
	_, err := os.Stat(filepath.Join(dir, configFile))
	fresh := errors.Is(err, fs.ErrNotExist)
	if fresh {
		if err := makeSystem(ctx, tryOutConfig(dir, "localhost:8443", demoOrigin), ""); err != nil {
			return nil, err
		}
	}
	conf, err := readConfig(filepath.Join(dir, configFile))
	if err != nil {
		return nil, err
	}
	if !conf.TryOut || !strings.HasPrefix(conf.Origin, audit.DemoPrefix) {
		return nil, usage("the ledger of %s is named %s: invented history goes only into a try-out system that was made for it; name a folder that does not exist", dir, conf.Origin)
	}
	s, err := openSystem(ctx, conf, "", slog.New(slog.NewTextHandler(c.err, &slog.HandlerOptions{Level: slog.LevelWarn})))
	if err != nil || !fresh {
		return s, err
	}
	if err := errors.Join(s.ensureCLI(ctx), s.createTryOut(ctx)); err != nil {
		return nil, errors.Join(err, s.close(context.WithoutCancel(ctx)))
	}
	return s, nil
}

// history is a hospital whose entries go into a ledger as well, flagged as invented.
type history struct {
	hospital
	s      *system
	leaves [][]byte
	rows   int // commits since the last were sequenced
	encode func(tutela.Entry) ([][]byte, error)
	commit func([][]byte) error
}

// historySize is how many entries a commit takes; sequenceAfter is how many commits wait before they are sequenced.
const (
	historySize   = 500
	sequenceAfter = 20
)

func newHistory(ctx context.Context, s *system, to hospital) *history {
	h := &history{hospital: to, s: s}
	h.encode = func(e tutela.Entry) ([][]byte, error) { return s.audit.Encode(ctx, e, nil, nil) }
	h.commit = func(leaves [][]byte) error {
		if err := s.db.Commit(ctx, store.Op{Entries: leaves}); err != nil {
			return err
		}
		if h.rows++; h.rows%sequenceAfter != 0 {
			return nil
		}
		return s.sequence(ctx)
	}
	return h
}

// Entry appends an entry at the time at which it is said to have been.
func (h *history) Entry(e *tutela.Entry) error {
	if err := h.hospital.Entry(e); err != nil {
		return err
	}
	told := *e
	told.Demo, told.Tenant = true, h.s.config.Tenant
	leaves, err := h.encode(told)
	if err != nil {
		return err
	}
	if h.leaves = append(h.leaves, leaves...); len(h.leaves) < historySize {
		return nil
	}
	return h.flush()
}

func (h *history) flush() error {
	leaves := h.leaves
	h.leaves = nil
	if len(leaves) == 0 {
		return nil
	}
	return h.commit(leaves)
}

// Close commits what is left. The system stays open.
func (h *history) Close() error { return errors.Join(h.flush(), h.hospital.Close()) }
