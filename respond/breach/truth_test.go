package breach_test

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/detect/event"
	"github.com/tutela-health/tutela/detect/intake"
	"github.com/tutela-health/tutela/detect/intake/atna"
	"github.com/tutela-health/tutela/detect/intake/book"
	"github.com/tutela-health/tutela/detect/simulate"
	"github.com/tutela-health/tutela/internal/clock"
	"github.com/tutela-health/tutela/internal/rig"
	"github.com/tutela-health/tutela/respond/breach"
	"github.com/tutela-health/tutela/store"
)

// hospital keeps what the simulator says that happened.
type hospital struct {
	entries []tutela.Entry
	records map[tutela.Bucket]string
	misused map[tutela.UserID]bool
}

func (h *hospital) Chart(c simulate.Chart) error {
	h.records[c.Patient] = strconv.Itoa(c.Record)
	return nil
}
func (*hospital) Staff(event.Staff) error          { return nil }
func (*hospital) Notice(simulate.Notice) error     { return nil }
func (*hospital) StaffDay(simulate.StaffDay) error { return nil }
func (h *hospital) Entry(e *tutela.Entry) error {
	h.entries = append(h.entries, *e)
	return nil
}
func (h *hospital) Misuse(m simulate.Misuse) error {
	h.misused[m.Staff] = true
	return nil
}

func smallHospital() simulate.Config {
	c := simulate.Default()
	c.Staff, c.Patients, c.Days, c.Misuse, c.Seed = 60, 500, 3, 0.05, 4
	return c
}

func simulated(t *testing.T) *hospital {
	t.Helper()
	h := &hospital{records: map[tutela.Bucket]string{}, misused: map[tutela.UserID]bool{}}
	if _, err := simulate.Run(t.Context(), smallHospital(), h, func(int) {}); err != nil {
		t.Fatal(err)
	}
	if len(h.misused) < 3 {
		t.Fatalf("only %d accounts were misused", len(h.misused))
	}
	return h
}

// truth is whom an account reached in a time, by what the simulator says.
func (h *hospital) truth(actor tutela.UserID, from, to time.Time, name func(tutela.Bucket) string) []string {
	reaching := []tutela.Action{tutela.ActionRead, tutela.ActionSearch, tutela.ActionCreate, tutela.ActionUpdate, tutela.ActionExport}
	found := map[string]bool{}
	for i := range h.entries {
		e := &h.entries[i]
		if e.Actor.ID != actor || e.Outcome != tutela.OutcomeSuccess || !slices.Contains(reaching, e.Action) || e.Time.Before(from) || !e.Time.Before(to) {
			continue
		}
		for _, p := range e.Patients {
			found[name(p.Patient)] = true
		}
	}
	return append([]string{}, slices.Sorted(maps.Keys(found))...)
}

// compare asks for every account that was misused, for all of the time and for a part of a day.
func (h *hospital) compare(t *testing.T, r *rig.Rig, name func(tutela.Bucket) string, told func(breach.Reached) string) {
	t.Helper()
	start, some := smallHospital().Start, 0
	for actor := range h.misused {
		for _, span := range [][2]time.Time{{start, start.AddDate(0, 0, 4)}, {start.Add(30 * time.Hour), start.Add(39 * time.Hour)}} {
			want := h.truth(actor, span[0], span[1], name)
			if len(want) == 0 {
				continue // an account that did nothing then is no question
			}
			got := []string{}
			for _, p := range ask(t, r, breach.Ask{Actor: string(actor), From: span[0], To: span[1]}).Patients {
				got = append(got, told(p))
			}
			slices.Sort(got)
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("%s: %s", actor, d)
			}
			some++
		}
	}
	if some < 3 {
		t.Errorf("only %d questions were asked", some)
	}
}

// TestScopeIsTheSimulatorsTruth holds the scope of each misused account against what the simulator says that it reached.
func TestScopeIsTheSimulatorsTruth(t *testing.T) {
	t.Parallel()
	h := simulated(t)
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		var leaves [][]byte
		for _, e := range h.entries {
			e.Tenant = "rig"
			more, err := r.Audit.Encode(t.Context(), e, nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			if leaves = append(leaves, more...); len(leaves) > 200 {
				commit(t, r, leaves)
				leaves = nil
			}
		}
		sequence(t, r)
		commit(t, r, leaves) // these are pending
		h.compare(t, r, audit.Pseudonym, func(p breach.Reached) string { return p.Pseudonym })
	})
}

func commit(t *testing.T, r *rig.Rig, leaves [][]byte) {
	t.Helper()
	if err := r.DB.Commit(t.Context(), store.Op{Entries: leaves}); err != nil {
		t.Fatal(err)
	}
}

// TestScopeOfForeignLogsIsTheSimulatorsTruth has the same hospital tell of itself months later, as another system's audit
// messages: its patients come out under the numbers that it gave them.
func TestScopeOfForeignLogsIsTheSimulatorsTruth(t *testing.T) {
	t.Parallel()
	h := simulated(t)
	dir := t.TempDir()
	f, err := simulate.NewForeign(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := simulate.Run(t.Context(), smallHospital(), f, func(int) {}); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, simulate.AuditFile))
	if err != nil {
		t.Fatal(err)
	}
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		tokens := book.NewTokens(r.Identity.Alias, nil, "hosp")
		kept := book.New(book.Config{DB: r.DB, Audit: r.Audit, Clock: clock.System, Notes: r.Records, Alias: r.Identity.Alias, Tokens: tokens})
		var list []intake.Record
		for line := range bytes.Lines(text) {
			rec, err := atna.ParseLine(bytes.TrimSpace(line), tokens)
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, rec)
		}
		if n, err := kept.Take(t.Context(), "ehr", list); err != nil || n != len(h.entries) {
			t.Fatal(n, err)
		}
		sequence(t, r)
		h.compare(t, r, func(b tutela.Bucket) string { return h.records[b] }, func(p breach.Reached) string {
			_, number, _ := strings.Cut(p.Elsewhere, "|")
			return number
		})
	})
}
