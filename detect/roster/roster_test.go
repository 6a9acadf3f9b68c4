package roster_test

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/detect/event"
	"github.com/tutela-health/tutela/detect/roster"
	"github.com/tutela-health/tutela/detect/state"
)

var start = time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC)

func day(n int) time.Time { return start.AddDate(0, 0, n) }

func TestEmploymentFollowsPosts(t *testing.T) {
	d := roster.New()
	d.Staff(event.Staff{ID: "u-1", Roles: []string{"nurse"}, Unit: "ward 1", From: day(0), To: day(10)})
	d.Staff(event.Staff{ID: "u-1", Roles: []string{"nurse"}, Unit: "ward 2", From: day(5), To: day(20)})
	type answer struct {
		State roster.Employment
		Since roster.Minute
	}
	for at, want := range map[int]answer{
		-1: {roster.NotYet, 0}, 0: {roster.Employed, 0}, 15: {roster.Employed, 0}, 20: {roster.Left, roster.MinuteOf(day(20))},
	} {
		var got answer
		got.State, got.Since = d.Employment(d.Person("u-1"), roster.MinuteOf(day(at)))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("day %d: %s", at, diff)
		}
	}
	if got, _ := d.Employment(d.Person("stranger"), roster.MinuteOf(day(0))); got != roster.Unknown {
		t.Errorf("a stranger is %v", got)
	}
}

func TestLaterLineReplacesEarlier(t *testing.T) {
	d := roster.New()
	d.Staff(event.Staff{ID: "u-1", Unit: "ward 1", From: day(0)})
	d.Staff(event.Staff{ID: "u-1", Unit: "ward 1", From: day(0), To: day(3)})
	if got, _ := d.Employment(d.Person("u-1"), roster.MinuteOf(day(4))); got != roster.Left {
		t.Errorf("after the end of the post: %v", got)
	}
	d.Relation(event.Relation{Kind: event.Admission, Patient: 9, Unit: "ward 1", From: day(0)})
	d.Relation(event.Relation{Kind: event.Admission, Patient: 9, Unit: "ward 1", From: day(0), To: day(2)})
	want := []roster.Tie{{From: roster.MinuteOf(day(0)), To: roster.MinuteOf(day(2)), Unit: d.Unit("ward 1"), Kind: roster.Admission}}
	if diff := cmp.Diff(want, d.Ties(9)); diff != "" {
		t.Error(diff)
	}
}

func TestVisitWithoutEndIsOverSometime(t *testing.T) {
	d := roster.New()
	d.Relation(event.Relation{Kind: event.Encounter, Patient: 9, Staff: "u-1", From: day(0)})
	d.Relation(event.Relation{Kind: event.Admission, Patient: 9, Unit: "ward 1", From: day(0)})
	got := []bool{d.Ties(9)[0].To == roster.MinuteOf(day(1)), d.Ties(9)[1].To == roster.Forever}
	if diff := cmp.Diff([]bool{true, true}, got); diff != "" {
		t.Error(diff)
	}
}

func TestCoverHoldsForItsTime(t *testing.T) {
	d := roster.New()
	d.Relation(event.Relation{Kind: event.Cover, Staff: "u-1", Unit: "ward 2", From: day(1), To: day(2)})
	n, u := d.Person("u-1"), d.Unit("ward 2")
	var got []bool
	for at := range 3 {
		got = append(got, d.Covers(n, u, roster.MinuteOf(day(at))))
	}
	if diff := cmp.Diff([]bool{false, true, false}, got); diff != "" {
		t.Error(diff)
	}
}

func TestKinshipComesFromRosterAndCharts(t *testing.T) {
	d := roster.New()
	d.Staff(event.Staff{ID: "u-1", Chart: 7, Household: "h1", Family: "f1"})
	d.Staff(event.Staff{ID: "u-2", Chart: 8, Household: "h2", Family: "f1"})
	d.Chart(event.Chart{Patient: 7, Household: "h1", Family: "f1"})
	d.Chart(event.Chart{Patient: 8, Household: "h1", Family: "f1", VIP: true})
	self, other := d.Kinship(d.Person("u-1"), 7), d.Kinship(d.Person("u-1"), 8)
	got := []any{self.Self, self.Household, self.Family, self.Colleague, other.Self, other.Household, other.Family, d.PersonName(other.Colleague), other.Marks.VIP}
	want := []any{true, false, false, roster.Person(0), false, true, true, tutela.UserID("u-2"), true}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestForgetDropsWhatEnded(t *testing.T) {
	d := roster.New()
	for n := range 100 {
		d.Relation(event.Relation{Kind: event.Encounter, Patient: tutela.Bucket(10 + n%7), Staff: tutela.UserID(fmt.Sprint("u-", n)), From: day(n), To: day(n + 1)})
	}
	d.Forget(day(90))
	if _, ties, _ := d.Size(); ties != 11 {
		t.Errorf("%d ties are held, and 11 have not ended", ties)
	}
}

func TestSnapshotRestoresToTheByte(t *testing.T) {
	d := filled(50, 200, 2000)
	var first, second bytes.Buffer
	if err := d.Snapshot(&first); err != nil {
		t.Fatal(err)
	}
	restored := roster.New()
	if err := restored.Restore(bytes.NewReader(first.Bytes())); err != nil {
		t.Fatal(err)
	}
	if err := restored.Snapshot(&second); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Error("a restored directory writes another snapshot")
	}
	if diff := cmp.Diff(d.Ties(3), restored.Ties(3)); diff != "" {
		t.Error(diff)
	}
	if err := restored.Restore(bytes.NewReader(first.Bytes()[:first.Len()/2])); !errors.Is(err, state.ErrForeign) {
		t.Errorf("half a snapshot: %v", err)
	}
	if people, _, _ := restored.Size(); people != 50 {
		t.Errorf("a failed restore leaves %d people of 50", people)
	}
}

func FuzzRestore(f *testing.F) {
	var whole bytes.Buffer
	if err := filled(3, 4, 20).Snapshot(&whole); err != nil {
		f.Fatal(err)
	}
	f.Add(whole.Bytes())
	f.Fuzz(func(t *testing.T, raw []byte) {
		d := roster.New()
		_ = d.Restore(bytes.NewReader(raw)) // whatever it says, the directory must be usable
		d.Relation(event.Relation{Kind: event.Encounter, Patient: 5, Staff: "u-1", From: start})
		d.Kinship(d.Person("u-1"), 5)
		d.Forget(start)
	})
}

// TestHoldsAHospitalInLittleMemory holds what a hospital of 2,000 staff and 50,000 patients needs
// with two million relations, all of them running.
func TestHoldsAHospitalInLittleMemory(t *testing.T) {
	before := heap()
	d := filled(2000, 50_000, 2_000_000)
	grown := heap() - before
	if _, ties, _ := d.Size(); ties < 1_900_000 || grown > 110<<20 {
		t.Errorf("%d ties take %d MiB", ties, grown>>20)
	}
	runtime.KeepAlive(d)
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func filled(staff, patients, relations int) *roster.Directory {
	d := roster.New()
	for n := range staff {
		d.Staff(event.Staff{ID: tutela.UserID(fmt.Sprint("u-", n)), Roles: []string{"nurse"}, Unit: fmt.Sprint("ward ", n%40), Chart: tutela.Bucket(2 + n), Household: fmt.Sprint("h", n)})
	}
	for n := range patients {
		d.Chart(event.Chart{Patient: tutela.Bucket(2 + n), Household: fmt.Sprint("h", n/3)})
	}
	for n := range relations {
		d.Relation(event.Relation{Kind: event.Encounter, Patient: tutela.Bucket(2 + n*7919%patients), Staff: tutela.UserID(fmt.Sprint("u-", n%staff)), Unit: fmt.Sprint("ward ", n%40), From: start.Add(time.Duration(n) * time.Minute)})
	}
	return d
}
