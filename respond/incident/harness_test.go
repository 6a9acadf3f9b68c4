package incident_test

import (
	"encoding/json"
	"io"
	"net/http"
	"testing"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/detect"
	"github.com/tutela-health/tutela/detect/event"
	"github.com/tutela-health/tutela/detect/finding"
	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/internal/rig"
	"github.com/tutela-health/tutela/internal/testkit"
	"github.com/tutela-health/tutela/respond/incident"
	"github.com/tutela-health/tutela/store"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// suspicious takes offence at every read of a chart by level, and gives each a finding of its own.
type suspicious struct{ level finding.Level }

func (s suspicious) Observe(ev *event.Event) []finding.Hit {
	if ev.Action != tutela.ActionRead {
		return nil
	}
	h := finding.Hit{Rule: "read", Title: "A chart was read", Level: s.level, Likelihood: 0.9, Entries: []string{ev.ID}, Group: ev.ID, At: ev.Time, Actor: ev.Actor.ID}
	for _, p := range ev.Patients {
		h.Patients = append(h.Patients, p.Patient)
	}
	return []finding.Hit{h}
}
func (suspicious) Snapshot(io.Writer) error { return nil }
func (suspicious) Restore(io.Reader) error  { return nil }

// house is a rigged system on a clock that tests move.
type house struct {
	*rig.Rig
	testkit.Clock
	config rig.Config
}

// each runs f against a fresh house with two patients, in which reads give findings of a level, on every engine.
func each(t *testing.T, level finding.Level, f func(t *testing.T, h *house)) {
	t.Helper()
	for _, engine := range rig.Engines() {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			h := &house{}
			h.config = rig.Config{Engine: engine, Clock: h.Now, Watch: func() (detect.Watch, error) {
				return detect.Watch{Detectors: []detect.Part{{Name: "suspicious", Detector: suspicious{level}}}}, nil
			}}
			h.Rig = rig.Open(t, h.config)
			for _, id := range []string{"ann", "bob"} {
				h.Put(t, `{"resourceType":"Patient","id":"`+id+`"}`)
				h.Treat(t, id, "physician", "nurse")
			}
			h.settle(t)
			f(t, h)
		})
	}
}

// settle has everything that was done watched, and what was found taken up.
func (h *house) settle(t *testing.T) {
	t.Helper()
	h.sequence(t)
	must(t, h.Findings.Work(t.Context()))
	h.sequence(t)
	must(t, h.Incidents.Work(t.Context()))
	h.sequence(t)
}

func (h *house) sequence(t *testing.T) {
	t.Helper()
	for n := int64(1); n > 0; {
		var err error
		n, err = h.Audit.Sequence(t.Context())
		must(t, err)
	}
}

// read has somebody read a patient's chart.
func (h *house) read(t *testing.T, as, patient string) {
	t.Helper()
	expect(t, h.Get(t, as, "Patient/"+patient), http.StatusOK)
}

// call sends a JSON body to the API of incidents.
func (h *house) call(t *testing.T, as, method, path string, body any) rig.Answer {
	t.Helper()
	text, err := json.Marshal(body)
	must(t, err)
	if body == nil {
		text = nil
	}
	return h.Do(t, rig.Call{As: as, Method: method, Path: "/api/v1/incidents" + path, Body: string(text), Header: map[string]string{"Content-Type": "application/json"}})
}

type say = map[string]any

// did sends a body that is taken.
func (h *house) did(t *testing.T, as, path string, body any) incident.Incident {
	t.Helper()
	a := h.call(t, as, http.MethodPost, path, body)
	expect(t, a, http.StatusOK)
	return decoded[incident.Incident](t, a)
}

func (h *house) list(t *testing.T, as string) []incident.Incident {
	t.Helper()
	a := h.call(t, as, http.MethodGet, "?all=true", nil)
	expect(t, a, http.StatusOK)
	return decoded[[]incident.Incident](t, a)
}

func (h *house) show(t *testing.T, as, id string) incident.Whole {
	t.Helper()
	a := h.call(t, as, http.MethodGet, "/"+id, nil)
	expect(t, a, http.StatusOK)
	return decoded[incident.Whole](t, a)
}

// edit changes the database by hand.
func (h *house) edit(t *testing.T, sql string) {
	t.Helper()
	must(t, h.DB.Update(t.Context(), func(tx *store.Tx) error {
		_, err := tx.Exec(t.Context(), sql)
		return err
	}))
}

// told are the entries of an action, the oldest first, with what they hold sealed.
func (h *house) told(t *testing.T, action tutela.Action) (entries []tutela.Entry, bodies []string) {
	t.Helper()
	h.sequence(t)
	must(t, h.Audit.Search(t.Context(), audit.Query{Action: action}, func(o audit.Opened) error {
		entries = append(entries, o.Entry)
		sections, err := h.Audit.Sections(t.Context(), o)
		for _, s := range sections {
			bodies = append(bodies, string(s.Body))
		}
		return err
	}))
	return entries, bodies
}

func decoded[T any](t *testing.T, a rig.Answer) T {
	t.Helper()
	var v T
	must(t, json.Unmarshal(a.Body, &v))
	return v
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

// newUser is a person with a role of the same name.
func newUser(role string) identity.NewUser {
	return identity.NewUser{
		Username: role, Kind: tutela.ActorPerson, Roles: []string{role}, Scopes: []string{"user/*.cruds"}, Client: "rig",
		FHIRUser: tutela.Ref{Type: "Practitioner", ID: role},
	}
}
