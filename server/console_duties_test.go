package server_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/tutela-health/tutela"
)

// A nurse finds what she is to do, reads a policy whose text stays a text, says that she has, and takes a training.
func TestPeopleDoTheirDutiesInTheConsole(t *testing.T) {
	onEngines(t, func(t *testing.T, k *clinic) {
		officer := k.enters(t, "officer", "privacy")
		entry := func(action tutela.Action) tutela.Entry {
			return tutela.Entry{Actor: tutela.Actor{ID: "author", Kind: tutela.ActorPerson, Name: "author"}, Action: action}
		}
		const head = "---\ntitle: Hands\nreason: They carry germs\nowner: officer\nevery: 6\nroles: [nurse]\n---\n# Hands\n\n1. **Wash** them.\n\n" + foreign
		draft, err := k.api.Policies.Put(t.Context(), entry(tutela.ActionPolicyChange), "hands", []byte(head))
		if err != nil {
			t.Fatal(err)
		}
		approver := entry(tutela.ActionPolicyChange)
		approver.Actor.ID = "approver"
		if _, err := k.api.Policies.Approve(t.Context(), approver, "hands", draft.Digest); err != nil {
			t.Fatal(err)
		}
		const module = "---\ntitle: Soap\nroles: [nurse]\nevery: 12\npass: 100\nquestions:\n  - {ask: 'When?', answers: [before, never], right: 1}\n---\n" + foreign
		if _, err := k.api.Training.Put(t.Context(), entry(tutela.ActionTrainingChange), "soap", []byte(module)); err != nil {
			t.Fatal(err)
		}
		nurse := k.enters(t, "nora", "nurse")
		nurse.open("/console/duties", http.StatusOK)
		nurse.sees([]string{`href="/console/policies/hands"`, `href="/console/training/soap"`}, "By everybody")
		nurse.open("/console/policies", http.StatusOK)
		nurse.sees([]string{"Hands", "not yet"}, "All of them")
		nurse.open("/console/policies/none", http.StatusNotFound)
		p := nurse.open("/console/policies/hands", http.StatusOK)
		nurse.sees([]string{"<strong>Wash</strong>", "I have read it"}, "<img src=x", "<script>alert")
		nurse.send(p, "/console/policies/hands/acknowledge", url.Values{"digest": {"0000"}})
		nurse.sees([]string{"not the text that is in force"}, "You have acknowledged")
		p = nurse.open("/console/policies/hands", http.StatusOK)
		nurse.send(p, "/console/policies/hands/acknowledge", url.Values{"digest": {field(t, nurse, "digest")}})
		nurse.sees([]string{"You have acknowledged this version", "You acknowledged it on"}, "I have read it")

		nurse.open("/console/training", http.StatusOK)
		nurse.sees([]string{"Soap", "not yet"}, "All of them")
		p = nurse.open("/console/training/soap", http.StatusOK)
		nurse.sees([]string{`type="radio"`}, "<img src=x", "<script>alert")
		digest := field(t, nurse, "digest")
		nurse.send(p, "/console/training/soap/answers", url.Values{"digest": {digest}})
		nurse.sees([]string{"number 1 is open"})
		nurse.send(p, "/console/training/soap/answers", url.Values{"digest": {digest}, "q1": {"2"}})
		nurse.sees([]string{"0 percent are right, and 100 are needed"})
		nurse.send(p, "/console/training/soap/answers", url.Values{"digest": {digest}, "q1": {"1"}})
		nurse.sees([]string{"You have passed"})
		nurse.open("/console/duties", http.StatusOK)
		nurse.sees([]string{"Nothing."})
		nurse.open("/console/training/soap", http.StatusOK)
		nurse.sees([]string{`href="/console/training/soap/certificate"`})
		nurse.open("/console/training/soap/certificate", http.StatusOK)
		nurse.sees([]string{"<strong>nora</strong> has passed", "Soap", "100 percent", "tutela training certificate soap"})

		const lab = "---\ntitle: Code\nroles: [nurse]\nevery: 12\npass: 100\nquestions:\n  - {ask: 'When?', answers: [before, never], right: 1}\n" +
			"lab:\n  files: {a.env: 'DB_PASSWORD=mq7Xw2RtL9zPc4Vb'}\n  keeps: [{file: a.env, has: DB_PASSWORD}]\n---\nText.\n"
		if _, err := k.api.Training.Put(t.Context(), entry(tutela.ActionTrainingChange), "code", []byte(lab)); err != nil {
			t.Fatal(err)
		}
		nurse.open("/console/training/code/certificate", http.StatusNotFound)
		p = nurse.open("/console/training/code", http.StatusOK)
		nurse.sees([]string{"tutela training lab code --hand-in lab", "Still to be mended"})
		nurse.send(p, "/console/training/code/answers", url.Values{"digest": {field(t, nurse, "digest")}, "q1": {"1"}})
		nurse.sees([]string{"The lab is still to be mended"}, "You have passed", "/certificate")

		officer.open("/console/policies", http.StatusOK)
		officer.sees([]string{"All of them", "1 of 1"})
		officer.open("/console/training", http.StatusOK)
		officer.sees([]string{"All of them", "1 of 1"})
		officer.open("/console/duties", http.StatusOK)
		officer.sees([]string{"look at the policy again", "By everybody"})
		officer.open("/console/policies/hands", http.StatusNotFound) // it is for nurses
	})
}

// Registers are shown to who may see them, and what stands in them stays words.
func TestRegistersAreShownInTheConsole(t *testing.T) {
	onEngines(t, func(t *testing.T, k *clinic) {
		k.govern(t)
		auditor, nurse := k.enters(t, "checker", "auditor"), k.enters(t, "nora", "nurse")
		nurse.open("/console/", http.StatusOK)
		nurse.sees(nil, "/console/risks", "/console/vendors", "/console/gaps", "/console/reviews")
		for path, want := range map[string][]string{
			"/console/risks": {"Ransomware", "waiting"}, "/console/vendors": {"reads X-rays", "none that holds"}, "/console/gaps": {"/search", "Penetration test"},
			"/console/reviews": {"access rights", `href="/console/reviews/access-rights"`}, "/console/reviews/access-rights": {"owner", "not yet"},
		} {
			auditor.open(path, http.StatusOK)
			auditor.sees(want, "<img src=x", "<script>alert")
			nurse.open(path, http.StatusNotFound)
		}
		auditor.open("/console/reviews/laws", http.StatusNotFound)
	})
}

// field is the value of a hidden field of the page that is open.
func field(t *testing.T, v *visitor, name string) string {
	t.Helper()
	_, rest, _ := strings.Cut(v.text, `name="`+name+`" value="`)
	value, _, found := strings.Cut(rest, `"`)
	if !found {
		t.Fatalf("no field %s", name)
	}
	return value
}
