package answer_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/rig"
	"github.com/tutela-health/tutela/respond/answer"
)

// Whatever the policy says, who treats patients is asked for the second factor and works on: charts and broken glass.
func TestWhoTreatsPatientsIsSteppedUpAndNeverKeptOut(t *testing.T) {
	for _, do := range []string{"do: lock", "do: revoke", "do: narrow; role: nurse", "do: throttle; on: account"} {
		t.Run(do, func(t *testing.T) {
			each(t, policy("read", do), func(t *testing.T, h *house) {
				p := h.person(t, "ann", "nurse")
				login, err := p.SignIn(t, outside)
				must(t, err)
				token := p.Token(t, login.Session, "rig")
				expect(t, h.with(t, token, "Patient/p"), http.StatusOK)
				h.settle(t)
				a := h.only(t)
				if a.Kind != answer.StepUp || a.Asked == "" || !strings.Contains(a.Because, "treats patients") {
					t.Errorf("given %+v", a)
				}
				refused := h.with(t, token, "Patient/p")
				expect(t, refused, http.StatusUnauthorized)
				if got := refused.Header.Get("WWW-Authenticate"); !strings.Contains(got, "insufficient_user_authentication") {
					t.Errorf("challenged with %q", got)
				}
				h.Advance(hour / 60)
				if login, err = p.SignIn(t, outside); err != nil {
					t.Fatalf("the nurse cannot sign in: %v", err)
				}
				token = p.Token(t, login.Session, "rig")
				expect(t, h.with(t, token, "Patient/p"), http.StatusOK)
				glass := h.Do(t, rig.Call{Method: http.MethodPost, Path: "/api/v1/break-glass", Body: `{"patient":"Patient/p","reason":"collapsed on the ward"}`,
					Header: map[string]string{"Authorization": "Bearer " + token, "Content-Type": "application/json"}})
				expect(t, glass, http.StatusOK)
			})
		})
	}
}

// Who sends wrong passwords for somebody's name does not lock him out: his own address is slowed.
func TestGuessingAtAnAccountDoesNotLockItsOwnerOut(t *testing.T) {
	for _, do := range []string{"do: lock", "do: revoke", "do: step-up", "do: throttle; on: account"} {
		t.Run(do, func(t *testing.T) {
			each(t, policy("guess", do), func(t *testing.T, h *house) {
				victim := h.person(t, "bea", "billing")
				login, err := victim.SignIn(t, outside)
				must(t, err)
				token := victim.Token(t, login.Session, "rig")
				victim.Guess(t, "198.51.100.66")
				h.settle(t)
				expect(t, h.with(t, token, "Patient/p"), http.StatusOK)
				list := h.answers(t)
				if len(list) != 2 {
					t.Fatalf("given %+v", list)
				}
				for _, a := range list {
					switch a.Target.On {
					case answer.Account:
						if a.State != answer.Withheld || !strings.Contains(a.Because, "does not show that the account acted") {
							t.Errorf("on the account: %+v", a)
						}
					default:
						if a.Kind != answer.Throttle || a.Target.ID != "198.51.100.66" || a.State != answer.Active {
							t.Errorf("on the address: %+v", a)
						}
					}
				}
			})
		})
	}
}

// A log from elsewhere is its writer's word: it locks nobody out here.
func TestOtherSystemsLogsLockNobodyOut(t *testing.T) {
	each(t, policy("read", "do: lock"), func(t *testing.T, h *house) {
		victim := h.person(t, "bea", "billing")
		_, err := h.Audit.Append(t.Context(), tutela.Entry{
			Actor: tutela.Actor{ID: victim.ID, Kind: tutela.ActorPerson}, Session: "s", Client: "c", Action: tutela.ActionRead, Outcome: tutela.OutcomeSuccess,
			Address: "198.51.100.66", Foreign: &tutela.Foreign{Source: "old-system", Record: "1", Observed: h.Now()},
		}, nil)
		must(t, err)
		h.settle(t)
		if a := h.only(t); a.State != answer.Withheld {
			t.Errorf("given %+v", a)
		}
	})
}

// A house is left with an administrator.
func TestTheLastAdministratorIsNotLockedOut(t *testing.T) {
	each(t, policy("read", "do: lock"), func(t *testing.T, h *house) {
		first, second := h.person(t, "adam", "admin"), h.person(t, "eve", "admin")
		for _, p := range []*rig.Person{first, second} {
			login, err := p.SignIn(t, outside)
			must(t, err)
			_, err = h.Audit.Append(t.Context(), tutela.Entry{
				Actor: tutela.Actor{ID: p.ID, Kind: tutela.ActorPerson}, Session: login.Session.ID, Action: tutela.ActionRead, Outcome: tutela.OutcomeDenied,
			}, nil)
			must(t, err)
			h.settle(t)
			h.Advance(hour / 60)
		}
		kinds := map[string]answer.Kind{}
		for _, a := range h.answers(t) {
			kinds[a.Target.ID] = a.Kind
		}
		if kinds[string(first.ID)] != answer.Lock || kinds[string(second.ID)] != answer.StepUp {
			t.Errorf("given %v", kinds)
		}
		if _, err := second.SignIn(t, outside); err != nil {
			t.Errorf("the last administrator cannot sign in: %v", err)
		}
	})
}

// An address from which people work is slowed for strangers, and not blocked; this machine's is left alone.
func TestAddressesWithPeopleAreNotBlocked(t *testing.T) {
	each(t, policy("guess", "do: block")+"never: {addresses: [127.0.0.0/8]}\n", func(t *testing.T, h *house) {
		p := h.person(t, "bea", "billing")
		_, err := p.SignIn(t, "198.51.100.66")
		must(t, err)
		p.Guess(t, "198.51.100.66")
		p.Guess(t, "127.0.0.1")
		p.Guess(t, "2001:db8::7")
		h.settle(t)
		got := map[string]string{}
		for _, a := range h.answers(t) {
			got[a.Target.ID] = string(a.Kind) + " " + string(a.State)
		}
		for address, want := range map[string]string{"198.51.100.66": "throttle active", "127.0.0.1": "block withheld", "2001:db8::/64": "block active"} {
			if got[address] != want {
				t.Errorf("%s: %s, not %s", address, got[address], want)
			}
		}
		if barred, _ := h.Answers.Stranger(t.Context(), "2001:db8::ffff"); !barred {
			t.Error("an IPv6 peer has a whole network, and it is not blocked")
		}
	})
}

// However many findings somebody provokes, no more is done within an hour than the policy says; the rest is told.
func TestCapsHoldBack(t *testing.T) {
	each(t, policy("guess", "do: throttle; on: address")+"caps: {throttle: 3}\n", func(t *testing.T, h *house) {
		p := h.person(t, "bea", "billing")
		for _, address := range []string{"198.51.100.1", "198.51.100.2", "198.51.100.3", "198.51.100.4"} {
			p.Guess(t, address)
		}
		h.settle(t)
		states := map[answer.State]int{}
		for _, a := range h.answers(t) {
			states[a.State]++
		}
		if states[answer.Active] != 3 || states[answer.Withheld] != 1 || h.told(t, tutela.ActionAnswerGive, tutela.OutcomeDenied) != 1 {
			t.Errorf("states %v", states)
		}
		h.Advance(2 * hour)
		h.Forget()
		p.Guess(t, "198.51.100.5")
		h.settle(t)
		if a := h.answers(t)[0]; a.State != answer.Active {
			t.Errorf("an hour later: %+v", a)
		}
	})
}

// The organisation's own applications are not quarantined, nor are clients that nobody registered.
func TestOwnApplicationsAreNotQuarantined(t *testing.T) {
	each(t, policy("read", "do: quarantine"), func(t *testing.T, h *house) {
		expect(t, h.Get(t, "billing", "Patient/p"), http.StatusOK)
		h.settle(t)
		if a := h.only(t); a.State != answer.Withheld || a.Target.ID != "rig" {
			t.Errorf("given %+v", a)
		}
		expect(t, h.Get(t, "billing", "Patient/p"), http.StatusOK)
	})
}

// What was found long ago is for people: a service that was down does not lock accounts for last week's doings.
func TestOldFindingsAreNotAnswered(t *testing.T) {
	each(t, policy("read", "do: lock"), func(t *testing.T, h *house) {
		expect(t, h.Get(t, "billing", "Patient/p"), http.StatusOK)
		h.Detect(t)
		h.Advance(2 * hour)
		must(t, h.Answers.Work(t.Context()))
		if list := h.answers(t); len(list) != 0 {
			t.Errorf("given %+v", list)
		}
	})
}
