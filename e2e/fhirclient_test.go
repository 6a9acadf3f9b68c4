package e2e_test

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela/internal/chromium"
	"github.com/tutela-health/tutela/internal/testkit"
)

// smartApp is an application without a server of its own, which runs fhirclient in a browser.
type smartApp struct {
	*httptest.Server

	mu           sync.Mutex
	registration map[string]string // guarded by mu; what it knows of how it was registered
}

// newSmartApp serves the pages of clients/fhirclient.
func newSmartApp(t *testing.T) *smartApp {
	t.Helper()
	node := testkit.UseNode(t)
	a := &smartApp{}
	mux := http.NewServeMux()
	mux.Handle("GET /", http.FileServer(http.Dir(filepath.Join(node.Scripts, "fhirclient"))))
	mux.HandleFunc("GET /fhir-client.js", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFile(w, r, filepath.Join(node.Modules, "fhirclient", "build", "fhir-client.js"))
	})
	mux.HandleFunc("GET /registration.json", func(w http.ResponseWriter, _ *http.Request) {
		a.mu.Lock()
		defer a.mu.Unlock()
		_ = json.NewEncoder(w).Encode(a.registration)
	})
	a.Server = httptest.NewTLSServer(mux)
	t.Cleanup(a.Close)
	return a
}

// becomes has the application act under a registration and ask for scopes.
func (a *smartApp) becomes(client application, scope string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.registration = map[string]string{"client": client.ID, "scope": scope}
}

// register registers the application for scopes at most.
func (a *smartApp) register(t *testing.T, h *house, name, scopes string) application {
	t.Helper()
	return h.register(t, url.Values{
		"name": {name}, "kind": {"public"}, "redirects": {a.URL + "/app.html"}, "launch": {a.URL + "/launch.html"}, "scopes": {scopes},
	})
}

// saw is what the application's page tells of its work. A number instead of a text or a count is
// the status with which it was refused.
type saw struct {
	Failed                               string
	Scope, Context, FHIRUser             string
	Banner                               bool
	Patient, User, Created, Refreshed    any
	Observations, Conditions, Afterwards any
}

// result waits for the application's page to tell what it did.
func (a *smartApp) result(c *chrome) saw {
	c.t.Helper()
	c.Run(chromedp.WaitVisible(chromedp.Search(`//pre[@id="result"][text()]`)))
	if where := chromium.Ask(c.Browser, chromedp.Location()); !strings.HasPrefix(where, a.URL+"/app.html") {
		c.t.Errorf("the application is at %s", where)
	}
	var got saw
	must(c.t, json.Unmarshal([]byte(chromium.Ask(c.Browser, chromedp.Text(chromedp.CSS("#result")))), &got))
	scopes := strings.Fields(got.Scope)
	slices.Sort(scopes)
	got.Scope = strings.Join(scopes, " ")
	return got
}

// fhirclient launches an application in Chromium from an EHR, alone, and with less than it asks for.
func (h *house) fhirclient(t *testing.T) {
	person := h.practitioner(t, "fritz")
	patient, observations := h.chart(t)
	a := newSmartApp(t)
	c := h.chrome(t, a.Certificate())
	chart := a.register(t, h, "Chart", "launch launch/patient openid fhirUser online_access patient/Patient.rs patient/Observation.rs user/Practitioner.rs")

	a.becomes(chart, "launch openid fhirUser online_access patient/Patient.rs patient/Observation.rs user/Practitioner.rs")
	c.Open(h.launch(t, person, chart, patient))
	c.signIn(person)
	c.Click(`button[value="allow"]`)
	want := saw{
		Scope:   "fhirUser launch online_access openid patient/Observation.rs patient/Patient.rs user/Practitioner.rs",
		Context: patient, FHIRUser: "Practitioner/fritz", Patient: patient, User: "fritz", Banner: true,
		Observations: observations, Conditions: 403.0, Created: 403.0, Refreshed: true, Afterwards: observations,
	}
	if diff := cmp.Diff(want, a.result(c)); diff != "" {
		t.Errorf("EHR launch (-want, +got):\n%s", diff)
	}

	a.becomes(chart, "launch/patient openid fhirUser online_access patient/Patient.rs patient/Observation.rs user/Practitioner.rs")
	h.standalone(c, a, patient)
	want.Scope, want.Banner = strings.Replace(want.Scope, "launch ", "launch/patient ", 1), false
	if diff := cmp.Diff(want, a.result(c)); diff != "" {
		t.Errorf("standalone launch (-want, +got):\n%s", diff)
	}

	small := a.register(t, h, "Small", "launch/patient openid fhirUser patient/Observation.rs")
	a.becomes(small, "launch/patient openid fhirUser offline_access patient/*.cruds user/*.cruds system/*.cruds")
	h.standalone(c, a, patient)
	want = saw{
		Scope: "fhirUser launch/patient openid patient/Observation.rs", Context: patient, FHIRUser: want.FHIRUser,
		Patient: 403.0, User: 403.0, Observations: observations, Conditions: 403.0, Created: 403.0,
		Refreshed: "Unable to refresh. No refresh_token found.", Afterwards: observations,
	}
	if diff := cmp.Diff(want, a.result(c)); diff != "" {
		t.Errorf("with less than it asked for (-want, +got):\n%s", diff)
	}
}

// standalone opens the application itself; the person picks a patient and agrees.
func (h *house) standalone(c *chrome, a *smartApp, patient string) {
	c.t.Helper()
	c.Open(a.URL + "/launch.html?iss=" + url.QueryEscape(h.info.FHIR))
	c.Fill("name", h.family(c.t, patient))
	c.Click(`form[role="search"] button`)
	c.Click(`input[value="` + patient + `"]`)
	c.Click(`button[value="allow"]`)
	c.Run(chromedp.WaitVisible(chromedp.CSS("fieldset.scopes code")))
	c.Click(`button[value="allow"]`)
}

// launch has the organisation's own application, in which a person works, start another for a patient.
func (h *house) launch(t *testing.T, person *member, app application, patient string) string {
	t.Helper()
	ehr := h.register(t, url.Values{
		"name": {"EHR"}, "kind": {"public"}, "redirects": {"https://ehr.example/callback"}, "scopes": {"openid user/*.cruds"}, "firstparty": {"yes"},
	})
	asPerson := &client{http: h.httpClient(t), base: h.info.URL, token: h.personToken(t, person, ehr, "openid user/*.cruds")}
	body, err := json.Marshal(map[string]any{"client_id": app.ID, "patient": patient, "need_patient_banner": true})
	must(t, err)
	var launched struct{ URL string }
	must(t, json.Unmarshal(asPerson.want(t, http.StatusOK, http.MethodPost, "/oauth2/launch", string(body)).body, &launched))
	return launched.URL
}

// personToken runs the code flow of a public application for a person who is signed in.
func (h *house) personToken(t *testing.T, person *member, app application, scope string) string {
	t.Helper()
	verifier := rand.Text() + rand.Text()
	sum := sha256.Sum256([]byte(verifier))
	landed, err := url.Parse(person.visit(h.info.URL + "/oauth2/authorize?" + url.Values{
		"response_type": {"code"}, "client_id": {app.ID}, "redirect_uri": {app.Redirect}, "scope": {scope}, "aud": {h.info.FHIR},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"},
	}.Encode()))
	must(t, err)
	res, err := h.httpClient(t).PostForm(h.info.URL+"/oauth2/token", url.Values{
		"grant_type": {"authorization_code"}, "code": {landed.Query().Get("code")}, "client_id": {app.ID},
		"redirect_uri": {app.Redirect}, "code_verifier": {verifier},
	})
	must(t, err)
	defer func() { _ = res.Body.Close() }()
	var got struct {
		Token string `json:"access_token"`
	}
	must(t, json.NewDecoder(res.Body).Decode(&got))
	if got.Token == "" {
		t.Fatalf("no token at %s: %d", landed, res.StatusCode)
	}
	return got.Token
}

// chart picks a patient, and counts the observations.
func (h *house) chart(t *testing.T) (patient string, observations float64) {
	t.Helper()
	c := h.as(t, "loader")
	var found struct {
		Total float64
		Entry []struct{ Resource struct{ ID string } }
	}
	must(t, json.Unmarshal(c.want(t, http.StatusOK, http.MethodGet, "/fhir/r4/Patient?_count=1", "").body, &found))
	patient = found.Entry[0].Resource.ID
	must(t, json.Unmarshal(c.want(t, http.StatusOK, http.MethodGet, "/fhir/r4/Observation?_total=accurate&_count=1&patient="+patient, "").body, &found))
	return patient, found.Total
}

// family is the name by which a person finds a patient.
func (h *house) family(t testing.TB, patient string) string {
	t.Helper()
	var p person
	must(t, json.Unmarshal(h.as(t, "loader").want(t, http.StatusOK, http.MethodGet, "/fhir/r4/Patient/"+patient, "").body, &p))
	return p.Name[0].Family
}
