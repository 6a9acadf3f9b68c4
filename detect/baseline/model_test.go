package baseline_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/detect/baseline"
	"github.com/tutela-health/tutela/detect/event"
	"github.com/tutela-health/tutela/detect/finding"
	"github.com/tutela-health/tutela/detect/roster"
	"github.com/tutela-health/tutela/detect/state"
)

const stranger tutela.Bucket = 77_777_777 // a patient whom nobody treats

func TestCareExplains(t *testing.T) {
	at := monday.AddDate(0, 0, 14).Add(15 * time.Hour)
	me, other := nurse(0, 0), nurse(0, 1)
	for name, c := range map[string]struct {
		relation event.Relation
		flags    []string
		want     string
	}{
		"a relation to the person":            {relation: event.Relation{Kind: event.CareTeam, Staff: me, From: at.AddDate(0, 0, -1)}, want: "joins the patient to the person"},
		"an admission to the unit":            {relation: event.Relation{Kind: event.Admission, Unit: ward(0), From: at.AddDate(0, 0, -1)}, want: "in the care of ward 0"},
		"a colleague's patient":               {relation: event.Relation{Kind: event.Encounter, Staff: other, From: at.Add(-time.Hour)}, want: "a colleague of the person's unit"},
		"an appointment tomorrow":             {relation: event.Relation{Kind: event.Appointment, Staff: me, From: at.Add(26 * time.Hour)}, want: "about to"},
		"a discharge yesterday":               {relation: event.Relation{Kind: event.Admission, Unit: ward(0), From: at.AddDate(0, 0, -5), To: at.AddDate(0, 0, -1)}, want: "has just treated"},
		"the word of the decision":            {flags: []string{"treated"}, want: "knew a treatment relationship"},
		"an order for the unit's examination": {relation: event.Relation{Kind: event.Order, Unit: ward(0), From: at.Add(-time.Hour)}, want: "in the care of ward 0"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(true)
			h.work(0, 14)
			c.relation.Patient = stranger
			if c.relation.Kind != "" {
				h.Relation(c.relation)
			}
			ev := h.access(me, 0, stranger, at)
			ev.Patients[0].Flags = c.flags
			got := h.model.Observe(&ev)
			if !got.Explained || got.Value > .01 || !strings.Contains(strings.Join(got.Explanations, " "), c.want) {
				t.Errorf("%+v", got)
			}
		})
	}
}

func TestCoverExplainsAnotherUnitsPatients(t *testing.T) {
	h := newHouse(true)
	h.work(0, 14)
	me, at := nurse(0, 0), monday.AddDate(0, 0, 14)
	before := h.access(me, 0, patient(3, 1, 1), at)
	h.Relation(event.Relation{Kind: event.Cover, Staff: me, Unit: ward(3), From: at.Add(8 * time.Hour), To: at.Add(20 * time.Hour)})
	h.Relation(event.Relation{Kind: event.Admission, Patient: patient(3, 2, 2), Unit: ward(3), From: at})
	covered := h.access(me, 0, patient(3, 2, 2), at.Add(9*time.Hour))
	got := []bool{h.model.Observe(&before).Explained, h.model.Observe(&covered).Explained}
	if diff := cmp.Diff([]bool{false, true}, got); diff != "" {
		t.Error(diff)
	}
}

func TestAcquaintanceRaisesTheScore(t *testing.T) {
	me := nurse(0, 0)
	for name, c := range map[string]struct {
		patient tutela.Bucket
		flags   []string
		chart   event.Chart
		want    string
	}{
		"own chart":         {patient: own(0, 0), want: "the person's own"},
		"a colleague's":     {patient: own(0, 3), want: "colleague of the same unit"},
		"the own household": {patient: stranger, chart: event.Chart{Patient: stranger, Household: "home 0 0"}, want: "the person's household"},
		"household by flag": {patient: stranger, flags: []string{"household"}, want: "the person's household"},
		"a neighbour":       {patient: stranger, flags: []string{"neighbour"}, want: "near the person"},
		"a celebrity":       {patient: stranger, chart: event.Chart{Patient: stranger, VIP: true}, want: "public interest"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(true)
			h.Chart(c.chart)
			h.work(0, 14)
			plain := h.access(nurse(0, 5), 0, 88_888_888, monday)
			ev := h.access(me, 0, c.patient, monday)
			ev.Patients[0].Flags = c.flags
			scores := h.day(14, plain, ev)
			if scores[1].Explained || scores[1].Value < 2*scores[0].Value || !strings.Contains(strings.Join(scores[1].Reasons, "; "), c.want) {
				t.Errorf("an unknown stranger scores %.3f, and this %+v", scores[0].Value, scores[1])
			}
			if d, ok := h.dayOf(14, me); !ok || !d.Flagged || !slices.Contains(d.Events, ev.ID) {
				t.Errorf("the day is not flagged: %+v", d)
			}
		})
	}
}

func TestWithoutRelationsColleaguesExplain(t *testing.T) {
	h := newHouse(false)
	h.work(0, 30)
	scores := h.day(30, h.access(nurse(0, 0), 0, patient(0, 3, 4), monday), h.access(nurse(0, 0), 0, stranger, monday))
	if !scores[0].Explained || scores[1].Explained || scores[1].Value < 10*scores[0].Value {
		t.Errorf("a patient of the ward scores %+v, a stranger %+v", scores[0], scores[1])
	}
}

func TestWritingOnAForeignWardIsWork(t *testing.T) {
	h := newHouse(true)
	h.work(0, 21)
	visit := func(writes bool) baseline.Day {
		var list []event.Event
		for bed := range 8 {
			ev := h.access(nurse(0, 0), 0, patient(4, bed, 3), monday)
			list = append(list, ev)
			if writes {
				ev.Action = tutela.ActionCreate
				list = append(list, ev)
			}
		}
		h.day(len(h.days), list...)
		d, _ := h.dayOf(len(h.days)-1, nurse(0, 0))
		return d
	}
	stands, browses := visit(true), visit(false)
	if stands.Flagged || browses.Score < 2*stands.Score {
		t.Errorf("standing in scores %.3f, browsing %.3f", stands.Score, browses.Score)
	}
}

func TestLeaversAccountIsFlaggedForCertain(t *testing.T) {
	h := newHouse(true)
	h.work(0, 3)
	gone := nurse(0, 0)
	h.Staff(event.Staff{ID: gone, Roles: []string{"nurse"}, Unit: ward(0), To: monday})
	h.day(10, h.access(gone, 0, patient(0, 1, 1), monday))
	h.days = append(make([][]baseline.Day, 10-3), h.days...)
	d, _ := h.dayOf(10, gone)
	hit, ok := d.Hit()
	if !d.Flagged || !d.Certain || !ok || hit.Level != finding.Critical || !strings.Contains(hit.Reasons[0], "does not work here") {
		t.Errorf("%+v", d)
	}
}

func TestSlowDriftIsSeenAgainstPeers(t *testing.T) {
	h := newHouse(true)
	h.work(0, 7)
	thief, flagged := nurse(2, 0), 0
	for n := 7; n < 49; n++ {
		var list []event.Event
		for k := range 1 + n/12 { // ever more, so that yesterday is always like today
			list = append(list, h.access(thief, 2, tutela.Bucket(5_000_000+100*n+k), monday))
		}
		h.day(n, list...)
		if d, _ := h.dayOf(n, thief); d.Flagged {
			flagged++
		}
	}
	if flagged < 5 { // of about seven that the budget allows
		t.Errorf("%d of 42 days were flagged", flagged)
	}
}

func TestColdStartIsNoFlood(t *testing.T) {
	for _, ties := range []bool{true, false} {
		h := newHouse(ties)
		h.work(0, 10)
		days, flagged := 0, 0
		for _, list := range h.days {
			days += len(list)
			flagged += len(baseline.Hits(list))
		}
		if flagged > 1 {
			t.Errorf("relations %v: %d of %d honest days were flagged", ties, flagged, days)
		}
	}
}

func TestBudgetHolds(t *testing.T) {
	h := newHouse(true)
	days, flagged := 0, 0
	for n := range 60 {
		var list []event.Event
		if n%2 == 0 { // three times more misuse than may be flagged
			list = append(list, h.access(nurse(1, n%nurses), 1, own(1, (n+3)%nurses), monday))
		}
		h.day(n, list...)
		days += len(h.days[n])
		flagged += len(baseline.Hits(h.days[n]))
		if float64(flagged) > .005*float64(days) {
			t.Fatalf("after day %d %d of %d staff-days are flagged", n, flagged, days)
		}
	}
	if flagged == 0 {
		t.Error("nothing was flagged")
	}
}

func TestRestartChangesNothing(t *testing.T) {
	whole, broken := newHouse(true), newHouse(true)
	for n := range 24 {
		if n%5 == 3 {
			restart(t, broken)
		}
		extra := func(h *house) []event.Event {
			write := h.access(nurse(1, 1), 1, patient(4, n%beds, n/7), monday)
			write.Action, write.Session, write.Address = tutela.ActionCreate, "s", "10.9.9.9"
			return []event.Event{h.access(nurse(n%wards, 2), n%wards, own(3, n%nurses), monday), write}
		}
		a, b := whole.day(n, extra(whole)...), broken.day(n, extra(broken)...)
		if diff := cmp.Diff(a, b); diff != "" {
			t.Fatalf("day %d: %s", n, diff)
		}
		if diff := cmp.Diff(whole.days[n], broken.days[n]); diff != "" {
			t.Fatalf("day %d: %s", n, diff)
		}
	}
}

// restart puts a house's directory and model into new ones by their snapshots, in the midst of a day.
func restart(t *testing.T, h *house) {
	t.Helper()
	facts, first := snapshots(t, h)
	h.Directory = roster.New()
	h.model = baseline.New(baseline.Config{}, h.Directory)
	if err := errors.Join(h.Directory.Restore(bytes.NewReader(facts)), h.model.Restore(bytes.NewReader(first))); err != nil {
		t.Fatal(err)
	}
	if _, second := snapshots(t, h); !bytes.Equal(first, second) {
		t.Fatal("a restored model writes another snapshot")
	}
	if err := h.model.Restore(bytes.NewReader(first[:len(first)/2])); !errors.Is(err, state.ErrForeign) {
		t.Fatalf("half a snapshot: %v", err)
	}
}

func snapshots(t *testing.T, h *house) (facts, learned []byte) {
	t.Helper()
	var a, b bytes.Buffer
	if err := errors.Join(h.Directory.Snapshot(&a), h.model.Snapshot(&b)); err != nil {
		t.Fatal(err)
	}
	return a.Bytes(), b.Bytes()
}

// TestRestartWithinADay does the same while days are open.
func TestRestartWithinADay(t *testing.T) {
	h := newHouse(true)
	h.work(0, 9)
	for k := range 5 {
		ev := h.access(nurse(0, 0), 0, tutela.Bucket(9_000_000+k), monday.AddDate(0, 0, 9).Add(9*time.Hour))
		h.model.Observe(&ev)
	}
	restart(t, h)
}

func TestHostileEventsAreHarmless(t *testing.T) {
	h := newHouse(true)
	h.work(0, 3)
	many := make([]tutela.Touched, 5000)
	for i := range many {
		many[i] = tutela.Touched{Patient: tutela.Bucket(i), Flags: []string{"no such flag"}}
	}
	for _, ev := range []event.Event{
		{},
		{Entry: tutela.Entry{Actor: tutela.Actor{ID: "x"}}},
		{Entry: tutela.Entry{Actor: tutela.Actor{ID: "x"}, Time: time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC), Bytes: -1, Count: -5, Patients: many}},
		{Entry: tutela.Entry{Actor: tutela.Actor{ID: "x"}, Time: time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC), Bytes: 1 << 62, Patients: many}},
	} {
		if s := h.model.Observe(&ev); s.Value < 0 || s.Value > 1 || s.Value != s.Value {
			t.Errorf("%+v", s)
		}
	}
	for _, d := range h.model.EndOf(time.Date(9999, 1, 2, 0, 0, 0, 0, time.UTC)) {
		if d.Score != d.Score {
			t.Errorf("%+v", d)
		}
	}
}

func FuzzRestore(f *testing.F) {
	h := newHouse(true)
	h.work(0, 2)
	var whole bytes.Buffer
	if err := h.model.Snapshot(&whole); err != nil {
		f.Fatal(err)
	}
	f.Add(whole.Bytes())
	f.Fuzz(func(_ *testing.T, raw []byte) {
		h := newHouse(true)
		_ = h.model.Restore(bytes.NewReader(raw)) // whatever it says, the model must be usable
		h.work(0, 1)
	})
}
