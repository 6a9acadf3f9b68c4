package rights_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/internal/rig"
	"github.com/tutela-health/tutela/internal/testkit"
	"github.com/tutela-health/tutela/privacy/rights"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// office is a rigged system on a clock that tests move, with two patients of a physician's.
type office struct {
	*rig.Rig

	testkit.Clock
}

// each runs f against a fresh office on every engine.
func each(t *testing.T, f func(t *testing.T, o *office)) {
	t.Helper()
	for _, engine := range rig.Engines() {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			o := &office{}
			o.Rig = rig.Open(t, rig.Config{Engine: engine, Clock: o.Now})
			for _, id := range []string{"ann", "bob"} {
				o.Put(t, `{"resourceType":"Patient","id":"`+id+`"}`)
				o.Put(t, `{"resourceType":"Condition","id":"c-`+id+`","subject":{"reference":"Patient/`+id+`"}}`)
				o.Treat(t, id, "physician")
			}
			f(t, o)
		})
	}
}

// call sends a call of the API, expects a status, and gives the body.
func (o *office) call(t *testing.T, as, method, path, body string, want int) []byte {
	t.Helper()
	c := rig.Call{As: as, Method: method, Path: "/api/v1/" + path, Body: body, Header: map[string]string{"Content-Type": "application/json"}}
	if as != rig.Loader {
		c.Header["Authorization"] = "Bearer " + o.bearer(t, as)
	}
	a := o.Do(t, c)
	if a.Status != want {
		t.Fatalf("%s %s %s: %d %s, want %d", as, method, path, a.Status, a.Body, want)
	}
	return a.Body
}

// bearer is a token of now: the clock moves on by more than one lives.
func (o *office) bearer(t *testing.T, as string) string {
	t.Helper()
	o.Token(t, as)
	u, err := o.Identity.User(t.Context(), as)
	if err != nil {
		t.Fatal(err)
	}
	issued, err := o.Identity.IssueFor(t.Context(), identity.IssueRequest{User: u.ID, Client: "rig", Scopes: u.Scopes, Assurance: identity.ACRTwoFactors})
	if err != nil {
		t.Fatal(err)
	}
	return issued.Token
}

func (o *office) get(t *testing.T, as, path string, want int) []byte {
	t.Helper()
	return o.call(t, as, http.MethodGet, path, "", want)
}

func (o *office) post(t *testing.T, as, path, body string, want int) []byte {
	t.Helper()
	return o.call(t, as, http.MethodPost, path, body, want)
}

// request is a request as the API shows it.
type request struct {
	rights.Request

	DaysLeft *int `json:"days_left"`
	Overdue  bool
}

func (r request) left() int {
	if r.DaysLeft == nil {
		return -1 << 30
	}
	return *r.DaysLeft
}

func decoded[T any](t *testing.T, body []byte) T {
	t.Helper()
	var v T
	if err := json.Unmarshal(body, &v); err != nil {
		t.Fatalf("decode %s: %v", body, err)
	}
	return v
}

// ask takes a request in.
func (o *office) ask(t *testing.T, as, patient, body string) request {
	t.Helper()
	return decoded[request](t, o.post(t, as, "patients/"+patient+"/requests", body, http.StatusOK))
}

const day = 24 * time.Hour
