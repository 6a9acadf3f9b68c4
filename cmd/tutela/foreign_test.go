package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
)

// replayed is a staff-day as detect replay answers it.
type replayed struct {
	Staff   string `json:"staff"`
	Day     string `json:"day"`
	Flagged bool   `json:"flagged"`
}

// flags replays a history and gives its staff-days, and whether each is flagged.
func flags(t *testing.T, args ...string) map[[2]string]bool {
	t.Helper()
	code, out, said := command(t, append([]string{"detect", "replay"}, args...)...)
	if code == exitError {
		t.Fatal(said)
	}
	days := map[[2]string]bool{}
	for line := range strings.Lines(out) {
		var d replayed
		if err := json.Unmarshal([]byte(line), &d); err != nil {
			t.Fatal(err)
		}
		if d.Staff != "" {
			days[[2]string{d.Staff, d.Day}] = d.Flagged
		}
	}
	return days
}

// The same hospital gives the same flags whether its accesses are entries of a ledger, or another system's audit and
// HL7 messages: whatever is lost on that way is of little weight. What is lost for good is stated in docs/intake.md.
func TestAnotherSystemsLogsGiveTheSameFlags(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	own, foreign := filepath.Join(dir, "own"), filepath.Join(dir, "foreign")
	for to, as := range map[string]string{own: "ledger", foreign: "atna"} {
		if code, _, said := command(t, "simulate", "--staff", "150", "--patients", "2500", "--days", "16", "--seed", "11", "--misuse", "0.02", "--as", as, "--to", to); code != 0 {
			t.Fatal(said)
		}
	}
	for from, form := range map[string]string{"audit.log": "atna", "messages.hl7": "hl7"} {
		code, out, said := command(t, "events", "convert", filepath.Join(foreign, from), "--form", form, "--authority", "HOSPITAL")
		if code != 0 {
			t.Fatal(said)
		}
		if err := os.WriteFile(filepath.Join(foreign, from+".ndjson"), []byte(out), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	in := func(folder, name string) string { return filepath.Join(folder, name) }
	want := flags(t, in(own, "events.ndjson"), "--roster", in(own, "roster.ndjson"), "--charts", in(own, "charts.ndjson"), "--relationships", in(own, "relations.ndjson"))
	got := flags(t, in(foreign, "audit.log.ndjson"), "--roster", in(foreign, "roster.ndjson"), "--charts", in(foreign, "charts.ndjson"),
		"--relationships", in(foreign, "relations.ndjson"), "--relationships", in(foreign, "messages.hl7.ndjson"))
	flagged, shared, differ := 0, 0, 0
	for day, is := range want {
		also, there := got[day]
		switch {
		case !there || is != also:
			differ++
		case is:
			shared++
		}
		if is {
			flagged++
		}
	}
	t.Logf("%d staff-days, %d flagged, %d of them in both forms; %d differ", len(want), flagged, shared, differ)
	if len(want) != len(got) || differ*50 > len(want) {
		t.Errorf("%d of %d and %d staff-days differ: more than 2 %%", differ, len(want), len(got))
	}
	if flagged < 5 || shared*5 < flagged*4 {
		t.Errorf("of %d flagged staff-days %d are flagged in both forms", flagged, shared)
	}
}
