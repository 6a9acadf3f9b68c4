package backup_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela/internal/rig"
	"github.com/tutela-health/tutela/internal/testkit"
	"github.com/tutela-health/tutela/recovery/backup"
	"github.com/tutela-health/tutela/recovery/dest"
)

const year = 366 * 24 * time.Hour

// Whatever the clock is set to between backups, and set back: each is made, they follow each other as they were made, and the last
// comes back with the last keyring.
func TestBackupsFollowEachOtherUnderAnyClock(t *testing.T) {
	t.Parallel()
	for _, engine := range rig.Engines() {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			var now testkit.Clock
			w := newWorld(t, rig.Open(t, rig.Config{Engine: engine, Clock: now.Now}))
			w.config.Clock = now.Now
			w.Service = backup.New(w.config)
			jumps := func(by time.Duration) {
				now.Advance(by)
				w.Forget()
			}
			d := dest.Dir(t.TempDir())
			w.full(t, d)
			for i, jump := range []time.Duration{year, -2 * time.Minute, -year, -year, time.Hour, year} {
				jumps(jump)
				w.Put(t, patient(fmt.Sprint("p", i)))
				if r := w.increment(t, d); r.Manifest.Sequence != int64(i+1) {
					t.Errorf("after %s it is number %d, want %d", jump, r.Manifest.Sequence, i+1)
				}
			}
			jumps(year)
			first := w.full(t, d)
			jumps(-2 * year)
			if _, err := w.Ring.Rotate(t.Context()); err != nil {
				t.Fatal(err)
			}
			must(t, w.Ring.Rewrap(t.Context(), func(int) {}))
			if covered, err := w.Covers(t.Context(), 2); covered || err != nil {
				t.Errorf("a backup of the future has the keyring of today: %v", err)
			}
			if _, err := w.Ring.Retire(t.Context()); err != nil {
				t.Fatal(err)
			}
			w.Put(t, patient("last"))
			second := w.full(t, d)
			if covered, err := w.Covers(t.Context(), 2); !covered || err != nil {
				t.Errorf("a backup of now has not the keyring of today: %v", err)
			}
			found, err := backup.Survey(t.Context(), d)
			must(t, err)
			var order []string
			for _, s := range found.Series {
				order = append(order, s.ID)
			}
			if diff := cmp.Diff([]string{second.Manifest.Series, first.Manifest.Series}, order[:2]); diff != "" {
				t.Error(diff)
			}
			_, err = w.Ring.Destroy(t.Context(), 1)
			must(t, err)
			got, err := w.restore(t, d, "", engine)
			must(t, err)
			got.Verify(t)
			if n := families(t, got, "Familylast") + families(t, got, "Familyp5"); n != 2 {
				t.Errorf("%d of 2 patients came back", n)
			}
		})
	}
}

// A schedule whose last full backup is of a day far ahead makes the next one now, and not on that day.
func TestScheduleIsNotHeldUpByAClockThatWentBack(t *testing.T) {
	t.Parallel()
	var now testkit.Clock
	w := newWorld(t, rig.Open(t, rig.Config{Clock: now.Now}))
	w.config.Clock = now.Now
	w.Service = backup.New(w.config)
	plan := backup.Schedule{To: []dest.Destination{dest.Dir(t.TempDir())}, Full: 24 * time.Hour}
	now.Advance(year)
	w.full(t, plan.To...)
	now.Advance(-year)
	for _, want := range []backup.Kind{backup.Full, backup.Increment, backup.Increment} {
		w.Put(t, patient(fmt.Sprint("p", now.Now().UnixNano())))
		w.Turn(t.Context(), plan)
		st, err := w.State(t.Context())
		must(t, err)
		if got := st.Made[0].Kind; got != want {
			t.Errorf("made %s, want %s", got, want)
		}
	}
}
