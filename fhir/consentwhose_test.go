package fhir_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela/internal/rig"
)

// readBy are those of some resources that a caller reads.
func readBy(t *testing.T, r *rig.Rig, as string, list ...string) (open []string) {
	t.Helper()
	for _, ref := range list {
		if statusOf(t, r, as, ref) == http.StatusOK {
			open = append(open, ref)
		}
	}
	return open
}

// What concerns several patients lies under a key that they share. One who denies denies it, for both; the others'
// own charts are not the denier's to close.
func TestConsentOfOneHoldsForWhatSeveralShare(t *testing.T) {
	t.Parallel()
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		clinic(t, r)
		r.Put(t, consentOf("me", ""))
		all := []string{"Observation/mine", "Observation/ours", "Observation/yours"}
		for as, want := range map[string][]string{"physician": {"Observation/yours"}, "billing": {"Observation/yours"}, "me": {"Observation/mine"}, rig.Loader: all} {
			if diff := cmp.Diff(want, readBy(t, r, as, all...)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", as, diff)
			}
		}
		if got := reveals(t, r, "physician", "ours", "you"); len(got) != 0 {
			t.Errorf("by way of the other patient: %v", got)
		}
		r.Put(t, strings.Replace(consentOf("you", ""), `"id":"said"`, `"id":"said-too"`, 1))
		if got := readBy(t, r, "physician", all...); got != nil {
			t.Errorf("both deny: %v", got)
		}
	})
}

// A Consent that names a second patient (who gave it for a child, or may see) lies under a shared key itself. It is its
// own patient's all the same, also for those who may not read it.
func TestConsentThatNamesAnotherPatientBindsItsOwn(t *testing.T) {
	t.Parallel()
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		clinic(t, r)
		r.Put(t, patient("parent", "Doe"))
		given := strings.Replace(consentOf("me", ""), `"policyRule"`, `"performer":[{"reference":"Patient/parent"}],"policyRule"`, 1)
		r.Put(t, given)
		all := []string{"Observation/mine", "Observation/yours", "Consent/said"}
		if diff := cmp.Diff([]string{"Observation/yours"}, readBy(t, r, "physician", all...)); diff != "" {
			t.Errorf("denied (-want +got):\n%s", diff)
		}
		r.Put(t, strings.Replace(given, `"status":"active"`, `"status":"inactive"`, 1))
		if diff := cmp.Diff([]string{"Observation/mine", "Observation/yours"}, readBy(t, r, "physician", all...)); diff != "" {
			t.Errorf("withdrawn (-want +got):\n%s", diff)
		}
	})
}

// A Consent of which nobody can tell whose it is would have no effect: it is refused while it is to be active, and says
// so only to who may write one.
func TestConsentOfNobodyIsRefused(t *testing.T) {
	t.Parallel()
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		clinic(t, r)
		whole := consentOf("me", "")
		named := `"patient":{"reference":"Patient/me"}`
		for name, patient := range map[string]string{
			"nobody":           `"language":"en"`,
			"words":            `"patient":{"display":"Me"}`,
			"an identifier":    `"patient":{"identifier":{"value":"7"}}`,
			"elsewhere":        `"patient":{"reference":"https://other.test/fhir/Patient/me"}`,
			"contained":        `"contained":[{"resourceType":"Patient","id":"p"}],"patient":{"reference":"#p"}`,
			"a search":         `"patient":{"reference":"Patient?identifier=7"}`,
			"another resource": `"patient":{"reference":"Group/me"}`,
		} {
			text := strings.Replace(whole, named, patient, 1)
			for how, c := range map[string]rig.Call{
				"update": put("Consent/said", text), "create": post("Consent", text),
				"transaction": post("", bundle("transaction", req{method: "PUT", url: "Consent/said", resource: text})),
			} {
				want := http.StatusUnprocessableEntity
				if name == "a search" && how == "transaction" {
					want = http.StatusPreconditionFailed // there it is looked for, and nobody is found
				}
				if a := r.Do(t, asking(rig.Loader, c)); a.Status != want {
					t.Errorf("of %s, by %s: %d %s", name, how, a.Status, a.Body)
				}
				if a := r.Do(t, asking("physician", c)); a.Status == http.StatusUnprocessableEntity {
					t.Errorf("of %s, by %s: who may write none is told %s", name, how, a.Body)
				}
			}
			if a := r.Do(t, asking(rig.Loader, post("Consent", strings.Replace(text, `"active"`, `"draft"`, 1)))); name == "nobody" && a.Status != http.StatusCreated {
				t.Errorf("a draft of %s: %d %s", name, a.Status, a.Body)
			}
		}
		r.Put(t, whole)
		a := r.Do(t, asking(rig.Loader, put("Consent/said", strings.Replace(whole, named, `"patient":{"display":"Me"}`, 1))))
		if a.Status != http.StatusUnprocessableEntity || statusOf(t, r, "physician", "Observation/mine") != http.StatusNotFound {
			t.Errorf("a Consent that would lose its patient (%d) holds no more", a.Status)
		}
		r.Put(t, strings.Replace(whole, "Patient/me", "Patient/me/_history/1", 1))
		if got := statusOf(t, r, "physician", "Observation/mine"); got != http.StatusNotFound {
			t.Errorf("of a version of the patient: %d", got)
		}
	})
}
