package alert_test

import (
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/testkit"
	"github.com/tutela-health/tutela/respond/alert"
)

// A test alert arrives in a channel of every form: a mail server and a collector of Debian's, and targets that answer as
// the services do.
func TestEveryFormOfChannelTakesAlerts(t *testing.T) {
	_, _, files := testkit.Certificate(t)
	authority, err := os.ReadFile(files.Certificate)
	must(t, err)
	mail, log := testkit.StartMailServer(t, files, false), testkit.StartCollector(t, files)
	slack, teams, pager := testkit.StartTarget(t, func(testkit.Taken) string { return "ok" }), testkit.StartTarget(t, nil), testkit.StartTarget(t, nil)
	forms := "  mail: {kind: smtp, server: '" + mail.Address + "', from: tutela@example.org, to: [ann@example.org], ca_file: own}\n" +
		"  log: {kind: syslog, server: '" + log.Address + "', ca_file: own}\n" +
		"  slack: {kind: slack, url_file: slack, private: true, ca_file: ca}\n" +
		"  teams: {kind: teams, url: '" + teams.URL + "', private: true, ca_file: ca}\n" +
		"  pager: {kind: pagerduty, url: '" + pager.URL + "', secret_file: key, private: true, ca_file: ca}\n"
	each(t, "", func(t *testing.T, h *house) {
		config := h.config
		config.Alerts = parse(t, base(h.hook.URL, forms))
		config.Files = map[string][]byte{"ca": h.hook.PEM(), "own": authority, "secret": []byte(secret), "slack": []byte(slack.URL + "\n"), "key": []byte("routing-key")}
		service, err := h.Alerting("rig", config)
		must(t, err)
		tried, err := service.Test(t.Context())
		must(t, err)
		if len(tried) != 6 {
			t.Fatalf("tried %+v", tried)
		}
		for _, c := range tried {
			if !c.Took {
				t.Errorf("%s: %s", c.Channel, c.Error)
			}
		}
		if len(mail.Letters(t)) == 0 || !strings.Contains(log.Await(t, 1)[0], "Test alert") || len(slack.Took()) == 0 || len(teams.Took()) == 0 || len(pager.Took()) == 0 {
			t.Error("not every one has it")
		}
		slack.Answer(http.StatusInternalServerError)
		defer slack.Answer(0)
		tried, err = service.Test(t.Context())
		must(t, err)
		for _, c := range tried {
			if c.Took == (c.Channel == "slack") {
				t.Errorf("%+v", c)
			}
		}
	})
}

// What a rule calls itself directs nobody: not to a link, a mention, another header or line.
func TestWordsOfRulesStayWords(t *testing.T) {
	n := alert.Note{ID: "1", Alert: "a", Finding: "f", Sort: alert.Opened, Level: "high", Title: "<!channel> [click](https://evil.test) & more", At: time.Unix(1_780_000_000, 0).UTC()}
	body := func(f alert.Form) string {
		t.Helper()
		b, err := alert.Body(f, "key", n)
		must(t, err)
		var v any
		must(t, json.Unmarshal(b, &v))
		b, err = json.Marshal(v)
		must(t, err)
		return strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&").Replace(string(b))
	}
	if got := body(alert.Slack); !strings.Contains(got, "&lt;!channel&gt;") || strings.Contains(got, "<!") {
		t.Errorf("Slack: %s", got)
	}
	if got := body(alert.Teams); !strings.Contains(got, `\\[click\\]\\(https`) || !strings.Contains(got, `"version":"1.4"`) {
		t.Errorf("Teams: %s", got)
	}
	var event map[string]any
	must(t, json.Unmarshal([]byte(body(alert.PagerDuty)), &event))
	payload, _ := event["payload"].(map[string]any)
	got := map[string]any{"key": event["routing_key"], "action": event["event_action"], "dedup": event["dedup_key"], "severity": payload["severity"], "source": payload["source"]}
	if d := cmp.Diff(map[string]any{"key": "key", "action": "trigger", "dedup": "tutela-a", "severity": "error", "source": "node"}, got); d != "" {
		t.Errorf("PagerDuty: %s", d)
	}
	n.Sort = alert.Acked
	if got := body(alert.PagerDuty); !strings.Contains(got, `"event_action":"acknowledge"`) || !strings.Contains(got, `"dedup_key":"tutela-a"`) {
		t.Errorf("PagerDuty: %s", got)
	}
}

// A channel whose files are not there is an error at the start, and names the file and not what is in it.
func TestChannelsThatCannotBeOpened(t *testing.T) {
	for name, files := range map[string]map[string][]byte{
		"secret": {"ca": []byte("x")}, "ca_file holds no certificate": {"ca": []byte("hunter2"), "secret": []byte("hunter2")},
	} {
		each(t, "", func(t *testing.T, h *house) {
			config := h.config
			config.Files = files
			if _, err := h.Alerting("other", config); err == nil || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
}

func TestCheckOfAlertsSeesAChannelThatTakesNothing(t *testing.T) {
	each(t, "", func(t *testing.T, h *house) {
		check := h.Alerts.Checks(true)[0]
		seen := testkit.Sabotage(t, "respond.alerts-arrive")
		seen.Expect(check.Try(t.Context()), tutela.Pass)
		h.hook.Answer(http.StatusForbidden)
		seen.Expect(check.Try(t.Context()), tutela.Fail, "hook")
		h.hook.Answer(0)
		seen.Expect(check.Try(t.Context()), tutela.Pass)
		config := h.config
		config.Alerts = nil
		none, err := h.Alerting("none", config)
		must(t, err)
		for tryOut, want := range map[bool]tutela.Verdict{false: tutela.Fail, true: tutela.NotApplicable} {
			if e := none.Checks(tryOut)[0].Try(t.Context()); e.Verdict != want {
				t.Errorf("without a channel: %s", e.Verdict)
			}
		}
	})
}
