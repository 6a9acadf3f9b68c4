package reception_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/detect/event"
	"github.com/tutela-health/tutela/detect/intake/book"
	"github.com/tutela-health/tutela/detect/intake/facts"
	"github.com/tutela-health/tutela/detect/intake/gate"
	"github.com/tutela-health/tutela/detect/intake/hl7"
	"github.com/tutela-health/tutela/detect/intake/reception"
	"github.com/tutela-health/tutela/detect/logs"
	"github.com/tutela-health/tutela/internal/clock"
	"github.com/tutela-health/tutela/internal/rig"
	"github.com/tutela-health/tutela/internal/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// office is a rigged system that takes in, from the loopback network.
type office struct {
	*rig.Rig

	gate        *gate.Gate
	facts       *facts.Store
	logs        *logs.Store
	desk        *reception.Reception
	syslog, hl7 string // addresses
	trust       *tls.Config
	files       testkit.CertificateFiles
}

func open(t *testing.T, r *rig.Rig, network string) *office {
	t.Helper()
	cert, pool, files := testkit.Certificate(t)
	o := &office{Rig: r, files: files, trust: &tls.Config{RootCAs: pool, ServerName: "localhost", MinVersion: tls.VersionTLS12}}
	o.facts = &facts.Store{DB: r.DB, Notes: r.Records, Clock: clock.System, Alias: r.Identity.Alias}
	var err error
	o.gate, err = gate.New([]gate.Source{{Name: "ehr", Networks: []netip.Prefix{netip.MustParsePrefix(network)}, Client: "shipper"}}, clock.System)
	must(t, err)
	tokens := book.NewTokens(r.Identity.Alias, map[string]string{"1.2.3": "HOSP"}, "")
	records := book.New(book.Config{DB: r.DB, Audit: r.Audit, Clock: clock.System, Notes: r.Records, Alias: r.Identity.Alias, Tokens: tokens})
	queue := book.NewQueue(records, slog.New(slog.DiscardHandler))
	o.logs, err = logs.New(logs.Config{DB: r.DB, Audit: r.Audit, Notes: r.Records, Alias: r.Identity.Alias, Clock: clock.System})
	must(t, err)
	lines := logs.NewQueue(o.logs)
	desk := &reception.Reception{
		Gate: o.gate, Records: queue, Book: records, Facts: o.facts, Lines: lines, Logs: o.logs, Tokens: tokens, Place: time.UTC, Clock: clock.System,
		Log: slog.New(slog.DiscardHandler),
	}
	o.desk = desk
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 4)
	go func() { queue.Run(ctx); ended <- nil }()
	go func() { lines.Run(ctx); ended <- nil }()
	listen := func(serve func(context.Context, net.Listener) error) string {
		l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12})
		must(t, err)
		go func() { ended <- serve(ctx, l) }()
		return l.Addr().String()
	}
	o.syslog, o.hl7 = listen(desk.Syslog), listen(desk.HL7)
	t.Cleanup(func() {
		stop()
		for range 4 {
			must(t, <-ended)
		}
	})
	return o
}

// message is an audit message of one access to a chart.
func message(n int) string {
	return fmt.Sprintf(`<AuditMessage><EventIdentification EventActionCode="R" EventDateTime="2026-11-22T10:%02d:00Z" EventOutcomeIndicator="0"><EventID csd-code="110110"/></EventIdentification>`+
		`<ActiveParticipant UserID="mmeier" UserIsRequestor="true"/><AuditSourceIdentification AuditSourceID="ehr01"/>`+
		`<ParticipantObjectIdentification ParticipantObjectID="4711^^^&amp;1.2.3&amp;ISO" ParticipantObjectTypeCode="1" ParticipantObjectTypeCodeRole="1"/></AuditMessage>`, n)
}

const admission = "MSH|^~\\&|ADT|HOSP|TUTELA|T|20261122100000||ADT^A01^ADT_A01|M1|P|2.5.1\r" +
	"EVN||20261122100000\rPID|||4711^^^HOSP^MR||Doe^Jane\rPV1||I|3W^12^A||||77^House|||||||||||V1\r"

// sent waits until the ledger has so many accesses of mmeier.
func (o *office) sent(t *testing.T, want int) []tutela.Entry {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		var list []tutela.Entry
		must(t, o.Audit.Search(t.Context(), audit.Query{Actor: "mmeier"}, func(e audit.Opened) error {
			list = append(list, e.Entry)
			return nil
		}))
		if len(list) >= want || time.Now().After(end) {
			return list
		}
	}
}

// TestWhatAHospitalSendsMeetsInOnePatient has Debian's rsyslog send audit messages over TLS, one of them twice, and an
// interface engine an admission: the ledger has each access once, and the admission is the same patient's.
func TestWhatAHospitalSendsMeetsInOnePatient(t *testing.T) {
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		o := open(t, r, "127.0.0.0/8")
		in := dialed(t, testkit.StartRsyslog(t, o.syslog, o.files.Certificate))
		defer in.Close()
		for _, n := range []int{1, 2, 1, 3} {
			fmt.Fprintf(in, "<85>1 2026-11-22T10:30:00Z ehr01 EHR 7 IHE+RFC-3881 - %s\n", message(n))
		}
		list := o.sent(t, 3)
		if len(list) != 3 {
			t.Fatalf("%d accesses in the ledger", len(list))
		}
		conn, err := tls.Dial("tcp", o.hl7, o.trust)
		must(t, err)
		defer conn.Close()
		_, err = conn.Write([]byte("\x0b" + admission + "\x1c\r"))
		must(t, err)
		ack, err := bufio.NewReader(conn).ReadString(0x1c)
		if err != nil || !strings.Contains(ack, "MSA|AA|M1") {
			t.Fatalf("%q %v", ack, err)
		}
		var stay *event.Relation
		_, err = o.facts.Follow(t.Context(), 0, func(_ int64, l event.Line) error {
			if l.Relation != nil && l.Relation.Kind == event.Admission {
				stay = l.Relation
			}
			return nil
		})
		if err != nil || stay == nil || stay.Patient != list[0].Patients[0].Patient || stay.Unit != "3W" {
			t.Errorf("admission %+v, access %+v: %v", stay, list[0].Patients, err)
		}
		if s := o.gate.States()[0]; s.Taken != 5 || s.Refused != 0 {
			t.Errorf("%+v", s)
		}
	})
}

// TestStrangersAreNotHeard sends from a network that is no source's.
func TestStrangersAreNotHeard(t *testing.T) {
	o := open(t, rig.Open(t, rig.Config{}), "192.0.2.0/24")
	text := "<85>1 2026-11-22T10:30:00Z ehr01 EHR 7 IHE+RFC-3881 - " + message(1)
	conn, err := tls.Dial("tcp", o.syslog, o.trust)
	must(t, err)
	fmt.Fprintf(conn, "%d %s", len(text), text)
	if _, err := conn.Read(make([]byte, 1)); err == nil {
		t.Error("the connection goes on")
	}
	engine, err := tls.Dial("tcp", o.hl7, o.trust)
	must(t, err)
	defer engine.Close()
	fmt.Fprintf(engine, "\x0b%s\x1c\r", admission)
	if ack, err := bufio.NewReader(engine).ReadString(0x1c); err == nil {
		t.Errorf("a stranger is answered: %q", ack)
	}
	head, err := o.facts.Head(t.Context())
	before, failed := (&facts.Store{DB: rig.Open(t, rig.Config{}).DB}).Head(t.Context())
	if err != nil || failed != nil || head != before {
		t.Errorf("facts: %d, %d of an empty store: %v %v", head, before, err, failed)
	}
}

// TestNonsenseIsCountedAndTheRestGoesOn sends a broken audit message and lines of other logs before one that is whole.
func TestNonsenseIsCountedAndTheRestGoesOn(t *testing.T) {
	o := open(t, rig.Open(t, rig.Config{}), "127.0.0.0/8")
	conn, err := tls.Dial("tcp", o.syslog, o.trust)
	must(t, err)
	defer conn.Close()
	for _, text := range []string{"<13>1 - h a - - - hello", "<13>1 - h a - - - <AuditMessage>", "<<<", "<85>1 - h a - - - " + message(1)} {
		fmt.Fprintf(conn, "%d %s", len(text), text)
	}
	if n := len(o.sent(t, 1)); n != 1 {
		t.Errorf("%d accesses", n)
	}
	if s := o.gate.States()[0]; s.Taken != 3 || s.Refused != 1 || s.Reason == "" {
		t.Errorf("%+v", s)
	}
	if d := cmp.Diff([]string{"<<<", "hello"}, o.kept(t, 2)); d != "" {
		t.Error(d)
	}
}

// kept waits until so many lines of logs are kept, and gives their messages in order.
func (o *office) kept(t *testing.T, want int) []string {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		page, err := o.desk.Find(t.Context(), nil, "", logs.Query{})
		must(t, err)
		if len(page.Events) < want && time.Now().Before(end) {
			continue
		}
		var list []string
		for _, f := range page.Events {
			l, err := event.ParseLine(f.Event)
			must(t, err)
			list = append(list, l.Event.Log.Text)
		}
		slices.Sort(list)
		return list
	}
}

// dialed waits until rsyslogd listens.
func dialed(t *testing.T, r *testkit.Rsyslog) net.Conn {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		in, err := net.Dial("tcp", r.In)
		if err == nil {
			return in
		}
		if time.Now().After(end) {
			t.Fatal("rsyslogd does not listen")
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// refusing takes facts but the first time.
type refusing struct {
	tries int
	taken []event.Line
}

func (*refusing) Stays(context.Context, string, tutela.Bucket) ([]hl7.Stay, error) { return nil, nil }

func (f *refusing) Tell(_ context.Context, _ string, lines []event.Line, _ []hl7.Stay) error {
	if f.tries++; f.tries == 2 {
		return errors.New("the store is down")
	}
	f.taken = append(f.taken, lines...)
	return nil
}

// TestATransferThatIsSentAgainStillEndsTheStay has the store fail once: the sender is told to send the message again, and
// its second try must not lose that the patient left the first ward.
func TestATransferThatIsSentAgainStillEndsTheStay(t *testing.T) {
	cert, pool, _ := testkit.Certificate(t)
	g, err := gate.New([]gate.Source{{Name: "adt", Networks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}}, clock.System)
	must(t, err)
	facts := &refusing{}
	alias := func(_, value string) int64 { return int64(len(value)) + 1000 }
	desk := &reception.Reception{Gate: g, Facts: facts, Tokens: book.NewTokens(alias, nil, ""), Place: time.UTC, Clock: clock.System, Log: slog.New(slog.DiscardHandler)}
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12})
	must(t, err)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- desk.HL7(ctx, l) }()
	t.Cleanup(func() { stop(); must(t, <-ended) })
	conn, err := tls.Dial("tcp", l.Addr().String(), &tls.Config{RootCAs: pool, ServerName: "localhost", MinVersion: tls.VersionTLS12})
	must(t, err)
	defer conn.Close()
	answers := bufio.NewReader(conn)
	transfer := strings.NewReplacer("ADT^A01^ADT_A01", "ADT^A02", "3W^12^A", "5W^1^B", "EVN||20261122100000", "EVN||20261122120000").Replace(admission)
	for _, send := range []struct{ text, want string }{{admission, "MSA|AA"}, {transfer, "MSA|AE"}, {transfer, "MSA|AA"}} {
		fmt.Fprintf(conn, "\x0b%s\x1c\r", send.text)
		if ack, err := answers.ReadString(0x1c); err != nil || !strings.Contains(ack, send.want) {
			t.Fatalf("%q %v, want %s", ack, err, send.want)
		}
	}
	for _, line := range facts.taken {
		if r := line.Relation; r != nil && r.Unit == "3W" && r.To.Equal(time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)) {
			return
		}
	}
	t.Errorf("the stay in 3W goes on: %+v", facts.taken)
}

// posted sends a message of an interface engine, which must be taken.
func (o *office) posted(t *testing.T, text string) {
	t.Helper()
	conn, err := tls.Dial("tcp", o.hl7, o.trust)
	must(t, err)
	defer conn.Close()
	fmt.Fprintf(conn, "\x0b%s\x1c\r", text)
	if ack, err := bufio.NewReader(conn).ReadString(0x1c); err != nil || !strings.Contains(ack, "MSA|AA") {
		t.Fatalf("%q %v", ack, err)
	}
}

// TestStaysOutliveARestart has a patient admitted before a restart, moved after it, and discharged after another: each ends
// what the message before it began, although none but the first says where that was.
func TestStaysOutliveARestart(t *testing.T) {
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		transfer := strings.NewReplacer("ADT^A01^ADT_A01", "ADT^A02", "3W^12^A", "5W^1^B", "EVN||20261122100000", "EVN||20261122120000").Replace(admission)
		discharge := strings.NewReplacer("ADT^A01^ADT_A01", "ADT^A03", "3W^12^A", "5W^1^B", "EVN||20261122100000", "EVN||20261122150000").Replace(admission)
		for _, text := range []string{admission, transfer, discharge} {
			open(t, r, "127.0.0.0/8").posted(t, text) // each to a process that was just started
		}
		ends := map[string]time.Time{}
		facts := &facts.Store{DB: r.DB, Notes: r.Records, Clock: clock.System}
		_, err := facts.Follow(t.Context(), 0, func(_ int64, l event.Line) error {
			if l.Relation != nil && l.Relation.Kind == event.Admission {
				ends[l.Relation.Unit+l.Relation.From.Format(" 15:04")] = l.Relation.To
			}
			return nil
		})
		must(t, err)
		want := map[string]time.Time{
			"3W 10:00": time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC), "5W 12:00": time.Date(2026, 11, 22, 15, 0, 0, 0, time.UTC),
		}
		if d := cmp.Diff(want, ends); d != "" {
			t.Error(d)
		}
		var rows int
		_, err = r.DB.QueryRow(t.Context(), `SELECT COUNT(*) FROM intake_stays`, nil, &rows)
		if err != nil || rows != 1 {
			t.Errorf("%d rows of one stay: %v", rows, err)
		}
	})
}
