package server_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/detect"
	"github.com/tutela-health/tutela/detect/finding"
	"github.com/tutela-health/tutela/internal/rig"
	"github.com/tutela-health/tutela/respond/breach"
	"github.com/tutela-health/tutela/store"
)

// asks gives what the API answers to somebody of a role.
func asks[T any](t *testing.T, k *clinic, as, path string) T {
	t.Helper()
	a := k.Do(t, rig.Call{As: as, Method: http.MethodGet, Path: path})
	expect(t, a, http.StatusOK)
	return decode[T](t, a.Body)
}

// linked is the first address of a page that begins with something.
func (v *visitor) linked(prefix string) string {
	v.t.Helper()
	m := regexp.MustCompile(`href="(` + regexp.QuoteMeta(prefix) + `[^"?]+)`).FindStringSubmatch(v.text)
	if m == nil {
		v.t.Fatalf("%s sees no link to %s in\n%s", v.Username, prefix, v.text)
	}
	return m[1]
}

// respond has people told of what was found, and has it answered.
func (k *clinic) respond(t *testing.T) {
	t.Helper()
	for what, work := range map[string]func(context.Context) error{"alerts": k.Alerts.Work, "answers": k.Answers.Work} {
		if err := work(t.Context()); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	k.Sequence(t)
}

// A finding is looked at, leads to its entries, becomes an incident, and is judged: by who may.
func TestFindingsAreJudgedInTheConsole(t *testing.T) {
	k := newTroubled(t, store.SQLite, nil)
	v := k.enters(t, "officer", "privacy")
	v.open("/console/findings", http.StatusOK)
	v.sees([]string{"The riskiest first", "Something"}, "<img src=x")
	one := v.linked("/console/findings/")
	page := v.open(one, http.StatusOK)
	v.sees([]string{"of 100", "What shows it", "/console/ledger/"})
	v.open(v.linked("/console/ledger/"), http.StatusOK)
	v.sees([]string{"The entry as it is kept"})

	v.send(page, one+"/verdict", url.Values{"note": {foreign}})
	v.sees([]string{`role="alert"`, "&lt;img src=x"}, "<img src=x", "<script>alert")
	v.send(v.open(one, http.StatusOK), one+"/incident", url.Values{"kind": {"insider"}, "detail": {foreign}})
	v.sees([]string{"It is open", "Before it is contained", one, "&lt;img src=x"}, "<img src=x", "<script>alert")
	v.send(v.open(one, http.StatusOK), one+"/verdict", url.Values{"verdict": {"benign"}, "note": {foreign}})
	v.sees([]string{"Your verdict is kept", "closed", "benign"})
	v.open("/console/findings?state=closed", http.StatusOK)
	v.sees([]string{`href="` + one + `"`})
	v.open("/console/findings?level=worst&actor="+url.QueryEscape(foreign), http.StatusBadRequest)
	v.sees([]string{"Level is"}, "<img src=x", "<script>alert")
	v.open("/console/findings/none", http.StatusNotFound)

	auditor := k.enters(t, "checker", "auditor")
	auditor.open(one, http.StatusOK)
	auditor.sees([]string{"What shows it", "Judge it"}, "Make it an incident")
	nurse := k.enters(t, "nora", "nurse")
	nurse.open("/console/", http.StatusOK)
	nurse.sees(nil, "/console/findings", "/console/incidents", "/console/breaches", "/console/answers", "/console/alerts")
	for _, path := range []string{"/console/findings", one, "/console/incidents", "/console/breaches", "/console/breaches/new", "/console/answers", "/console/alerts"} {
		nurse.open(path, http.StatusNotFound)
	}
}

// Pages of findings follow each other, and each is shown once.
func TestFindingsArePaged(t *testing.T) {
	k := newTroubled(t, store.SQLite, nil)
	k.Treat(t, "ann", "physician")
	for range 210 {
		expect(t, k.Get(t, "physician", "Patient/ann"), http.StatusOK)
	}
	k.Detect(t)
	v := k.enters(t, "officer", "privacy")
	seen := map[string]bool{}
	shown := regexp.MustCompile(`<th scope="row"><a href="/console/findings/([^"]+)"`)
	pages := 0
	for path := "/console/findings?level=critical"; path != ""; pages++ {
		v.open(path, http.StatusOK)
		for _, m := range shown.FindAllStringSubmatch(v.text, -1) {
			if seen[m[1]] {
				t.Errorf("%s is shown twice", m[1])
			}
			seen[m[1]] = true
		}
		path = ""
		if m := regexp.MustCompile(`href="(/console/findings\?[^"]+)" rel="next"`).FindStringSubmatch(v.text); m != nil {
			path = strings.ReplaceAll(m[1], "&amp;", "&")
		}
	}
	if want := len(asks[detect.Page](t, k, "privacy", "/api/v1/findings?state=open&level=critical&limit=500").Findings); pages < 2 || len(seen) != want {
		t.Errorf("%d findings on %d pages, want %d", len(seen), pages, want)
	}
}

// Alerts are seen, and answers taken back, by who may.
func TestAlertsAndAnswersAreWorkedOffInTheConsole(t *testing.T) {
	k := newTroubled(t, store.SQLite, nil)
	k.respond(t)
	v := k.enters(t, "officer", "privacy")
	page := v.open("/console/alerts", http.StatusOK)
	form := regexp.MustCompile(`action="(/console/alerts/[^"]+/seen)"`).FindStringSubmatch(v.text)
	if form == nil {
		t.Fatalf("no alert to see in\n%s", v.text)
	}
	v.send(page, form[1], url.Values{})
	v.sees([]string{"You have seen it"}, form[1])
	v.open("/console/alerts?state=all", http.StatusOK)
	v.sees([]string{" by "})

	page = v.open("/console/answers", http.StatusOK)
	form = regexp.MustCompile(`action="(/console/answers/[^"]+/undo)"`).FindStringSubmatch(v.text)
	if form == nil {
		t.Fatalf("no answer to take back in\n%s", v.text)
	}
	v.send(page, form[1], url.Values{})
	v.sees([]string{"It is taken back"}, form[1])
	v.open("/console/answers?state=undone", http.StatusOK)
	v.sees([]string{"undone"})
	v.open("/console/answers?state=never", http.StatusBadRequest)
	if n := len(k.entries(t, tutela.ActionAnswerUndo)); n != 1 {
		t.Errorf("%d entries of answers that were taken back", n)
	}
}

// An incident is opened by hand, worked through by its runbook, and closed; what was wrong in a form is shown with it.
func TestAnIncidentIsWorkedThroughInTheConsole(t *testing.T) {
	k := newClinic(t, store.SQLite, nil)
	v := k.enters(t, "officer", "privacy")
	v.send(v.open("/console/incidents", http.StatusOK), "/console/incidents", url.Values{"title": {foreign}, "kind": {"lost-device"}, "severity": {"high"}, "discovered": {"soon"}, "detail": {"on the train"}})
	v.sees([]string{"is no time", "on the train", `value="&#34;&gt;&lt;script`}, "<img src=x")
	at := k.Now().Add(-time.Hour).UTC().Format("2006-01-02T15:04")
	v.send(v.open("/console/incidents", http.StatusOK), "/console/incidents", url.Values{"title": {foreign}, "kind": {"lost-device"}, "severity": {"high"}, "discovered": {at}, "detail": {foreign}})
	v.sees([]string{"It is open", "lost device", "Clocks", "Before it is contained"}, "<img src=x", "<script>alert")
	v.open("/console/incidents", http.StatusOK)
	one := v.linked("/console/incidents/")
	page := v.open(one, http.StatusOK)
	steps := regexp.MustCompile(`action="(`+one+`/steps/[^"]+)"`).FindAllStringSubmatch(v.text, -1)
	if len(steps) < 3 {
		t.Fatalf("%d steps to do", len(steps))
	}
	v.send(page, one+"/state", url.Values{"to": {"closed"}, "note": {foreign}})
	v.sees([]string{"what may come next", "&lt;img src=x"}, "<img src=x")
	v.send(v.open(one, http.StatusOK), steps[0][1], url.Values{"result": {"skipped"}})
	v.sees([]string{`role="alert"`}) // a step that is skipped wants a reason
	v.send(v.open(one, http.StatusOK), steps[0][1], url.Values{"result": {"done"}, "note": {foreign}})
	v.sees([]string{"It is in the timeline"}, `action="`+steps[0][1]+`"`, "<img src=x")
	v.send(v.open(one, http.StatusOK), one+"/notes", url.Values{"kind": {"communication"}, "text": {foreign}, "to": {foreign}, "channel": {"telephone"}})
	v.sees([]string{"communication", "telephone"}, "<img src=x", "<script>alert")
	for _, s := range steps[1:] {
		v.send(v.open(one, http.StatusOK), s[1], url.Values{"result": {"skipped"}, "note": {"it does not apply"}})
	}
	v.send(v.open(one, http.StatusOK), one+"/notes", url.Values{"kind": {"lesson"}, "text": {"Lock it."}})
	v.sees([]string{"lesson", "Lock it."})
	for _, to := range []string{"contained", "recovered", "closed"} {
		v.send(v.open(one, http.StatusOK), one+"/state", url.Values{"to": {to}, "note": {"so it is"}})
		v.sees([]string{"Its state is another now"})
	}
	v.sees([]string{"How it went"})
	v.open("/console/incidents", http.StatusOK)
	v.sees([]string{"No incident is open"})
	v.open("/console/incidents?all=true", http.StatusOK)
	v.sees([]string{one})

	v.send(v.open("/console/incidents", http.StatusOK), "/console/incidents/drills", url.Values{"runbook": {"ransomware"}})
	v.sees([]string{"drill: it is not real", "points"})
	v.open("/console/incidents/none", http.StatusNotFound)
}

// From an alert to a notice: a finding, its incident, whom it reached, the case, its assessment, the letters, and what became of them.
func TestABreachFromAlertToNotice(t *testing.T) {
	onEngines(t, func(t *testing.T, k *clinic) {
		k.Put(t, `{"resourceType":"Patient","id":"ann","name":[{"family":`+quoted(foreign)+`,"given":["Ann"]}],"address":[{"line":["1 Main St"],"city":"Albany","state":"NY","postalCode":"12207","country":"US"}]}`)
		k.Treat(t, "ann", "physician")
		expect(t, k.Get(t, "physician", "Patient/ann"), http.StatusOK)
		v := k.enters(t, "officer", "privacy")
		in := k.does(t, "privacy", "/api/v1/incidents", say{"title": "A chart was read", "kind": "insider", "severity": "high"})
		v.open("/console/incidents/"+in, http.StatusOK)
		page := v.open("/console/breaches/new?incident="+in, http.StatusOK)
		span := func(more url.Values) url.Values {
			q := url.Values{"incident": {in}, "patients": {"Patient/ann"}, "from": {k.Now().AddDate(0, 0, -1).UTC().Format("2006-01-02T15:04")}, "to": {k.Now().AddDate(0, 0, 1).UTC().Format("2006-01-02T15:04")}}
			for name, values := range more {
				q[name] = values
			}
			return q
		}
		v.send(page, "/console/breaches/scope", span(url.Values{"from": {"soon"}}))
		v.sees([]string{"is no time", `value="Patient/ann"`})
		page = v.send(v.open("/console/breaches/new?incident="+in, http.StatusOK), "/console/breaches/scope", span(nil))
		v.sees([]string{"Patient/ann", "1 patient", "NY", "read"}, "<img src=x")

		form, _ := page.Form("/console/breaches/scope")
		form.Action = "/console/breaches" // the other button of the form
		open := func(more url.Values) {
			if _, err := v.Submit(t.Context(), form, span(more)); err != nil {
				t.Fatal(err)
			}
		}
		open(url.Values{"title": {foreign}, "zone": {"Nowhere/At_All"}, "law": {"hipaa"}})
		v.sees([]string{`role="alert"`, `value="Nowhere/At_All"`}, "<img src=x")
		open(url.Values{"title": {foreign}, "zone": {"America/New_York"}, "law": {"hipaa", "gdpr"}})
		v.sees([]string{"The case is open", "presumed to be a breach", "hipaa.individuals", "(iv) To what extent"}, "<img src=x", "<script>alert")
		list := asks[[]breach.Case](t, k, "privacy", "/api/v1/breaches")
		if len(list) != 1 || list[0].Incident != in || list[0].Facts.Individuals != 1 {
			t.Fatalf("cases: %+v", list)
		}
		one := "/console/breaches/" + list[0].ID
		v.open("/console/breaches", http.StatusOK)
		v.sees([]string{one, "Who must be told, by day"}, "<img src=x")
		v.open("/console/incidents/"+in, http.StatusOK)
		v.sees([]string{one})

		factors := url.Values{"finding": {"low-probability"}, "reason": {"it was a colleague"}}
		for _, f := range []string{"nature", "person", "acquired", "mitigation"} {
			factors[f], factors[f+"-reason"] = []string{"high"}, []string{foreign}
		}
		v.send(v.open(one, http.StatusOK), one+"/assessment", factors)
		v.sees([]string{"allows no low probability", "it was a colleague"}, "<img src=x")
		factors.Set("finding", "breach")
		v.send(v.open(one, http.StatusOK), one+"/assessment", factors)
		v.sees([]string{"Your assessment holds"}, "<img src=x", "<script>alert")

		words := url.Values{"duty": {"hipaa.individuals"}, "happened": {"A chart was read without need. " + foreign}, "doing": {"We ended the account."}, "organisation": {"Albany Clinic"}, "toll_free": {"800 555 0100"}}
		v.send(v.open(one+"/letters", http.StatusOK), one+"/letters", words)
		v.sees([]string{"what individuals should do", "We ended the account."}, "<img src=x")
		words.Set("steps", "Nothing.")
		v.send(v.open(one+"/letters", http.StatusOK), one+"/letters", words)
		v.sees([]string{"1 notice", "1 Main St", "We ended the account."}, "<img src=x", "<script>alert")

		v.send(v.open(one, http.StatusOK), one+"/close", url.Values{})
		v.sees([]string{"still owed"})
		v.send(v.open(one, http.StatusOK), one+"/delay", url.Values{"official": {"A. Agent"}, "stated": {"x"}})
		v.sees([]string{"is no time", "A. Agent"})
		for _, d := range list[0].Duties {
			v.send(v.open(one, http.StatusOK), one+"/deliveries", url.Values{"duty": {d.ID}, "state": {"delivered"}, "how": {foreign}})
			v.sees([]string{"It is written down"}, "<img src=x")
		}
		v.send(v.open(one, http.StatusOK), one+"/close", url.Values{})
		v.sees([]string{"The case is closed"})
		v.open("/console/breaches?closed=true", http.StatusOK)
		v.sees([]string{one, "closed"})
		if letters := k.entries(t, tutela.ActionBreachLetters); len(letters) == 0 || len(letters[len(letters)-1].Patients) != 1 {
			t.Errorf("no entry of whose address was read: %d", len(letters))
		}
	})
}

// A form of the watch pages without the token that its page holds does nothing.
func TestWatchFormsAreBoundToTheirPage(t *testing.T) {
	k := newTroubled(t, store.SQLite, nil)
	v := k.enters(t, "officer", "privacy")
	f := asks[detect.Page](t, k, "privacy", "/api/v1/findings?state=open").Findings[0]
	for path, values := range map[string]url.Values{
		"/console/findings/" + f.ID + "/verdict": {"verdict": {string(finding.Benign)}},
		"/console/incidents":                     {"title": {"x y z"}, "kind": {"other"}},
		"/console/breaches/scope":                {"actor": {"physician"}, "from": {"2026-01-01T00:00"}, "to": {"2027-01-01T00:00"}},
	} {
		r := request(t, http.MethodPost, path, values.Encode())
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		for _, c := range v.Cookies() {
			r.AddCookie(c)
		}
		if w := k.send(r); w.Code != http.StatusForbidden {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
	now, err := json.Marshal(asks[finding.Finding](t, k, "privacy", "/api/v1/findings/"+f.ID))
	if err != nil || !strings.Contains(string(now), `"state":"open"`) {
		t.Errorf("%s %v", now, err)
	}
}
