package server_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/tutela-health/tutela/internal/rig"
	"github.com/tutela-health/tutela/respond/alert"
	"github.com/tutela-health/tutela/respond/answer"
	"github.com/tutela-health/tutela/server"
	"github.com/tutela-health/tutela/store"
)

// foreign is a text that is poison where it is taken for markup, script, a template or an address.
const foreign = `"><script>alert(1)</script><img src=x onerror=alert(2)>{{.}}javascript:alert(3)`

// say is the body of a call.
type say = map[string]any

// newTroubled is a clinic in which a good deal has happened, with foreign text wherever somebody could write it.
func newTroubled(t *testing.T, engine store.Engine, change func(*server.Config)) *clinic {
	t.Helper()
	k := &clinic{}
	plan, err := alert.Parse([]byte("version: 1\nchannels: {hook: {kind: webhook, url: 'https://hook.test/', secret_file: secret}}\nroutes: [{when: {level: high}, to: [hook]}]\n"))
	if err != nil {
		t.Fatal(err)
	}
	policy, err := answer.Parse([]byte("version: 1\nname: test\ncare_roles: [physician, nurse]\nanswers: [{when: {rules: [read]}, do: step-up, for: 1h}]\n"))
	if err != nil {
		t.Fatal(err)
	}
	k.site = newWholeRigged(t, rig.Config{
		Engine: engine, Clock: k.Now, Watch: rig.Touchy, Alerts: plan, Files: map[string][]byte{"secret": []byte("whsec_c2VjcmV0LW9mLXRoZS1ob29rLTEyMzQ1Njc4OTA=\n")},
		Answers: func() *answer.Policy { return policy },
	}, change)
	k.respond(t) // from here on
	k.Put(t, `{"resourceType":"Patient","id":"ann","name":[{"family":`+quoted(foreign)+`,"given":["Ann"]}],"birthDate":"1961-04-02","gender":"female"}`)
	k.Put(t, `{"resourceType":"Patient","id":"bob","name":[{"family":"Marchetti","given":["Bob"]}],"birthDate":"1988-12-30"}`)
	k.Put(t, `{"resourceType":"Condition","id":"c1","subject":{"reference":"Patient/ann"},"code":{"text":`+quoted(foreign)+`}}`)
	for _, role := range []string{"physician", "nurse"} {
		k.Treat(t, "ann", role)
		expect(t, k.Get(t, role, "Patient/ann"), http.StatusOK)
	}
	k.Detect(t)
	in := k.does(t, "privacy", "/api/v1/incidents", say{"title": foreign, "kind": "insider", "severity": "high", "detail": foreign, "patients": []string{"ann"}})
	k.does(t, "privacy", "/api/v1/incidents/"+in+"/notes", say{"kind": "communication", "text": foreign, "to": foreign, "channel": foreign})
	k.does(t, "nurse", "/api/v1/incidents/reports", say{"text": foreign, "kind": "misdirected-disclosure"})
	k.does(t, "admin", "/api/v1/incidents/drills", say{"runbook": "ransomware"})
	k.does(t, "privacy", "/api/v1/breaches", say{"title": foreign, "incident": in, "ask": say{"patients": []string{"Patient/ann"}, "from": k.Now().AddDate(0, 0, -1), "to": k.Now().AddDate(0, 0, 1)},
		"facts": say{"zone": "America/New_York", "laws": []string{"hipaa", "gdpr"}, "discovered": k.Now().Add(-time.Hour), "risk": "high"}})
	doctor := k.enters(t, "doctor", "physician")
	doctor.send(doctor.open("/emergency", http.StatusOK), "/emergency", url.Values{"patient": {"bob"}, "reason": {foreign}, "purpose": {"ETREAT"}})
	if got := doctor.reads("Patient/bob"); got != http.StatusOK {
		t.Fatalf("a chart under emergency access: %d", got)
	}
	k.does(t, "admin", "/api/v1/assess", say{})
	k.Detect(t)
	return k
}

// does has somebody of a role make a call, which must succeed, and gives the id of what it is about.
func (k *clinic) does(t *testing.T, as, path string, body say) string {
	t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	a := k.Do(t, rig.Call{As: as, Method: http.MethodPost, Path: path, Body: string(text), Header: map[string]string{"Content-Type": "application/json"}})
	expect(t, a, http.StatusOK)
	return decode[struct{ ID string }](t, a.Body).ID
}

func quoted(text string) string {
	b, err := json.Marshal(text)
	if err != nil {
		panic(err) // a string always has a JSON form
	}
	return string(b)
}
