package backup_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/internal/rig"
	"github.com/tutela-health/tutela/internal/testkit"
	"github.com/tutela-health/tutela/recovery/backup"
	"github.com/tutela-health/tutela/recovery/dest"
)

// fickle is a destination that takes nothing while it is full.
type fickle struct {
	dest.Destination
	full *atomic.Bool
}

func newFickle(t *testing.T) fickle { return fickle{dest.Dir(t.TempDir()), new(atomic.Bool)} }

func (f fickle) Put(ctx context.Context, name string, from io.ReadSeeker, size int64) error {
	if f.full.Load() {
		return syscall.ENOSPC
	}
	return f.Destination.Put(ctx, name, from, size)
}

// told gives outcomes of entries of an action, the oldest first.
func (w *world) told(t *testing.T, action tutela.Action) []tutela.Outcome {
	t.Helper()
	list := []tutela.Outcome{}
	must(t, w.Audit.Search(t.Context(), audit.Query{Action: action}, func(o audit.Opened) error {
		list = append(list, o.Entry.Outcome)
		return nil
	}))
	return list
}

// TestFailingDestinationCatchesUp: one destination fails for a while, and then has everything again.
func TestFailingDestinationCatchesUp(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		sound, fails := dest.Dir(t.TempDir()), newFickle(t)
		both := []dest.Destination{sound, fails}
		w.full(t, both...)
		fails.full.Store(true)
		for i := range 3 {
			w.Put(t, patient(fmt.Sprint("p", i)))
			r, err := w.Increment(t.Context(), both)
			must(t, err)
			if d := cmp.Diff([]string{sound.String()}, r.Kept); d != "" || !strings.Contains(r.Failed[fails.String()], "no space left") {
				t.Fatalf("%s %v", d, r.Failed)
			}
		}
		fails.full.Store(false)
		w.Put(t, patient("last"))
		w.increment(t, both...)
		for _, d := range both {
			got, err := w.restore(t, d, "", w.DB.Engine())
			must(t, err)
			got.Verify(t)
			for _, id := range []string{"p0", "p1", "p2", "last"} {
				if a := got.Get(t, rig.Loader, "Patient/"+id); a.Status != 200 {
					t.Errorf("%s: Patient/%s is answered with %d", d, id, a.Status)
				}
			}
		}
		want := []tutela.Outcome{tutela.OutcomeError, tutela.OutcomeSuccess} // once each, however often
		if d := cmp.Diff(want, w.told(t, tutela.ActionBackupFail)); d != "" {
			t.Error(d)
		}
	})
}

// TestBackupThatNobodyTookIsMadeAgain: while no destination works nothing is lost, since the next
// increment goes on from the last that was kept.
func TestBackupThatNobodyTookIsMadeAgain(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		d := newFickle(t)
		w.full(t, d)
		d.full.Store(true)
		for i := range 2 {
			w.Put(t, patient(fmt.Sprint("p", i)))
			if _, err := w.Increment(t.Context(), []dest.Destination{d}); !errors.Is(err, backup.ErrNowhere) {
				t.Fatalf("got %v", err)
			}
		}
		d.full.Store(false)
		if r := w.increment(t, d); r.Manifest.Sequence != 1 {
			t.Errorf("number %d of its series", r.Manifest.Sequence)
		}
		got, err := w.restore(t, d, "", w.DB.Engine())
		must(t, err)
		got.Verify(t)
		if n := families(t, got, "Familyp0") + families(t, got, "Familyp1"); n != 2 {
			t.Errorf("%d of 2 patients came back", n)
		}
	})
}

func TestNoRoomForABackupLeavesNothingAndStopsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, rig.Open(t, rig.Config{}))
	c, d := w.config, dest.Dir(t.TempDir())
	file := filepath.Join(t.TempDir(), "file")
	must(t, os.WriteFile(file, nil, 0o600))
	c.Folder = filepath.Join(file, "spool") // cannot be made
	if _, err := backup.New(c).Full(t.Context(), []dest.Destination{d}); err == nil {
		t.Error("a backup was made nowhere")
	}
	left := filepath.Join(w.config.Folder, "backup-left.spool")
	must(t, os.WriteFile(left, []byte("of a process that was killed"), 0o600))
	w.Put(t, patient("a"))
	w.full(t, d)
	if list, err := os.ReadDir(w.config.Folder); err != nil || len(list) > 0 {
		t.Errorf("left behind: %v %v", list, err)
	}
	must(t, w.tryRestore(t, d))
}

// TestNextProcessGoesOn: a new process knows nothing of what the last one sent, and goes on with its series.
func TestNextProcessGoesOn(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		d := dest.Dir(t.TempDir())
		w.full(t, d)
		for i := range 3 {
			w.Put(t, patient(fmt.Sprint("p", i)))
			r, err := backup.New(w.config).Increment(t.Context(), []dest.Destination{d})
			kept(t, r, err, []dest.Destination{d})
			if r.Manifest.Sequence != int64(i+1) {
				t.Errorf("number %d, want %d", r.Manifest.Sequence, i+1)
			}
		}
		got, err := w.restore(t, d, "", w.other())
		must(t, err)
		got.Verify(t)
	})
}

func TestSeriesThatNobodyHasIsBegunAnew(t *testing.T) {
	t.Parallel()
	w := newWorld(t, rig.Open(t, rig.Config{}))
	gone, fresh := dest.Dir(t.TempDir()), dest.Dir(t.TempDir())
	w.full(t, gone)
	w.Put(t, patient("a"))
	if r := w.increment(t, fresh); r.Manifest.Kind != backup.Full {
		t.Errorf("a destination that has nothing got an %s", r.Manifest.Kind)
	}
	must(t, w.tryRestore(t, fresh))
}

func TestTokensDoNotComeBack(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		d := dest.Dir(t.TempDir())
		token := w.Token(t, "physician")
		w.full(t, d)
		got, err := w.restore(t, d, "", w.DB.Engine())
		must(t, err)
		call := rig.Call{As: rig.Nobody, Method: "GET", Path: "Patient", Header: map[string]string{"Authorization": "Bearer " + token}}
		if a := w.Do(t, call); a.Status != 200 {
			t.Fatalf("before: %d", a.Status)
		}
		if a := got.Do(t, call); a.Status != 401 {
			t.Errorf("a token of before is answered with %d", a.Status)
		}
	})
}

// at gives the evidence of a check.
func (w *world) at(t *testing.T, s *backup.Service, c backup.CheckConfig, id string) tutela.Evidence {
	t.Helper()
	all := s.Checks(c)
	i := slices.IndexFunc(all, func(c tutela.Check) bool { return c.ID == id })
	return all[i].Try(t.Context())
}

func TestCheckOfCopiesSeesSabotage(t *testing.T) {
	t.Parallel()
	w := newWorld(t, rig.Open(t, rig.Config{}))
	a, b := dest.Dir(t.TempDir()), dest.Dir(t.TempDir())
	c := backup.CheckConfig{To: []dest.Destination{a, b}}
	seen := testkit.Sabotage(t, "recover.copies")
	look := func(c backup.CheckConfig) tutela.Evidence { return seen.Saw(w.at(t, w.Service, c, "recover.copies")) }
	want := func(what string, v tutela.Verdict, e tutela.Evidence) {
		t.Helper()
		if e.Verdict != v {
			t.Errorf("%s: %s: %s", what, e.Verdict, e.Observed)
		}
	}
	want("never backed up", tutela.Fail, look(c))
	w.full(t, a, b)
	w.Put(t, patient("p"))
	w.increment(t, a, b)
	want("as it should be", tutela.Pass, look(c))
	want("one copy", tutela.Fail, look(backup.CheckConfig{To: []dest.Destination{a}}))
	want("none", tutela.Fail, look(backup.CheckConfig{}))
	want("none of a try-out", tutela.NotApplicable, look(backup.CheckConfig{TryOut: true}))

	later := w.config
	later.Clock = func() time.Time { return time.Now().Add(49 * time.Hour) }
	want("too old", tutela.Fail, w.at(t, backup.New(later), c, "recover.copies"))
	for _, path := range objects(t, b) {
		text, err := os.ReadFile(path)
		must(t, err)
		changed := slices.Clone(text)
		changed[len(text)/2] ^= 1
		must(t, os.WriteFile(path, changed, 0o600))
		want(filepath.Base(path)+" altered", tutela.Fail, look(c))
		must(t, os.Remove(path))
		want(filepath.Base(path)+" gone", tutela.Fail, look(c))
		must(t, os.WriteFile(path, text, 0o600))
	}
	want("as it was", tutela.Pass, look(c))
}

func TestCheckOfRestoresWantsAFreshTrial(t *testing.T) {
	t.Parallel()
	w := newWorld(t, rig.Open(t, rig.Config{}))
	c := backup.CheckConfig{To: []dest.Destination{dest.Dir(t.TempDir())}}
	seen := testkit.Sabotage(t, "recover.backup-restores")
	look := func() tutela.Verdict { return seen.Saw(w.at(t, w.Service, c, backup.CheckRestores)).Verdict }
	trial := func(v tutela.Verdict, at time.Time) {
		t.Helper()
		_, err := w.Audit.Append(t.Context(), tutela.Entry{
			Actor: tutela.Actor{ID: "tutela-verify", Kind: tutela.ActorSystem}, Action: tutela.ActionBackupVerify, Outcome: tutela.OutcomeSuccess,
			Evidence: &tutela.Evidence{Check: backup.CheckRestores, Verdict: v, At: at},
		}, nil)
		must(t, err)
	}
	if got := look(); got != tutela.Fail {
		t.Errorf("never tried: %s", got)
	}
	if got := w.at(t, w.Service, backup.CheckConfig{TryOut: true}, backup.CheckRestores).Verdict; got != tutela.NotApplicable {
		t.Errorf("a try-out: %s", got)
	}
	now := time.Now()
	for _, step := range []struct {
		verdict tutela.Verdict
		ago     time.Duration
		want    tutela.Verdict
	}{
		{tutela.Pass, 8 * 24 * time.Hour, tutela.Fail}, {tutela.Pass, 6 * 24 * time.Hour, tutela.Pass},
		{tutela.Fail, time.Hour, tutela.Fail}, {tutela.Pass, time.Minute, tutela.Pass},
	} {
		trial(step.verdict, now.Add(-step.ago))
		if got := look(); got != step.want {
			t.Errorf("%s %v ago: %s", step.verdict, step.ago, got)
		}
	}
}

// TestScheduleKeepsWhatItShould takes the schedule's turns on a clock of the test's: full backups by the day with
// increments between, old series go, two stay whatever their age.
func TestScheduleKeepsWhatItShould(t *testing.T) {
	t.Parallel()
	var clock testkit.Clock
	w := newWorld(t, rig.Open(t, rig.Config{Clock: clock.Now}))
	w.config.Clock = clock.Now
	w.Service = backup.New(w.config)
	d := dest.Dir(t.TempDir())
	plan := backup.Schedule{To: []dest.Destination{d}, Keep: 3 * 24 * time.Hour}
	begun := clock.Now()
	kept := func() []string {
		found, err := backup.Survey(t.Context(), d)
		must(t, err)
		var list []string
		for _, one := range found.Series {
			list = append(list, fmt.Sprintf("of hour %.0f, and %d more", one.Manifests[0].Made.Sub(begun).Hours(), len(one.Manifests)-1))
		}
		return list
	}
	for range 5 {
		w.Turn(t.Context(), plan)
		_, err := w.Audit.Append(t.Context(), tutela.Entry{Actor: tutela.Actor{ID: "a", Kind: tutela.ActorSystem}, Action: tutela.ActionRead, Outcome: tutela.OutcomeSuccess}, nil)
		must(t, err)
		w.Turn(t.Context(), plan)
		clock.Advance(25 * time.Hour)
	}
	if d := cmp.Diff([]string{"of hour 100, and 1 more", "of hour 75, and 1 more", "of hour 50, and 1 more"}, kept()); d != "" {
		t.Errorf("after five days: %s", d)
	}
	clock.Advance(year)
	w.Turn(t.Context(), plan)
	if d := cmp.Diff([]string{"of hour 8909, and 0 more", "of hour 100, and 1 more"}, kept()); d != "" {
		t.Errorf("after a year: %s", d)
	}
}

// TestScheduleRunsByItself waits for what a running schedule makes: a full backup, and increments of what is written since.
func TestScheduleRunsByItself(t *testing.T) {
	t.Parallel()
	w := newWorld(t, rig.Open(t, rig.Config{}))
	d := dest.Dir(t.TempDir())
	s := backup.New(w.config)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.Run(ctx, backup.Schedule{To: []dest.Destination{d}, Every: 10 * time.Millisecond})
	}()
	await := func(what string, kind backup.Kind) {
		t.Helper()
		for until := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
			state, err := s.State(t.Context())
			must(t, err)
			if len(state.Made) > 0 && state.Made[0].Kind == kind {
				return
			}
			if time.Now().After(until) {
				t.Fatalf("%s: %+v", what, state)
			}
		}
	}
	await("a full backup", backup.Full)
	w.Put(t, patient("p"))
	await("an increment", backup.Increment)
	stop()
	<-ended
}
