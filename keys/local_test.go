package keys_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/keys"
	"github.com/tutela-health/tutela/keys/keystest"
)

func TestLocalConforms(t *testing.T) {
	keystest.Provider(t, func(t *testing.T) keys.Provider { return createLocal(t, t.TempDir()) })
}

// TestReopenedLocalConforms runs the suite on a provider that a second process would have.
func TestReopenedLocalConforms(t *testing.T) {
	keystest.Provider(t, func(t *testing.T) keys.Provider {
		dir := t.TempDir()
		createLocal(t, dir)
		return openLocal(t, dir)
	})
}

func TestLocalUnwrapsAfterReopening(t *testing.T) {
	dir := t.TempDir()
	first := createLocal(t, dir)
	if err := first.Create(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	wrapped, err := first.Wrap(t.Context(), 1, []byte("a key"), []byte("aad"))
	if err != nil {
		t.Fatal(err)
	}
	got, err := openLocal(t, dir).Unwrap(t.Context(), 1, wrapped, []byte("aad"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("a key", string(got)); diff != "" {
		t.Error(diff)
	}
}

func TestLocalKeepsFilesPrivate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "provider")
	p := createLocal(t, dir)
	if err := p.Create(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	want := map[string]fs.FileMode{
		dir: 0o700, filepath.Join(dir, "root.key"): 0o600, filepath.Join(dir, "generation-000001.key"): 0o600,
	}
	got := map[string]fs.FileMode{}
	for path := range want {
		got[path] = mode(t, path)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestLocalRefusesKeysThatOthersMayRead(t *testing.T) {
	for _, mode := range []fs.FileMode{0o640, 0o604, 0o620, 0o601, 0o644, 0o666, 0o777} {
		for _, file := range []string{"root.key", "generation-000001.key"} {
			t.Run(file+" "+mode.String(), func(t *testing.T) {
				dir := t.TempDir()
				if err := createLocal(t, dir).Create(t.Context(), 1); err != nil {
					t.Fatal(err)
				}
				chmod(t, filepath.Join(dir, file), mode)
				err := use(t, dir)
				if err == nil || !strings.Contains(err.Error(), "chmod 600") {
					t.Errorf("error %v, want one that says what to do", err)
				}
			})
		}
	}
}

func TestLocalAcceptsReadOnlyKeys(t *testing.T) {
	dir := t.TempDir()
	if err := createLocal(t, dir).Create(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	chmod(t, filepath.Join(dir, "root.key"), 0o400)
	if err := use(t, dir); err != nil {
		t.Error(err)
	}
}

func TestLocalIsMadeOnce(t *testing.T) {
	dir := t.TempDir()
	createLocal(t, dir)
	before := read(t, filepath.Join(dir, "root.key"))
	if _, err := keys.CreateLocal(dir); !errors.Is(err, fs.ErrExist) {
		t.Errorf("second CreateLocal: %v, want that it exists", err)
	}
	if !bytes.Equal(before, read(t, filepath.Join(dir, "root.key"))) {
		t.Error("second CreateLocal changed the root key")
	}
}

func TestLocalNeedsItsDirectory(t *testing.T) {
	if _, err := keys.OpenLocal(t.TempDir()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("OpenLocal of an empty directory: %v", err)
	}
	file := filepath.Join(t.TempDir(), "file")
	write(t, file, nil)
	if _, err := keys.CreateLocal(file); err == nil {
		t.Error("CreateLocal took a file for a directory")
	}
}

func TestLocalRefusesARootKeyOfAnotherLength(t *testing.T) {
	for _, n := range []int{0, 31, 33} {
		dir := t.TempDir()
		write(t, filepath.Join(dir, "root.key"), make([]byte, n))
		if _, err := keys.OpenLocal(dir); err == nil {
			t.Errorf("opened with a root key of %d bytes", n)
		}
	}
}

func TestLocalRefusesAnAlteredOrSwappedGenerationFile(t *testing.T) {
	dir := t.TempDir()
	p := createLocal(t, dir)
	for g := 1; g <= 2; g++ {
		if err := p.Create(t.Context(), g); err != nil {
			t.Fatal(err)
		}
	}
	first, second := filepath.Join(dir, "generation-000001.key"), filepath.Join(dir, "generation-000002.key")
	write(t, first, read(t, second))
	if _, err := p.Wrap(t.Context(), 1, []byte("k"), nil); !errors.Is(err, keys.ErrSealed) {
		t.Errorf("generation 2's file as 1's: %v, want ErrSealed", err)
	}
	altered := read(t, second)
	altered[20] ^= 1
	write(t, second, altered)
	if _, err := p.Unwrap(t.Context(), 2, make([]byte, 60), nil); !errors.Is(err, keys.ErrSealed) {
		t.Errorf("altered file: %v, want ErrSealed", err)
	}
}

func TestLocalDestroyGoesOnAfterACrash(t *testing.T) {
	dir := t.TempDir()
	p := createLocal(t, dir)
	if err := p.Create(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "generation-000001.key.destroyed"), nil) // marked, then the power failed
	if err := p.Destroy(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "generation-000001.key")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the key's file is still there (%v)", err)
	}
}

func TestLocalOverwritesWhatItDestroys(t *testing.T) {
	dir := t.TempDir()
	p := createLocal(t, dir)
	if err := p.Create(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	path, link := filepath.Join(dir, "generation-000001.key"), filepath.Join(dir, "link")
	before := read(t, path)
	if err := os.Link(path, link); err != nil {
		t.Fatal(err)
	}
	if err := p.Destroy(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	after := read(t, link)
	if len(after) != len(before) || bytes.Equal(before, after) {
		t.Error("the blocks of the destroyed key still hold it")
	}
}

func TestLocalListsOnlyItsOwnFiles(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "odd [name]*")
	p := createLocal(t, dir)
	if err := p.Create(t.Context(), 7); err != nil {
		t.Fatal(err)
	}
	for _, f := range []string{"generation-000008.key.destroyed", "generation-000009.key~", "generation-3.key", "notes"} {
		write(t, filepath.Join(dir, f), nil)
	}
	got, err := p.Generations(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]int{7}, got); diff != "" {
		t.Error(diff)
	}
}

func TestLocalSaysWhenItsDirectoryIsGone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "provider")
	p := createLocal(t, dir)
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := p.Create(t.Context(), 1); err == nil || errs.Is(err, errs.Conflict) {
		t.Errorf("Create: %v", err)
	}
	if _, err := p.Generations(t.Context()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Generations: %v", err)
	}
}

// use opens the provider in dir and wraps under generation 1.
func use(t *testing.T, dir string) error {
	t.Helper()
	p, err := keys.OpenLocal(dir)
	if err != nil {
		return err
	}
	_, err = p.Wrap(t.Context(), 1, []byte("k"), nil)
	return err
}

func createLocal(t *testing.T, dir string) *keys.Local {
	t.Helper()
	p, err := keys.CreateLocal(dir)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func openLocal(t *testing.T, dir string) *keys.Local {
	t.Helper()
	p, err := keys.OpenLocal(dir)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func mode(t *testing.T, path string) fs.FileMode {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Mode().Perm()
}

func chmod(t *testing.T, path string, mode fs.FileMode) {
	t.Helper()
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestLocalTellsWhatItCouldNotDestroy(t *testing.T) {
	dir := t.TempDir()
	p := createLocal(t, dir)
	if err := os.Mkdir(filepath.Join(dir, "generation-000001.key"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := p.Destroy(t.Context(), 1); err == nil || errs.Is(err, errs.NotFound) {
		t.Errorf("a directory in the key's place: %v", err)
	}
	gone := filepath.Join(t.TempDir(), "provider")
	p = createLocal(t, gone)
	if err := os.RemoveAll(gone); err != nil {
		t.Fatal(err)
	}
	write(t, gone, nil)
	_, wrapErr := p.Wrap(t.Context(), 1, nil, nil)
	for what, err := range map[string]error{"Destroy": p.Destroy(t.Context(), 1), "Wrap": wrapErr} {
		if err == nil || errs.Is(err, errs.NotFound) {
			t.Errorf("%s in a directory that is a file: %v", what, err)
		}
	}
}
