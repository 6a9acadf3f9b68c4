package store

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"syscall"
)

// reserveFile is the name of the preallocated file beside the database.
const reserveFile = "reserve"

// space watches the disk under a SQLite database. While there is room it keeps a reserve
// allocated. When the disk is full, writes of records stop, and giving up the reserve leaves
// room for the ledger entries of reads, so that charts stay readable.
type space struct {
	dir     string
	size    int64 // of the reserve in bytes; none when not positive
	minFree int64 // bytes
	free    func() (int64, error)

	mu       sync.Mutex // guards what follows
	reserved bool       // the reserve is allocated, or none is wanted
	full     bool       // an Op met a full disk since there was last enough room
}

func openSpace(dir string, size, minFree int64) (*space, error) {
	s := &space{dir: dir, size: size, minFree: max(minFree, 0), free: func() (int64, error) { return freeBytes(dir) }}
	s.reserved = s.size <= 0 || s.allocated()
	_, err := s.free()
	if err == nil && !s.reserved {
		s.recover()
	}
	return s, err
}

// roomy says whether Ops that grow the database may run, and re-makes the reserve when it can.
func (s *space) roomy() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	free, err := s.free()
	if err != nil || free < s.minFree {
		return false
	}
	if s.reserved && !s.full {
		return true
	}
	s.recover()
	return s.reserved && !s.full
}

// recover makes the reserve again where it fits beside what must stay free.
func (s *space) recover() {
	free, err := s.free()
	if err != nil || free < s.minFree+s.missing() {
		return
	}
	if !s.reserved {
		s.reserved = s.allocate() == nil
	}
	s.full = !s.reserved
}

func (s *space) missing() int64 {
	if s.reserved {
		return 0
	}
	return s.size
}

// markFull stops growing Ops until there is room for more than the minimum.
func (s *space) markFull() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.full = true
}

// release gives the reserve back to the disk; it is false when there was none.
func (s *space) release() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.full = true
	if !s.reserved || s.size <= 0 {
		return false
	}
	s.reserved = false
	return os.Remove(s.path()) == nil
}

func (s *space) path() string { return filepath.Join(s.dir, reserveFile) }

func (s *space) allocated() bool {
	info, err := os.Stat(s.path())
	return err == nil && info.Size() >= s.size
}

// allocate makes the reserve, or leaves nothing.
func (s *space) allocate() error {
	f, err := os.OpenFile(s.path(), os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	err = errors.Join(preallocate(f, s.size), f.Sync(), f.Close())
	if err != nil {
		err = errors.Join(err, os.Remove(s.path()))
	}
	return err
}

// freeBytes is how much an ordinary user may still write to dir's file system.
func freeBytes(dir string) (int64, error) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return 0, err
	}
	return int64(st.Bavail) * int64(st.Bsize), nil
}

// writeZeros allocates by writing, for file systems that cannot do it otherwise.
func writeZeros(f *os.File, size int64) error {
	block := make([]byte, 1<<20)
	for done := int64(0); done < size; done += int64(len(block)) {
		if _, err := f.Write(block[:min(int64(len(block)), size-done)]); err != nil {
			return err
		}
	}
	return nil
}
