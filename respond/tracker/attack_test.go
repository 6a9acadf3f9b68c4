package tracker_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/detect"
	"github.com/tutela-health/tutela/detect/event"
	"github.com/tutela-health/tutela/detect/finding"
	"github.com/tutela-health/tutela/internal/rig"
	"github.com/tutela-health/tutela/respond/tracker"
	"github.com/tutela-health/tutela/store"
)

// Forged callbacks, and those of trackers that there are not, are one and the same refusal and have nothing looked at;
// so have signed ones that are old, from the future, or of another repository.
func TestForgedAndRepeatedCallbacksDoNothing(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.offend(t)
		h.hub.change(func(b *board) { b.issues[0].State = "closed" })
		h.later(t, time.Minute)
		body, asked := h.hub.tells("closed", "1"), h.hub.count("")
		var refusal string
		for name, header := range map[string]map[string]string{
			"unsigned":       {},
			"empty":          {"X-Hub-Signature-256": ""},
			"another secret": {"X-Hub-Signature-256": sign("another secret that is long", body), "X-GitHub-Event": "issues"},
			"no secret":      {"X-Hub-Signature-256": sign("", body), "X-GitHub-Event": "issues"},
			"cut short":      {"X-Hub-Signature-256": sign(secret, body)[:39], "X-GitHub-Event": "issues"},
			"SHA-1 header":   {"X-Hub-Signature": sign(secret, body), "X-GitHub-Event": "issues"},
			"another body":   {"X-Hub-Signature-256": sign(secret, body+" "), "X-GitHub-Event": "issues"},
		} {
			a := h.back(t, "github", header, body)
			if a.Status != http.StatusUnauthorized || refusal != "" && string(a.Body) != refusal {
				t.Errorf("%s: %d %s", name, a.Status, a.Body)
			}
			refusal = string(a.Body)
		}
		if a := h.back(t, "nobody", fromHub(body), body); a.Status != http.StatusUnauthorized || string(a.Body) != refusal {
			t.Errorf("no such tracker: %d %s", a.Status, a.Body)
		}
		for name, said := range map[string]string{
			"another repository": strings.Replace(body, "clinic/security", "clinic/other", 1),
			"another issue":      strings.Replace(body, `"number":1`, `"number":99`, 1),
			"no issue":           strings.Replace(body, `"number":1`, `"number":-1`, 1),
			"nothing":            `{}`, "a ping": `{"zen":"x"}`,
		} {
			if a := h.back(t, "github", fromHub(said), said); a.Status != http.StatusAccepted {
				t.Errorf("%s: %d", name, a.Status)
			}
		}
		for name, said := range map[string]string{"no JSON": "x", "a list": "[]", "deep": strings.Repeat("[", 20000), "a text for a number": strings.Replace(body, `"number":1`, `"number":"1/../2"`, 1)} {
			if a := h.back(t, "github", fromHub(said), said); a.Status != http.StatusBadRequest {
				t.Errorf("%s: %d", name, a.Status)
			}
		}
		old := body
		h.later(t, 3*time.Minute) // a look that is due anyway comes once an hour
		h.Advance(2 * time.Hour)
		if a := h.back(t, "github", fromHub(old), old); a.Status != http.StatusBadRequest {
			t.Errorf("repeated hours later: %d", a.Status)
		}
		h.Advance(-3 * time.Hour)
		if a := h.back(t, "github", fromHub(old), old); a.Status != http.StatusBadRequest {
			t.Errorf("from the future: %d", a.Status)
		}
		h.Advance(time.Hour)
		if n := h.hub.count("") - asked; n != 0 {
			t.Errorf("the tracker was asked %d times", n)
		}
	})
}

// A flood of callbacks, with a secret that somebody stole, has a ticket looked at once in ten seconds, and leads
// nowhere else.
func TestAFloodOfCallbacksHasATicketLookedAtOnce(t *testing.T) {
	h := open(t, store.SQLite, rig.Touchy)
	h.offend(t)
	h.later(t, time.Minute)
	asked := h.hub.count("")
	for range 200 {
		body := h.hub.tells("edited", "1")
		if a := h.back(t, "github", fromHub(body), body); a.Status != http.StatusAccepted {
			t.Fatalf("%d", a.Status)
		}
		must(t, h.Trackers.Deliver(t.Context()))
	}
	if n := h.hub.count("") - asked; n != 1 {
		t.Errorf("it was asked %d times", n)
	}
	long := strings.Repeat(" ", 300<<10)
	if a := h.back(t, "github", fromHub(long), long); a.Status != http.StatusRequestEntityTooLarge {
		t.Errorf("a long one: %d", a.Status)
	}
}

// hostile finds something whose rule has words that would be markup, mentions or further lines.
type hostile struct{}

const markup = "``` </code><img src=https://evil.test/x> [x](https://evil.test) @clinic/everybody #1 closes #1\r\nX: y \u202e {{constructor}}"

func (hostile) Observe(ev *event.Event) []finding.Hit {
	if ev.Action != tutela.ActionRead {
		return nil
	}
	return []finding.Hit{{Rule: "hostile", Title: markup, Level: finding.High, Likelihood: 0.9, Entries: []string{ev.ID}, Actor: ev.Actor.ID, Group: ev.ID, At: ev.Time}}
}
func (hostile) Snapshot(io.Writer) error { return nil }
func (hostile) Restore(io.Reader) error  { return nil }

// A rule's words are shown there as they are: none ends the block in which they stand, nor the title's line.
func TestWordsBecomeNoMarkup(t *testing.T) {
	h := open(t, store.SQLite, func() (detect.Watch, error) {
		return detect.Watch{Detectors: []detect.Part{{Name: "hostile", Detector: hostile{}}}}, nil
	})
	h.offend(t)
	i := h.hub.list()[0]
	inner, fenced := strings.CutPrefix(i.Body, "```text\n")
	inner, rest, ends := strings.Cut(inner, "```")
	if !fenced || !ends || !strings.Contains(inner, "@clinic/everybody") || strings.TrimSpace(rest) != "<https://ehr.example.org/console/>" {
		t.Errorf("body: %q", i.Body)
	}
	if strings.ContainsAny(i.Title, "\r\n\u202e") || strings.Contains(inner, "\nX: y") {
		t.Errorf("title %q, body %q", i.Title, i.Body)
	}
}

// A flood of findings makes a hundred tickets an hour, and the rest later.
func TestAFloodOfFindingsMakesSoManyTicketsAnHour(t *testing.T) {
	h := open(t, store.SQLite, rig.Touchy)
	for range 130 {
		if a := h.Get(t, "billing", "Patient/p"); a.Status != http.StatusOK {
			t.Fatalf("%d", a.Status)
		}
	}
	h.settle(t)
	if n := len(h.hub.list()); n != 100 {
		t.Errorf("%d at once", n)
	}
	h.later(t, time.Hour)
	if n := len(h.hub.list()); n != 130 {
		t.Errorf("%d in all", n)
	}
}

// offendAs has something found that somebody did.
func (h *house) offendAs(t *testing.T, who string) {
	t.Helper()
	h.Get(t, who, "Patient/q")
	h.settle(t)
}

// A tracker whose answers name what is no issue of its project leads nowhere.
func TestAnswersThatNameSomethingElseAreNotTaken(t *testing.T) {
	for name, answer := range map[string]string{
		"path":    `{"number":1,"key":"SEC-1/../../other"}`,
		"project": `{"number":0,"key":"OTHER-1"}`,
		"text":    `{"number":"1","key":17}`,
		"none":    `{}`,
		"list":    `[`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := open(t, store.SQLite, rig.Touchy)
			h.hub.change(func(b *board) { b.instead = answer })
			h.site.change(func(b *board) { b.instead = answer })
			h.offend(t)
			if n := h.ticket(t, "jira").Number; n != "" {
				t.Errorf("jira: %q", n)
			}
			if n := h.ticket(t, "github").Number; n != "" && !(name == "path" && n == "1") {
				t.Errorf("github: %q", n)
			}
		})
	}
}

// Trackers are spoken to where the plan says, over TLS, and a plan that cannot be meant is an error.
func TestPlansThatCannotBeMeantAreErrors(t *testing.T) {
	good := "{kind: github, project: a/b, user: u, token_file: t, findings: {level: high}}"
	if _, err := parse(good); err != nil {
		t.Fatal(err)
	}
	for name, bad := range map[string]string{
		"kind":      strings.Replace(good, "github", "gitlab", 1),
		"project":   strings.Replace(good, "a/b", "a/b/../c", 1),
		"dots":      strings.Replace(good, "a/b", "a/..", 1),
		"jira key":  "{kind: jira, url: 'https://x.atlassian.net', project: 'SEC\" OR 1=1', user: u, token_file: t, findings: {}}",
		"jira url":  "{kind: jira, project: SEC, user: u, token_file: t, findings: {}}",
		"http":      strings.Replace(good, "user: u", "user: u, url: 'http://x.test'", 1),
		"user info": strings.Replace(good, "user: u", "user: u, url: 'https://a:b@x.test'", 1),
		"query":     strings.Replace(good, "user: u", "user: u, url: 'https://x.test/?a='", 1),
		"no token":  strings.Replace(good, ", token_file: t", "", 1),
		"nothing":   strings.Replace(good, ", findings: {level: high}", "", 1),
		"level":     strings.Replace(good, "level: high", "level: huge", 1),
		"step risk": strings.Replace(good, "findings: {level: high}", "steps: {risk: 5}", 1),
		"label":     strings.Replace(good, "user: u", "user: u, labels: ['a,b']", 1),
		"unknown":   strings.Replace(good, "user: u", "user: u, assignee: eve", 1),
	} {
		if _, err := parse(bad); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := parse(strings.Repeat(" ", 70<<10)); err == nil {
		t.Error("a long plan")
	}
}

func parse(one string) (any, error) {
	return tracker.Parse(fmt.Appendf(nil, "version: 1\ntrackers:\n  one: %s\n", one))
}
