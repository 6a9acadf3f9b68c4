package main

import (
	"encoding/json"
	"errors"
	"go/parser"
	"go/token"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/detect/simulate"
)

// smallHospital are the flags of one that a test can wait for.
func smallHospital(more ...string) []string {
	return append([]string{"simulate", "--staff=60", "--patients=500", "--days=2", "--misuse=0.05"}, more...)
}

func TestSimulateWritesAHospital(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "hospital")
	out := want(t, exitClean, "", smallHospital("--format=json", "--to="+dir)...)
	var sum simulate.Summary
	if err := json.Unmarshal([]byte(out), &sum); err != nil {
		t.Fatal(err)
	}
	for name, least := range map[string]int{simulate.EventsFile: sum.Entries, simulate.RosterFile: 60, simulate.ChartsFile: 500, simulate.TruthFile: sum.StaffDays + sum.Misuse} {
		if n := strings.Count(textOf(t, filepath.Join(dir, name)), "\n"); n < least || n == 0 {
			t.Errorf("%s has %d lines, want %d", name, n, least)
		}
	}
	want(t, exitError, "is not empty", smallHospital("--to="+dir)...)
	want(t, exitError, "60 to 20000 staff", "simulate", "--staff=3", "--to="+filepath.Join(t.TempDir(), "x"))
	want(t, exitError, "--start is a day", smallHospital("--start=yesterday", "--to="+filepath.Join(t.TempDir(), "x"))...)
	want(t, exitClean, "honest entries", smallHospital("--as=atna", "--to="+filepath.Join(t.TempDir(), "other"))...)
}

// TestSimulatedHistoryIsFlagged: it goes into a ledger that is named for it, every entry of it says what it is, and the
// ledger verifies.
func TestSimulatedHistoryIsFlagged(t *testing.T) {
	data, to := filepath.Join(t.TempDir(), "data"), filepath.Join(t.TempDir(), "hospital")
	want(t, exitClean, "entries", smallHospital("--ledger="+data, "--to="+to)...)
	want(t, exitClean, "verified", "audit", "verify", "--deep", "--data="+data)
	checkHistory(t, data, strings.Count(textOf(t, filepath.Join(to, simulate.EventsFile)), "\n"))
}

// checkHistory reads a stopped system's ledger.
func checkHistory(t *testing.T, data string, entries int) {
	t.Helper()
	conf, err := readConfig(filepath.Join(data, configFile))
	if err != nil {
		t.Fatal(err)
	}
	s, err := openSystem(t.Context(), conf, "-test", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	told := 0
	err = errors.Join(s.audit.Search(t.Context(), audit.Query{}, func(o audit.Opened) error {
		if o.Entry.Demo {
			told++
		}
		if invented := strings.HasPrefix(string(o.Entry.Actor.ID), "u-"); o.Entry.Demo != invented {
			t.Errorf("an entry of %s at %s: demo is %v", o.Entry.Actor.ID, o.Entry.Time, o.Entry.Demo)
		}
		return nil
	}), s.close(t.Context()))
	if err != nil || told != entries {
		t.Errorf("%d entries are flagged, %d were simulated: %v", told, entries, err)
	}
}

// TestOrdinaryLedgersTakeNoHistory: neither that of a try-out system nor that of a production system.
func TestOrdinaryLedgersTakeNoHistory(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	if _, err := (devCmd{Data: data, Addr: "localhost:0"}).prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	want(t, exitError, "invented history goes only into", smallHospital("--ledger="+data, "--to="+filepath.Join(t.TempDir(), "hospital"))...)
	path := filepath.Join(data, configFile)
	demo := strings.Replace(textOf(t, path), "origin: localhost/tryout", "origin: demo/tryout", 1)
	if err := os.WriteFile(path, []byte(strings.Replace(demo, "try_out: true", "try_out: false", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	want(t, exitError, "invented history goes only into", smallHospital("--ledger="+data, "--to="+filepath.Join(t.TempDir(), "hospital"))...)
}

// TestOnlySimulateInventsHistory reads the source: nothing that serves can reach what writes a time that was not. The
// measurements in bench are no part of what ships.
func TestOnlySimulateInventsHistory(t *testing.T) {
	importers := 0
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && d.Name() == "bench" {
			return filepath.SkipDir
		}
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, i := range f.Imports {
			if p, _ := strconv.Unquote(i.Path.Value); strings.HasSuffix(p, "/detect/simulate") {
				importers++
				if filepath.ToSlash(path) != "../../cmd/tutela/simulate.go" {
					t.Errorf("%s imports %s", path, p)
				}
			}
		}
		return nil
	})
	if err != nil || importers != 1 {
		t.Errorf("%d importers: %v", importers, err)
	}
}

// TestSimulatedDaysReplay gives three days to detection: every event is answered once, in order, and two runs say the
// same. What the rules find on days without misuse stays under a number for each hundred entries.
func TestSimulatedDaysReplay(t *testing.T) {
	for misuse, most := range map[string]int{"0": 4, "0.1": 100} {
		dir := filepath.Join(t.TempDir(), "hospital")
		want(t, exitClean, "entries", "simulate", "--staff=80", "--patients=1500", "--days=3", "--misuse="+misuse, "--to="+dir)
		args := []string{"detect", "replay", "--findings"}
		for flag, name := range map[string]string{"--roster=": simulate.RosterFile, "--relationships=": simulate.RelationsFile, "--charts=": simulate.ChartsFile} {
			args = append(args, flag+filepath.Join(dir, name))
		}
		args = append(args, filepath.Join(dir, simulate.EventsFile))
		code, out, said := command(t, args...)
		_, again, _ := command(t, args...)
		if code == exitError || out != again {
			t.Errorf("misuse %s: exit code %d, the same again: %v, %s", misuse, code, out == again, said)
		}
		hits, days := answersOf(t, out, textOf(t, filepath.Join(dir, simulate.EventsFile)))
		if entries := strings.Count(textOf(t, filepath.Join(dir, simulate.EventsFile)), "\n"); hits > entries*most/100 || days == 0 {
			t.Errorf("misuse %s: %d hits of rules and %d staff-days in %d entries", misuse, hits, days, entries)
		}
	}
}

// answersOf holds a replay's answers to its events, and counts hits and staff-days.
func answersOf(t *testing.T, out, events string) (hits, days int) {
	t.Helper()
	type line struct {
		UID      string  `json:"uid"`
		Score    float64 `json:"score"`
		Day      string  `json:"day"`
		Finding  any     `json:"finding"`
		Metadata struct {
			UID string `json:"uid"`
		} `json:"metadata"`
	}
	read := func(text string) (list []line) {
		for one := range strings.Lines(text) {
			var l line
			if err := json.Unmarshal([]byte(one), &l); err != nil {
				t.Fatalf("%v: %s", err, one)
			}
			list = append(list, l)
		}
		return list
	}
	asked := read(events)
	for _, l := range read(out) {
		switch {
		case l.Finding != nil:
			hits++
		case l.Day != "":
			days++
		case len(asked) == 0 || l.UID != asked[0].Metadata.UID || l.Score < 0 || l.Score > 1:
			t.Fatalf("%+v is no answer to the event whose turn it is", l)
		default:
			asked = asked[1:]
		}
	}
	if len(asked) > 0 {
		t.Errorf("%d events were not answered", len(asked))
	}
	return hits, days
}
