package fhir_test

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/rig"
	"github.com/tutela-health/tutela/store"
)

// noted is what an entry says of a request's course.
type noted struct {
	Action  tutela.Action
	Outcome tutela.Outcome
	Status  int
	Seen    int // patients
}

func TestEveryRequestLeavesOneEntry(t *testing.T) {
	t.Parallel()
	big := `{"resourceType":"Patient","id":"me","name":[{"family":"` + strings.Repeat("x", 16<<20) + `"}]}`
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		clinic(t, r)
		ok, failed, denied := tutela.OutcomeSuccess, tutela.OutcomeFailed, tutela.OutcomeDenied
		for _, c := range []struct {
			call rig.Call
			want noted
		}{
			{get("Patient/me"), noted{tutela.ActionRead, ok, 200, 1}},
			{get("Patient/me", "If-None-Match", `W/"1"`), noted{tutela.ActionRead, ok, 304, 1}},
			{get("Observation/ours"), noted{tutela.ActionRead, ok, 200, 2}},
			{get("Observation/nobodys"), noted{tutela.ActionRead, ok, 200, 0}},
			{get("Patient/none"), noted{tutela.ActionRead, failed, 404, 0}},
			{asking("me", get("Patient/you")), noted{tutela.ActionRead, failed, 404, 0}},
			{asking("billing", get("AllergyIntolerance/mine")), noted{tutela.ActionRead, denied, 403, 0}},
			{asking("auditor", get("Patient")), noted{tutela.ActionSearch, denied, 403, 0}},
			{asking("developer", get("Patient")), noted{tutela.ActionSearch, ok, 200, 2}}, // de-identified
			{get("Patient"), noted{tutela.ActionSearch, ok, 200, 2}},
			{get("Patient?_count=1"), noted{tutela.ActionSearch, ok, 200, 1}},
			{get("Patient?_revinclude=Observation:subject&_id=me"), noted{tutela.ActionSearch, ok, 200, 2}},
			{get("Patient?nonsense=1"), noted{tutela.ActionSearch, failed, 400, 0}},
			{post("Patient/_search", "family=Me", "Content-Type", "application/x-www-form-urlencoded"), noted{tutela.ActionSearch, ok, 200, 1}},
			{get("Patient/me/_history"), noted{tutela.ActionHistory, ok, 200, 1}},
			{get("Patient/me/_history/1"), noted{tutela.ActionVRead, ok, 200, 1}},
			{put("Patient/me", patient("me", "Me2")), noted{tutela.ActionUpdate, ok, 200, 1}},
			{put("Patient/me", patient("me", "Me2")), noted{tutela.ActionUpdate, ok, 200, 1}}, // unchanged
			{put("Patient/new", patient("new", "New")), noted{tutela.ActionUpdate, ok, 201, 1}},
			{put("Patient/me", patient("me", "X"), "If-Match", `W/"9"`), noted{tutela.ActionUpdate, failed, 412, 0}},
			{put("Patient/me", big), noted{tutela.ActionUpdate, failed, 413, 0}},
			{put("Patient/me", "{"), noted{tutela.ActionUpdate, failed, 400, 0}},
			{put("Patient/me", patient("me", "X"), "Content-Type", "text/xml"), noted{tutela.ActionUpdate, failed, 415, 0}},
			{get("Patient/me", "Accept", "text/xml"), noted{tutela.ActionRead, failed, 406, 0}},
			{post("Patient", patient("x", "X")), noted{tutela.ActionCreate, ok, 201, 1}},
			{del("Observation/mine"), noted{tutela.ActionDelete, ok, 204, 1}},
			{del("Observation/none"), noted{tutela.ActionDelete, ok, 204, 0}},
			{get("Observation/mine"), noted{tutela.ActionRead, failed, 410, 1}},
			{post("", bundle("transaction", req{method: "PUT", url: "Patient/t", resource: patient("t", "T")})), noted{tutela.ActionTransaction, ok, 0, 1}},
			{post("", bundle("transaction", req{method: "PUT", url: "Patient/t", resource: patient("u", "T")})), noted{tutela.ActionTransaction, failed, 400, 0}},
			{post("", "nonsense"), noted{tutela.ActionBatch, failed, 400, 0}},
			{get("Nonsense/1"), noted{tutela.ActionRead, failed, 404, 0}},
			{get("Patient/me/$everything"), noted{tutela.ActionExport, ok, 200, 2}},
			{get("Patient/none/$everything"), noted{tutela.ActionExport, failed, 404, 0}},
			{get("Patient/me/$nothing"), noted{tutela.ActionUnknown, failed, 404, 0}},
			{rig.Call{Method: http.MethodPatch, Path: "Patient/me"}, noted{tutela.ActionUnknown, failed, 405, 0}},
		} {
			if c.call.Method == "" {
				c.call.Method = http.MethodGet
			}
			if c.call.As == "" {
				c.call.As = rig.Loader
			}
			r.Token(t, c.call.As)
			before := len(r.Entries(t))
			a := r.Do(t, c.call)
			entries := entriesOf(t, r, a.Header.Get("X-Request-Id"))
			if added := len(r.Entries(t)) - before; len(entries) != 1 || added != 1 {
				t.Errorf("%s %s: %d entries of the request, %d in all", c.call.Method, c.call.Path, len(entries), added)
				continue
			}
			e := entries[0]
			got := noted{e.Action, e.Outcome, e.Status, len(e.Patients)}
			if c.want.Action == tutela.ActionTransaction && c.want.Outcome == ok {
				got.Status = 0
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("%s %s answered %d (-want +got):\n%s", c.call.Method, c.call.Path, a.Status, diff)
			}
			if e.Actor.Name != c.call.As {
				t.Errorf("%s %s: the entry names %s", c.call.Method, c.call.Path, e.Actor.Name)
			}
		}
		r.Verify(t)
	})
}

// entriesOf are the entries of one request.
func entriesOf(t *testing.T, r *rig.Rig, request string) []tutela.Entry {
	t.Helper()
	return slices.DeleteFunc(r.Entries(t), func(e tutela.Entry) bool { return e.Request != request })
}

// A condition tells what exists: its search has an entry of its own beside that of the request.
func TestConditionsHaveEntriesOfTheirOwn(t *testing.T) {
	t.Parallel()
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		clinic(t, r)
		create := req{method: "POST", url: "Patient", resource: patient("x", "X"), condition: `"ifNoneExist":"_id=me"`}
		for _, c := range []struct {
			call rig.Call
			want map[tutela.Action]noted
		}{{post("Patient", patient("x", "X"), "If-None-Exist", "_id=me"), map[tutela.Action]noted{
			tutela.ActionCreate: {tutela.ActionCreate, tutela.OutcomeSuccess, 200, 1},
			tutela.ActionSearch: {tutela.ActionSearch, tutela.OutcomeSuccess, 200, 1},
		}}, {post("", bundle("transaction", create), "Prefer", "return=representation"), map[tutela.Action]noted{
			tutela.ActionTransaction: {tutela.ActionTransaction, tutela.OutcomeSuccess, 200, 1},
			tutela.ActionSearch:      {tutela.ActionSearch, tutela.OutcomeSuccess, 200, 1},
		}}} {
			got := map[tutela.Action]noted{}
			a := r.Do(t, asking(rig.Loader, c.call))
			for _, e := range entriesOf(t, r, a.Header.Get("X-Request-Id")) {
				got[e.Action] = noted{e.Action, e.Outcome, e.Status, len(e.Patients)}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", c.call.Path, diff)
			}
		}
	})
}

// broken is a ledger that cannot commit: its disk is full.
type broken struct{}

func (broken) Stamp(int, [][]byte) (store.Stamped, error) {
	return store.Stamped{}, errors.New("no space left on device")
}
func (broken) Settle(int, bool) {}

func TestNothingLeavesWithoutAReceipt(t *testing.T) {
	t.Parallel()
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		clinic(t, r)
		for _, as := range []string{rig.Loader, "billing"} {
			r.Token(t, as)
		}
		before := len(r.Entries(t))
		r.DB.SetStamper(broken{})
		for _, c := range []rig.Call{
			get("Patient/me"), get("Patient"), get("Patient/me/_history"), get("Patient/me", "If-None-Match", `W/"1"`), get("Patient/none"),
			put("Patient/me", patient("me", "Changed")), post("Patient", patient("x", "Changed")), del("Patient/me"),
			post("", bundle("transaction", req{method: "PUT", url: "Patient/me", resource: patient("me", "Changed")})),
			post("", bundle("batch", req{method: "GET", url: "Patient/me"})), asking("billing", get("AllergyIntolerance/mine")),
		} {
			if c.Method == "" {
				c.Method = http.MethodGet
			}
			if c.As == "" {
				c.As = rig.Loader
			}
			if a := r.Do(t, c); a.Status < http.StatusInternalServerError || strings.Contains(string(a.Body), "Me") || a.Header.Get("ETag") != "" {
				t.Errorf("%s %s answers without a ledger: %d %s", c.Method, c.Path, a.Status, a.Body)
			}
		}
		r.DB.SetStamper(r.Audit)
		if n := len(r.Entries(t)); n != before {
			t.Errorf("%d entries were written", n-before)
		}
		play(t, r, []step{{"nothing was changed", get("Patient/me"), 200, map[string]string{"ETag": `W/"1"`}, `"Me"`}})
		r.Verify(t)
	})
}

func TestNothingLeavesAClosedStore(t *testing.T) {
	t.Parallel()
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		clinic(t, r)
		if err := r.DB.Close(); err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{"Patient/me", "Patient", "Patient/none", "Nonsense/1"} {
			if a := r.Get(t, rig.Loader, path); a.Status != http.StatusServiceUnavailable || strings.Contains(string(a.Body), "Me") {
				t.Errorf("%s: %d %s", path, a.Status, a.Body)
			}
		}
	})
}

// TestErrorsEchoNoValue sends a canary in every place that a request has, and looks for it in the
// answers to what is refused and in the log.
func TestErrorsEchoNoValue(t *testing.T) {
	t.Parallel()
	const canary = "Kanarienvogel"
	var log bytes.Buffer
	r := rig.Open(t, rig.Config{Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	r.Put(t, patient("twin", "Twin"))
	r.Put(t, patient("twin-2", "Twin"))
	calls := []rig.Call{
		get("Patient/" + canary), get("Patient/" + canary + "_"), get(canary + "/1"), get("Patient?" + canary + "=1"), get("Patient?birthdate=" + canary),
		get("Patient?gender:" + canary + "=x"), get("Patient?_sort=" + canary), get("Patient?_count=" + canary), get("Patient?_include=" + canary), get("Patient?_page=" + canary),
		get("Patient?_format=" + canary), get("Patient/twin", "Accept", "text/"+canary), get("Patient/twin/" + canary), get("Patient/twin/_history/" + canary),
		put("Patient/twin", patient("twin", canary), "If-Match", canary), put("Patient/twin", patient("twin", canary), "If-Match", `W/"9"`),
		put("Patient/twin", patient(canary, canary)), put("Patient/twin", `{"resourceType":"`+canary+`"}`), put("Patient/twin", `{"resourceType":"Patient","`+canary+`":1}`),
		put("Patient/twin", `{"resourceType":"Patient","gender":"`+canary+`","birthDate":"`+canary+`","active":"`+canary+`"}`),
		put("Patient/twin", canary), put("Patient/twin", `{"resourceType":"Patient","name":"`+canary), put("Patient/twin", patient("twin", canary), "Content-Type", canary),
		post("Patient", patient("x", canary), "If-None-Exist", "family=Twin&given="+canary+"&"+canary+"=1"), post("Patient", patient("x", canary), "If-None-Exist", "family="+canary+",Twin"),
		post("", bundle("transaction", req{method: "POST", url: canary, resource: patient("x", canary)})),
		post("", bundle("transaction", req{method: "POST", url: "Observation", resource: observationOf("Patient?family="+canary, canary)})),
		post("", bundle("transaction", req{method: canary, url: "Patient", resource: patient("x", canary)})),
		post("", `{"resourceType":"Bundle","type":"`+canary+`"}`), post("Patient/_search", canary+"="+canary, "Content-Type", "application/x-www-form-urlencoded"),
		asking("developer", get("Patient?family="+canary)), asking("developer", put("Patient/"+canary, patient(canary, canary))),
		get("Patient/twin", "Authorization", "Bearer tut_"+canary), {Method: http.MethodPatch, Path: "Patient/" + canary, Body: canary},
	}
	for _, c := range calls {
		if c.Method == "" {
			c.Method = http.MethodGet
		}
		if c.As == "" {
			c.As = rig.Loader
		}
		a := r.Do(t, c)
		if a.Status < 400 || a.Status >= 500 {
			t.Errorf("%s %s %s: %d %s", c.Method, c.Path, c.Body, a.Status, a.Body)
		}
		if strings.Contains(string(a.Body), canary) || strings.Contains(headerText(a.Header), canary) {
			t.Errorf("%s %s %s: the answer echoes: %s", c.Method, c.Path, c.Body, a.Body)
		}
	}
	r.DB.SetStamper(broken{})
	for _, c := range []rig.Call{get("Patient?family=" + canary), put("Patient/"+canary, patient(canary, canary))} {
		if c.Method == "" {
			c.Method = http.MethodGet
		}
		c.As = rig.Loader
		if a := r.Do(t, c); a.Status < 500 || strings.Contains(string(a.Body), canary) {
			t.Errorf("%s without a ledger: %d %s", c.Path, a.Status, a.Body)
		}
	}
	r.DB.SetStamper(r.Audit)
	if log.Len() == 0 {
		t.Error("failures of ours are not logged")
	}
	if strings.Contains(log.String(), canary) {
		t.Errorf("the log holds a value: %s", log.String())
	}
}

func headerText(h http.Header) string {
	var all strings.Builder
	for name, values := range h {
		all.WriteString(name + strings.Join(values, " "))
	}
	return all.String()
}
