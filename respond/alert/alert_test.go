package alert_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/detect/finding"
	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/internal/rig"
	"github.com/tutela-health/tutela/internal/testkit"
	"github.com/tutela-health/tutela/respond/alert"
)

const (
	minute = time.Minute
	hour   = time.Hour
)

// A finding becomes a signed message in which nothing about a patient or an account is, and an entry of the ledger.
func TestFindingsAreTold(t *testing.T) {
	each(t, toHook, func(t *testing.T, h *house) {
		h.offend(t, 1)
		h.settle(t)
		list := h.hooked(t)
		if len(list) != 1 || list[0].Sort != alert.Opened || list[0].Level != finding.Critical || list[0].Touched != 0 || list[0].Finding == "" {
			t.Fatalf("told %+v", list)
		}
		u, err := h.Identity.User(t.Context(), "billing")
		must(t, err)
		for _, never := range []string{"Mustermann", "billing", string(u.ID), "Patient/p"} {
			if strings.Contains(string(h.hook.Took()[0].Body), never) {
				t.Errorf("the message holds %q: %s", never, h.hook.Took()[0].Body)
			}
		}
		h.settle(t)
		if n := h.told(t, tutela.ActionAlertRaise, tutela.OutcomeSuccess); n != 1 || len(h.hooked(t)) != 1 {
			t.Errorf("%d entries, %d messages", n, len(h.hooked(t)))
		}
	})
}

// A target that is wrong for an hour loses nothing, is not hammered, and holds up no other channel.
func TestTargetsThatAreDownLoseNothingAndBlockNobody(t *testing.T) {
	each(t, "  other: {kind: webhook, url: 'https://127.0.0.1:1/', private: true, ca_file: ca, secret_file: secret}\nroutes: [{when: {level: high}, to: [hook, other]}]\n", func(t *testing.T, h *house) {
		h.hook.Answer(http.StatusInternalServerError)
		h.offend(t, 3)
		h.settle(t)
		h.deliver(t, minute, 60)
		if n := len(h.hook.Took()); n != 0 {
			t.Fatalf("took %d while it was wrong", n)
		}
		if n := h.hook.Tried(); n < 4 || n > 40 {
			t.Errorf("tried %d times in an hour", n)
		}
		h.hook.Answer(0)
		h.deliver(t, 15*minute, 4)
		ids := map[string]bool{}
		for _, n := range h.hooked(t) {
			ids[n.Finding] = true
		}
		if len(ids) != 3 || len(h.hooked(t)) != 3 {
			t.Errorf("%d messages of %d findings", len(h.hooked(t)), len(ids))
		}
		if n := h.told(t, tutela.ActionAlertChannel, tutela.OutcomeSuccess); n != 1 {
			t.Errorf("the ledger tells %d times that a channel works again", n)
		}
	})
}

// A target that never answers holds up no other channel of the running service.
func TestSlowTargetsBlockNobody(t *testing.T) {
	stuck := make(chan struct{})
	slow := testkit.StartTarget(t, nil)
	slow.Config.Handler = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-stuck })
	t.Cleanup(func() { close(stuck) })
	each(t, "  slow: {kind: slack, url: '"+slow.URL+"', private: true}\nroutes: [{when: {level: high}, to: [slow, hook]}]\n", func(t *testing.T, h *house) {
		h.offend(t, 1)
		h.Detect(t)
		must(t, h.Alerts.Work(t.Context()))
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		go func() { _ = h.Alerts.Deliver(t.Context()) }() // waits for the slow one
		for len(h.hook.Took()) == 0 {
			<-tick.C
		}
	})
}

// However often nodes die before and after a message goes out: each finding is told, and told under one id.
func TestKilledNodesLoseNoAlert(t *testing.T) {
	each(t, toHook, func(t *testing.T, h *house) {
		for round := range 6 {
			h.offend(t, 1)
			h.Detect(t)
			h.Advance(minute)
			next, err := h.Alerting(fmt.Sprint("node", round), h.config)
			must(t, err)
			must(t, next.Work(t.Context()))
			if round%2 == 0 {
				must(t, next.Deliver(t.Context()))
			}
		}
		h.deliver(t, minute, 1)
		seen := map[string]int{}
		for _, n := range h.hooked(t) {
			seen[n.ID+" "+n.Finding]++
		}
		if len(seen) != 6 || len(h.hooked(t)) != 6 {
			t.Errorf("told %v", seen)
		}
	})
}

// However many findings somebody provokes, a channel gets so many messages, the last of which tells of the rest.
func TestFloodsAreToldInOneMessage(t *testing.T) {
	each(t, toHook+"flood: {messages: 3, per: 10m}\n", func(t *testing.T, h *house) {
		h.offend(t, 30)
		h.settle(t)
		list := h.hooked(t)
		if len(list) != 3 || list[2].Sort != alert.Aggregated || !strings.HasPrefix(list[2].Title, "28 more alerts") {
			t.Fatalf("told %+v", list)
		}
		h.offend(t, 5)
		h.settle(t)
		if n := len(h.hooked(t)); n != 3 {
			t.Errorf("%d messages within the time", n)
		}
		h.deliver(t, 11*minute, 1)
		if list = h.hooked(t); len(list) != 6 || list[5].Sort != alert.Aggregated || !strings.HasPrefix(list[5].Title, "3 more alerts") {
			t.Errorf("afterwards %d: %+v", len(list), list[3:])
		}
	})
}

// Nobody who acknowledges: those who come next are told, each in time. Somebody does: nobody further is told.
func TestAlertsEscalateUntilSomebodyHasSeenThem(t *testing.T) {
	each(t, "routes:\n  - {when: {level: high}, to: [hook], escalate: [{after: 10m, to: [hook]}, {after: 30m, to: [hook]}]}\n", func(t *testing.T, h *house) {
		h.offend(t, 1)
		h.settle(t)
		h.deliver(t, 9*minute, 1)
		if n := len(h.hooked(t)); n != 1 {
			t.Fatalf("%d messages after nine minutes", n)
		}
		h.deliver(t, minute, 1)
		list := h.hooked(t)
		if len(list) != 2 || list[1].Sort != alert.Escalated {
			t.Fatalf("after ten minutes: %+v", list)
		}
		h.Forget()
		a := h.Do(t, rig.Call{As: "privacy", Method: http.MethodPost, Path: "/api/v1/alerts/" + list[0].Alert + "/acknowledge"})
		if a.Status != http.StatusOK {
			t.Fatalf("acknowledge: %d %s", a.Status, a.Body)
		}
		h.deliver(t, hour, 2)
		if n := len(h.hooked(t)); n != 2 || h.told(t, tutela.ActionAlertAck, tutela.OutcomeSuccess) != 1 {
			t.Errorf("%d messages after it was seen", n)
		}
	})
}

// A digest comes once a day at its time of day, also across a change of the clocks.
func TestDigestsComeOnceADay(t *testing.T) {
	each(t, toHook+"zone: Europe/Berlin\ndigest: {at: '07:00', to: [hook]}\n", func(t *testing.T, h *house) {
		h.offend(t, 2)
		h.settle(t)
		h.deliver(t, hour, 49)
		zone, err := time.LoadLocation("Europe/Berlin")
		must(t, err)
		var digests []string
		for _, n := range h.hooked(t) {
			if n.Sort == alert.Summed {
				if at := n.At.In(zone); at.Hour() != 7 && len(digests) > 0 {
					t.Errorf("a digest at %s", at)
				}
				digests = append(digests, n.Title)
			}
		}
		if len(digests) < 2 || len(digests) > 3 {
			t.Errorf("digests in two days: %q", digests)
		}
	})
}

// Who is to be reminded is told once, of what nobody does those who are named for that; without a name nobody is.
func TestRemindersGoToWhoIsNamed(t *testing.T) {
	each(t, toHook+"duties: {to: [hook]}\n", func(t *testing.T, h *house) {
		first := alert.Reminder{ID: "1", Title: "2 things are to be done", Lines: []string{"risk a: look again\r\nBcc: eve", "risk b: look again"}}
		for _, r := range []alert.Reminder{first, first, {ID: "2", Escalate: true, Title: "1 things are overdue", Lines: []string{"risk a: look again"}}} {
			must(t, h.Alerts.Remind(t.Context(), r))
		}
		h.deliver(t, minute, 3)
		list := h.hooked(t)
		if len(list) != 2 || list[0].Sort != alert.Reminded || list[0].Level != finding.Informational || list[1].Level != finding.Medium || strings.ContainsAny(list[0].Lines[0], "\r\n") {
			t.Fatalf("told %+v", list)
		}
		if n := h.told(t, tutela.ActionAlertRaise, tutela.OutcomeSuccess); n != 2 {
			t.Errorf("%d entries", n)
		}
	})
	each(t, toHook, func(t *testing.T, h *house) {
		must(t, h.Alerts.Remind(t.Context(), alert.Reminder{ID: "1", Title: "x"}))
		if n := h.told(t, tutela.ActionAlertRaise, tutela.OutcomeSuccess); n != 0 {
			t.Errorf("%d entries", n)
		}
	})
}

// A digest that did not come, and one that its channel does not take, are found.
func TestDigestsThatDoNotComeAreFound(t *testing.T) {
	each(t, toHook+"zone: Europe/Berlin\ndigest: {at: '07:00', to: [hook]}\n", func(t *testing.T, h *house) {
		const id = "respond.digest-sent"
		seen := testkit.Sabotage(t, id)
		try := func() tutela.Evidence {
			list := h.Alerts.Checks(true)
			return list[slices.IndexFunc(list, func(c tutela.Check) bool { return c.ID == id })].Try(t.Context())
		}
		h.settle(t)
		h.deliver(t, hour, 25)
		seen.Expect(try(), tutela.Pass, "nothing older waits")
		h.Advance(25 * hour) // nobody works
		seen.Expect(try(), tutela.Fail, "was not written")
		h.deliver(t, hour, 25)
		seen.Expect(try(), tutela.Pass)
		h.hook.Answer(http.StatusServiceUnavailable)
		h.deliver(t, hour, 49)
		seen.Expect(try(), tutela.Fail, "wait since before")
	})
	each(t, toHook, func(t *testing.T, h *house) {
		list := h.Alerts.Checks(true)
		if e := list[len(list)-1].Try(t.Context()); e.Verdict != tutela.NotApplicable {
			t.Errorf("without a digest: %+v", e)
		}
	})
}

// What is about somebody is not there for him, and few see alerts at all.
func TestWhoSeesAlerts(t *testing.T) {
	each(t, toHook, func(t *testing.T, h *house) {
		p := h.Person(t, h.Now, identity.NewUser{Username: "off", Kind: tutela.ActorPerson, Roles: []string{"privacy"}, Scopes: []string{"user/*.cruds"}, Client: "rig"})
		login, err := p.SignIn(t, "192.0.2.1")
		must(t, err)
		_, err = h.Audit.Append(t.Context(), tutela.Entry{Actor: tutela.Actor{ID: p.ID, Kind: tutela.ActorPerson}, Action: tutela.ActionRead, Outcome: tutela.OutcomeSuccess}, nil)
		must(t, err)
		h.settle(t)
		id := h.hooked(t)[0].Alert
		own := map[string]string{"Authorization": "Bearer " + p.Token(t, login.Session, "rig")}
		if a := h.Do(t, rig.Call{Method: http.MethodGet, Path: "/api/v1/alerts", Header: own}); a.Status != http.StatusOK || strings.Contains(string(a.Body), id) {
			t.Errorf("he sees what is about himself: %d %s", a.Status, a.Body)
		}
		if a := h.Do(t, rig.Call{Method: http.MethodPost, Path: "/api/v1/alerts/" + id + "/acknowledge", Header: own}); a.Status != http.StatusNotFound {
			t.Errorf("he acknowledges it: %d", a.Status)
		}
		for who, status := range map[string]int{"admin": 200, "auditor": 200, "privacy": 200, "physician": 403, "billing": 403, rig.Loader: 403} {
			a := h.Get(t, who, "/api/v1/alerts")
			if a.Status != status || strings.Contains(string(a.Body), string(p.ID)) {
				t.Errorf("%s: %d %s", who, a.Status, a.Body)
			}
		}
		tried := h.Do(t, rig.Call{As: "admin", Method: http.MethodPost, Path: "/api/v1/alerts/test"})
		var list []alert.Tried
		must(t, json.Unmarshal(tried.Body, &list))
		if d := cmp.Diff([]alert.Tried{{Channel: "hook", Form: alert.Webhook, Took: true}}, list); d != "" {
			t.Error(d)
		}
	})
}
