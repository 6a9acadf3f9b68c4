package breach_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/internal/rig"
	"github.com/tutela-health/tutela/respond/breach"
)

// invented is a random entry of a small world, some of it of another system, told late.
func invented(dice *rand.Rand, start time.Time) tutela.Entry {
	pick := func(list ...string) string { return list[dice.IntN(len(list))] }
	e := tutela.Entry{
		Time:    start.Add(time.Duration(dice.IntN(96*60)) * time.Minute),
		Actor:   tutela.Actor{ID: tutela.UserID(pick("u-1", "u-2", "ana", "bob")), Kind: tutela.ActorPerson, Name: pick("ana", "bob")},
		Session: pick("s-1", "s-2", ""), Client: pick("c-1", "c-2", ""), Address: pick("192.0.2.1", "192.0.2.2", "2001:db8::1"),
		Action: tutela.Action(pick("read", "search-type", "create", "export", "break-glass.open", "authenticate", "transaction", "patient.disclose", "rights.ask")),
		Type:   pick("Observation", "Patient"), Outcome: tutela.Outcome(pick("success", "success", "denied", "failed", "error")),
	}
	for range dice.IntN(3) {
		e.Patients = append(e.Patients, tutela.Touched{Patient: tutela.Bucket(100 + dice.IntN(6)), Counts: map[string]int{"Observation": 1}})
	}
	if len(e.Patients) == 2 && e.Patients[0].Patient == e.Patients[1].Patient {
		e.Patients = e.Patients[:1]
	}
	if e.Action == tutela.ActionPatientDisclose {
		e.Disclosure = &tutela.Disclosure{Recipient: "x", Purpose: tutela.PurposeOperations, Kind: "oversight"}
	}
	if dice.IntN(4) == 0 {
		e.Foreign = &tutela.Foreign{Source: "ehr", Record: fmt.Sprint(dice.Uint64()), Observed: e.Time.Add(-time.Duration(dice.IntN(72)) * time.Hour)}
	}
	if dice.IntN(40) == 0 { // too much for one leaf
		for i := range 1500 {
			e.Patients = append(e.Patients, tutela.Touched{Patient: tutela.Bucket(10_000 + i), Counts: map[string]int{"Observation": 1}})
		}
	}
	return e
}

// naive answers by what is in the entries as they were appended, whole.
func naive(list []tutela.Entry, a breach.Ask, acted func(*tutela.Entry) bool) map[string]int {
	reaching := map[tutela.Action]bool{"read": true, "search-type": true, "create": true, "export": true, "transaction": true, "patient.disclose": true}
	found := map[string]int{}
	for i := range list {
		e := &list[i]
		at := e.Time
		if e.Foreign != nil {
			at = e.Foreign.Observed
		}
		if e.Outcome != tutela.OutcomeSuccess || !reaching[e.Action] || at.Before(a.From) || !at.Before(a.To) || !acted(e) {
			continue
		}
		for _, p := range e.Patients {
			found[audit.Pseudonym(p.Patient)]++
		}
	}
	return found
}

// TestScopeIsThatOfANaiveScan asks many questions of random ledgers, partly pending, and holds each answer against a loop
// over all entries.
func TestScopeIsThatOfANaiveScan(t *testing.T) {
	t.Parallel()
	start := time.Now().UTC().Add(-120 * time.Hour).Truncate(time.Millisecond)
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		dice := rand.New(rand.NewPCG(7, 11))
		var list []tutela.Entry
		for i := range 600 {
			e := invented(dice, start)
			if _, err := r.Audit.Append(t.Context(), e, nil); err != nil {
				t.Fatal(err)
			}
			list = append(list, e)
			if i%100 == 50 {
				sequence(t, r)
			}
		}
		for n := range 60 {
			a := breach.Ask{From: start.Add(time.Duration(dice.IntN(96)) * time.Hour)}
			a.To = a.From.Add(time.Duration(1+dice.IntN(72)) * time.Hour)
			acted := question(&a, n)
			got := map[string]int{}
			for _, p := range ask(t, r, a).Patients {
				got[p.Pseudonym] = p.Accesses
				if p.Standing != breach.Unknown {
					t.Errorf("%+v", p)
				}
			}
			if d := cmp.Diff(naive(list, a, acted), got); d != "" {
				t.Fatalf("%+v: %s", a, d)
			}
		}
	})
}

// question makes the n-th kind of question, and gives what it means.
func question(a *breach.Ask, n int) func(*tutela.Entry) bool {
	switch n % 5 {
	case 0:
		a.Session = "s-1"
		return func(e *tutela.Entry) bool { return e.Session == "s-1" }
	case 1:
		a.Client = "c-2"
		return func(e *tutela.Entry) bool { return e.Client == "c-2" }
	case 2:
		a.Address = "2001:db8::1"
		return func(e *tutela.Entry) bool { return e.Address == "2001:db8::1" }
	case 3:
		a.Actor = "u-1" // no account of that name is left: it is meant by id, and by the name that entries give it
		return func(e *tutela.Entry) bool { return e.Actor.ID == "u-1" }
	}
	a.Actor, a.Address = "ana", "192.0.2.1"
	return func(e *tutela.Entry) bool {
		named := e.Actor.ID == "ana" || e.Foreign == nil && e.Actor.Name == "ana"
		return named && e.Address == "192.0.2.1"
	}
}
