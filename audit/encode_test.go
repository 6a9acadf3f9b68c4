package audit

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
)

// fullEntry has every field set.
func fullEntry(at time.Time) tutela.Entry {
	return tutela.Entry{
		ID: NewID(), Time: at, Node: "node-1", Tenant: testTenant,
		Actor:   tutela.Actor{ID: "u1", Kind: tutela.ActorPerson, Name: "A. Physician", Roles: []string{"physician"}, Unit: "ward 3"},
		Session: "s1", Client: "ehr", Address: "192.0.2.7", Assurance: "aal2", Request: "r1",
		Action: tutela.ActionUpdate, Type: "Observation", Outcome: tutela.OutcomeSuccess, Status: 200, Count: 2,
		Purpose:  tutela.PurposeTreatment,
		Basis:    &tutela.Basis{Policies: []string{"p1"}, Consent: "c1", Relationship: "care-team"},
		Patients: []tutela.Touched{{Patient: 101, Counts: map[string]int{"Observation": 2}, Flags: []string{"vip"}}},
		Bytes:    812, Grant: "g1", PolicyVersion: "v7", BreakGlass: "b1",
		Disclosure: &tutela.Disclosure{Recipient: "registry", Purpose: tutela.PurposeResearch, Kind: "bulk"},
		Subject:    &tutela.Subject{Kind: "key", ID: "k1", Detail: "d"},
		Evidence:   &tutela.Evidence{Check: "c", Observed: "o", On: "x", Verdict: tutela.Pass, At: at, Expires: at.Add(time.Hour)},
		Continues:  "0123", Demo: true,
		Writes: []tutela.Write{{Locator: -5, Version: 3, Bucket: 101, Deleted: true, Digest: [32]byte{9}}},
	}
}

func TestEntryReadsBackAsWritten(t *testing.T) {
	onEachEngine(t, func(t *testing.T, w *world) {
		l := w.open("node-1")
		want := fullEntry(w.clock())
		sections := append(about(101, "a"), about(tutela.BucketGeneral, "b")...)
		_, err := l.Append(t.Context(), want, sections)
		must(t, err)
		sequence(t, l)
		got := entries(t, l, Query{})
		if len(got) != 1 {
			t.Fatalf("%d entries", len(got))
		}
		if d := cmp.Diff(want, got[0].Entry); d != "" {
			t.Error(d)
		}
		opened, err := l.Sections(t.Context(), got[0])
		must(t, err)
		wantSections := []OpenedSection{{Patient: 101, Body: sections[0].Body}, {Patient: 0, Body: sections[1].Body}}
		if d := cmp.Diff(wantSections, opened); d != "" {
			t.Error(d)
		}
	})
}

func TestNothingOfAnEntryIsInTheClear(t *testing.T) {
	w := newWorld(t, sqliteURL(t))
	l := w.open("node-1")
	e := fullEntry(w.clock())
	leaves, err := l.Encode(t.Context(), e, about(101, "Hildegard"), nil)
	must(t, err)
	for _, word := range []string{e.ID, "u1", "Physician", "ward 3", "ehr", "192.0.2.7", "Observation", "Hildegard", "registry", "node-1"} {
		if bytes.Contains(leaves[0], []byte(word)) {
			t.Errorf("%q is in the clear", word)
		}
	}
}

func TestLargeEntryIsContinued(t *testing.T) {
	w := newWorld(t, sqliteURL(t))
	l := w.open("node-1")
	e := fullEntry(w.clock())
	e.Continues, e.Writes, e.Patients = "", nil, nil
	for i := range 3000 {
		e.Writes = append(e.Writes, tutela.Write{Locator: tutela.Locator(i), Version: 1 << 40, Bucket: 5, Digest: [32]byte{byte(i)}})
	}
	for i := range 700 {
		counts := map[string]int{}
		for k := range 10 {
			counts[fmt.Sprintf("MedicationAdministration%d", k)] = k
		}
		e.Patients = append(e.Patients, tutela.Touched{Patient: tutela.Bucket(100 + i), Counts: counts})
	}
	long := bytes.Repeat([]byte("0123456789abcdef"), 10_000)
	leaves, err := l.Encode(t.Context(), e, []tutela.Section{{Patient: 5, Body: long}, {Patient: 6, Body: []byte("{}")}}, nil)
	must(t, err)
	var whole tutela.Entry
	bodies := map[tutela.Bucket][]byte{}
	for i, b := range leaves {
		if len(b) > MaxLeaf {
			t.Errorf("leaf %d has %d bytes", i, len(b))
		}
		o, err := l.open(t.Context(), int64(i), b)
		must(t, err)
		sections, err := l.Sections(t.Context(), o)
		must(t, err)
		for _, s := range sections {
			bodies[s.Patient] = append(bodies[s.Patient], s.Body...)
		}
		if i == 0 {
			whole = o.Entry
			continue
		}
		if o.Entry.Continues != e.ID || o.Entry.Actor.ID != "u1" {
			t.Errorf("leaf %d does not continue the first: %+v", i, o.Entry)
		}
		whole.Writes = append(whole.Writes, o.Entry.Writes...)
		whole.Patients = append(whole.Patients, o.Entry.Patients...)
	}
	if d := cmp.Diff(e, whole); d != "" {
		t.Error(d)
	}
	if !bytes.Equal(bodies[5], long) || string(bodies[6]) != "{}" {
		t.Error("the pieces of a section do not make up the whole")
	}
	if len(leaves) > 12 {
		t.Errorf("%d leaves", len(leaves))
	}
}

func TestEntryThatCannotBeContinuedIsRefused(t *testing.T) {
	w := newWorld(t, sqliteURL(t))
	l := w.open("node-1")
	secret := make([]byte, 30<<10)
	_, _ = rand.Read(secret)
	e := reading("u", 1)
	e.Subject = &tutela.Subject{Kind: "scan", ID: "1", Detail: fmt.Sprintf("%x", secret)}
	if _, err := l.Encode(t.Context(), e, nil, nil); !errs.Is(err, errs.TooLarge) {
		t.Errorf("large subject: %v", err)
	}
	e = reading("u", 1)
	e.Grant = fmt.Sprintf("%x", secret)
	if _, err := l.Encode(t.Context(), e, nil, nil); !errs.Is(err, errs.TooLarge) {
		t.Errorf("large grant: %v", err)
	}
	e = reading("u", 1)
	e.Patients[0].Flags = []string{fmt.Sprintf("%x", secret)}
	if _, err := l.Encode(t.Context(), e, nil, nil); !errs.Is(err, errs.TooLarge) {
		t.Errorf("large flag: %v", err)
	}
}

// What is no leaf does not get into the ledger, and takes its commit with it.
func TestStampRefusesWhatIsNoLeaf(t *testing.T) {
	w := newWorld(t, sqliteURL(t))
	l := w.open("node-1")
	if _, err := l.Stamp(0, [][]byte{[]byte("plaintext")}); err == nil {
		t.Error("stamped")
	}
	for _, lane := range []int{-1, w.db.Lanes()} {
		if _, err := l.Stamp(lane, nil); err == nil {
			t.Errorf("stamped in lane %d", lane)
		}
	}
}

// TestSimulatedHistoryNeedsADemoLedger: an ordinary ledger takes no entry that says it is invented.
func TestSimulatedHistoryNeedsADemoLedger(t *testing.T) {
	w := newWorld(t, sqliteURL(t))
	for origin, taken := range map[string]bool{"demo/clinic": true, "tutela.test/clinic": false, "tutela.test/demo/clinic": false, "demonstration/clinic": false} {
		cfg := w.config("node-" + NewID())
		cfg.Origin = origin
		l, err := Open(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		e := tutela.Entry{Action: tutela.ActionRead, Outcome: tutela.OutcomeSuccess, Demo: true}
		if _, err := l.Encode(t.Context(), e, nil, nil); (err == nil) != taken {
			t.Errorf("a ledger named %s: %v", origin, err)
		}
		e.Demo = false
		if _, err := l.Encode(t.Context(), e, nil, nil); err != nil {
			t.Errorf("a ledger named %s takes no ordinary entry: %v", origin, err)
		}
	}
}
