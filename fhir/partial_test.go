package fhir_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela/internal/rig"
)

// visit is an appointment of which registration sees when and with whom, and not why.
func visit(id, patient, status, more string) string {
	return `{"resourceType":"Appointment","id":"` + id + `"` + more + `,"status":"` + status + `","participant":[{"actor":{"reference":"Patient/` +
		patient + `"},"status":"accepted"}]}`
}

// why is what registration does not see of it.
const why = `,"meta":{"tag":[{"system":"urn:t","code":"kept"}],"security":[{"system":"http://terminology.hl7.org/CodeSystem/v3-Confidentiality","code":"N"}]},` +
	`"text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">why</div>"},` +
	`"reasonCode":[{"text":"why"}],"comment":"why","_comment":{"id":"why"},"description":"why","patientInstruction":"why"`

// TestWhatOneMayNotSeeOneDoesNotChange: an update by somebody who sees a part leaves the rest as it is.
func TestWhatOneMayNotSeeOneDoesNotChange(t *testing.T) {
	t.Parallel()
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		clinic(t, r)
		r.Put(t, visit("v", "me", "booked", why))
		seen := r.Get(t, "registration", "Appointment/v")
		if text := string(seen.Body); strings.Contains(text, "why") || strings.Contains(text, "kept") || !strings.Contains(text, "SUBSETTED") {
			t.Fatalf("registration sees %s", text)
		}
		play(t, r, []step{
			{"as it was seen", asking("registration", put("Appointment/v", string(seen.Body))), 200, map[string]string{"ETag": `W/"1"`}, "SUBSETTED"},
			{"as it was seen, changed", asking("registration", put("Appointment/v", strings.Replace(string(seen.Body), "booked", "arrived", 1))), 200,
				map[string]string{"ETag": `W/"2"`}, "arrived"},
			{"only the visible", asking("registration", put("Appointment/v", visit("v", "me", "cancelled", ""))), 200, map[string]string{"ETag": `W/"3"`}, "cancelled"},
			{"in a transaction", asking("registration", post("", bundle("transaction", req{method: "PUT", url: "Appointment/v", resource: visit("v", "me", "fulfilled", "")}))), 200, nil, ""},
		})
		for _, version := range []string{"", "/_history/2", "/_history/3"} {
			if text := string(r.Get(t, "registration", "Appointment/v"+version).Body); strings.Contains(text, "why") || strings.Contains(text, "kept") {
				t.Errorf("registration sees of %q: %s", version, text)
			}
		}
		want := rig.Plain(t, []byte(visit("v", "me", "fulfilled", why)))
		if diff := cmp.Diff(want, r.Get(t, rig.Loader, "Appointment/v").JSON(t)); diff != "" {
			t.Errorf("stored (-want +got):\n%s", diff)
		}
		r.Verify(t)
	})
}

// TestHiddenElementsAreNotWritten: neither to change or remove them, nor to find out by a guess what
// they hold, nor to carry them into another chart.
func TestHiddenElementsAreNotWritten(t *testing.T) {
	t.Parallel()
	r := rig.Open(t, rig.Config{})
	clinic(t, r)
	r.Put(t, visit("v", "me", "booked", why))
	r.Put(t, visit("bare", "me", "booked", ""))
	before := r.Get(t, rig.Loader, "Appointment/v").Body
	for name, more := range map[string]string{
		"another comment":        `,"comment":"other"`,
		"the very comment":       `,"comment":"why"`,
		"a companion":            `,"_comment":{"id":"x"}`,
		"an extension in it":     `,"_description":{"extension":[{"url":"urn:x","valueString":"x"}]}`,
		"a reason":               `,"reasonCode":[{"text":"other"}]`,
		"a narrative":            `,"text":{"status":"empty","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">x</div>"}`,
		"a security label":       `,"meta":{"security":[{"system":"urn:s","code":"other"}]}`,
		"the very label":         `,"meta":{"security":[{"system":"http://terminology.hl7.org/CodeSystem/v3-Confidentiality","code":"N"}]}`,
		"a tag":                  `,"meta":{"tag":[{"system":"urn:t","code":"other"}]}`,
		"something in a label":   `,"meta":{"security":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ObservationValue","code":"SUBSETTED"},{"system":"urn:s","code":"x"}]}`,
		"a profile":              `,"meta":{"profile":["urn:p"]}`,
		"a contained resource":   `,"contained":[{"resourceType":"Basic","id":"c","code":{"text":"x"}}]`,
		"supporting information": `,"supportingInformation":[{"reference":"Patient/you"}]`,
	} {
		var answers []string
		for _, id := range []string{"v", "bare"} {
			a := r.Do(t, asking("registration", put("Appointment/"+id, visit(id, "me", "booked", more))))
			if a.Status != http.StatusForbidden {
				t.Errorf("%s of %s: %d %s", name, id, a.Status, a.Body)
			}
			answers = append(answers, string(a.Body))
		}
		if diff := cmp.Diff(answers[0], answers[1]); diff != "" {
			t.Errorf("%s: the answer tells whether something is there:\n%s", name, diff)
		}
	}
	play(t, r, []step{
		{"into another chart", asking("registration", put("Appointment/v", visit("v", "you", "booked", ""))), 403, nil, "forbidden"},
		{"removed", asking("registration", del("Appointment/v")), 403, nil, "forbidden"},
		{"a new one with a comment", asking("registration", post("Appointment", visit("x", "me", "booked", `,"comment":"x"`))), 403, nil, "forbidden"},
		{"a new one", asking("registration", post("Appointment", visit("x", "me", "booked", ""))), 201, nil, ""},
		{"in a transaction", asking("registration", post("", bundle("transaction", req{method: "PUT", url: "Appointment/v", resource: visit("v", "me", "booked", `,"comment":"x"`)}))), 403, nil, "forbidden"},
	})
	if diff := cmp.Diff(string(before), string(r.Get(t, rig.Loader, "Appointment/v").Body)); diff != "" {
		t.Errorf("changed all the same (-want +got):\n%s", diff)
	}
}
