package emergency_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/internal/rig"
	"github.com/tutela-health/tutela/internal/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

const reason = "found unconscious in the lobby, allergies unknown"

// house is a rigged system on a clock that tests move.
type house struct {
	*rig.Rig

	testkit.Clock
}

// each runs f against a fresh house with two patients whom nobody treats, on every engine.
func each(t *testing.T, f func(t *testing.T, h *house)) {
	t.Helper()
	for _, engine := range rig.Engines() {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			h := &house{}
			h.Rig = rig.Open(t, rig.Config{Engine: engine, Clock: h.Now})
			for _, id := range []string{"ann", "bob"} {
				h.Put(t, `{"resourceType":"Patient","id":"`+id+`","name":[{"family":"Stranger"}]}`)
				h.Put(t, `{"resourceType":"Condition","id":"c-`+id+`","subject":{"reference":"Patient/`+id+`"},"meta":{"security":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"PSY"}]}}`)
			}
			f(t, h)
		})
	}
}

// person is somebody who signs in.
type person struct {
	identity.User
	credentials identity.Credentials
	session     string
	token       string
}

// hire makes an account and signs its owner in.
func (h *house) hire(t *testing.T, username, role string) person {
	t.Helper()
	u, c, err := h.Identity.CreateUser(t.Context(), tutela.Actor{ID: "test", Kind: tutela.ActorSystem}, identity.NewUser{
		Username: username, Kind: tutela.ActorPerson, Roles: []string{role}, Scopes: []string{"user/*.cruds"}, Client: "app",
		FHIRUser: tutela.Ref{Type: "Practitioner", ID: username},
	})
	must(t, err)
	return h.signIn(t, person{User: u, credentials: c})
}

// signIn gives a person a new session with a token of it.
func (h *house) signIn(t *testing.T, p person) person {
	t.Helper()
	attempt, err := h.Identity.BeginLogin(t.Context(), identity.LoginRequest{Username: p.Username, Password: p.credentials.Password, Address: "192.0.2.1"})
	must(t, err)
	h.Advance(time.Minute) // a one-time password that nobody has used
	codes, err := identity.OneTimePasswords(p.credentials.TOTP, h.Now())
	must(t, err)
	login, err := h.Identity.FinishTOTP(t.Context(), attempt.ID, codes[1])
	must(t, err)
	p.session = login.Session.ID
	p.token = h.bearer(t, p)
	return p
}

func (h *house) bearer(t *testing.T, p person) string {
	t.Helper()
	issued, err := h.Identity.IssueFor(t.Context(), identity.IssueRequest{
		User: p.ID, Client: "app", Session: p.session, Scopes: []string{"user/*.cruds"}, Assurance: identity.ACRTwoFactors,
	})
	must(t, err)
	return issued.Token
}

// as sends a request as a person.
func (h *house) as(t *testing.T, p person, method, path, body string) rig.Answer {
	t.Helper()
	return h.Do(t, rig.Call{Method: method, Path: path, Body: body, Header: map[string]string{
		"Authorization": "Bearer " + p.token, "Content-Type": "application/json",
	}})
}

// breaks asks for emergency access to a patient.
func (h *house) breaks(t *testing.T, p person, patient string) rig.Answer {
	t.Helper()
	return h.as(t, p, http.MethodPost, "/api/v1/break-glass", fmt.Sprintf(`{"patient":"Patient/%s","reason":%q}`, patient, reason))
}

// broke breaks the glass and gives the emergency's id.
func (h *house) broke(t *testing.T, p person, patient string) string {
	t.Helper()
	a := h.breaks(t, p, patient)
	expect(t, a, http.StatusOK)
	return decoded[struct{ ID string }](t, a).ID
}

// reads is the status of a read, by a FHIR path.
func (h *house) reads(t *testing.T, p person, path string) int {
	t.Helper()
	return h.as(t, p, http.MethodGet, path, "").Status
}

// entries are those of the ledger that a test asks for.
func (h *house) entries(t *testing.T, q audit.Query) []tutela.Entry {
	t.Helper()
	var list []tutela.Entry
	must(t, h.Audit.Search(t.Context(), q, func(o audit.Opened) error {
		list = append(list, o.Entry)
		return nil
	}))
	slices.SortStableFunc(list, func(a, b tutela.Entry) int { return a.Time.Compare(b.Time) }) // lanes are read one after another
	return list
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func expect(t *testing.T, a rig.Answer, status int) {
	t.Helper()
	if a.Status != status {
		t.Fatalf("status %d, want %d: %s", a.Status, status, a.Body)
	}
}

func decoded[T any](t *testing.T, a rig.Answer) T {
	t.Helper()
	var v T
	must(t, json.Unmarshal(a.Body, &v))
	return v
}
