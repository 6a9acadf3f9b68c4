package book_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/detect/event"
	"github.com/tutela-health/tutela/detect/intake"
	"github.com/tutela-health/tutela/detect/intake/book"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/internal/rig"
	"github.com/tutela-health/tutela/internal/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// open makes a Book over a rig: another node of the same tenant, when it is called again.
func open(r *rig.Rig, clock *testkit.Clock) *book.Book {
	return book.New(book.Config{
		DB: r.DB, Audit: r.Audit, Clock: clock.Now, Notes: r.Records, Alias: r.Identity.Alias,
		Tokens: book.NewTokens(r.Identity.Alias, map[string]string{"urn:oid:1.2.3": "HOSP"}, "HOSP"),
	})
}

func tokens(r *rig.Rig) *book.Tokens {
	return book.NewTokens(r.Identity.Alias, map[string]string{"urn:oid:1.2.3": "HOSP"}, "HOSP")
}

// access is the n-th record of somebody who read a chart.
func access(r *rig.Rig, n int, at time.Time) intake.Record {
	id := intake.Identifier{Authority: "1.2.3", Value: fmt.Sprint("mrn-", n%50)}
	rec := intake.Record{Patients: []intake.Identifier{id}}
	rec.Event = event.Event{Source: "ehr01", Entry: tutela.Entry{
		ID: fmt.Sprint("r", n), Time: at, Action: tutela.ActionRead, Outcome: tutela.OutcomeSuccess, Type: "Observation",
		Actor: tutela.Actor{ID: "jdoe", Kind: tutela.ActorPerson}, Patients: []tutela.Touched{{Patient: tokens(r).Patient(id)}},
	}}
	return rec
}

func each(t *testing.T, f func(t *testing.T, r *rig.Rig, clock *testkit.Clock)) {
	t.Helper()
	for _, engine := range rig.Engines() {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			clock := &testkit.Clock{}
			f(t, rig.Open(t, rig.Config{Engine: engine, Clock: clock.Now}), clock)
		})
	}
}

func written(t *testing.T, r *rig.Rig) []tutela.Entry {
	t.Helper()
	var list []tutela.Entry
	err := r.Audit.Search(t.Context(), audit.Query{Actor: "jdoe"}, func(o audit.Opened) error {
		list = append(list, o.Entry)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func take(t *testing.T, b *book.Book, list ...intake.Record) int {
	t.Helper()
	n, err := b.Take(t.Context(), "ehr", list)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestRecordsOfAnotherSystemAreEntriesOfTheLedger(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rig.Rig, clock *testkit.Clock) {
		b, at := open(r, clock), clock.Now().Add(-time.Hour).UTC()
		take(t, b, access(r, 7, at))
		got := written(t, r)
		if len(got) != 1 {
			t.Fatalf("%d entries", len(got))
		}
		want := &tutela.Foreign{Source: "ehr", Record: "r7", Observed: at, Host: "ehr01"}
		if d := cmp.Diff(want, got[0].Foreign); d != "" {
			t.Error(d)
		}
		if got[0].Time.Sub(at) < time.Hour {
			t.Errorf("the ledger says %v, which was before it was received", got[0].Time)
		}
		id, err := b.Patient(t.Context(), got[0].Patients[0].Patient)
		if d := cmp.Diff(intake.Identifier{Authority: "hosp", Value: "mrn-7"}, id); d != "" || err != nil {
			t.Error(d, err)
		}
		report, err := r.Audit.Verify(t.Context(), audit.VerifyOptions{Deep: true})
		if err != nil || len(report.Problems) > 0 {
			t.Errorf("verify: %v %v", report.Problems, err)
		}
	})
}

func TestRecordsSentAgainAreEntriesOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rig.Rig, clock *testkit.Clock) {
		one, other, at := open(r, clock), open(r, clock), clock.Now()
		sent := []int{take(t, one, access(r, 1, at), access(r, 2, at), access(r, 1, at)), take(t, one, access(r, 2, at)), take(t, other, access(r, 1, at), access(r, 3, at)), take(t, one, access(r, 3, at)), take(t, open(r, clock), access(r, 2, at))}
		if d := cmp.Diff([]int{2, 0, 1, 0, 0}, sent); d != "" {
			t.Error(d)
		}
		if n := len(written(t, r)); n != 3 {
			t.Errorf("%d entries", n)
		}
		if n, err := one.Take(t.Context(), "another source", []intake.Record{access(r, 1, at)}); n != 1 || err != nil {
			t.Errorf("the same id of another source: %d %v", n, err)
		}
	})
}

// TestSourceCannotSpeakForTheSystem sends what would be an act of administration, of the system's own account and from
// the future.
func TestSourceCannotSpeakForTheSystem(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rig.Rig, clock *testkit.Clock) {
		forged := access(r, 1, clock.Now().AddDate(1, 0, 0))
		e := &forged.Event
		e.Action, e.Outcome, e.Demo = tutela.ActionUserDisable, "excellent", true
		e.Disclosure, e.Evidence = &tutela.Disclosure{Recipient: "x"}, &tutela.Evidence{Check: "x", Verdict: tutela.Pass}
		e.Writes = []tutela.Write{{Locator: 1}}
		take(t, open(r, clock), forged)
		got := written(t, r)[0]
		if got.Action != book.ActionActivity || got.Outcome != tutela.OutcomeSuccess || got.Demo || got.Disclosure != nil || got.Evidence != nil || got.Writes != nil {
			t.Errorf("%+v", got)
		}
		if !got.Foreign.Observed.Equal(got.Time) {
			t.Errorf("a time that has not come is believed: %v", got.Foreign.Observed)
		}
	})
}

func TestPatientIsOneForEveryNameOfTheAuthority(t *testing.T) {
	t.Parallel()
	r := rig.Open(t, rig.Config{})
	tk := tokens(r)
	want := tk.Patient(intake.Identifier{Authority: "hosp", Value: "4711"})
	for _, id := range []intake.Identifier{{Authority: "1.2.3", Value: "4711"}, {Authority: "URN:OID:1.2.3", Value: " 4711 "}, {Value: "4711"}, intake.ParseIdentifier("4711^^^&1.2.3&ISO")} {
		if got := tk.Patient(id); got != want {
			t.Errorf("%v: another patient", id)
		}
	}
	for _, id := range []intake.Identifier{{Authority: "lab", Value: "4711"}, {Authority: "hosp", Value: "4712"}} {
		if tk.Patient(id) == want {
			t.Errorf("%v: the same patient", id)
		}
	}
	if got := tk.In("lab").Patient(intake.Identifier{Value: "1"}); got != tk.Patient(intake.Identifier{Authority: "LAB", Value: "1"}) {
		t.Error("the authority of a source does not count")
	}
	if tk.Patient(intake.Identifier{Authority: "hosp"}) != tutela.BucketGeneral {
		t.Error("nobody is somebody")
	}
	if _, err := open(r, &testkit.Clock{}).Patient(t.Context(), want); !errs.Is(err, errs.NotFound) {
		t.Error(err)
	}
}

// BenchmarkTake writes records in batches, on SQLite, as a busy source sends them.
func BenchmarkTake(b *testing.B) {
	clock := &testkit.Clock{}
	r := rig.Open(b, rig.Config{Clock: clock.Now})
	taker, sent := open(r, clock), 0
	for b.Loop() {
		list := make([]intake.Record, 2048)
		for i := range list {
			list[i] = access(r, sent, clock.Now())
			list[i].Patients[0].Value = fmt.Sprint("mrn-", sent%50_000)
			list[i].Event.Patients = []tutela.Touched{{Patient: tokens(r).Patient(list[i].Patients[0])}}
			sent++
		}
		if _, err := taker.Take(b.Context(), "ehr", list); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(sent)/b.Elapsed().Seconds(), "records/s")
}
