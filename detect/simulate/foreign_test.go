package simulate

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/detect/event"
	"github.com/tutela-health/tutela/detect/intake"
	"github.com/tutela-health/tutela/detect/intake/atna"
	"github.com/tutela-health/tutela/detect/intake/hl7"
)

// foreign runs a simulation into another system's files and gives their bytes.
func foreign(t *testing.T, c Config) map[string][]byte {
	t.Helper()
	dir := t.TempDir()
	f, err := NewForeign(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Run(t.Context(), c, f, func(int) {}); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	files := make(map[string][]byte)
	for _, name := range []string{AuditFile, MessagesFile, RosterFile, RelationsFile, ChartsFile, TruthFile} {
		if files[name], err = os.ReadFile(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

func syslogLine() *regexp.Regexp {
	return regexp.MustCompile(`^<85>1 \S+ \S+ \S+ - DICOM\+RFC3881 \[record@32473 id="([0-9a-f]{32})"\] (<AuditMessage>.*</AuditMessage>)$`)
}

// tokens are pseudonyms as event.Pseudonym makes them of record numbers.
type tokens struct{}

func (tokens) Patient(id intake.Identifier) tutela.Bucket { return event.Pseudonym(id.Value) }
func (tokens) Likeness(_, value string) string            { return value }

// heard is what both forms of one entry must tell alike.
type heard struct {
	ID       string
	At       int64
	Who      tutela.UserID
	Roles    []string
	Address  string
	Action   tutela.Action
	Type     string
	Outcome  tutela.Outcome
	Purpose  tutela.Purpose
	Session  string
	Patients []tutela.Bucket
	Glass    []bool // broken for that patient
}

func hear(e *tutela.Entry, as func(tutela.Bucket) tutela.Bucket) heard {
	h := heard{ID: e.ID, At: e.Time.UnixMilli(), Who: e.Actor.ID, Roles: e.Actor.Roles, Address: e.Address, Action: e.Action, Type: e.Type,
		Outcome: e.Outcome, Purpose: e.Purpose, Session: e.Session}
	for _, p := range e.Patients {
		h.Patients, h.Glass = append(h.Patients, as(p.Patient)), append(h.Glass, slices.Contains(p.Flags, "emergency"))
	}
	if e.Action == tutela.ActionUserRoles {
		h.Action = "security.alert" // DICOM has no closer word
	}
	return h
}

// TestForeignAuditMessagesTellTheSame holds that another system's log is the same hospital, as detection reads it.
func TestForeignAuditMessagesTellTheSame(t *testing.T) {
	c := small()
	c.Days = 4
	k, _ := run(t, c)
	records := make(map[tutela.Bucket]tutela.Bucket)
	for _, chart := range k.charts {
		records[chart.Patient] = event.Pseudonym(strconv.Itoa(chart.Record))
	}
	lines := bytes.Split(bytes.TrimSpace(foreign(t, c)[AuditFile]), []byte("\n"))
	if len(lines) != len(k.entries) {
		t.Fatalf("%d lines for %d entries", len(lines), len(k.entries))
	}
	form := syslogLine()
	for i, line := range lines {
		parts := form.FindSubmatch(line)
		if parts == nil || string(parts[1]) != k.entries[i].ID {
			t.Fatalf("line %d has another form or id: %s", i+1, line)
		}
		r, err := atna.Parse(parts[2], tokens{})
		if err != nil {
			t.Fatalf("line %d: %v", i+1, err)
		}
		want := hear(&k.entries[i], func(p tutela.Bucket) tutela.Bucket { return records[p] })
		got := hear(&r.Event.Entry, func(p tutela.Bucket) tutela.Bucket { return p })
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("line %d (-entry +message):\n%s\n%s", i+1, diff, parts[2])
		}
	}
}

// TestForeignMessagesAreFramedAndInOrder reads the HL7 messages as a listener would.
func TestForeignMessagesAreFramedAndInOrder(t *testing.T) {
	text, last, kinds := string(foreign(t, small())[MessagesFile]), "", make(map[string]int)
	for n := 0; text != ""; n++ {
		frame, rest, ok := strings.Cut(text, "\x1c\r")
		if !ok || !strings.HasPrefix(frame, "\v") {
			t.Fatalf("frame %d is none: %.80q", n, text)
		}
		text = rest
		segments := strings.Split(strings.TrimSuffix(frame[1:], "\r"), "\r")
		head := strings.Split(segments[0], "|")
		if head[0] != "MSH" || head[11] != "2.5.1" {
			t.Fatalf("message %d: %q", n, segments[0])
		}
		if head[6] < last {
			t.Fatalf("message %d of %s comes after one of %s", n, head[6], last)
		}
		last = head[6]
		kinds[head[8]]++
		for _, s := range segments[1:] {
			if f := strings.Split(s, "|"); f[0] == "PV1" && f[2] != "O" && len(f) < 45 {
				t.Fatalf("message %d has a visit without times: %q", n, s)
			}
		}
	}
	for _, want := range []string{"ADT^A01^ADT_A01", "ADT^A02^ADT_A02", "ADT^A03^ADT_A03", "ADT^A04^ADT_A01", "SIU^S12^SIU_S12", "ORM^O01^ORM_O01"} {
		if kinds[want] == 0 {
			t.Errorf("no %s among %v", want, kinds)
		}
	}
}

// TestForeignFactsNameRecords holds that no pseudonym stands in what another system would send.
func TestForeignFactsNameRecords(t *testing.T) {
	files := foreign(t, small())
	patient := regexp.MustCompile(`"patient":"([^"]*)"`)
	number := regexp.MustCompile(`^\d{7,8}$`)
	for _, name := range []string{RosterFile, RelationsFile, ChartsFile} {
		for _, m := range patient.FindAllSubmatch(files[name], -1) {
			if !number.Match(m[1]) {
				t.Fatalf("%s names %s", name, m[1])
			}
		}
		err := event.Read(t.Context(), bytes.NewReader(files[name]), 1, func(n event.Numbered) error { return n.Err })
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestForeignMessagesTellTheSameRelations reads the messages as detection does, and holds them to the lines of the
// hospital's own form: where patients lay and lie, who was to be seen, what was asked of whom.
func TestForeignMessagesTellTheSameRelations(t *testing.T) {
	k, _ := run(t, small())
	records := make(map[tutela.Bucket]tutela.Bucket)
	for _, chart := range k.charts {
		records[chart.Patient] = event.Pseudonym(strconv.Itoa(chart.Record))
	}
	want := make(map[event.Relation]bool)
	for _, r := range lasting(k.notices) {
		switch r.Patient = records[r.Patient]; r.Kind {
		case event.Admission, event.Encounter:
			want[whole(r)] = true
		case event.Appointment:
			who, where := r, r
			who.Unit, where.Staff = "", ""
			want[whole(who)], want[whole(where)] = true, true
		}
	}
	got := make(map[event.Relation]bool)
	for r := range told(t, foreign(t, small())[MessagesFile]) {
		if r.Kind == event.Admission || r.Kind == event.Encounter || r.Kind == event.Appointment {
			got[r] = true
		}
	}
	missing, more := 0, 0
	for r := range want {
		if !got[r] {
			missing++
			t.Logf("not told: %+v", r)
		}
	}
	for r := range got {
		if !want[r] {
			more++
			t.Logf("told, and not so: %+v", r)
		}
	}
	if len(want) < 1000 || missing+more > len(want)/200 {
		t.Errorf("of %d relations %d are missing, and %d are others", len(want), missing, more)
	}
}

// whole cuts a relation's times to seconds.
func whole(r event.Relation) event.Relation {
	r.From, r.To = r.From.Truncate(time.Second), r.To.Truncate(time.Second)
	return r
}

// lasting gives the relations that notices tell of, as Lines writes them.
func lasting(notices []Notice) (list []event.Relation) {
	for _, n := range notices {
		switch {
		case n.Step == Moves:
			list = append(list, n.Before)
		case n.Step == Ends || !n.Relation.To.IsZero():
			list = append(list, n.Relation)
		}
	}
	return list
}

// told translates messages and gives the relations that hold in the end.
func told(t *testing.T, messages []byte) map[event.Relation]bool {
	t.Helper()
	type key struct {
		kind    event.RelationKind
		patient tutela.Bucket
		staff   tutela.UserID
		unit    string
		from    time.Time
	}
	last := make(map[key]event.Relation)
	tr := hl7.NewTranslator(hl7.Config{Tokens: tokens{}})
	for frame := range bytes.SplitSeq(bytes.TrimSuffix(messages, []byte("\x1c\r")), []byte("\x1c\r")) {
		m, err := hl7.Parse(frame[1:])
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range tr.Translate(m) {
			if r := l.Relation; r != nil {
				last[key{r.Kind, r.Patient, r.Staff, r.Unit, r.From}] = *r
			}
		}
	}
	list := make(map[event.Relation]bool)
	for _, r := range last {
		list[r] = true
	}
	return list
}
