package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tutela-health/tutela/detect/event"
)

// A table becomes events that replay reads, without the patients' numbers; what cannot be read is named.
func TestTablesBecomeEventsForReplay(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	export := filepath.Join(dir, "export.csv")
	rows := "ACCESS_TIME,USER_ID,PAT_MRN_ID,ACCESS_ACTION\n2026-11-22 10:30:00,mmeier,MRN4711,Print\nyesterday,mmeier,MRN4711,View\n2026-11-22 10:31:00,jdoe,MRN4711,View\n"
	if err := os.WriteFile(export, []byte(rows), 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, said := command(t, "events", "convert", export, "--mapping", "access-per-row")
	if code != exitFound || !strings.Contains(said, "line 3 has no time") || strings.Contains(out+said, "4711") {
		t.Fatalf("%d %s %s", code, out, said)
	}
	var patients []string
	for line := range strings.Lines(out) {
		l, err := event.ParseLine([]byte(line))
		if err != nil || l.Event == nil || len(l.Event.Patients) != 1 {
			t.Fatalf("%v: %s", err, line)
		}
		patients = append(patients, string(l.Event.Actor.ID)+" "+string(l.Event.Action))
	}
	if got := strings.Join(patients, ", "); got != "mmeier export, jdoe read" {
		t.Error(got)
	}
	for _, args := range [][]string{{export}, {export, "--mapping", "none"}, {filepath.Join(dir, "absent"), "--mapping", "event-per-row"}, {export, "--form", "atna"}} {
		if code, _, said := command(t, append([]string{"events", "convert"}, args...)...); code != exitError {
			t.Errorf("%v: %d %s", args, code, said)
		}
	}
}
