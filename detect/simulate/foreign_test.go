package simulate

import (
	"bytes"
	"encoding/xml"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/detect/event"
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

// auditMessage is what the tests read of DICOM PS3.15 section A.5.
type auditMessage struct {
	Event struct {
		Action  string `xml:"EventActionCode,attr"`
		Time    string `xml:"EventDateTime,attr"`
		Outcome string `xml:"EventOutcomeIndicator,attr"`
	} `xml:"EventIdentification"`
	User struct {
		ID      string `xml:"UserID,attr"`
		Address string `xml:"NetworkAccessPointID,attr"`
	} `xml:"ActiveParticipant"`
	Objects []struct {
		ID   string `xml:"ParticipantObjectID,attr"`
		Role int    `xml:"ParticipantObjectTypeCodeRole,attr"`
	} `xml:"ParticipantObjectIdentification"`
}

func syslogLine() *regexp.Regexp {
	return regexp.MustCompile(`^<85>1 \S+ \S+ \S+ - DICOM\+RFC3881 \[record@32473 id="([0-9a-f]{32})"\] (<AuditMessage>.*</AuditMessage>)$`)
}

// TestForeignAuditMessagesTellTheSame holds that another system's log is the same hospital: the same ids, times,
// people and patients.
func TestForeignAuditMessagesTellTheSame(t *testing.T) {
	c := small()
	c.Days = 4
	k, _ := run(t, c)
	records := make(map[tutela.Bucket]string)
	for _, chart := range k.charts {
		records[chart.Patient] = strconv.Itoa(chart.Record) + "^^^HOSPITAL^MR"
	}
	lines := bytes.Split(bytes.TrimSpace(foreign(t, c)[AuditFile]), []byte("\n"))
	if len(lines) != len(k.entries) {
		t.Fatalf("%d lines for %d entries", len(lines), len(k.entries))
	}
	form := syslogLine()
	for i, line := range lines {
		e, parts := &k.entries[i], form.FindSubmatch(line)
		if parts == nil {
			t.Fatalf("line %d has another form: %s", i+1, line)
		}
		var m auditMessage
		if err := xml.Unmarshal(parts[2], &m); err != nil {
			t.Fatalf("line %d: %v", i+1, err)
		}
		got := []string{string(parts[1]), m.Event.Time, m.User.ID, m.User.Address}
		want := []string{e.ID, e.Time.Format("2006-01-02T15:04:05.000Z"), string(e.Actor.ID), e.Address}
		for _, p := range e.Patients {
			want = append(want, records[p.Patient])
		}
		for _, o := range m.Objects {
			if o.Role == 1 {
				got = append(got, o.ID)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("line %d (-entry +message):\n%s", i+1, diff)
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
