package hl7_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/detect/event"
	"github.com/tutela-health/tutela/detect/intake"
	"github.com/tutela-health/tutela/detect/intake/hl7"
)

// numbered are tokens that a test can foresee: in the order of the first sight.
type numbered struct{ seen []string }

func (n *numbered) number(s string) int {
	for i, old := range n.seen {
		if s == old {
			return i + 1
		}
	}
	n.seen = append(n.seen, s)
	return len(n.seen)
}

func (n *numbered) Patient(id intake.Identifier) tutela.Bucket {
	return tutela.Bucket(n.number(id.Authority + "|" + id.Value))
}

func (n *numbered) Likeness(kind, value string) string {
	return kind + ":" + strings.ToUpper(value[:1])
}

func message(t testing.TB, segments ...string) *hl7.Message {
	t.Helper()
	m, err := hl7.Parse([]byte(strings.Join(segments, "\r") + "\r"))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func header(kind string) string {
	return `MSH|^~\&|ADT1|HOSP|TUTELA|T|20261122093000+0100||` + kind + `|MSG7|P|2.5.1`
}

func at(hour, minute int) time.Time { return time.Date(2026, 11, 22, hour, minute, 0, 0, time.UTC) }

func TestFieldsRepetitionsAndEscapes(t *testing.T) {
	m := message(t, header("ADT^A01"), `PID|1||X\F\1^^^HOSP^PI~4711^^^HOSP^MR||M\XC3BC\ller^""&x^A\.br\B\Q\C`)
	for _, row := range []struct {
		segment      string
		field, part  int
		want, before string
	}{
		{"MSH", 2, 1, "", ""}, {"MSH", 3, 1, "ADT1", ""}, {"MSH", 9, 2, "A01", ""}, {"PID", 3, 1, "X|1", ""},
		{"PID", 3, 4, "HOSP", ""}, {"PID", 5, 1, "Müller", ""}, {"PID", 5, 2, "", ""}, {"PID", 5, 3, "A BC", ""}, {"PID", 99, 1, "", ""}, {"ZZZ", 1, 1, "", ""},
	} {
		if got := m.Value(row.segment, row.field, row.part); got != row.want {
			t.Errorf("%s-%d.%d is %q, want %q", row.segment, row.field, row.part, got, row.want)
		}
	}
	old := message(t, header("ADT^A01")+"||||||8859/1", "PID|||1||M\xfcller")
	if got := old.Value("PID", 5, 1); got != "Müller" {
		t.Errorf("ISO 8859-1: %q", got)
	}
}

func TestTimesAreReadInTheirZone(t *testing.T) {
	berlin := time.FixedZone("", 3600)
	for _, row := range []struct {
		text string
		want time.Time
	}{
		{"20261122093015.1234+0130", time.Date(2026, 11, 22, 8, 0, 15, 0, time.UTC)},
		{"202611220930", at(8, 30)}, {"20261122", time.Date(2026, 11, 21, 23, 0, 0, 0, time.UTC)},
		{"2026", time.Time{}}, {"20261399", time.Time{}}, {"", time.Time{}}, {"20261122-", time.Time{}}, {"00010101", time.Time{}},
	} {
		m := message(t, header("ADT^A01"), "EVN||"+row.text)
		if got := m.Time("EVN", 2, berlin); !got.Equal(row.want) {
			t.Errorf("%q is %s, want %s", row.text, got, row.want)
		}
	}
}

// A stay begins, moves and ends as its messages tell.
func TestAStayFollowsItsMessages(t *testing.T) {
	tr := hl7.NewTranslator(hl7.Config{Tokens: &numbered{}})
	pid := "PID|1||4711^^^HOSP^MR||Doe^Jo||||||1 Mill Lane^^Ashby^^01234"
	tell := func(trigger, evn, pv1 string) []event.Line {
		return tr.Translate(message(t, header("ADT^"+trigger), "EVN||"+evn, pid, pv1))
	}
	admitted, moved, left := at(8, 0), at(10, 0), at(15, 0)
	stay := func(unit string, from, to time.Time) event.Line {
		return event.Line{Relation: &event.Relation{Kind: event.Admission, Patient: 1, Unit: unit, From: from, To: to}}
	}
	team := func(to time.Time) event.Line {
		return event.Line{Relation: &event.Relation{Kind: event.CareTeam, Patient: 1, Staff: "d1", From: admitted, To: to}}
	}
	chart := event.Line{Chart: &event.Chart{Patient: 1, Family: "family:D", Household: "household:1"}}
	for i, row := range []struct {
		got, want []event.Line
	}{
		{tell("A01", "202611220800", "PV1||I|W3^12^A||||d1||||||||||||V1"), []event.Line{chart, stay("W3", admitted, time.Time{}), team(time.Time{})}},
		{tell("A02", "202611221000", "PV1||I|W5^1^B||||d1||||||||||||V1"), []event.Line{chart, stay("W3", admitted, moved), stay("W5", moved, time.Time{}), team(time.Time{})}},
		{tell("A12", "202611221001", "PV1||I|W3^12^A||||d1||||||||||||V1"), []event.Line{chart, stay("W5", moved, moved), stay("W3", admitted, time.Time{}), team(time.Time{})}},
		{tell("A03", "202611221500", "PV1||I|W3^12^A||||d1||||||||||||V1"), []event.Line{chart, stay("W3", admitted, left), team(left)}},
		{tell("A13", "202611221530", "PV1||I|W3^12^A||||d1||||||||||||V1"), []event.Line{chart, stay("W3", admitted, time.Time{}), team(time.Time{})}},
		{tell("A11", "202611221540", "PV1||I|W3^12^A||||d1||||||||||||V1"), []event.Line{chart, stay("W3", admitted, admitted), team(admitted)}},
		{tell("A03", "202611221500", "PV1||O|CL||||d2||||||||||||V2"), []event.Line{chart,
			{Relation: &event.Relation{Kind: event.Encounter, Patient: 1, Unit: "CL", From: left, To: left}},
			{Relation: &event.Relation{Kind: event.CareTeam, Patient: 1, Staff: "d2", From: left, To: left}}}},
	} {
		if d := cmp.Diff(row.want, row.got); d != "" {
			t.Errorf("message %d: %s", i, d)
		}
	}
}

// Whoever had two numbers keeps the stays of both.
func TestMergedPatientsKeepTheirStays(t *testing.T) {
	tr := hl7.NewTranslator(hl7.Config{Tokens: &numbered{}})
	tr.Translate(message(t, header("ADT^A01"), "EVN||202611220800", "PID|||old^^^HOSP^MR", "PV1||I|W3||||||||||||||||V1"))
	got := tr.Translate(message(t, header("ADT^A40"), "EVN||202611220900", "PID|||new^^^HOSP^MR", "MRG|old^^^HOSP^MR"))
	want := []event.Line{{Relation: &event.Relation{Kind: event.Admission, Patient: 2, Unit: "W3", From: at(8, 0)}}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestAppointmentsAndOrders(t *testing.T) {
	tr := hl7.NewTranslator(hl7.Config{Tokens: &numbered{}})
	siu := []string{"SCH|1||||||||||^^^202611220900^202611220930", "PID|||7^^^H^MR", "AIL|1||CARD", "AIP|1||d9"}
	rel := func(kind event.RelationKind, staff, unit string, from, to time.Time) event.Line {
		return event.Line{Relation: &event.Relation{Kind: kind, Patient: 1, Staff: tutela.UserID(staff), Unit: unit, From: from, To: to}}
	}
	for _, row := range []struct {
		m    *hl7.Message
		want []event.Line
	}{
		{message(t, append([]string{header("SIU^S12")}, siu...)...), []event.Line{rel(event.Appointment, "d9", "", at(9, 0), at(9, 30)), rel(event.Appointment, "", "CARD", at(9, 0), at(9, 30))}},
		{message(t, append([]string{header("SIU^S15")}, siu...)...), []event.Line{rel(event.Appointment, "d9", "", at(9, 0), at(9, 0)), rel(event.Appointment, "", "CARD", at(9, 0), at(9, 0))}},
		{message(t, header("ORM^O01"), "PID|||7^^^H^MR", "ORC|NW||||||||202611221100|||d3", "OBR|1|||GLU||||||||||||||||||||LAB||||||||t4"),
			[]event.Line{rel(event.Order, "d3", "", at(11, 0), time.Time{}), rel(event.Order, "", "LAB", at(11, 0), time.Time{}), rel(event.Order, "t4", "", at(11, 0), time.Time{})}},
		{message(t, header("ORM^O01"), "PID|||7^^^H^MR", "ORC|CA||||||||202611221100|||d3"), []event.Line{rel(event.Order, "d3", "", at(11, 0), at(11, 0))}},
		{message(t, header("ORM^O01"), "PID|||7^^^H^MR", "ORC|NW||||||^^^202611221200^202611221400||202611221100|||d3"), []event.Line{rel(event.Order, "d3", "", at(12, 0), at(14, 0))}},
		{message(t, header("OML^O21"), "PID|||7^^^H^MR", "ORC|NW||||||||202611221100|||d3", "TQ1|1||||||202611221200"), []event.Line{rel(event.Order, "d3", "", at(12, 0), time.Time{})}},
		{message(t, header("ORM^O01"), "PID|||7^^^H^MR", "ORC|CA||||||^^^202611221200^202611221400||202611221100|||d3"), []event.Line{rel(event.Order, "d3", "", at(12, 0), at(12, 0))}},
		{message(t, header("ORU^R01"), "PID|||7^^^H^MR"), nil},
		{message(t, header("ADT^A01"), "EVN||202611220800", "PV1||I|W3"), nil}, // of nobody
	} {
		if d := cmp.Diff(row.want, tr.Translate(row.m)); d != "" {
			t.Error(d)
		}
	}
}

// The best identifier counts, wherever it stands: the same patient is the same from every message.
func TestTheConfiguredIdentifierCounts(t *testing.T) {
	n := &numbered{}
	tr := hl7.NewTranslator(hl7.Config{Tokens: n})
	for _, pid := range []string{"PID|||99^^^GOV^SS~7^^^H^MR", "PID|||7^^^H^MR~1^^^X^PI", "PID|||7^^^H^mr", "PID|||7^^^H&1.2.3&ISO^MR"} {
		tr.Translate(message(t, header("ADT^A01"), "EVN||202611220800", pid, "PV1||I|W3"))
	}
	if d := cmp.Diff([]string{"H|7"}, n.seen); d != "" {
		t.Error(d)
	}
}

func TestWhatIsNoMessageIsRefused(t *testing.T) {
	for _, text := range []string{"", "MSH", "PID|1", "MSH||||||||||||", "MSHabcdefgh", `MSH|^~\^|x`, strings.Repeat("M", hl7.MaxMessage+1), header("A") + strings.Repeat("\rZZZ|1", 3000)} {
		if _, err := hl7.Parse([]byte(text)); err == nil {
			t.Errorf("%.20q is taken", text)
		}
	}
}

func FuzzMessage(f *testing.F) {
	f.Add(header("ADT^A01") + "\rEVN||202611220800\rPID|||7^^^H^MR||A^B\rPV1||I|W3||||d1")
	f.Add(header("ADT^A40") + "\rPID|||n\rMRG|o")
	f.Add(header("SIU^S12") + "\rSCH|1||||||||||^^^2026\rPID|||7\rAIL|1||C")
	f.Add(header("ORM^O01") + "\rPID|||7\rORC|NW\rOBR|||")
	f.Fuzz(func(t *testing.T, text string) {
		m, err := hl7.Parse([]byte(text))
		if err != nil {
			return
		}
		tr := hl7.NewTranslator(hl7.Config{Tokens: &numbered{}})
		for range 2 {
			for _, l := range tr.Translate(m) {
				if l.Relation == nil && l.Chart == nil {
					t.Fatal("a line of nothing")
				}
			}
		}
	})
}
