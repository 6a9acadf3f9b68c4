package backup_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/tutela-health/tutela/internal/rig"
	"github.com/tutela-health/tutela/internal/testkit"
	"github.com/tutela-health/tutela/recovery/backup"
	"github.com/tutela-health/tutela/recovery/dest"
	"github.com/tutela-health/tutela/store"
)

// A disk that is full in the middle of a backup, at the destination or where it is prepared: nothing of it counts, what lay there
// before comes back, and the next backup has all.
func TestBackupsSurviveFullDisks(t *testing.T) {
	testkit.OnSmallDisk(t, 32<<20, func(t *testing.T, d *testkit.Disk) {
		w := newWorld(t, rig.Open(t, rig.Config{Engine: store.SQLite}))
		onDisk, elsewhere := dest.Dir(filepath.Join(d.Dir, "to")), dest.Dir(t.TempDir())
		w.Put(t, patient("a"))
		w.full(t, onDisk, elsewhere)
		failed := 0
		for i := range 12 {
			w.Put(t, patient(fmt.Sprint("p", i)))
			d.Fill(int64(i) << 10)
			r, err := w.Increment(t.Context(), []dest.Destination{onDisk, elsewhere})
			if must(t, err); r.Failed[onDisk.String()] != "" {
				failed++
			}
			w.config.Folder = filepath.Join(d.Dir, "spool")
			if _, err := backup.New(w.config).Full(t.Context(), []dest.Destination{elsewhere}); err != nil {
				failed++
			}
			d.Free()
			must(t, w.tryRestore(t, onDisk))
			must(t, w.tryRestore(t, elsewhere))
		}
		if failed < 2 {
			t.Errorf("%d failed", failed)
		}
		w.full(t, onDisk, elsewhere)
		for _, from := range []dest.Destination{onDisk, elsewhere} {
			got, err := w.restore(t, from, "", store.SQLite)
			must(t, err)
			got.Verify(t)
			if n := families(t, got, "Familyp11"); n != 1 {
				t.Errorf("%s: %d of the last patient", from, n)
			}
		}
	})
}
