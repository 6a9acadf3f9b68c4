package emergency_test

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/access/emergency"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/internal/rig"
)

func TestBreakingTheGlassOpensOnePatientForMinutes(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		doctor := h.hire(t, "doctor", "physician")
		for _, path := range []string{"Patient/ann", "Condition/c-ann"} {
			if got := h.reads(t, doctor, path); got != http.StatusNotFound {
				t.Fatalf("%s before: %d", path, got)
			}
		}
		h.broke(t, doctor, "ann")
		for path, want := range map[string]int{
			"Patient/ann": 200, "Condition/c-ann": 200, "Condition/c-ann/_history": 200, "Condition?patient=ann": 200,
			"Patient/bob": 404, "Condition/c-bob": 404,
		} {
			if got := h.reads(t, doctor, path); got != want {
				t.Errorf("%s: %d, want %d", path, got, want)
			}
		}
		found := decoded[struct{ Entry []any }](t, h.as(t, doctor, "GET", "Condition", ""))
		if len(found.Entry) != 1 {
			t.Errorf("a search finds %d conditions, want the one of the patient", len(found.Entry))
		}
		h.Advance(emergency.DefaultLife)
		if got := h.reads(t, doctor, "Patient/ann"); got != http.StatusNotFound {
			t.Errorf("after its end: %d", got)
		}
	})
}

// The alert is an entry of its own; every access under it names it, with its purpose.
func TestTheLedgerTellsOfAnEmergencyAtOnce(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		doctor := h.hire(t, "doctor", "physician")
		id := h.broke(t, doctor, "ann")
		expect(t, h.as(t, doctor, "GET", "Condition/c-ann", ""), 200)
		expect(t, h.as(t, doctor, "PUT", "Condition/c-ann", `{"resourceType":"Condition","id":"c-ann","subject":{"reference":"Patient/ann"},"code":{"text":"seen"}}`), 200)
		expect(t, h.as(t, doctor, "GET", "Condition/c-bob", ""), 404)
		type told struct {
			Action  tutela.Action
			Outcome tutela.Outcome
			Glass   string
			Purpose tutela.Purpose
			Flags   []string
		}
		var got []told
		for _, e := range h.entries(t, audit.Query{Actor: doctor.ID}) {
			if e.Request == "" || e.Action == tutela.ActionAuthenticate {
				continue
			}
			w := told{e.Action, e.Outcome, e.BreakGlass, e.Purpose, nil}
			if len(e.Patients) == 1 && e.Patients[0].Patient == h.Records.Bucket("ann") {
				w.Flags = e.Patients[0].Flags
			}
			got = append(got, w)
		}
		flags := []string{"emergency"}
		want := []told{
			{tutela.ActionBreakGlassOpen, tutela.OutcomeSuccess, id, tutela.PurposeEmergency, flags},
			{tutela.ActionRead, tutela.OutcomeSuccess, id, tutela.PurposeEmergency, []string{"emergency", "sensitive"}}, // what was read bears a label
			{tutela.ActionUpdate, tutela.OutcomeSuccess, id, tutela.PurposeEmergency, flags},
			{tutela.ActionRead, tutela.OutcomeFailed, "", tutela.PurposeTreatment, nil},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("entries (-want +got): %s", diff)
		}
		h.Verify(t)
	})
}

// What a patient refused, an emergency overrides, and the consent is asked for that purpose.
func TestAnEmergencyOverridesConsentAndSensitivity(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		doctor := h.hire(t, "doctor", "physician")
		h.Treat(t, "ann", "doctor")
		h.Put(t, `{"resourceType":"Consent","id":"no","status":"active","scope":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/consentscope","code":"patient-privacy"}]},"category":[{"coding":[{"system":"http://loinc.org","code":"59284-0"}]}],"patient":{"reference":"Patient/ann"},"policyRule":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"OPTOUT"}]},"provision":{"type":"deny"}}`)
		if got := h.reads(t, doctor, "Condition/c-ann"); got != 404 {
			t.Fatalf("a refused, sensitive resource: %d", got)
		}
		h.broke(t, doctor, "ann")
		if got := h.reads(t, doctor, "Condition/c-ann"); got != 200 {
			t.Errorf("in an emergency: %d", got)
		}
	})
}

func TestOnlyThoseWhoTreatBreakTheGlass(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		for role, want := range map[string]int{
			"physician": 200, "admin": 403, "privacy": 403, "billing": 403, "registration": 403, "researcher": 403, "pharmacist": 403,
		} {
			p := h.hire(t, role, role)
			if a := h.breaks(t, p, "ann"); a.Status != want {
				t.Errorf("%s: %d, want %d: %s", role, a.Status, want, a.Body)
			}
		}
		// A service has no session, and neither has a token of no login.
		for _, as := range []string{rig.Loader, "nurse"} {
			a := h.Do(t, rig.Call{As: as, Method: "POST", Path: "/api/v1/break-glass", Body: `{"patient":"Patient/ann","reason":"` + reason + `"}`,
				Header: map[string]string{"Content-Type": "application/json"}})
			if a.Status != 403 {
				t.Errorf("%s without a session: %d", as, a.Status)
			}
		}
		denied := h.entries(t, audit.Query{Action: tutela.ActionBreakGlassOpen, Outcome: tutela.OutcomeDenied})
		if len(denied) != 8 {
			t.Errorf("%d denials in the ledger, want 8", len(denied))
		}
	})
}

func TestBreakingTheGlassNeedsARecentSecondFactor(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		doctor := h.hire(t, "doctor", "physician")
		h.Advance(emergency.StepUpAge + time.Second)
		a := h.breaks(t, doctor, "ann")
		expect(t, a, http.StatusUnauthorized)
		want := `Bearer error="insufficient_user_authentication", error_description="prove your second factor again: it must not be older than 5 minutes", acr_values="aal2", max_age="300"`
		if diff := cmp.Diff(want, a.Header.Get("WWW-Authenticate")); diff != "" {
			t.Errorf("challenge (-want +got): %s", diff)
		}
		if got := h.reads(t, doctor, "Patient/ann"); got != 404 {
			t.Errorf("without a step-up: %d", got)
		}
		again := h.signIn(t, doctor)
		h.broke(t, again, "ann")
	})
}

// An emergency is the session's that opened it: no other session's, account's or client's.
func TestAnEmergencyIsNobodyElses(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		doctor := h.hire(t, "doctor", "physician")
		elsewhere := h.signIn(t, doctor)
		colleague := h.hire(t, "colleague", "physician")
		doctor.token = h.bearer(t, doctor)
		expect(t, h.breaks(t, h.refreshed(t, doctor), "ann"), http.StatusOK)
		for name, p := range map[string]person{"another session": elsewhere, "another account": colleague} {
			if got := h.reads(t, p, "Patient/ann"); got != 404 {
				t.Errorf("%s: %d", name, got)
			}
		}
		bare := doctor
		bare.session = ""
		bare.token = h.bearer(t, bare)
		if got := h.reads(t, bare, "Patient/ann"); got != 404 {
			t.Errorf("a token of no session: %d", got)
		}
	})
}

// refreshed is a person whose second factor was shown a moment ago, at the same session.
func (h *house) refreshed(t *testing.T, p person) person {
	t.Helper()
	session, _, err := h.Identity.Session(t.Context(), p.session)
	must(t, err)
	if h.Now().Sub(session.AuthTime) > emergency.StepUpAge {
		t.Fatal("the test took too long for its own step-up")
	}
	return p
}

func TestLogoutDisablingAndRevocationEndAnEmergency(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		root := tutela.Actor{ID: "test", Kind: tutela.ActorSystem}
		officer := h.hire(t, "officer", "privacy")
		for name, end := range map[string]func(p person, id string){
			"logout":  func(p person, _ string) { must(t, h.Identity.RevokeSession(t.Context(), root, p.session)) },
			"its end": func(p person, id string) { expect(t, h.as(t, p, "DELETE", "/api/v1/break-glass/"+id, ""), 200) },
			"revocation": func(_ person, id string) {
				expect(t, h.as(t, officer, "POST", "/api/v1/break-glass/"+id+"/revoke", ""), 200)
			},
			"review": func(_ person, id string) {
				expect(t, h.as(t, officer, "POST", "/api/v1/break-glass/"+id+"/review", `{"verdict":"justified","note":"the ward confirmed it"}`), 200)
			},
		} {
			p := h.hire(t, strings.ReplaceAll(name, " ", "-"), "physician")
			id := h.broke(t, p, "ann")
			who := h.Identity.Principal(identitySession(t, h, p), p.User)
			if open, err := h.Emergencies.Open(t.Context(), who); err != nil || len(open) != 1 {
				t.Fatalf("%s: open before: %v, %v", name, open, err)
			}
			end(p, id)
			if open, err := h.Emergencies.Open(t.Context(), who); err != nil || len(open) != 0 {
				t.Errorf("after %s: %v, %v", name, open, err)
			}
		}
	})
}

// An id of no patient opens like one of a patient, and afterwards both answer as they are.
func TestOpeningTellsNotWhetherThePatientExists(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		doctor := h.hire(t, "doctor", "physician")
		real, none := h.breaks(t, doctor, "ann"), h.breaks(t, doctor, "nobody")
		shape := func(a rig.Answer) []string { return slices.Sorted(maps.Keys(decoded[map[string]any](t, a))) }
		expect(t, real, http.StatusOK)
		expect(t, none, http.StatusOK)
		if diff := cmp.Diff(shape(real), shape(none)); diff != "" {
			t.Errorf("of a patient and of nobody: %s", diff)
		}
		if got := h.reads(t, doctor, "Patient/nobody"); got != 404 {
			t.Errorf("nobody: %d", got)
		}
		if n := len(h.entries(t, audit.Query{Action: tutela.ActionBreakGlassOpen})); n != 2 {
			t.Errorf("%d alerts, want 2", n)
		}
	})
}

func TestWhatIsAskedIsHeldToItsForm(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		doctor := h.hire(t, "doctor", "physician")
		for name, body := range map[string]string{
			"no reason":         `{"patient":"Patient/ann"}`,
			"a short reason":    `{"patient":"Patient/ann","reason":"urgent"}`,
			"a padded reason":   `{"patient":"Patient/ann","reason":"urgent          "}`,
			"a long reason":     `{"patient":"Patient/ann","reason":"` + strings.Repeat("x", 2001) + `"}`,
			"a hidden reason":   `{"patient":"Patient/ann","reason":"\u200b\u200b\u200b\u200b\u200b\u200b\u200b\u200b\u200b\u200b\u200b"}`,
			"no patient":        `{"reason":"` + reason + `"}`,
			"another type":      `{"patient":"Group/ann","reason":"` + reason + `"}`,
			"a whole search":    `{"patient":"Patient/ann,Patient/bob","reason":"` + reason + `"}`,
			"an address":        `{"patient":"https://evil.test/Patient/ann","reason":"` + reason + `"}`,
			"another purpose":   `{"patient":"Patient/ann","reason":"` + reason + `","purpose":"HRESCH"}`,
			"a life of its own": `{"patient":"Patient/ann","reason":"` + reason + `","minutes":600}`,
			"no JSON":           `patient=ann`,
		} {
			if a := h.as(t, doctor, "POST", "/api/v1/break-glass", body); a.Status != 400 {
				t.Errorf("%s: %d %s", name, a.Status, a.Body)
			}
		}
		if got := h.reads(t, doctor, "Patient/ann"); got != 404 {
			t.Errorf("afterwards: %d", got)
		}
	})
}

// Opening again is another emergency with its own end, alert and review: none is prolonged.
func TestNobodyProlongsAnEmergency(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		doctor := h.hire(t, "doctor", "physician")
		first := h.broke(t, doctor, "ann")
		h.Advance(time.Minute)
		second := h.broke(t, doctor, "ann")
		if first == second {
			t.Fatal("the second is the first")
		}
		for method, path := range map[string]string{"PUT": first, "PATCH": first, "POST": first} {
			if a := h.as(t, doctor, method, "/api/v1/break-glass/"+path, `{"until":"2100-01-01T00:00:00Z"}`); a.Status < 400 {
				t.Errorf("%s: %d", method, a.Status)
			}
		}
		h.Advance(emergency.DefaultLife - time.Minute)
		open, err := h.Emergencies.Open(t.Context(), h.Identity.Principal(identitySession(t, h, doctor), doctor.User))
		must(t, err)
		if len(open) != 1 || open[0].ID != second {
			t.Errorf("open when the first is over: %v", open)
		}
	})
}

func TestEmergenciesAreBounded(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		doctor := h.hire(t, "doctor", "physician")
		for range 10 {
			h.broke(t, doctor, "ann")
		}
		expect(t, h.breaks(t, doctor, "bob"), http.StatusTooManyRequests)
	})
}

func TestLifeIsBounded(t *testing.T) {
	for life, valid := range map[time.Duration]bool{0: true, time.Second: false, time.Minute: true, time.Hour: true, time.Hour + 1: false, -1: false} {
		if _, err := emergency.New(emergency.Config{Life: life}); (err == nil) != valid {
			t.Errorf("a life of %v: %v", life, err)
		}
	}
}
