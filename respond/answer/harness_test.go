package answer_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/internal/rig"
	"github.com/tutela-health/tutela/internal/testkit"
	"github.com/tutela-health/tutela/respond/answer"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// house is a rigged system on a clock that tests move.
type house struct {
	*rig.Rig
	testkit.Clock

	config rig.Config
	policy *answer.Policy
}

// each runs f against a fresh house, whose policy is given, on every engine.
func each(t *testing.T, policy string, f func(t *testing.T, h *house)) {
	t.Helper()
	for _, engine := range rig.Engines() {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			h := &house{policy: parse(t, policy)}
			h.config = rig.Config{Engine: engine, Clock: h.Now, Answers: func() *answer.Policy { return h.policy }, Watch: rig.Touchy}
			h.Rig = rig.Open(t, h.config)
			h.Put(t, `{"resourceType":"Patient","id":"p"}`)
			h.Treat(t, "p", "physician", "nurse", "ann")
			h.settle(t)
			f(t, h)
		})
	}
}

// policy is a policy of one answer.
func policy(rule, do string) string {
	return "version: 1\ncare_roles: [physician, nurse]\nanswers:\n  - when: {rules: [" + rule + "]}\n    " + strings.ReplaceAll(do, "; ", "\n    ") + "\n    for: 1h\n"
}

func parse(t *testing.T, text string) *answer.Policy {
	t.Helper()
	p, err := answer.Parse([]byte(text))
	must(t, err)
	return p
}

// settle has everything that was done watched, and what was found answered.
func (h *house) settle(t *testing.T) {
	t.Helper()
	h.Detect(t)
	must(t, h.Answers.Work(t.Context()))
}

// office calls the API as the privacy officer, whose office is elsewhere than those who are answered.
func (h *house) office(t *testing.T, method, path string) rig.Answer {
	t.Helper()
	req := httptest.NewRequestWithContext(t.Context(), method, path, http.NoBody)
	req.Host, req.RemoteAddr = h.Host(), "203.0.113.9:1"
	return h.Send(t, "privacy", req)
}

// answers lists all of them as the privacy officer sees them.
func (h *house) answers(t *testing.T) []answer.Answer {
	t.Helper()
	a := h.office(t, http.MethodGet, "/api/v1/answers")
	expect(t, a, http.StatusOK)
	var list []answer.Answer
	must(t, json.Unmarshal(a.Body, &list))
	return list
}

// only gives the one answer that there is.
func (h *house) only(t *testing.T) answer.Answer {
	t.Helper()
	list := h.answers(t)
	if len(list) != 1 {
		t.Fatalf("%d answers: %+v", len(list), list)
	}
	return list[0]
}

func (h *house) undo(t *testing.T, id string) {
	t.Helper()
	expect(t, h.office(t, http.MethodPost, "/api/v1/answers/"+id+"/undo"), http.StatusOK)
}

// told counts the entries of an action.
func (h *house) told(t *testing.T, action tutela.Action, outcome tutela.Outcome) (n int) {
	t.Helper()
	must(t, h.Audit.Search(t.Context(), audit.Query{Action: action, Outcome: outcome}, func(audit.Opened) error { n++; return nil }))
	return n
}

// person makes somebody who signs in, from the address that rigged requests come from.
func (h *house) person(t *testing.T, name string, roles ...string) *rig.Person {
	t.Helper()
	return h.Person(t, h.Now, identity.NewUser{
		Username: name, Kind: tutela.ActorPerson, Roles: roles, Scopes: []string{"user/*.cruds"}, Client: "rig", FHIRUser: tutela.Ref{Type: "Practitioner", ID: name},
	})
}

func (h *house) with(t *testing.T, token, path string) rig.Answer {
	t.Helper()
	return h.Do(t, rig.Call{As: rig.Nobody, Method: http.MethodGet, Path: path, Header: map[string]string{"Authorization": "Bearer " + token}})
}

func expect(t *testing.T, a rig.Answer, status int) {
	t.Helper()
	if a.Status != status {
		t.Fatalf("status %d instead of %d: %s", a.Status, status, a.Body)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

const hour = time.Hour
