package main

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// errHeld says that another process has the lock.
var errHeld = errors.New("held by another process")

// claim makes this process the only one that writes under its node's name: two processes in one
// lane of the ledger would break its chain, and the ledger would count as tampered with. The
// lock is the kernel's, on the keys' directory, and ends with the process however that ends.
func (s *system) claim() error {
	held, err := lockFile(s.config.path(s.config.Keys), false)
	if errors.Is(err, errHeld) {
		return usage("another tutela works on %s: stop it first", s.config.dir)
	}
	s.held = held
	return err
}

// release lets another process write, after this one has closed everything else.
func (s *system) release() error {
	if s.held == nil {
		return nil
	}
	return s.held.Close()
}

// lockFile locks a file or directory until it is closed; waiting, or else failing with errHeld.
func lockFile(path string, wait bool) (io.Closer, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open for locking: %w", err)
	}
	if err := lock(f, wait); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}
