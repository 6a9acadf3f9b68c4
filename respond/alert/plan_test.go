package alert_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela/respond/alert"
)

func TestPlansThatMakeNoSenseAreRefused(t *testing.T) {
	hook := base("https://hook.test/", "")
	cases := map[string]string{
		"":                                 "plan of alerts",
		"version: 2\n":                     "version is 2",
		"version: 1\nsmoke: signals\n":     "smoke not found",
		"version: 1\nzone: Mars/Olympus\n": "zone",
		"version: 1\nchannels: {a: {kind: pigeon}}\n":                                                           "pigeon",
		"version: 1\nchannels: {a: {kind: webhook, url: 'http://a.test', secret_file: s}}\n":                    "https://",
		"version: 1\nchannels: {a: {kind: webhook, url: 'https://u:p@a.test', secret_file: s}}\n":               "a user, a password",
		"version: 1\nchannels: {a: {kind: webhook, url: 'https://a.test'}}\n":                                   "secret_file is missing",
		"version: 1\nchannels: {a: {kind: slack}}\n":                                                            "url or url_file",
		"version: 1\nchannels: {a: {kind: smtp, server: 'm:25', from: 'a@b.org', to: [\"a@b.org\\r\\n\"]}}":     "no mail address",
		"version: 1\nchannels: {a: {kind: smtp, server: 'm:25', from: 'a@b.org', to: [a@b.org], tls: no}}":      "tls is",
		"version: 1\nchannels: {a: {kind: syslog, server: log}}":                                                "host and port",
		hook + "routes: [{when: {level: high}, to: []}]":                                                        "nobody is named",
		hook + "routes: [{when: {level: high}, to: [ann]}]":                                                     `no "ann"`,
		hook + "routes: [{when: {level: awful}, to: [hook]}]":                                                   "level is",
		hook + "routes: [{when: {}, to: [hook], escalate: [{after: 2m, to: [hook]}, {after: 1m, to: [hook]}]}]": "one after the other",
		hook + "roles: {security: [security]}":                                                                  `no "security"`,
		hook + "duties: {to: [nobody]}":                                                                         "no \"nobody\"",
		hook + "duties: {escalate: [hook]}":                                                                     "nobody is named",
		hook + "digest: {at: noon, to: [hook]}":                                                                 "time of day",
		hook + "flood: {messages: 0, per: 1m}":                                                                  "flood",
		hook + "schedules: {a: {starts: today, handover: '08:00', people: [{name: a, via: [hook]}]}}":           "starts is a date",
		hook + "schedules: {a: {starts: 2026-11-23, handover: '08:00', people: []}}":                            "somebody takes them",
		hook + "schedules: {a: {starts: 2026-11-23, handover: '08:00', people: [{name: a, via: [x]}]}}":         `no channel "x"`,
	}
	for text, want := range cases {
		if _, err := alert.Parse([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.90q: %v, not %q", text, err, want)
		}
	}
}

// Handovers are at the same time of day on either side of a change of the clocks, and turns go round.
func TestSchedulesKeepTheirTimeOfDay(t *testing.T) {
	const people = "people: [{name: ann, via: [hook]}, {name: bob, via: [hook]}, {name: cy, via: [hook]}]"
	p := parse(t, base("https://hook.test/", "zone: Europe/Berlin\nschedules:\n"+
		"  week: {starts: 2026-10-19, handover: '08:00', "+people+", overrides: [{from: 2026-11-23T12:00:00Z, to: 2026-11-24T12:00:00Z, name: cy}]}\n"+
		"  day: {starts: 2026-03-28, handover: '02:30', every: 1, zone: America/New_York, "+people+"}\n"+
		"  gap: {starts: 2026-03-27, handover: '02:30', every: 1, "+people+"}\n"))
	got := map[string]string{}
	want := map[string]string{
		// Berlin: summer time ends on 25 October 2026 at 01:00 UTC.
		"week 2026-10-19T05:59:59Z": "cy", "week 2026-10-19T06:00:00Z": "ann",
		"week 2026-10-26T06:59:59Z": "ann", "week 2026-10-26T07:00:00Z": "bob", // 08:00 is 07:00 UTC now
		"week 2026-11-02T07:00:00Z": "cy", "week 2026-11-09T07:00:00Z": "ann",
		"week 2026-11-23T11:59:59Z": "cy", "week 2026-11-23T12:00:00Z": "cy", "week 2026-11-24T12:00:00Z": "cy",
		"week 2027-01-04T07:00:00Z": "cy", "week 2026-12-31T23:00:00Z": "bob",
		"week 2025-10-20T06:00:00Z": "cy", // before it starts turns go back
		// New York: summer time had begun on 8 March.
		"day 2026-03-28T06:29:59Z": "cy", "day 2026-03-28T06:30:00Z": "ann", "day 2026-03-29T06:30:00Z": "bob",
		// Berlin: on 29 March 02:30 is left out; the handover is as much later as the clocks are put on.
		"gap 2026-03-28T01:30:00Z": "bob", "gap 2026-03-29T01:29:59Z": "bob", "gap 2026-03-29T01:30:00Z": "cy", "gap 2026-03-30T00:30:00Z": "ann",
	}
	for key := range want {
		name, at, _ := strings.Cut(key, " ")
		when, err := time.Parse(time.RFC3339, at)
		must(t, err)
		got[key] = p.Schedules[name].Who(when).Name
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// A message that is old, changed, signed by another secret or not at all is forged.
func TestForgedMessagesAreRefused(t *testing.T) {
	now := time.Unix(1_780_000_000, 0)
	body := []byte(`{"type":"alert.opened"}`)
	signed := func(key string, at time.Time) http.Header { return alert.Signed([]byte(key), "msg_1", at, body) }
	if err := alert.Verify([]byte(secret), signed(secret, now), body, now); err != nil {
		t.Fatalf("a true one: %v", err)
	}
	// The vector of the Standard Webhooks specification's reference implementations.
	vector := alert.Signed([]byte("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), "msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`))
	if got := vector.Get("Webhook-Signature"); got != "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=" {
		t.Errorf("the vector is signed %s", got)
	}
	changed := signed(secret, now)
	changed.Set("Webhook-Id", "msg_2")
	dotted := signed(secret, now)
	dotted.Set("Webhook-Id", "msg_1.1780000000")
	for name, h := range map[string]http.Header{
		"another secret": signed("whsec_YW5vdGhlcg==", now), "old": signed(secret, now.Add(-6*time.Minute)), "of the future": signed(secret, now.Add(6*time.Minute)),
		"another id": changed, "an id with a dot": dotted, "nothing": {},
	} {
		if alert.Verify([]byte(secret), h, body, now) == nil {
			t.Errorf("%s: taken", name)
		}
	}
	if alert.Verify([]byte(secret), signed(secret, now), []byte(`{}`), now) == nil {
		t.Error("another body: taken")
	}
	if alert.Verify(nil, alert.Signed(nil, "msg_1", now, body), body, now) == nil {
		t.Error("without a secret: taken")
	}
}

func FuzzPlan(f *testing.F) {
	f.Add([]byte(base("https://hook.test/", toHook)))
	f.Add([]byte("version: 1\nzone: UTC\ndigest: {at: '07:00', to: [x]}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := alert.Parse(text)
		if err != nil {
			return
		}
		for _, s := range p.Schedules {
			if s.Who(time.Unix(1_780_000_000, 0)).Name == "" {
				t.Error("nobody is on call")
			}
		}
	})
}
