package redact_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela/detect/redact"
)

func redactor() redact.Redactor {
	return redact.Redactor{Patient: func(string) string { return "1b3c9d02e4f5a687" }}
}

// planted are texts with what must go, and what stays of them.
func planted() [][3]string {
	return [][3]string{ // text, what must not survive, what it becomes
		{`login ok password=hunter2secret user=anna`, "hunter2secret", `login ok password=[tutela:secret] user=anna`},
		{`{"password": "correct horse battery"}`, "horse", `{"password": "[tutela:secret]"}`},
		{`{\"api_key\": \"a8f5f167f44f\"}`, "a8f5f167f44f", `{\"api_key\": \"[tutela:secret]\"}`},
		{`POST /cb?client_secret=s3cr3t%2Fvalue&x=1`, "s3cr3t", `POST /cb?client_secret=[tutela:secret]&x=1`},
		{`Authorization: Bearer abcDEF123456.xyz`, "abcDEF123456", `Authorization: Bearer [tutela:secret]`},
		{`Authorization: Basic YW5uYTpodW50ZXIy`, "YW5uYTpodW50ZXIy", `Authorization: Basic [tutela:secret]`},
		{`Cookie: sid=8f14e45fceea; theme=dark`, "8f14e45fceea", `Cookie: [tutela:secret]`},
		{`got eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P`, "eyJzdWIiOiIxMjM0In0", `got [tutela:secret]`},
		{`using AKIAIOSFODNN7EXAMPLE for s3`, "AKIAIOSFODNN7EXAMPLE", `using [tutela:secret] for s3`},
		{`connect to postgres://app:hunter2secret@db/clinic`, "hunter2secret", `connect to postgres://app:[tutela:secret]@db/clinic`},
		{"-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nIBAAK\n-----END RSA PRIVATE KEY-----", "MIIEow", `[tutela:secret]`},
		{`mail to anna.meier@example.org bounced`, "anna.meier", `mail to [tutela:email] bounced`},
		{`GET /u?email=anna.meier%40example.org HTTP/1.1`, "anna.meier", `GET /u?email=[tutela:email] HTTP/1.1`},
		{`ssn 078-05-1120 not found`, "078-05-1120", `ssn [tutela:ssn] not found`},
		{`"ssn":"078051120"`, "078051120", `"ssn":"[tutela:ssn]"`},
		{`card 4111 1111 1111 1111 declined`, "4111 1111", `card [tutela:card] declined`},
		{`charged 378282246310005`, "378282246310005", `charged [tutela:card]`},
		{`DOB: 04/12/1961`, "04/12/1961", `DOB: [tutela:birth]`},
		{`birthdate=ge1961-04-12&_count=10`, "1961-04-12", `birthdate=ge[tutela:birth]&_count=10`},
		{`"birthDate": "1961-04-12"`, "1961-04-12", `"birthDate": "[tutela:birth]"`},
		{`patient born on 4 April 1961`, "1961", `patient born on [tutela:birth]`},
		{`MRN: 00471122 merged`, "00471122", `MRN: [tutela:record] merged`},
		{`no chart for patient id 4711-22`, "4711-22", `no chart for patient id [tutela:record]`},
		{`?patient_id=A471122&x=1`, "A471122", `?patient_id=[tutela:record]&x=1`},
		{`called +49 30 1234 5678 twice`, "1234 5678", `called [tutela:phone] twice`},
		{`sms to (555) 010-4477.`, "010-4477", `sms to [tutela:phone].`},
		{`phone=555-010-4477`, "010-4477", `phone=[tutela:phone]`},
		{`lives at 1200 North Elm Street, Apt 4`, "Elm", `lives at [tutela:address]`},
		{`letter to Lindenstraße 17 returned`, "Lindenstraße 17", `letter to [tutela:address] returned`},
		{`"address": "12 Elm, Springfield 62704"`, "Springfield", `"address": "[tutela:address]"`},
		{`?family=Meier&given=Anna%20Maria&_count=5`, "Maria", `?family=[tutela:name]&given=[tutela:name]&_count=5`},
		{`?family=O'Brien`, "Brien", `?family=[tutela:name]`},
		{`{"lastName":"Meier","firstName":"Anna"}`, "Meier", `{"lastName":"[tutela:name]","firstName":"[tutela:name]"}`},
		{`patient: Anna Meier, ward 3`, "Meier", `patient: [tutela:name], ward 3`},
		{`note for patient Anna Meier saved`, "Meier", `note for patient [tutela:name] saved`},
		{`reminder sent to Mrs. Meier`, "Meier", `reminder sent to Mrs. [tutela:name]`},
		{`GET /fhir/Patient/4711-a/$everything`, "4711", `GET /fhir/Patient/p-1b3c9d02e4f5a687/$everything`},
		{`subject=Patient%2F4711&x=1`, "4711", `subject=Patient%2Fp-1b3c9d02e4f5a687&x=1`},
	}
}

// TestPatientDataAndSecretsAreTakenOut holds each form, alone and within longer text.
func TestPatientDataAndSecretsAreTakenOut(t *testing.T) {
	t.Parallel()
	for _, c := range planted() {
		got := redactor().Text(c[0])
		if d := cmp.Diff(c[2], got); d != "" {
			t.Errorf("%s: %s", c[0], d)
		}
		if within := redactor().Text("2026-11-22T09:30:00Z gw-1 app[17]: " + c[0] + "\ttail"); strings.Contains(within, c[1]) {
			t.Errorf("%q is left in %q", c[1], within)
		}
	}
}

// clean are lines of logs that say nothing of a patient and hold no secret.
func clean() []string {
	return []string{
		`192.0.2.7 - - [22/Nov/2026:09:30:00 +0000] "GET /api/patients/4711?page=2 HTTP/1.1" 200 512 "-" "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"`,
		`sshd[4711]: Failed password for root from 203.0.113.9 port 52114 ssh2`,
		`Accepted publickey for deploy from 10.1.2.3 port 40022 ssh2: ED25519 SHA256:abc`,
		`the password: invalid`, `token: expired`, `password=[redacted] for anna`, `basic authentication failed`,
		`bearer authentication required`, `2026-11-22 09:30:15.250 UTC [8831] LOG:  checkpoint complete: wrote 4821 buffers (29.4%)`,
		`listening on address=0.0.0.0:8443`, `bind address: 10.0.0.5`, `upstream 172.16.254.1:8080 timed out (110: Connection timed out)`,
		`kernel: [12345.678901] usb 1-1: new high-speed USB device number 4`, `request 550e8400-e29b-41d4-a716-446655440000 took 12 ms`,
		`trace_id=4bf92f3577b34da6a3ce929d0e0e4736 span_id=00f067aa0ba902b7`, `ts=1795339815250 level=info msg="started" pid=4711`,
		`nanos=1795339815250123456`, `patient search returned 12 rows`, `patient portal started`, `order 20261122093015 queued`,
		`index patient_name_idx rebuilt in 3.2 s`, `SELECT name FROM patients WHERE id = $1`, `GC forced 2 @12.3s 0%: 0.1+2.3+0.0 ms`,
		`disk /dev/sda1 is 91% full`, `sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08`, `commit 1f45714 merged`,
		`HTTP 500 on POST /orders (req 7f3a)`, `mac 00:1b:44:11:3a:b7`, `fe80::1ff:fe23:4567:890a is up`, `version 1.2.3-45 build 20261122`,
		`cron[123]: (root) CMD (run-parts /etc/cron.hourly)`, `user anna logged in from 192.0.2.7`, `key: value`, `session opened for user root(uid=0)`,
	}
}

// TestCleanLinesStayReadable is exact: not a sign of them is lost.
func TestCleanLinesStayReadable(t *testing.T) {
	t.Parallel()
	for _, line := range clean() {
		if d := cmp.Diff(line, redactor().Text(line)); d != "" {
			t.Error(d)
		}
	}
}

// TestFieldsGoByTheirNames takes out the whole value of a member whose name says what it is.
func TestFieldsGoByTheirNames(t *testing.T) {
	t.Parallel()
	for _, c := range [][3]string{
		{"request.body.password", "correct horse", "[tutela:secret]"},
		{"http.request.headers.authorization", "Basic YTpi", "[tutela:secret]"},
		{"patient.name.0.family", "Meier", "[tutela:name]"},
		{"lastName", "Meier zu Bexten", "[tutela:name]"},
		{"birthDate", "1961-04-12", "[tutela:birth]"},
		{"patient_id", "4711", "[tutela:record]"},
		{"contact.phone", "030 1234567", "[tutela:phone]"},
		{"home_address", "12 Elm, Springfield", "[tutela:address]"},
		{"patient", "4711 x", "4711 x"},
		{"level", "error", "error"},
		{"address", "192.0.2.7", "192.0.2.7"},
		{"token", "expired", "expired"},
		{"note", "call anna@example.org", "call [tutela:email]"},
	} {
		if got := redactor().Field(c[0], c[1]); got != c[2] {
			t.Errorf("%s of %q became %q", c[0], c[1], got)
		}
	}
}

// FuzzRedact finds no text that redacting twice changes, or that breaks it.
func FuzzRedact(f *testing.F) {
	for _, c := range planted() {
		f.Add(c[0])
	}
	for _, line := range clean() {
		f.Add(line)
	}
	f.Add("password=password=password=[tutela:secret]x a@b.co@c.de")
	f.Fuzz(func(t *testing.T, s string) {
		if len(s) > 4<<10 {
			return
		}
		once := redactor().Text(s)
		if twice := redactor().Text(once); once != twice {
			t.Errorf("%q became %q and then %q", s, once, twice)
		}
	})
}
