package keys

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/tutela-health/tutela/internal/errs"
)

// Local is a Provider over files: a root key, and one file a generation sealed under it.
// It protects against loss of the database or of a backup, not against whoever can read
// its directory: keep that on another volume, or use an HSM.
type Local struct {
	dir  string
	root *Key
	mu   sync.Mutex // lets Create and Destroy happen one after the other
}

const (
	rootFile        = "root.key"
	generationFile  = "generation-%06d.key"
	destroyedSuffix = ".destroyed"
)

// CreateLocal makes a new provider in dir, which must not hold one.
func CreateLocal(dir string) (*Local, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make provider directory: %w", err)
	}
	root := random(Size)
	defer clear(root)
	if err := writeNew(filepath.Join(dir, rootFile), root); err != nil {
		return nil, fmt.Errorf("write root key: %w", err)
	}
	return OpenLocal(dir)
}

// OpenLocal opens the provider in dir. It refuses key files that others than their owner may read.
func OpenLocal(dir string) (*Local, error) {
	secret, err := readPrivate(filepath.Join(dir, rootFile))
	if err != nil {
		return nil, fmt.Errorf("read root key: %w", err)
	}
	root, err := NewKey(secret, 1)
	if err != nil {
		return nil, fmt.Errorf("root key: %w", err)
	}
	return &Local{dir: dir, root: root}, nil
}

// Name is "local".
func (*Local) Name() string { return "local" }

// Create makes a generation's key.
func (l *Local) Create(_ context.Context, generation int) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	path := l.path(generation)
	if _, err := os.Stat(path + destroyedSuffix); err == nil {
		return errs.New(errs.Conflict, "key generation %d was destroyed; generations are not used twice", generation)
	}
	secret := random(Size)
	defer clear(secret)
	sealed := l.root.Seal(nil, secret, generationAAD(generation))
	if err := writeNew(path, sealed); errors.Is(err, fs.ErrExist) {
		return errs.New(errs.Conflict, "key generation %d exists", generation)
	} else if err != nil {
		return fmt.Errorf("write generation key: %w", err)
	}
	return nil
}

// Generations lists what is there.
func (l *Local) Generations(context.Context) ([]int, error) {
	files, err := os.ReadDir(l.dir)
	if err != nil {
		return nil, fmt.Errorf("list generations: %w", err)
	}
	var list []int
	for _, f := range files {
		var n int
		if _, err := fmt.Sscanf(f.Name(), generationFile, &n); err == nil && f.Name() == fmt.Sprintf(generationFile, n) {
			list = append(list, n)
		}
	}
	slices.Sort(list)
	return list, nil
}

// Wrap seals plain under a generation's key.
func (l *Local) Wrap(_ context.Context, generation int, plain, aad []byte) ([]byte, error) {
	k, err := l.open(generation)
	if err != nil {
		return nil, err
	}
	return k.Seal(nil, plain, wrapAAD(aad)), nil
}

// Unwrap opens what Wrap sealed.
func (l *Local) Unwrap(_ context.Context, generation int, wrapped, aad []byte) ([]byte, error) {
	k, err := l.open(generation)
	if err != nil {
		return nil, err
	}
	return k.Open(nil, wrapped, wrapAAD(aad))
}

// Destroy overwrites and removes a generation's key and leaves a marker, so that the number
// is never used again. On copy-on-write and flash media an overwrite may leave the old
// blocks; the file is sealed under the root key, and the threat model says what follows.
func (l *Local) Destroy(_ context.Context, generation int) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	path := l.path(generation)
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return errs.New(errs.NotFound, "no key of generation %d", generation)
	} else if err != nil {
		return fmt.Errorf("find generation key: %w", err)
	}
	if err := writeNew(path+destroyedSuffix, nil); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("mark generation destroyed: %w", err)
	}
	if err := overwrite(path, info.Size()); err != nil {
		return fmt.Errorf("overwrite generation key: %w", err)
	}
	if err := os.Remove(path); err != nil {
		return fmt.Errorf("remove generation key: %w", err)
	}
	return syncDir(l.dir)
}

func (l *Local) open(generation int) (*Key, error) {
	sealed, err := readPrivate(l.path(generation))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errs.New(errs.NotFound, "no key of generation %d", generation)
	} else if err != nil {
		return nil, fmt.Errorf("read generation key: %w", err)
	}
	secret, err := l.root.Open(nil, sealed, generationAAD(generation))
	if err != nil {
		return nil, fmt.Errorf("generation %d: %w", generation, err)
	}
	return NewKey(secret, generation)
}

func (l *Local) path(generation int) string {
	return filepath.Join(l.dir, fmt.Sprintf(generationFile, generation))
}

func generationAAD(generation int) AAD {
	return AAD{Purpose: "generation-key", Version: int64(generation)}
}

func wrapAAD(aad []byte) AAD { return AAD{Purpose: "keyring-key", Subject: aad} }

// writeNew durably writes a file of mode 0600 that did not exist.
func writeNew(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return syncDir(filepath.Dir(path))
}

func overwrite(path string, size int64) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(random(int(size)))
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

func readPrivate(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%s may be read by others (mode %v): run chmod 600 on it", path, info.Mode().Perm())
	}
	return os.ReadFile(path)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
