package simulate

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/detect/event"
)

// small is a hospital that a test can wait for, with much misuse.
func small() Config {
	c := Default()
	c.Seed, c.Staff, c.Patients, c.Days, c.Misuse = 7, 150, 2500, 12, 0.06
	return c
}

// kept is a Receiver that keeps what it was told.
type kept struct {
	charts    []Chart
	staff     []event.Staff
	notices   []Notice
	entries   []tutela.Entry
	misuse    []Misuse
	staffDays []StaffDay
}

func (k *kept) Chart(c Chart) error         { k.charts = append(k.charts, c); return nil }
func (k *kept) Staff(s event.Staff) error   { k.staff = append(k.staff, s); return nil }
func (k *kept) Notice(n Notice) error       { k.notices = append(k.notices, n); return nil }
func (k *kept) Entry(e *tutela.Entry) error { k.entries = append(k.entries, *e); return nil }
func (k *kept) Misuse(m Misuse) error       { k.misuse = append(k.misuse, m); return nil }
func (k *kept) StaffDay(d StaffDay) error   { k.staffDays = append(k.staffDays, d); return nil }

func run(t *testing.T, c Config) (*kept, Summary) {
	t.Helper()
	k := &kept{}
	sum, err := Run(t.Context(), c, k, func(int) {})
	if err != nil {
		t.Fatal(err)
	}
	return k, sum
}

// write runs a simulation into files and gives their bytes.
func write(t *testing.T, c Config) map[string][]byte {
	t.Helper()
	dir := t.TempDir()
	l, err := NewLines(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Run(t.Context(), c, l, func(int) {}); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	files := make(map[string][]byte)
	for _, name := range []string{EventsFile, RosterFile, RelationsFile, ChartsFile, TruthFile} {
		if files[name], err = os.ReadFile(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

func TestSameSeedGivesSameBytes(t *testing.T) {
	c := small()
	c.Days = 4
	first, second := write(t, c), write(t, c)
	for name := range first {
		if !bytes.Equal(first[name], second[name]) {
			t.Errorf("%s differs between two runs", name)
		}
		if len(first[name]) == 0 {
			t.Errorf("%s is empty", name)
		}
	}
	c.Seed++
	if other := write(t, c); bytes.Equal(first[EventsFile], other[EventsFile]) {
		t.Error("another seed gives the same events")
	}
}

func TestEntriesAreWrittenAsTheLedgerRendersThem(t *testing.T) {
	k, _ := run(t, small())
	for i := range k.entries {
		want, err := audit.OCSF(k.entries[i])
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(appendOCSF(nil, &k.entries[i]))); diff != "" {
			t.Fatalf("entry %d (-ledger +simulation):\n%s", i, diff)
		}
	}
}

func TestDetectionReadsEveryLine(t *testing.T) {
	files := write(t, small())
	read := func(name string) (lines []event.Line) {
		err := event.Read(t.Context(), bytes.NewReader(files[name]), 1, func(n event.Numbered) error {
			if n.Err != nil {
				t.Fatalf("%s, line %d: %v", name, n.Number, n.Err)
			}
			lines = append(lines, n.Line)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return lines
	}
	k, _ := run(t, small())
	for i, l := range read(EventsFile) {
		if l.Event == nil || l.Event.ID != k.entries[i].ID || !l.Event.Time.Equal(k.entries[i].Time) {
			t.Fatalf("line %d is not entry %d: %+v", i+1, i, l)
		}
	}
	for i, l := range read(RosterFile) {
		if diff := cmp.Diff(&k.staff[i], l.Staff); diff != "" {
			t.Fatalf("roster (-told +read):\n%s", diff)
		}
	}
	for i, l := range read(ChartsFile) {
		if diff := cmp.Diff(&k.charts[i].Chart, l.Chart); diff != "" {
			t.Fatalf("charts (-told +read):\n%s", diff)
		}
	}
	for _, l := range read(RelationsFile) {
		if l.Relation == nil || !l.Relation.To.IsZero() && !l.Relation.To.After(l.Relation.From) {
			t.Fatalf("%+v is no relation", l)
		}
	}
}

func TestConfigIsChecked(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"few staff":     func(c *Config) { c.Staff = 59 },
		"many staff":    func(c *Config) { c.Staff = 20_001 },
		"few patients":  func(c *Config) { c.Patients = 499 },
		"many patients": func(c *Config) { c.Patients = 1_000_001 },
		"no days":       func(c *Config) { c.Days = 0 },
		"many days":     func(c *Config) { c.Days = 401 },
		"misuse":        func(c *Config) { c.Misuse = 0.21 },
		"negative":      func(c *Config) { c.Misuse = -0.1 },
		"tenant":        func(c *Config) { c.Tenant = "" },
		"start":         func(c *Config) { c.Start = c.Start.Add(time.Hour) },
	} {
		c := small()
		change(&c)
		if _, err := Run(t.Context(), c, &kept{}, func(int) {}); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestRunStopsWhenItsContextEnds(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	days := 0
	_, err := Run(ctx, small(), &kept{}, func(d int) {
		if days = d; d == 2 {
			stop()
		}
	})
	if err == nil || days != 2 {
		t.Errorf("stopped after %d days with %v", days, err)
	}
}
