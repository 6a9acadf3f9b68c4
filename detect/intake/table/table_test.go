package table_test

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/detect/event"
	"github.com/tutela-health/tutela/detect/intake"
	"github.com/tutela-health/tutela/detect/intake/table"
)

// lengths are tokens that a test can foresee.
type lengths struct{}

func (lengths) Patient(id intake.Identifier) tutela.Bucket {
	return tutela.Bucket(1000*len(id.Authority) + len(id.Value))
}
func (lengths) Likeness(_, _ string) string { return "" }

const mapping = `
source: ehr
authority: HOSP
time_zone: Europe/Berlin
times: ["02.01.2006 15:04:05"]
columns: {time: When, user: Who, patient: MRN, action: What, type: Object, address: PC, id: Row}
actions: {Druck: export}
`

func read(t *testing.T, mapping, text string) (list []intake.Record, wrong []string) {
	t.Helper()
	m, err := table.ParseMapping([]byte(mapping))
	if err != nil {
		t.Fatal(err)
	}
	err = table.Read(strings.NewReader(text), m, lengths{}, func(_ int, r intake.Record, bad error) error {
		if bad != nil {
			wrong = append(wrong, bad.Error())
			return nil
		}
		list = append(list, r)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return list, wrong
}

func TestRowsBecomeRecords(t *testing.T) {
	t.Parallel()
	list, wrong := read(t, mapping, "\ufeffRow,WHEN,who,MRN,What,Object,PC\n"+
		"7,22.11.2026 10:30:00,mmeier,4711,druck,\"Letter, long\",WS-7\n"+
		"8,yesterday,mmeier,4711,x,y,z\n9,22.11.2026 10:30:00,,4711,x,y,z\n10,short\n"+
		"11,22.11.2026 10:31:00,jdoe,,login,,\n")
	want := []intake.Record{
		{
			Event: event.Event{Source: "ehr", Entry: tutela.Entry{
				ID: "7", Time: time.Date(2026, 11, 22, 9, 30, 0, 0, time.UTC), Action: tutela.ActionExport, Outcome: tutela.OutcomeSuccess, Type: "Letter, long", Address: "WS-7",
				Actor: tutela.Actor{ID: "mmeier", Kind: tutela.ActorPerson}, Patients: []tutela.Touched{{Patient: 4004, Counts: map[string]int{"Letter, long": 1}}},
			}},
			Patients: []intake.Identifier{{Authority: "HOSP", Value: "4711"}},
		},
		{Event: event.Event{Source: "ehr", Entry: tutela.Entry{
			ID: "11", Time: time.Date(2026, 11, 22, 9, 31, 0, 0, time.UTC), Action: tutela.ActionRead, Outcome: tutela.OutcomeSuccess,
			Actor: tutela.Actor{ID: "jdoe", Kind: tutela.ActorPerson},
		}}},
	}
	if d := cmp.Diff(want, list); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"has no time that the mapping can read", "names no user", "has other columns than the header"}, wrong); d != "" {
		t.Error(d)
	}
}

func TestMappingsThatComeWithTheProgramAreSound(t *testing.T) {
	t.Parallel()
	if d := cmp.Diff([]string{"access-per-row", "event-per-row"}, table.Names()); d != "" {
		t.Error(d)
	}
	for _, name := range table.Names() {
		m, err := table.Ready(name)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		c := m.Columns
		text := strings.Join([]string{c.Time, c.User, c.Patient, c.Action}, ",") + "\n2026-11-22 10:30:00,u1,4711,print\n"
		err = table.Read(strings.NewReader(text), m, lengths{}, func(_ int, r intake.Record, bad error) error {
			if bad != nil || r.Event.Action != tutela.ActionExport || len(r.Patients) != 1 {
				t.Errorf("%s: %+v %v", name, r, bad)
			}
			return nil
		})
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestMappingsThatCannotBeMeantAreRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "columns: {time: x}", "columns: {time: x, user: y}\ndelimiter: ';;'", "columns: {time: x, user: y}\ntime_zone: Mars", "colums: {}", strings.Repeat("#", 70<<10)} {
		if _, err := table.ParseMapping([]byte(text)); err == nil {
			t.Errorf("%.40q", text)
		}
	}
}

// TestQuotationWithoutEndTakesNoMemory reads a field that never ends.
func TestQuotationWithoutEndTakesNoMemory(t *testing.T) {
	t.Parallel()
	m, err := table.ParseMapping([]byte(mapping))
	if err != nil {
		t.Fatal(err)
	}
	endless := io.MultiReader(strings.NewReader("When,Who\n\""), forever{})
	if err := table.Read(endless, m, lengths{}, func(int, intake.Record, error) error { return nil }); err == nil || !strings.Contains(err.Error(), "1 MiB") {
		t.Error(err)
	}
}

// forever is a stream of one letter.
type forever struct{}

func (forever) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

func FuzzRead(f *testing.F) {
	f.Add("Row,When,Who,MRN\n1,22.11.2026 10:30:00,u,4\n")
	f.Add("When,Who\n\"22.11.2026 10:30:00,u\n")
	f.Fuzz(func(t *testing.T, text string) {
		m, err := table.ParseMapping([]byte(mapping))
		if err != nil {
			t.Fatal(err)
		}
		_ = table.Read(strings.NewReader(text), m, lengths{}, func(_ int, r intake.Record, bad error) error {
			if bad == nil && (r.Event.ID == "" || r.Event.Time.IsZero() || r.Event.Actor.ID == "" || len(r.Patients) != len(r.Event.Patients)) {
				t.Errorf("%+v", r)
			}
			return nil
		})
	})
}
