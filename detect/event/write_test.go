package event_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela/detect/event"
)

// What is written as a fact is read as the same fact.
func TestFactsAreReadAsTheyAreWritten(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 22, 9, 30, 15, 250e6, time.UTC)
	for _, l := range []event.Line{
		{Staff: &event.Staff{ID: `u"17`, Roles: []string{"nurse", "float"}, Unit: "ward 3", From: at, Chart: 0x1b3c, Household: event.Likeness("1 High Street"), Family: "00000000000000aa"}},
		{Relation: &event.Relation{Kind: event.Admission, Patient: 7, Unit: "ward\n3", From: at, To: at.Add(time.Hour)}},
		{Relation: &event.Relation{Kind: event.Cover, Staff: "u-17", Unit: "ward 5"}},
		{Chart: &event.Chart{Patient: event.Pseudonym("MRN 4711"), VIP: true, Sensitive: true, Family: event.Likeness("O'Brien")}},
	} {
		text := event.AppendFact(nil, l)
		got, err := event.ParseLine(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if d := cmp.Diff(l, got); d != "" {
			t.Errorf("%s\n%s", text, d)
		}
	}
	if b := event.AppendFact(nil, event.Line{Event: &event.Event{}}); len(b) > 0 {
		t.Errorf("an event became the fact %s", b)
	}
}

func TestLikenessOfALikenessIsItself(t *testing.T) {
	t.Parallel()
	for i := range 600 { // some of that many hashes begin with zeros
		once := event.Likeness(time.Unix(int64(i), 0).String())
		if again := event.Likeness(once); again != once {
			t.Fatalf("%s became %s", once, again)
		}
	}
	if a, b := event.Likeness(" Müller "), event.Likeness("müller"); a != b {
		t.Error(a, b)
	}
}
