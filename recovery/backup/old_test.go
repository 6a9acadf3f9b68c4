package backup_test

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/internal/rig"
	"github.com/tutela-health/tutela/keys"
	"github.com/tutela-health/tutela/records"
	"github.com/tutela-health/tutela/recovery/backup"
	"github.com/tutela-health/tutela/recovery/dest"
	"github.com/tutela-health/tutela/recovery/sealed"
	"github.com/tutela-health/tutela/store"
)

// unpacked is an archive of testdata in a folder of the test's own.
func unpacked(t *testing.T, name string) string {
	t.Helper()
	dir := t.TempDir()
	f, err := os.Open(filepath.Join("testdata", name))
	must(t, err)
	defer f.Close()
	z, err := gzip.NewReader(f)
	must(t, err)
	for in := tar.NewReader(z); ; {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			return dir
		}
		must(t, err)
		if h.Typeflag != tar.TypeReg {
			continue
		}
		path := filepath.Join(dir, filepath.FromSlash(h.Name))
		must(t, os.MkdirAll(filepath.Dir(path), 0o700))
		text, err := io.ReadAll(in)
		must(t, err)
		must(t, os.WriteFile(path, text, 0o600))
	}
}

// What was backed up before keyrings had a table of their generations (commit f8fa2d8 made it, with a full backup, an increment and
// two parts of the keyring) comes back on either engine, and goes on: its generation is rotated away.
func TestKeyringsFromBeforeGenerationsRestore(t *testing.T) {
	t.Parallel()
	for _, engine := range rig.Engines() {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			dir := unpacked(t, "before-generations.tar.gz")
			provider, err := keys.OpenLocal(filepath.Join(dir, "provider"))
			must(t, err)
			text, err := os.ReadFile(filepath.Join(dir, "backup.key"))
			must(t, err)
			opener, err := sealed.ParseOpener(text)
			must(t, err)
			from := dest.Dir(filepath.Join(dir, "copies"))
			found, err := backup.Survey(t.Context(), from)
			must(t, err)
			list, err := found.Choose("")
			must(t, err)
			in := backup.Restorer{From: from, Openers: []sealed.Opener{opener}}
			r := rig.Open(t, rig.Config{Engine: engine, Provider: provider, Fill: func(ctx context.Context, db *store.DB) error {
				keyring, err := backup.NewestKeyring(found.Keyrings, found.Series)
				return errors.Join(err, in.Keyrings(ctx, db, keyring), in.Series(ctx, db, list))
			}, Ready: func(ctx context.Context, db *store.DB, ring *keys.Ring) error {
				return errors.Join(backup.Verify(ctx, ring, slices.Concat(list, found.Keyrings)...), records.RestoreState(ctx, db, ring), identity.Restored(ctx, db))
			}})
			must(t, r.Audit.RebuildPostings(t.Context()))
			must(t, r.Records.Reindex(t.Context(), func(int64) {}))
			r.Verify(t)
			if n := families(t, r, "Familya") + families(t, r, "Familyb"); n != 2 {
				t.Errorf("%d of 2 patients came back", n)
			}
			generations, err := r.DB.Generations(t.Context())
			if err != nil || len(generations) != 1 || generations[0].Number != 1 || generations[0].Opened.IsZero() {
				t.Errorf("%+v %v", generations, err)
			}
			_, err = r.Ring.Rotate(t.Context())
			must(t, err)
			must(t, r.Ring.Rewrap(t.Context(), func(int) {}))
			_, err = r.Ring.Retire(t.Context())
			must(t, err)
			r.Put(t, patient("after"))
			r.Verify(t)
		})
	}
}
