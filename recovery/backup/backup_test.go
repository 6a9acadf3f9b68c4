package backup_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/internal/clock"
	"github.com/tutela-health/tutela/internal/rig"
	"github.com/tutela-health/tutela/internal/testkit"
	"github.com/tutela-health/tutela/keys"
	"github.com/tutela-health/tutela/records"
	"github.com/tutela-health/tutela/recovery/backup"
	"github.com/tutela-health/tutela/recovery/dest"
	"github.com/tutela-health/tutela/recovery/sealed"
	"github.com/tutela-health/tutela/store"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// world is a system, what makes its backups, and who opens them.
type world struct {
	*rig.Rig
	*backup.Service
	config backup.Config
	opener sealed.Opener
}

func newWorld(t *testing.T, r *rig.Rig) *world {
	t.Helper()
	private, err := sealed.Generate()
	must(t, err)
	opener, err := sealed.ParseOpener(private)
	must(t, err)
	c := backup.Config{
		DB: r.DB, Ring: r.Ring, Audit: r.Audit, Tenant: r.Ring.Tenant(), Node: "rig", Release: "test", Clock: clock.System,
		Log: slog.New(slog.DiscardHandler), Recipients: []sealed.Recipient{opener.Recipient()}, Folder: t.TempDir(),
	}
	return &world{r, backup.New(c), c, opener}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// each runs f against a fresh system on every engine.
func each(t *testing.T, f func(t *testing.T, w *world)) {
	t.Helper()
	rig.Each(t, func(t *testing.T, r *rig.Rig) { f(t, newWorld(t, r)) })
}

// full and increment must succeed everywhere.
func (w *world) full(t *testing.T, to ...dest.Destination) backup.Report {
	t.Helper()
	r, err := w.Full(t.Context(), to)
	return kept(t, r, err, to)
}

func (w *world) increment(t *testing.T, to ...dest.Destination) backup.Report {
	t.Helper()
	r, err := w.Increment(t.Context(), to)
	return kept(t, r, err, to)
}

func kept(t *testing.T, r backup.Report, err error, to []dest.Destination) backup.Report {
	t.Helper()
	must(t, err)
	if len(r.Kept) != len(to) || len(r.Failed) > 0 {
		t.Fatalf("kept at %v, failed: %v", r.Kept, r.Failed)
	}
	return r
}

// restore brings what a destination holds into a new system on an engine.
func (w *world) restore(t *testing.T, from dest.Destination, at string, engine store.Engine) (*rig.Rig, error) {
	t.Helper()
	found, err := backup.Survey(t.Context(), from)
	if err != nil {
		return nil, err
	}
	list, err := found.Choose(at)
	if err != nil {
		return nil, err
	}
	if err := w.read(t, from, found, list, engine, nil); err != nil {
		return nil, err
	}
	var got *rig.Rig
	err = w.read(t, from, found, list, engine, &got)
	return got, err
}

// read fills a database, and opens a system on it where to says so.
func (w *world) read(t *testing.T, from dest.Destination, found backup.Found, list []backup.Manifest, engine store.Engine, to **rig.Rig) error {
	t.Helper()
	r := backup.Restorer{From: from, Openers: []sealed.Opener{w.opener}}
	fill := func(ctx context.Context, db *store.DB) error {
		keyring, err := backup.NewestKeyring(found.Keyrings, found.Series)
		if err != nil {
			return err
		}
		if err := r.Keyrings(ctx, db, keyring); err != nil {
			return err
		}
		return r.Series(ctx, db, list)
	}
	if to == nil { // a first look, which may fail
		url := "sqlite:" + filepath.Join(t.TempDir(), "look.db")
		db, err := store.Open(t.Context(), store.Config{URL: url, Reserve: -1, MinFree: -1})
		must(t, err)
		must(t, db.Migrate(t.Context(), rig.Migrations()))
		defer func() { must(t, db.Close()) }()
		return fill(t.Context(), db)
	}
	*to = rig.Open(t, rig.Config{Engine: engine, Provider: w.Ring.Provider(), Fill: fill,
		Ready: func(ctx context.Context, db *store.DB, ring *keys.Ring) error {
			return errors.Join(backup.Verify(ctx, ring, slices.Concat(list, found.Keyrings)...), records.RestoreState(ctx, db, ring), identity.Restored(ctx, db))
		}})
	must(t, (*to).Audit.RebuildPostings(t.Context()))
	must(t, (*to).Records.Reindex(t.Context(), func(int64) {}))
	return nil
}

func observation(id, patient, text string) string {
	return fmt.Sprintf(`{"resourceType":"Observation","id":%q,"status":"final","code":{"text":%q},"subject":{"reference":"Patient/%s"}}`, id, text, patient)
}

func patient(id string) string {
	return fmt.Sprintf(`{"resourceType":"Patient","id":%q,"name":[{"family":%q}]}`, id, "Family"+id)
}

// family gives the ids that a search by name finds: through the index that was made anew.
func families(t *testing.T, r *rig.Rig, name string) int {
	t.Helper()
	b := r.Get(t, rig.Loader, "Patient?family="+name+"&_total=accurate").Bundle(t)
	if b.Total == nil {
		t.Fatal("no total")
	}
	return *b.Total
}

// other is the engine that w does not run on.
func (w *world) other() store.Engine {
	if w.DB.Engine() == store.SQLite {
		return store.Postgres
	}
	return store.SQLite
}

func TestBackupRestoresOnEitherEngine(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		d := dest.Dir(t.TempDir())
		w.Put(t, patient("a"))
		w.Put(t, patient("b"))
		w.Put(t, observation("o", "a", "first"))
		w.full(t, d)
		w.Put(t, observation("o", "a", "second"))
		w.Put(t, observation("o", "b", "moved to another patient"))
		w.Put(t, patient("c")) // with a key of its own
		w.Put(t, `{"resourceType":"Group","id":"g","type":"person","actual":true,"member":[{"entity":{"reference":"Patient/a"}},{"entity":{"reference":"Patient/c"}}]}`)
		w.increment(t, d)
		w.Do(t, rig.Call{As: rig.Loader, Method: "DELETE", Path: "Observation/o"})
		w.increment(t, d)
		w.Put(t, patient("late")) // acknowledged after the last increment
		for _, engine := range rig.Engines() {
			got, err := w.restore(t, d, "", engine)
			must(t, err)
			got.Verify(t)
			for _, p := range []string{"a", "b", "c"} {
				if n := families(t, got, "Family"+p); n != 1 {
					t.Errorf("%s: %d patients called %s", engine, n, p)
				}
				if d := cmp.Diff(string(w.Get(t, rig.Loader, "Patient/"+p).Body), string(got.Get(t, rig.Loader, "Patient/"+p).Body)); d != "" {
					t.Error(d)
				}
			}
			if a := got.Get(t, rig.Loader, "Observation/o"); a.Status != 410 {
				t.Errorf("a deleted resource is answered with %d", a.Status)
			}
			b := got.Get(t, rig.Loader, "Observation/o/_history").Bundle(t)
			if len(b.Entry) != 4 {
				t.Errorf("%d versions, want 4", len(b.Entry))
			}
			if a := got.Get(t, rig.Loader, "Group/g"); a.Status != 200 {
				t.Errorf("a resource of two patients is answered with %d", a.Status)
			}
			if a := got.Get(t, rig.Loader, "Patient/late"); a.Status != 404 {
				t.Errorf("what came after the last increment is answered with %d", a.Status)
			}
			got.Put(t, patient("after")) // life goes on
			got.Verify(t)
		}
	})
}

// TestBackupsAreMomentsOfABusySystem backs up while writers write: each restored moment verifies, and
// holds what had been acknowledged before it was taken.
func TestBackupsAreMomentsOfABusySystem(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		d := dest.Dir(t.TempDir())
		w.Put(t, patient("p"))
		ctx, stop := context.WithCancel(t.Context())
		var writers sync.WaitGroup
		acknowledged := make([]chan int, 3)
		for n := range acknowledged {
			acknowledged[n] = make(chan int, 1<<16)
			writers.Go(func() {
				for i := 0; ctx.Err() == nil; i++ {
					a := w.Do(t, rig.Call{As: rig.Loader, Method: "PUT", Path: fmt.Sprintf("Observation/%d-%d", n, i), Body: observation(fmt.Sprintf("%d-%d", n, i), "p", "x")})
					if a.Status >= 300 {
						t.Errorf("write answered %d", a.Status)
					}
					acknowledged[n] <- i
				}
			})
		}
		before := [][]int{}
		for round := range 4 {
			seen := make([]int, len(acknowledged))
			for n, c := range acknowledged {
				seen[n] = <-c // at least one more
				for len(c) > 0 {
					seen[n] = <-c
				}
			}
			before = append(before, seen)
			w.Put(t, observation(fmt.Sprintf("round-%d", round), "p", "x")) // the writers may all be waiting since the last one
			if round == 0 {
				w.full(t, d)
			} else {
				w.increment(t, d)
			}
		}
		stop()
		writers.Wait()
		found, err := backup.Survey(t.Context(), d)
		must(t, err)
		for number, seen := range before {
			got, err := w.restore(t, d, fmt.Sprintf("%s/%d", found.Series[0].ID, number), w.DB.Engine())
			must(t, err)
			got.Verify(t)
			if a := got.Get(t, rig.Loader, fmt.Sprintf("Observation/round-%d", number)); a.Status != 200 {
				t.Fatalf("backup %d: what was acknowledged just before is answered with %d", number, a.Status)
			}
			for n, last := range seen {
				for i := range last + 1 {
					if a := got.Get(t, rig.Loader, fmt.Sprintf("Observation/%d-%d", n, i)); a.Status != 200 {
						t.Fatalf("backup %d: resource %d-%d was acknowledged before, and is answered with %d", number, n, i, a.Status)
					}
				}
			}
		}
	})
}

func TestNothingNewMakesNoIncrement(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		d := dest.Dir(t.TempDir())
		w.full(t, d)
		w.Verify(t) // sequences
		w.increment(t, d)
		r, err := w.Increment(t.Context(), []dest.Destination{d})
		must(t, err)
		if len(r.Kept) > 0 {
			t.Errorf("an increment of %d changes was made", r.Manifest.Changes)
		}
	})
}

// objects lists the files of a directory destination.
func objects(t *testing.T, d dest.Dir) []string {
	t.Helper()
	var list []string
	must(t, filepath.WalkDir(string(d), func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			list = append(list, path)
		}
		return err
	}))
	return list
}

// TestOneChangedByteIsRefusedWithItsName changes a byte of every file of a backup in turn, at several places.
func TestOneChangedByteIsRefusedWithItsName(t *testing.T) {
	t.Parallel()
	w := newWorld(t, rig.Open(t, rig.Config{}))
	d := dest.Dir(t.TempDir())
	w.Put(t, patient("a"))
	w.full(t, d)
	w.Put(t, patient("b"))
	w.increment(t, d)
	for _, path := range objects(t, d) {
		text, err := os.ReadFile(path)
		must(t, err)
		for _, at := range []int{0, 20, len(text) / 3, len(text) / 2, len(text) - 40, len(text) - 3} {
			changed := slices.Clone(text)
			changed[at] ^= 4
			must(t, os.WriteFile(path, changed, 0o600))
			name, err := filepath.Rel(string(d), path)
			must(t, err)
			err = w.tryRestore(t, d)
			if err == nil || !strings.Contains(err.Error(), strings.TrimSuffix(name, ".manifest")) && !strings.Contains(err.Error(), "does not follow") {
				t.Errorf("byte %d of %s changed: %v", at, name, err)
			}
		}
		must(t, os.WriteFile(path, text, 0o600))
	}
	must(t, w.tryRestore(t, d))
}

// tryRestore restores without making a system of it.
func (w *world) tryRestore(t *testing.T, d dest.Destination) error {
	t.Helper()
	found, err := backup.Survey(t.Context(), d)
	if err != nil {
		return err
	}
	list, err := found.Choose("")
	if err != nil {
		return err
	}
	if err := backup.Verify(t.Context(), w.Ring, slices.Concat(found.Keyrings, list)...); err != nil {
		return err
	}
	return w.read(t, d, found, list, "", nil)
}

func TestLostSwappedAndForeignBackupsAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, rig.Open(t, rig.Config{}))
	for name, harm := range map[string]struct {
		do   func(t *testing.T, d dest.Dir, m []backup.Manifest)
		want string
	}{
		"increment lost": {func(t *testing.T, d dest.Dir, m []backup.Manifest) {
			must(t, d.Remove(t.Context(), m[1].ManifestName()))
		}, "increment 1 of series"},
		"content lost": {func(t *testing.T, d dest.Dir, m []backup.Manifest) {
			must(t, d.Remove(t.Context(), m[1].Name()))
		}, "is missing"},
		"contents swapped": {func(t *testing.T, d dest.Dir, m []backup.Manifest) {
			a, b := filepath.Join(string(d), m[1].Name()), filepath.Join(string(d), m[2].Name())
			must(t, errors.Join(os.Rename(a, a+"x"), os.Rename(b, a), os.Rename(a+"x", b)))
		}, "header: it is not"},
		"manifests swapped": {func(t *testing.T, d dest.Dir, m []backup.Manifest) {
			a, b := filepath.Join(string(d), m[1].ManifestName()), filepath.Join(string(d), m[2].ManifestName())
			must(t, errors.Join(os.Rename(a, a+"x"), os.Rename(b, a), os.Rename(a+"x", b)))
		}, "it is no manifest"},
		"part of the keyring lost": {func(t *testing.T, d dest.Dir, m []backup.Manifest) {
			must(t, d.Remove(t.Context(), fmt.Sprintf("keyring/%s-%08d.manifest", m[0].Series, 1)))
		}, "the keyring before"},
		"last part of the keyring lost": {func(t *testing.T, d dest.Dir, m []backup.Manifest) {
			must(t, d.Remove(t.Context(), fmt.Sprintf("keyring/%s-%08d.manifest", m[0].Series, 2)))
		}, "part 2 of the keyring"},
		"another system's": {func(t *testing.T, d dest.Dir, _ []backup.Manifest) {
			must(t, os.RemoveAll(string(d)))
			other := newWorld(t, rig.Open(t, rig.Config{}))
			c := other.config
			c.Recipients = w.config.Recipients // who made it knows the public key
			_, err := backup.New(c).Full(t.Context(), []dest.Destination{d})
			must(t, err)
		}, "is not signed by this system"},
	} {
		t.Run(name, func(t *testing.T) {
			d := dest.Dir(t.TempDir())
			w.full(t, d)
			for i := range 2 {
				w.Put(t, patient(fmt.Sprintf("%x-%d", len(name)*1000+len(harm.want), i))) // new: it has a key of its own
				w.increment(t, d)
			}
			found, err := backup.Survey(t.Context(), d)
			must(t, err)
			harm.do(t, d, found.Series[0].Manifests)
			if err := w.tryRestore(t, d); err == nil || !strings.Contains(err.Error(), harm.want) {
				t.Errorf("got %v, want %q", err, harm.want)
			}
		})
	}
}

// TestRotationLeavesOneKeyring: keys that were made a moment ago are rewrapped too, and no destination keeps
// them as they were wrapped before.
func TestRotationLeavesOneKeyring(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		d := dest.Dir(t.TempDir())
		w.full(t, d)
		w.Put(t, patient("a"))
		w.increment(t, d)
		_, err := w.Ring.Rotate(t.Context())
		must(t, err)
		w.increment(t, d) // in the middle of it
		must(t, w.Ring.Rewrap(t.Context(), func(int) {}))
		_, err = w.Ring.Retire(t.Context())
		must(t, err)
		w.increment(t, d)
		found, err := backup.Survey(t.Context(), d)
		must(t, err)
		if len(found.Keyrings) != 1 || found.Keyrings[0].Kind != backup.Keyring || found.Keyrings[0].Generation != 2 {
			t.Errorf("%d keyrings, the first of generation %d", len(found.Keyrings), found.Keyrings[0].Generation)
		}
		_, err = w.Ring.Destroy(t.Context(), 1)
		must(t, err)
		got, err := w.restore(t, d, "", w.DB.Engine())
		must(t, err)
		got.Verify(t)
		if n := families(t, got, "Familya"); n != 1 {
			t.Errorf("%d patients came back", n)
		}
	})
}

func TestBackupHoldsNoTermsAndKeyringsAreTheNewestOnly(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		d := dest.Dir(t.TempDir())
		w.Put(t, patient("a"))
		w.full(t, d)
		w.Put(t, patient("b"))
		w.increment(t, d)
		w.full(t, d)
		found, err := backup.Survey(t.Context(), d)
		must(t, err)
		if len(found.Keyrings) != 1 || found.Keyrings[0].Series != found.Series[0].ID || len(found.Series) != 2 {
			t.Fatalf("%d keyrings, %d series", len(found.Keyrings), len(found.Series))
		}
		db, err := store.Open(t.Context(), store.Config{URL: "sqlite:" + filepath.Join(t.TempDir(), "t.db"), Reserve: -1, MinFree: -1})
		must(t, err)
		defer func() { must(t, db.Close()) }()
		must(t, db.Migrate(t.Context(), rig.Migrations()))
		list, err := found.Choose("")
		must(t, err)
		r := backup.Restorer{From: d, Openers: []sealed.Opener{w.opener}}
		must(t, r.Series(t.Context(), db, list))
		for _, table := range []string{"wrapped_keys", "terms0", "terms1", "ties", "ledger_postings", "tokens", "leases", "jobs"} {
			var n int
			_, err := db.QueryRow(t.Context(), "SELECT count(*) FROM "+table, nil, &n)
			must(t, err)
			if n > 0 {
				t.Errorf("%d rows of %s lie in the backup", n, table)
			}
		}
	})
}
