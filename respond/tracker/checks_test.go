package tracker_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/rig"
	"github.com/tutela-health/tutela/internal/testkit"
	"github.com/tutela-health/tutela/respond/tracker"
	"github.com/tutela-health/tutela/store"
)

// try has the one check try.
func (h *house) try(t *testing.T) tutela.Evidence {
	t.Helper()
	return h.Trackers.Checks()[0].Try(t.Context())
}

// The check passes while tickets say what is so, and fails on a ticket that was closed there without anybody's telling,
// one that was deleted, a tracker that does not answer, and tickets that wait.
func TestTheCheckSeesWhatIsNotInStep(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.offend(t)
		seen := testkit.Sabotage(t, "respond.trackers-in-step")
		seen.Expect(h.try(t), tutela.Pass, "2 open tickets")
		for _, s := range map[string]struct {
			breaks, mends func(b *board)
			says          string
		}{
			"closed there": {func(b *board) { b.issues[0].State = "closed" }, func(b *board) { b.issues[0].State = "open" }, "1 is closed there and open here"},
			"deleted":      {func(b *board) { b.issues[0].Number = 7 }, func(b *board) { b.issues[0].Number = 1 }, "1 is not there any more"},
			"down":         {func(b *board) { b.status = 503 }, func(b *board) { b.status = 0 }, "answers 503"},
		} {
			h.hub.change(s.breaks)
			seen.Expect(h.try(t), tutela.Fail, s.says)
			h.hub.change(s.mends)
			seen.Expect(h.try(t), tutela.Pass)
		}
		h.hub.change(func(b *board) { b.status = http.StatusUnprocessableEntity })
		h.offend(t)
		h.Advance(2 * time.Hour)
		h.hub.change(func(b *board) { b.status = 0 })
		if e := h.try(t); e.Verdict != tutela.Fail || !strings.Contains(e.Observed, "has waited since") {
			t.Errorf("waiting: %+v", e)
		}
	})
}

// People try the trackers, and have all tickets looked at, without waiting for the hour.
func TestPeopleTryAndSync(t *testing.T) {
	h := open(t, store.SQLite, rig.Touchy)
	h.offend(t)
	h.hub.change(func(b *board) { b.status = http.StatusUnauthorized })
	list := decoded[[]tracker.Tried](t, h.do(t, "auditor", http.MethodPost, "/trackers/test", nil))
	if len(list) != 2 || list[0].Took || list[0].Error != "the target answers 401" || !list[1].Took {
		t.Errorf("%+v", list)
	}
	h.hub.change(func(b *board) { b.status, b.issues[0].State = 0, "closed" })
	h.later(t, time.Minute)
	if said := decoded[struct{ Due int }](t, h.do(t, "privacy", http.MethodPost, "/trackers/sync", nil)); said.Due != 2 {
		t.Errorf("%+v", said)
	}
	h.settle(t)
	if tk := h.ticket(t, "github"); tk.Proposed != tracker.Closed {
		t.Errorf("%+v", tk)
	}
	for path, who := range map[string]string{"/trackers/sync": "auditor", "/trackers/test": "nurse"} {
		if a := h.call(t, who, http.MethodPost, path, nil); a.Status != http.StatusForbidden {
			t.Errorf("%s %s: %d", who, path, a.Status)
		}
	}
}

func FuzzCallback(f *testing.F) {
	f.Add(`{"issue":{"number":1,"updated_at":"2026-11-23T04:05:06Z"},"repository":{"full_name":"a/b"}}`, "issues")
	f.Add(`{"timestamp":1,"issue":{"key":"SEC-1"}}`, "")
	f.Add(`{"issue":{"number":1e400}}`, "issues")
	f.Add(`[[[`, "ping")
	f.Fuzz(func(t *testing.T, body, kind string) {
		for _, number := range tracker.Heard(t, []byte(body), http.Header{"X-Github-Event": {kind}}) {
			if number != "" && strings.Trim(strings.TrimPrefix(number, "SEC-"), "0123456789") != "" {
				t.Errorf("%q leads elsewhere", number)
			}
		}
	})
}
