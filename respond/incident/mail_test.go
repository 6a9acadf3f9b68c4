package incident_test

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela/detect/finding"
	"github.com/tutela-health/tutela/internal/rig"
	"github.com/tutela-health/tutela/respond/incident"
)

const letter = "From: \"Ward 3\" <Ward3@Clinic.example>\r\nSubject: =?utf-8?q?Verlorener_Schl=C3=BCssel?=\r\nMessage-ID: <1@clinic.example>\r\n\r\nThe key of the file room is gone.\r\n"

func TestMessagesAreRead(t *testing.T) {
	t.Parallel()
	head := "From: a@b.example\r\nSubject: S\r\n"
	mixed := head + "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: text/html\r\n\r\n<p>no</p>\r\n--x\r\n" +
		"Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\ngr=FC=DFe\r\n--x--\r\n"
	for name, c := range map[string]struct {
		text string
		want incident.Mail
	}{
		"plain":  {letter, incident.Mail{ID: "<1@clinic.example>", From: "ward3@clinic.example", Subject: "Verlorener Schlüssel", Text: "The key of the file room is gone."}},
		"mixed":  {mixed, incident.Mail{From: "a@b.example", Subject: "S", Text: "grüße"}},
		"base64": {head + "Content-Transfer-Encoding: base64\r\n\r\naGVsbG8=\r\n", incident.Mail{From: "a@b.example", Subject: "S", Text: "hello"}},
		"html":   {head + "Content-Type: text/html\r\n\r\n<p>no</p>", incident.Mail{From: "a@b.example", Subject: "S"}},
		"hidden": {head + "\r\nsafe\x1b[2J\x00\xff\u202etext", incident.Mail{From: "a@b.example", Subject: "S", Text: "safe[2Jtext"}},
	} {
		got, err := incident.ReadMail(strings.NewReader(c.text))
		if d := cmp.Diff(c.want, got); d != "" || err != nil {
			t.Errorf("%s: %v %s", name, err, d)
		}
	}
}

// What has no end, no sender, or no bottom is refused.
func TestHostileMessagesAreRefused(t *testing.T) {
	t.Parallel()
	head := "From: a@b.example\r\n"
	deep := head
	for i := range 8 {
		deep += fmt.Sprintf("Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n", i, i)
	}
	for name, text := range map[string]string{
		"nothing": "", "no header": "hello", "no sender": "Subject: x\r\n\r\nhello", "two senders": "From: a@b.example, c@d.example\r\n\r\nhello",
		"a machine": head + "Auto-Submitted: auto-replied\r\n\r\nI am away", "no boundary": head + "Content-Type: multipart/mixed\r\n\r\nhello",
		"too long": head + "\r\n" + strings.Repeat("x", incident.MaxMail), "deep": deep + "\r\nhello", "bad base64": head + "Content-Transfer-Encoding: base64\r\n\r\n!!!!",
		"many parts": head + "Content-Type: multipart/mixed; boundary=x\r\n\r\n" + strings.Repeat("--x\r\nContent-Type: text/html\r\n\r\nno\r\n", 40) + "--x--\r\n",
	} {
		if m, err := incident.ReadMail(strings.NewReader(text)); err == nil {
			t.Errorf("%s: %+v", name, m)
		}
	}
}

func FuzzReadMail(f *testing.F) {
	f.Add([]byte(letter))
	f.Add([]byte("From: a@b.example\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\nhello\r\n--x--\r\n"))
	f.Add([]byte("From: a@b.example\nContent-Type: text/plain; charset=latin1\nContent-Transfer-Encoding: quoted-printable\n\n=FC"))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := incident.ReadMail(bytes.NewReader(text))
		if err == nil && (m.From == "" || !utf8.ValidString(m.Subject+m.Text) || utf8.RuneCountInString(m.Text) > 8000 || strings.ContainsAny(m.Text, "\x00\x1b")) {
			t.Errorf("taken: %+v", m)
		}
	})
}

// A message of a known sender is one report, however often it comes; nobody else's is any, and nobody but the mail
// system and administrators hands one in.
func TestReportsByMail(t *testing.T) {
	t.Parallel()
	each(t, finding.Low, func(t *testing.T, h *house) {
		send := func(as, text string) rig.Answer {
			return h.Do(t, rig.Call{As: as, Method: http.MethodPost, Path: "/api/v1/incidents/mail", Body: text, Header: map[string]string{"Content-Type": "message/rfc822"}})
		}
		a := send("loader", letter)
		expect(t, a, http.StatusOK)
		h.Advance(time.Minute)
		again := send("admin", letter)
		expect(t, again, http.StatusOK)
		if string(a.Body) != string(again.Body) {
			t.Errorf("the same message is two: %s %s", a.Body, again.Body)
		}
		list := h.list(t, "privacy")
		if len(list) != 1 || list[0].Source != incident.FromMail || list[0].Sender != "ward3@clinic.example" || list[0].State != incident.Reported {
			t.Fatalf("%+v", list)
		}
		if w := h.show(t, "privacy", list[0].ID); !strings.Contains(w.Timeline[0].Text, "file room") {
			t.Errorf("%+v", w.Timeline)
		}
		expect(t, send("loader", strings.Replace(letter, "Clinic.example>", "evil.example>", 1)), http.StatusForbidden)
		expect(t, send("loader", strings.Replace(letter, "Ward3@Clinic.example>", "x@clinic.example.evil.example>", 1)), http.StatusForbidden)
		expect(t, send("nurse", letter), http.StatusForbidden)
		expect(t, send("loader", "hello"), http.StatusBadRequest)
		expect(t, h.call(t, "loader", http.MethodPost, "/mail", say{"from": "x"}), http.StatusUnsupportedMediaType)
		for i := range 19 {
			expect(t, send("loader", strings.Replace(letter, "<1@", fmt.Sprintf("<x%d@", i), 1)), http.StatusOK)
		}
		expect(t, send("loader", strings.Replace(letter, "<1@", "<last@", 1)), http.StatusTooManyRequests)
	})
}
