package oauth_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/identity/oauth"
)

func TestStandaloneLaunch(t *testing.T) {
	each(t, func(t *testing.T, s *system) {
		s.register(app())
		b := s.browser()
		a := s.asking("openid fhirUser profile launch/patient offline_access patient/Observation.rs patient/Patient.read system/*.cruds nonsense")
		returnTo := view[string](t, b.authorize(a), "login")
		b.signIn("physician")
		l := b.pick(b.get(returnTo), "p-1")
		consent := view[oauth.ConsentView](t, l, "consent")
		if consent.User != "physician" || consent.Patient != "p-1" || consent.FormTarget != "https://app.example" || consent.Client.Host != "app.example" {
			t.Errorf("the person is asked %+v", consent)
		}
		l = b.allow(l)
		if l.to.Query().Get("state") != "st&te" {
			t.Errorf("state came back as %q", l.to.Query().Get("state"))
		}
		status, body := s.redeem(l.code(t, s), a)
		got := tokensOf(t, status, body)
		want := "openid fhirUser profile launch/patient offline_access patient/Observation.rs patient/Patient.read"
		if diff := cmp.Diff(want, got.Scope); diff != "" {
			t.Error(diff)
		}
		if got.Patient != "p-1" || body["expires_in"] != 3600.0 || body["token_type"] != "Bearer" || body["need_patient_banner"] != false {
			t.Errorf("answered %v", body)
		}
		p, err := s.identity.Authenticate(t.Context(), "Bearer "+got.Access)
		must(t, err)
		if p.Username != "physician" || p.Patient != "p-1" || p.Client != "growth-chart" || p.Assurance != identity.ACRTwoFactors {
			t.Errorf("the token is of %+v", p)
		}
		checkIDToken(t, s, got, p)

		// The person is not asked again for what was agreed to, and is for more.
		if l := b.authorize(s.asking("openid launch/patient patient/Observation.rs")); b.pick(l, "p-2").code(t, s) == "" {
			t.Error("asked again")
		}
		l = b.pick(b.authorize(s.asking("launch/patient patient/Condition.rs")), "p-2")
		view[oauth.ConsentView](t, l, "consent")
	})
}

// checkIDToken verifies an id_token as a relying party does: by discovery and the published keys.
func checkIDToken(t *testing.T, s *system, got tokens, p tutela.Principal) {
	t.Helper()
	_, discovered, _ := s.get("/.well-known/openid-configuration")
	address, err := url.Parse(textIn(discovered, "jwks_uri"))
	must(t, err)
	_, published, _ := s.get(address.Path)
	text, err := json.Marshal(published)
	must(t, err)
	var set jose.JSONWebKeySet
	must(t, json.Unmarshal(text, &set))
	jws, err := jose.ParseSignedCompact(got.ID, []jose.SignatureAlgorithm{jose.RS256})
	must(t, err)
	payload, err := jws.Verify(set)
	must(t, err)
	var claims map[string]any
	must(t, json.Unmarshal(payload, &claims))
	now := float64(s.Now().Unix())
	for name, want := range map[string]any{
		"iss": s.base, "sub": string(p.ID), "aud": "growth-chart", "iat": now, "exp": now + 3600, "nonce": "n-1", "acr": identity.ACRTwoFactors,
		"fhirUser": s.base + "/fhir/r4/Practitioner/dr-physician", "preferred_username": "physician",
	} {
		if claims[name] != want {
			t.Errorf("id_token: %s is %v, want %v", name, claims[name], want)
		}
	}
	if at, _ := claims["auth_time"].(float64); at > now || at < now-60 || claims["sid"] == "" || claims["at_hash"] == "" || claims["amr"] == nil {
		t.Errorf("id_token: %v", claims)
	}
	status, info, _ := s.get("/oauth2/userinfo", bearer(got.Access))
	want := map[string]any{"sub": string(p.ID), "preferred_username": "physician", "fhirUser": s.base + "/fhir/r4/Practitioner/dr-physician"}
	if diff := cmp.Diff(want, info); status != http.StatusOK || diff != "" {
		t.Errorf("userinfo: %d %s", status, diff)
	}
}

// ehr is the organisation's own application, which launches others.
func ehr() identity.Client {
	return identity.Client{
		ID: "ehr", Name: "EHR", Public: true, FirstParty: true, RedirectURIs: []string{"https://ehr.example/cb"},
		GrantTypes: []string{identity.GrantCode}, Scopes: []string{"openid", "user/*.cruds", "patient/*.cruds"},
	}
}

// launch starts an application from the EHR and gives the launch parameter.
func (b *browser) launch(t *testing.T, body string) (int, map[string]any) {
	t.Helper()
	a := b.s.asking("openid user/*.rs patient/*.rs", set("client_id", "ehr"), set("redirect_uri", "https://ehr.example/cb"))
	token := b.run(a).Access
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.s.base+"/oauth2/launch", jsonBody(body))
	must(t, err)
	bearer(token)(req)
	status, out, _ := b.s.do(req)
	return status, out
}

func TestEHRLaunch(t *testing.T) {
	each(t, func(t *testing.T, s *system) {
		s.register(app())
		s.register(ehr())
		b := s.signedIn("physician")
		status, launched := b.launch(t, `{"client_id": "growth-chart", "patient": "p-7", "encounter": "e-7", "need_patient_banner": true}`)
		if status != http.StatusOK {
			t.Fatalf("launch: %d %v", status, launched)
		}
		at, err := url.Parse(textIn(launched, "url"))
		must(t, err)
		if at.Host != "app.example" || at.Query().Get("iss") != s.base+"/fhir/r4" || at.Query().Get("launch") != launched["launch"] {
			t.Errorf("the application is opened at %v", at)
		}
		a := s.asking("launch patient/Observation.rs?category=laboratory", set("launch", at.Query().Get("launch")))
		l := b.allow(b.authorize(a))
		status, body := s.redeem(l.code(t, s), a)
		got := tokensOf(t, status, body)
		if got.Patient != "p-7" || body["encounter"] != "e-7" || body["need_patient_banner"] != true || got.Scope != "launch patient/Observation.rs?category=laboratory" {
			t.Errorf("answered %v", body)
		}

		if failed := b.authorize(s.asking("launch patient/*.rs", set("launch", at.Query().Get("launch")))).failed(t, s); failed != "invalid_request" {
			t.Errorf("a launch that was used: %s", failed)
		}
		_, again := b.launch(t, `{"client_id": "growth-chart", "patient": "p-7"}`)
		other := s.signedIn("nurse")
		if failed := other.authorize(s.asking("launch patient/*.rs", set("launch", textIn(again, "launch")))).failed(t, s); failed != "invalid_request" {
			t.Errorf("another person's launch: %s", failed)
		}
		s.Advance(6 * time.Minute)
		if failed := b.authorize(s.asking("launch patient/*.rs", set("launch", textIn(again, "launch")))).failed(t, s); failed != "invalid_request" {
			t.Errorf("an old launch: %s", failed)
		}
	})
}

func TestOnlyTheOrganisationsApplicationsLaunch(t *testing.T) {
	s := one(t)
	s.register(app())
	b := s.signedIn("physician")
	got := b.run(s.asking("openid launch/patient patient/*.rs"))
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.base+"/oauth2/launch", jsonBody(`{"client_id": "growth-chart", "patient": "p-9"}`))
	must(t, err)
	bearer(got.Access)(req)
	if status, _, _ := s.do(req); status != http.StatusForbidden {
		t.Errorf("another application launched one: %d", status)
	}
}

// A patient's account has its own chart in context, whatever a launch or a form says.
func TestPatientGetsTheOwnChartOnly(t *testing.T) {
	each(t, func(t *testing.T, s *system) {
		s.register(app())
		s.register(ehr())
		b := s.signedIn("patient")
		a := s.asking("launch/patient openid fhirUser patient/*.cruds user/*.rs")
		l := b.authorize(a)
		if c := view[oauth.ConsentView](t, l, "consent"); c.Patient != "p-own" {
			t.Errorf("asked about %q", c.Patient)
		}
		status, body := s.redeem(b.allow(l).code(t, s), a)
		got := tokensOf(t, status, body)
		if got.Patient != "p-own" || hasScope(got.Scope, "user/*.rs") || !hasScope(got.Scope, "patient/*.rs") {
			t.Errorf("got %+v", got)
		}
		forced, err := s.identity.IssueFor(t.Context(), identity.IssueRequest{
			User: s.person("patient").ID, Client: "x", Scopes: []string{"patient/*.rs"}, Patient: "p-other", Assurance: identity.ACRTwoFactors,
		})
		must(t, err)
		if p, err := s.identity.Authenticate(t.Context(), "Bearer "+forced.Token); err != nil || p.Patient != "p-own" {
			t.Errorf("a token of another patient reaches %q, %v", p.Patient, err)
		}
		if status, body := b.launch(t, `{"client_id": "growth-chart", "patient": "p-other"}`); status != http.StatusForbidden {
			t.Errorf("launched with another's chart: %d %v", status, body)
		}
	})
}

func TestPersonLeavesScopesOutOrDeclines(t *testing.T) {
	s := one(t)
	s.register(app())
	b := s.signedIn("physician")
	a := s.asking("openid launch/patient patient/Observation.rs patient/Condition.rs")
	v := view[oauth.ConsentView](t, b.pick(b.authorize(a), "p-1"), "consent")
	l := b.post(v.Action, url.Values{"request": {v.Request}, "decision": {"deny"}})
	if got := l.failed(t, s); got != "access_denied" {
		t.Errorf("declined: %s", got)
	}
	if n := len(s.entries(tutela.ActionAuthorize)); n != 1 {
		t.Errorf("%d entries of the refusal", n)
	}
	l = b.post(v.Action, url.Values{"request": {v.Request}, "decision": {"allow"}})
	if got := l.failed(t, s); got != "access_denied" {
		t.Errorf("everything unticked: %s", got)
	}
	l = b.post(v.Action, url.Values{"request": {v.Request}, "decision": {"allow"}, "scope": {"launch/patient", "patient/Condition.rs", "patient/Claim.rs", "user/*.cruds"}})
	status, body := s.redeem(l.code(t, s), a)
	if got := tokensOf(t, status, body); got.Scope != "openid launch/patient patient/Condition.rs" {
		t.Errorf("granted %q", got.Scope)
	}
}

func TestPrompts(t *testing.T) {
	s := one(t)
	s.register(app())
	nobody := s.browser()
	if got := nobody.authorize(s.asking("openid", set("prompt", "none"))).failed(t, s); got != "login_required" {
		t.Errorf("nobody: %s", got)
	}
	b := s.signedIn("physician")
	for prompt, want := range map[string]string{"none": "consent_required", "none login": "invalid_request", "shout": "invalid_request"} {
		if got := b.authorize(s.asking("openid", set("prompt", prompt))).failed(t, s); got != want {
			t.Errorf("prompt=%s: %s, want %s", prompt, got, want)
		}
	}
	if got := b.authorize(s.asking("launch/patient patient/*.rs", set("prompt", "none"))).failed(t, s); got != "interaction_required" {
		t.Errorf("a patient to choose: %s", got)
	}
	b.allow(b.authorize(s.asking("openid"))).code(t, s)
	b.authorize(s.asking("openid", set("prompt", "none"))).code(t, s)
	view[oauth.ConsentView](t, b.authorize(s.asking("openid", set("prompt", "consent"))), "consent")

	for _, parameter := range []func(url.Values){set("prompt", "login"), set("max_age", "60"), set("max_age", "0")} {
		s.Advance(2 * time.Minute)
		returnTo := view[string](t, b.authorize(s.asking("openid", parameter)), "login")
		view[string](t, b.get(returnTo), "login") // the old proof does not do
		b.signIn("physician")
		b.get(returnTo).code(t, s)
	}
	b.authorize(s.asking("openid", set("max_age", "3600"))).code(t, s)
	returnTo := view[string](t, s.browser().authorize(s.asking("openid")), "login")
	s.Advance(16 * time.Minute)
	if l := s.browser().get(returnTo); l.page != "error" {
		t.Errorf("an old request went on to %q", l.page)
	}
}

// A request by form arrives from another site without cookies; it goes on as one by address.
func TestRequestByForm(t *testing.T) {
	s := one(t)
	s.register(app())
	b := s.signedIn("physician")
	a := s.asking("openid")
	view[oauth.ConsentView](t, b.post("/oauth2/authorize", a.Values), "consent")
}

// An application that says whom it expects is told of nobody else (OpenID Connect Core, 3.1.2.2).
func TestAnswerIsOfThePersonWhoIsHinted(t *testing.T) {
	s := one(t)
	s.register(app())
	other := app()
	other.ID = "other-app"
	s.register(other)
	b := s.signedIn("physician")
	mine := b.run(s.asking("openid")).ID
	b.authorize(s.asking("openid", set("prompt", "none"), set("id_token_hint", mine))).code(t, s)
	nurse := s.signedIn("nurse")
	nurse.allow(nurse.authorize(s.asking("openid"))).code(t, s)
	if got := nurse.authorize(s.asking("openid", set("prompt", "none"), set("id_token_hint", mine))).failed(t, s); got != "login_required" {
		t.Errorf("another person: %s", got)
	}
	returnTo := view[string](t, nurse.authorize(s.asking("openid", set("id_token_hint", mine))), "login")
	nurse.signIn("nurse")
	view[string](t, nurse.get(returnTo), "login")
	nurse.signIn("physician")
	nurse.get(returnTo).code(t, s)
	for name, text := range map[string]string{
		"nonsense": "nonsense", "no signature": withHeader(t, mine, "none", "") + ".", "under HMAC": underHMAC(t, s, mine),
		"changed": tampered(mine), "another application's": b.run(s.asking("openid", set("client_id", "other-app"))).ID,
	} {
		if got := b.authorize(s.asking("openid", set("id_token_hint", text))).failed(t, s); got != "invalid_request" {
			t.Errorf("%s: %s", name, got)
		}
	}
}
