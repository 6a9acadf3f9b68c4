package server_test

import (
	"net/http"
	"testing"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/rig"
)

// labelledChart is a chart of a patient whom the physician treats, with something about HIV in it, and
// something about HIV and psychiatry.
func labelledChart(t *testing.T, s *site) {
	t.Helper()
	labelled := func(id, codes string) string {
		return `{"resourceType":"Observation","id":"` + id + `","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/p"},"meta":{"security":[` + codes + `]}}`
	}
	hiv, psy := `{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"HIV"}`, `{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"PSY"}`
	s.Put(t, `{"resourceType":"Patient","id":"p"}`)
	s.Treat(t, "p", "physician")
	s.Put(t, labelled("one", hiv))
	s.Put(t, labelled("both", hiv+","+psy))
}

// A physician who is cleared sees with the token that he has, all that he is cleared for and no more,
// and none of it once it is taken away.
func TestClearedPhysicianSeesWhatHeIsClearedFor(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	labelledChart(t, s)
	s.Token(t, "physician")
	u, err := s.Identity.User(t.Context(), "physician")
	if err != nil {
		t.Fatal(err)
	}
	at := "/api/v1/users/" + string(u.ID) + "/clearances"
	say := func(as, method, path, body string, want int) {
		t.Helper()
		header := map[string]string{"Content-Type": "application/json"}
		if a := s.Do(t, rig.Call{As: as, Method: method, Path: path, Body: body, Header: header}); a.Status != want {
			t.Errorf("%s %s %s: %d %s, want %d", as, method, path, a.Status, a.Body, want)
		}
	}
	sees := func(step string, one, both, found int) {
		t.Helper()
		for id, want := range map[string]int{"one": one, "both": both} {
			expect(t, s.Get(t, "physician", "Observation/"+id), want)
		}
		if got := s.Get(t, "physician", "Observation?patient=p").Bundle(t); len(got.Entry) != found {
			t.Errorf("%s: a search finds %d, want %d", step, len(got.Entry), found)
		}
	}
	sees("before", 404, 404, 0)
	say(admin, http.MethodPost, at, `{"labels":["HIV"]}`, 200)
	sees("asked for", 404, 404, 0)
	say(admin, http.MethodPost, at+"/give", `{"labels":["HIV"]}`, 403)
	say("physician", http.MethodPost, at+"/give", `{"labels":["HIV"]}`, 403)
	say("physician", http.MethodPost, at, `{"labels":["HIV"]}`, 403)
	say("privacy", http.MethodPost, at+"/give", `{"labels":["HIV","PSY"]}`, 409)
	say("privacy", http.MethodPost, at+"/give", `{"labels":["HIV"]}`, 200)
	sees("given", 200, 404, 1)
	say(admin, http.MethodPost, at, `{"labels":[]}`, 200)
	sees("taken away", 404, 404, 0)
	if list := s.entries(t, tutela.ActionClearanceAsk); len(list) != 3 {
		t.Errorf("%d entries of what was asked", len(list))
	}
}
