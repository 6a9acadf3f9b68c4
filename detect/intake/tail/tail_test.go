package tail_test

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela/detect/event"
	"github.com/tutela-health/tutela/detect/intake/gate"
	"github.com/tutela-health/tutela/detect/intake/tail"
	"github.com/tutela-health/tutela/internal/clock"
	"github.com/tutela-health/tutela/internal/rig"
	"github.com/tutela-health/tutela/internal/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// TestAFileIsReadOnceThroughRotationAndRestart writes, restarts, cuts and rotates.
func TestAFileIsReadOnceThroughRotationAndRestart(t *testing.T) {
	t.Parallel()
	for _, engine := range rig.Engines() {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "app.log")
			r := rig.Open(t, rig.Config{Engine: engine, Sources: []gate.Source{{Name: "app", File: path}}})
			g, err := gate.New([]gate.Source{{Name: "app", File: path}}, clock.System)
			must(t, err)
			look := func(f *tail.Tail) *tail.Tail { // nil: as after a restart
				if f == nil {
					f = &tail.Tail{Path: path, Source: g.Files()[0], Keeps: r.Told, Places: r.Told.Logs, Log: slog.New(slog.DiscardHandler)}
				}
				must(t, f.Look(t.Context()))
				return f
			}
			var want []string
			write := func(how int, whole bool, texts ...string) {
				f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|how, 0o600)
				must(t, err)
				fmt.Fprint(f, strings.Join(texts, "\n"))
				if whole {
					fmt.Fprintln(f)
				}
				must(t, f.Close())
				want = append(want, texts...)
			}
			write(os.O_APPEND, true, "one", "two")
			f := look(nil)
			write(os.O_APPEND, true, "three")
			f = look(look(f))
			write(os.O_APPEND, false, "fo") // not whole yet
			f = look(f)
			want = want[:len(want)-1]
			same(t, r, want)
			write(os.O_APPEND, true, "ur")
			want[len(want)-1] = "four"
			look(nil)
			same(t, r, want)
			write(os.O_APPEND, true, "five, before it was rotated")
			must(t, os.Rename(path, path+".1"))
			write(os.O_CREATE, true, "six, in the next file, which is longer than the one before was")
			f = look(nil)
			look(f)
			same(t, r, want)
			write(os.O_TRUNC, true, "seven, after it was cut")
			look(f)
			look(nil)
			same(t, r, want)
		})
	}
}

// same holds what is kept against what was written.
func same(t *testing.T, r *rig.Rig, want []string) {
	t.Helper()
	var got []string
	_, err := r.Told.Logs.Stream().Follow(t.Context(), 0, func(_ int64, l event.Line) error {
		got = append(got, l.Event.Log.Text)
		return nil
	})
	must(t, err)
	slices.Sort(got)
	want = slices.Sorted(slices.Values(want))
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
