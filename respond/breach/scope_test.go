package breach_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/rig"
	"github.com/tutela-health/tutela/internal/testkit"
	"github.com/tutela-health/tutela/respond/breach"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// always is a time in which everything of a test happens.
func always(a breach.Ask) breach.Ask {
	a.From, a.To = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	return a
}

// ask puts a question to the API as the privacy officer.
func ask(t *testing.T, r *rig.Rig, a breach.Ask) breach.Scope {
	t.Helper()
	body, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	got := r.Do(t, rig.Call{As: "privacy", Method: http.MethodPost, Path: "/api/v1/breaches/scope", Body: string(body), Header: asJSON()})
	if got.Status != http.StatusOK {
		t.Fatalf("%d %s", got.Status, got.Body)
	}
	var sc breach.Scope
	if err := json.Unmarshal(got.Body, &sc); err != nil {
		t.Fatal(err)
	}
	return sc
}

func asJSON() map[string]string { return map[string]string{"Content-Type": "application/json"} }

func references(sc breach.Scope) []string {
	list := []string{}
	for _, p := range sc.Patients {
		list = append(list, p.Reference)
	}
	return list
}

func patient(id, state string) string {
	return `{"resourceType":"Patient","id":"` + id + `","name":[{"family":"F` + id + `"}],"address":[{"line":["1 Road"],"city":"Town","state":"` + state + `"}]}`
}

func observation(id, patient string) string {
	return `{"resourceType":"Observation","id":"` + id + `","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/` + patient + `"}}`
}

// ward puts patients in, of whom the physician treats all but the last.
func ward(t *testing.T, r *rig.Rig, ids ...string) {
	t.Helper()
	for i, id := range ids {
		r.Put(t, patient(id, []string{"MA", "Massachusetts", "NY"}[i%3]))
		r.Put(t, observation("o-"+id, id))
		if i < len(ids)-1 {
			r.Treat(t, id, "physician")
		}
	}
}

func sequence(t *testing.T, r *rig.Rig) {
	t.Helper()
	for {
		n, err := r.Audit.Sequence(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			return
		}
	}
}

// What was refused, what was not found and whoever was only looked for reached nobody; what was read, found, written and
// exported did.
func TestScopeIsWhatAccessReallyReached(t *testing.T) {
	t.Parallel()
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		ward(t, r, "read", "found", "written", "exported", "refused")
		do := func(method, path, body string, want int) {
			t.Helper()
			if a := r.Do(t, rig.Call{As: "physician", Method: method, Path: path, Body: body}); a.Status != want {
				t.Fatalf("%s %s: %d %s", method, path, a.Status, a.Body)
			}
		}
		do("GET", "Patient/read", "", 200)
		do("GET", "Observation?patient=found", "", 200)
		do("GET", "Observation?patient=written&status=amended", "", 200) // finds nothing
		do("PUT", "Observation/o-written", observation("o-written", "written"), 200)
		do("GET", "Patient/exported/$everything", "", 200)
		do("GET", "Patient/refused", "", 404)
		do("GET", "Observation?patient=refused", "", 200)
		do("GET", "Patient/nobody", "", 404)
		want := []string{"Patient/exported", "Patient/found", "Patient/read", "Patient/written"}
		for _, step := range []string{"pending", "in the tree"} {
			sc := ask(t, r, always(breach.Ask{Actor: "physician"}))
			if d := cmp.Diff(want, references(sc)); d != "" {
				t.Errorf("%s: %s", step, d)
			}
			if (sc.Pending > 0) != (step == "pending") {
				t.Errorf("%s: %d are pending", step, sc.Pending)
			}
			check(t, sc)
			sequence(t, r)
		}
	})
}

// check looks at what is told of each patient.
func check(t *testing.T, sc breach.Scope) {
	t.Helper()
	did := map[string][]breach.Did{}
	for _, p := range sc.Patients {
		did[p.Reference] = p.Actions
		if p.Emergency || p.Standing != breach.Known || p.First.After(p.Last) || len(p.Entries) != p.Accesses {
			t.Errorf("%+v", p)
		}
	}
	want := map[string][]breach.Did{
		"Patient/read": {breach.Read}, "Patient/found": {breach.Read}, "Patient/written": {breach.Written}, "Patient/exported": {breach.Exported},
	}
	if d := cmp.Diff(want, did); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(map[string]int{"MA": 3, "NY": 1}, sc.States); d != "" {
		t.Error(d)
	}
}

// Accounts are meant by name and by id, before and after they gave their names up; clients also where they acted for
// somebody; and all of it by address and by whom it reached.
func TestScopeFindsAccountsByEveryName(t *testing.T) {
	t.Parallel()
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		ward(t, r, "a", "b")
		r.Token(t, "physician")
		made := time.Now()
		r.Get(t, "physician", "Patient/a")
		sequence(t, r)
		since := breach.Ask{Actor: "physician", From: made, To: time.Now()} // the account is older: postings lead to its entries
		if d := cmp.Diff([]string{"Patient/a"}, references(ask(t, r, since))); d != "" {
			t.Errorf("an account that did not change since: %s", d)
		}
		u, err := r.Identity.User(t.Context(), "physician")
		if err != nil {
			t.Fatal(err)
		}
		for name, a := range map[string]breach.Ask{
			"by username": {Actor: "physician"}, "in capitals": {Actor: "Physician"}, "by id": {Actor: string(u.ID)},
			"the client that acted": {Client: "rig", Patients: []string{"Patient/a"}}, "by client as actor": {Actor: "rig", Patients: []string{"a"}},
			"who reached": {Patients: []string{"a"}, Actor: "physician"},
		} {
			if d := cmp.Diff([]string{"Patient/a"}, references(ask(t, r, always(a)))); d != "" {
				t.Errorf("%s: %s", name, d)
			}
		}
		for _, name := range []string{"loader", "rig"} { // the client has tokens of both
			if d := cmp.Diff([]string{"Patient/a", "Patient/b"}, references(ask(t, r, always(breach.Ask{Actor: name})))); d != "" {
				t.Errorf("%s: %s", name, d)
			}
		}
		if sc := ask(t, r, breach.Ask{Actor: "physician", From: time.Now().Add(-3 * time.Hour), To: time.Now().Add(-2 * time.Hour)}); len(sc.Patients) > 0 {
			t.Errorf("before it happened: %v", references(sc))
		}
	})
}

// A question that nobody can have meant is an error: an empty list would say that nobody was reached.
func TestScopeOfNobodyIsNoEmptyList(t *testing.T) {
	t.Parallel()
	r := rig.Open(t, rig.Config{})
	r.Put(t, patient("a", "MA"))
	for body, want := range map[string]int{
		`{"actor":"nobody","from":"2026-01-01T00:00:00Z","to":"2036-01-01T00:00:00Z"}`: 404,
		`{"actor":"physician"}`: 400,
		`{"from":"2026-01-01T00:00:00Z","to":"2036-01-01T00:00:00Z"}`:                         400,
		`{"actor":"x","from":"2027-01-01T00:00:00Z","to":"2026-01-01T00:00:00Z"}`:             400,
		`{"patients":["Patient/"],"from":"2026-01-01T00:00:00Z","to":"2027-01-01T00:00:00Z"}`: 400,
		`{"actr":"x"}`: 400,
	} {
		if a := r.Do(t, rig.Call{As: "privacy", Method: "POST", Path: "/api/v1/breaches/scope", Body: body, Header: asJSON()}); a.Status != want {
			t.Errorf("%s: %d %s, want %d", body, a.Status, a.Body, want)
		}
	}
}

// Only the privacy officer asks, and what was asked is in the ledger, also where it was refused.
func TestScopeIsForThePrivacyOfficer(t *testing.T) {
	t.Parallel()
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		ward(t, r, "a", "b")
		body, err := json.Marshal(always(breach.Ask{Actor: "loader"}))
		if err != nil {
			t.Fatal(err)
		}
		callers := map[string]int{"privacy": 200, "admin": 403, "auditor": 403, "physician": 403, "developer": 403, "loader": 403, "a": 403, rig.Nobody: 401}
		for as, want := range callers {
			a := r.Do(t, rig.Call{As: as, Method: "POST", Path: "/api/v1/breaches/scope", Body: string(body), Header: asJSON()})
			if a.Status != want || want != 200 && strings.Contains(string(a.Body), "Patient/") {
				t.Errorf("%s: %d %s, want %d", as, a.Status, a.Body, want)
			}
		}
		var told []tutela.Outcome
		for _, e := range entries(t, r, tutela.ActionBreachScope) {
			told = append(told, e.Outcome)
		}
		slices.Sort(told)
		want := slices.Concat(slices.Repeat([]tutela.Outcome{tutela.OutcomeDenied}, len(callers)-2), []tutela.Outcome{tutela.OutcomeSuccess})
		if d := cmp.Diff(want, told); d != "" {
			t.Error(d)
		}
	})
}
