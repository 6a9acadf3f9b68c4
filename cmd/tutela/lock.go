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
// lock is the kernel's, on the keys' directory or a file, and ends with the process however that ends.
func (s *system) claim() error {
	for _, folder := range s.config.keyFolders() {
		if err := s.hold(folder); err != nil {
			return err
		}
	}
	if s.config.Keys.Provider != providerLocal {
		return s.holdNode()
	}
	return nil
}

// nodeLock is what is locked where no local provider has a folder for that.
const nodeLock = "node.lock"

// holdNode locks the file that stands for the node.
func (s *system) holdNode() error {
	f, err := os.OpenFile(s.config.path(nodeLock), os.O_CREATE|os.O_RDONLY, 0o600)
	if err != nil {
		return errors.Join(fmt.Errorf("make the lock: %w", err), s.release())
	}
	if err := f.Close(); err != nil {
		return errors.Join(err, s.release())
	}
	return s.hold(s.config.path(nodeLock))
}

// hold locks one file or folder until release, which happens at once where another has it.
func (s *system) hold(path string) error {
	held, err := lockFile(path, false)
	if err == nil {
		s.held = append(s.held, held)
		return nil
	}
	if errors.Is(err, errHeld) {
		err = usage("another tutela works on %s: stop it first", s.config.dir)
	}
	return errors.Join(err, s.release())
}

// release lets another process write, after this one has closed everything else.
func (s *system) release() error {
	var err error
	for _, held := range s.held {
		err = errors.Join(err, held.Close())
	}
	s.held = nil
	return err
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
