package answer_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/internal/rig"
	"github.com/tutela-health/tutela/respond/answer"
	"github.com/tutela-health/tutela/store"
)

// outside is an address for documentation (RFC 5737) from which rigged requests come.
const outside = "192.0.2.1"

// A finding is answered by each kind, which holds whom it is for and is undone by one call; the ledger tells of both.
func TestEveryKindIsGivenHeldAndUndone(t *testing.T) {
	type caller = func(t *testing.T) int // gives the status of what he asks
	reads := func(h *house, token string) caller {
		return func(t *testing.T) int { t.Helper(); return h.with(t, token, "Patient/p").Status }
	}
	hurried := func(t *testing.T, n int, once caller) int {
		t.Helper()
		for range n {
			if status := once(t); status == http.StatusTooManyRequests {
				return status
			}
		}
		return http.StatusOK
	}
	cases := []struct {
		kind    answer.Kind
		do      string
		free    int
		held    int
		prepare func(t *testing.T, h *house) (offends, tries caller)
	}{
		{answer.Lock, "do: lock", 200, 401, func(t *testing.T, h *house) (caller, caller) {
			return reads(h, h.Token(t, "billing")), reads(h, h.Token(t, "billing"))
		}},
		{answer.Narrow, "do: narrow; role: billing", 200, 403, func(t *testing.T, h *house) (caller, caller) {
			return reads(h, h.Token(t, "billing")), reads(h, h.Token(t, "billing"))
		}},
		{answer.Throttle, "do: throttle; on: account", 200, 429, func(t *testing.T, h *house) (caller, caller) {
			one := reads(h, h.Token(t, "billing"))
			listed := func(t *testing.T) int { t.Helper(); return h.with(t, h.Token(t, "billing"), "/api/v1/routes").Status }
			return one, func(t *testing.T) int { t.Helper(); return hurried(t, 60, listed) }
		}},
		{answer.Throttle, "do: throttle; on: address", 200, 429, func(t *testing.T, h *house) (caller, caller) {
			stranger := func(t *testing.T) int { t.Helper(); return h.Get(t, rig.Nobody, "/ledger/key").Status }
			return reads(h, h.Token(t, "billing")), func(t *testing.T) int { t.Helper(); return hurried(t, 120, stranger) }
		}},
		{answer.Block, "do: block", 200, 429, func(t *testing.T, h *house) (caller, caller) {
			return reads(h, h.Token(t, "billing")), func(t *testing.T) int { t.Helper(); return h.Get(t, rig.Nobody, "/ledger/key").Status }
		}},
		{answer.Quarantine, "do: quarantine", 200, 401, func(t *testing.T, h *house) (caller, caller) {
			must(t, h.Identity.EnsureClient(t.Context(), tutela.Actor{ID: "rig", Kind: tutela.ActorSystem}, identity.Client{
				ID: "app", Name: "App", Public: true, RedirectURIs: []string{"https://app.test/cb"}, GrantTypes: []string{identity.GrantCode}, Scopes: []string{"user/*.rs"},
			}))
			p := h.person(t, "bea", "billing")
			login, err := p.SignIn(t, outside)
			must(t, err)
			one := reads(h, p.Token(t, login.Session, "app"))
			return one, one
		}},
		{answer.StepUp, "do: step-up", 200, 401, func(t *testing.T, h *house) (caller, caller) {
			p := h.person(t, "bea", "billing")
			login, err := p.SignIn(t, outside)
			must(t, err)
			one := reads(h, p.Token(t, login.Session, "rig"))
			return one, one
		}},
	}
	for _, c := range cases {
		t.Run(fmt.Sprint(c.kind, " ", c.do), func(t *testing.T) {
			each(t, policy("read", c.do), func(t *testing.T, h *house) {
				offends, tries := c.prepare(t, h)
				if got := tries(t); got != c.free {
					t.Fatalf("before: %d", got)
				}
				offends(t)
				h.settle(t)
				given := h.answers(t)
				if len(given) == 0 || given[0].Kind != c.kind || given[0].State != answer.Active {
					t.Fatalf("given %+v", given)
				}
				if got := tries(t); got != c.held {
					t.Errorf("held: %d instead of %d", got, c.held)
				}
				for _, a := range given {
					h.undo(t, a.ID)
				}
				if got := tries(t); got != c.free {
					t.Errorf("undone: %d instead of %d", got, c.free)
				}
				if n := h.told(t, tutela.ActionAnswerGive, tutela.OutcomeSuccess); n != len(given) {
					t.Errorf("the ledger tells of %d answers", n)
				}
				if n := h.told(t, tutela.ActionAnswerUndo, tutela.OutcomeSuccess); n != len(given) {
					t.Errorf("the ledger tells that %d were undone", n)
				}
			})
		})
	}
}

// What was alive ends with the answer's own transaction; whoever it was may sign in again.
func TestRevocationEndsWhatIsAliveAndNoMore(t *testing.T) {
	each(t, policy("read", "do: revoke"), func(t *testing.T, h *house) {
		p := h.person(t, "bea", "billing")
		login, err := p.SignIn(t, outside)
		must(t, err)
		token := p.Token(t, login.Session, "rig")
		expect(t, h.with(t, token, "Patient/p"), http.StatusOK)
		h.settle(t)
		expect(t, h.with(t, token, "Patient/p"), http.StatusUnauthorized)
		a := h.only(t)
		if a.Kind != answer.Revoke || a.Ended == nil || a.Ended.Sessions != 1 || a.Ended.Tokens != 1 {
			t.Errorf("given %+v, ended %+v", a, a.Ended)
		}
		h.Advance(hour / 60)
		if _, err := p.SignIn(t, outside); err != nil {
			t.Errorf("the owner cannot come back: %v", err)
		}
		h.undo(t, a.ID)
	})
}

// An answer is over by itself.
func TestAnswersEndByThemselves(t *testing.T) {
	each(t, policy("read", "do: lock"), func(t *testing.T, h *house) {
		expect(t, h.Get(t, "billing", "Patient/p"), http.StatusOK)
		h.settle(t)
		expect(t, h.Get(t, "billing", "Patient/p"), http.StatusUnauthorized)
		h.Advance(hour)
		h.Forget()
		expect(t, h.Get(t, "billing", "Patient/p"), http.StatusOK)
		a := h.only(t)
		if a.State != answer.Over {
			t.Errorf("it is %s", a.State)
		}
		if got := h.Do(t, rig.Call{As: "privacy", Method: http.MethodPost, Path: "/api/v1/answers/" + a.ID + "/undo"}); got.Status != http.StatusConflict {
			t.Errorf("undoing what is over: %d", got.Status)
		}
	})
}

// However often nodes die between steps, a finding is answered once.
func TestKilledNodesRepeatNoAnswer(t *testing.T) {
	each(t, policy("read", "do: throttle; on: account"), func(t *testing.T, h *house) {
		for round := range 8 {
			expect(t, h.Get(t, "billing", "Patient/p"), http.StatusOK)
			h.Detect(t)
			for range 2 { // killed before and after its place was written: the next one reads the old place, or the new
				h.Advance(hour / 60)
				must(t, h.Answering(fmt.Sprint("node", round), h.config).Work(t.Context()))
			}
		}
		must(t, h.Answers.Rewind(t.Context()))
		h.Advance(hour / 60)
		must(t, h.Answering("again", h.config).Work(t.Context()))
		if got, told := len(h.answers(t)), h.told(t, tutela.ActionAnswerGive, ""); got != 8 || told != 8 {
			t.Errorf("8 findings, %d answers, %d told", got, told)
		}
	})
}

// What one node answers holds on another.
func TestAnswersHoldOnEveryNode(t *testing.T) {
	each(t, policy("read", "do: lock"), func(t *testing.T, h *house) {
		second := rig.Open(t, rig.Config{Beside: h.Rig, Engine: h.config.Engine, Clock: h.Now, Answers: h.config.Answers})
		u, err := h.Identity.User(t.Context(), "billing")
		if err != nil {
			h.Token(t, "billing")
			u, err = h.Identity.User(t.Context(), "billing")
		}
		must(t, err)
		p := tutela.Principal{ID: u.ID, Kind: u.Kind, Roles: u.Roles}
		if second.Answers.Hold(t.Context(), p, "rig", outside).Barred {
			t.Fatal("barred before anything happened")
		}
		expect(t, h.Get(t, "billing", "Patient/p"), http.StatusOK)
		h.settle(t)
		second.Answers.Forget(nil) // as the invalidation does that came with the answer
		if !second.Answers.Hold(t.Context(), p, "rig", outside).Barred {
			t.Error("the other node lets the account act")
		}
	})
}

// Those who may see answers are few; what is about somebody is not there for him.
func TestWhoSeesAnswers(t *testing.T) {
	each(t, policy("read", "do: throttle; on: account"), func(t *testing.T, h *house) {
		p := h.person(t, "off", "privacy")
		login, err := p.SignIn(t, outside)
		must(t, err)
		token := p.Token(t, login.Session, "rig")
		_, err = h.Audit.Append(t.Context(), tutela.Entry{
			Actor: tutela.Actor{ID: p.ID, Kind: tutela.ActorPerson}, Session: login.Session.ID, Action: tutela.ActionRead, Outcome: tutela.OutcomeSuccess,
		}, nil)
		must(t, err)
		h.settle(t)
		a := h.only(t)
		if got := h.with(t, token, "/api/v1/answers"); got.Status != http.StatusOK || strings.Contains(string(got.Body), a.ID) {
			t.Errorf("he sees what is about himself: %d %s", got.Status, got.Body)
		}
		expect(t, h.with(t, token, "/api/v1/answers/"+a.ID), http.StatusNotFound)
		expect(t, h.Do(t, rig.Call{Method: http.MethodPost, Path: "/api/v1/answers/" + a.ID + "/undo", Header: map[string]string{"Authorization": "Bearer " + token}}), http.StatusNotFound)
		for who, status := range map[string]int{"admin": 200, "auditor": 200, "physician": 403, "billing": 403, rig.Loader: 403} {
			if got := h.Get(t, who, "/api/v1/answers"); got.Status != status {
				t.Errorf("%s: %d", who, got.Status)
			}
		}
	})
}

// Whoever tampers with an entry of the evidence, or with those around it, keeps nothing else from being answered.
func TestEvidenceThatWasTamperedWithHoldsNothingUp(t *testing.T) {
	each(t, policy("read", "do: lock"), func(t *testing.T, h *house) {
		h.with(t, h.Token(t, "billing"), "Patient/p")
		h.Sequence(t)
		end, err := h.Audit.Size(t.Context())
		must(t, err)
		h.with(t, h.Token(t, "billing"), "Patient/p")
		h.Detect(t)
		must(t, h.DB.Update(t.Context(), func(tx *store.Tx) error {
			_, err := tx.Exec(t.Context(), `UPDATE ledger_batches SET blob = mac WHERE first_leaf = (SELECT MAX(first_leaf) FROM ledger_batches WHERE first_leaf < ?)`, int64(end))
			return err
		}))
		must(t, h.Answers.Work(t.Context()))
		given, err := h.Answers.List(t.Context(), tutela.Principal{}, answer.Filter{})
		must(t, err)
		states := []answer.State{given[0].State, given[1].State}
		slices.Sort(states)
		if d := cmp.Diff([]answer.State{answer.Active, answer.Withheld}, states); d != "" {
			t.Errorf("given: %s", d)
		}
	})
}
