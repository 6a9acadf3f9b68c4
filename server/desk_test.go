package server_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/identity/signin"
	"github.com/tutela-health/tutela/internal/rig"
	"github.com/tutela-health/tutela/store"
)

const why = "found unconscious in the lobby"

// onEngines runs f in a clinic with two patients whom nobody treats, on every engine.
func onEngines(t *testing.T, f func(t *testing.T, k *clinic)) {
	t.Helper()
	for _, engine := range rig.Engines() {
		t.Run(string(engine), func(t *testing.T) { f(t, newStaffed(t, engine)) })
	}
}

func newStaffed(t *testing.T, engine store.Engine) *clinic {
	t.Helper()
	k := newClinic(t, engine, nil)
	for _, id := range []string{"ann", "bob"} {
		k.Put(t, `{"resourceType":"Patient","id":"`+id+`","name":[{"family":"Stranger"}]}`)
	}
	return k
}

// broken is a form that breaks the glass.
func broken(patient string) url.Values {
	return url.Values{"patient": {patient}, "reason": {why}, "purpose": {"ETREAT"}}
}

// A physician opens a chart by the page, works with it in an application, and ends it; the privacy officer
// sees what was done under it, without a word of the chart, and closes the case.
func TestAnEmergencyByThePages(t *testing.T) {
	onEngines(t, func(t *testing.T, k *clinic) {
		doctor, officer := k.enters(t, "doctor", "physician"), k.enters(t, "officer", "privacy")
		doctor.open("/account", http.StatusOK)
		doctor.sees([]string{`href="/emergency"`}, `href="/emergency/reviews"`, `href="/accesses"`)
		officer.open("/account", http.StatusOK)
		officer.sees([]string{`href="/emergency/reviews"`, `href="/accesses"`}, `href="/emergency"`)

		if got := doctor.reads("Patient/ann"); got != http.StatusNotFound {
			t.Fatalf("before: %d", got)
		}
		page := doctor.send(doctor.open("/emergency", http.StatusOK), "/emergency", broken("ann"))
		if page.Status != http.StatusOK || page.Title != "Emergency access" {
			t.Fatalf("%d %s\n%s", page.Status, page.Title, doctor.text)
		}
		doctor.sees([]string{"Open to you now", "Patient/ann", "The privacy officer will review it"})
		if got := doctor.reads("Patient/ann"); got != http.StatusOK {
			t.Errorf("while it is open: %d", got)
		}
		if got := doctor.reads("Patient/bob"); got != http.StatusNotFound {
			t.Errorf("another patient: %d", got)
		}
		officer.open("/emergency/reviews", http.StatusOK)
		officer.sees([]string{"doctor", "Patient/ann", "waiting", "still open"}, "Stranger")
		page = officer.open(caseOf(t, officer), http.StatusOK)
		opened := k.entries(t, tutela.ActionBreakGlassOpen)
		officer.sees([]string{why, "read Patient", opened[0].ID, k.readUnder(t, opened[0].ID)}, "Stranger")

		doctor.send(doctor.open("/emergency", http.StatusOK), "/emergency/end", nil)
		doctor.sees([]string{"The access has ended"}, "Open to you now")
		if got := doctor.reads("Patient/ann"); got != http.StatusNotFound {
			t.Errorf("after its end: %d", got)
		}
		action := page.Path
		if p := officer.send(page, action, url.Values{"note": {"the ward confirmed it"}}); p.Problem == "" {
			t.Errorf("a review without a verdict: %d\n%s", p.Status, officer.text)
		}
		if p := officer.send(page, action, url.Values{"verdict": {"justified"}, "note": {"short"}}); p.Problem == "" {
			t.Errorf("a review without a note: %d\n%s", p.Status, officer.text)
		}
		officer.sees([]string{"short"})
		officer.send(page, action, url.Values{"verdict": {"justified"}, "note": {"the ward confirmed it"}})
		officer.sees([]string{"The review is closed", "justified", "the ward confirmed it", "break-glass.review"}, "Close the review")
		officer.open("/emergency/reviews", http.StatusOK)
		officer.sees([]string{"None is waiting", "justified"}, "still open")
		k.Verify(t)
	})
}

// caseOf is where the one case of the list is.
func caseOf(t *testing.T, v *visitor) string {
	t.Helper()
	const prefix = `href="/emergency/reviews/`
	_, rest, found := strings.Cut(v.text, prefix)
	id, _, _ := strings.Cut(rest, `"`)
	if !found {
		t.Fatalf("no case in\n%s", v.text)
	}
	return "/emergency/reviews/" + id
}

// readUnder is the entry of the read under an emergency.
func (k *clinic) readUnder(t *testing.T, id string) string {
	t.Helper()
	for _, e := range k.entries(t, tutela.ActionRead) {
		if e.BreakGlass == id {
			return e.ID
		}
	}
	t.Fatal("no read under the emergency is in the ledger")
	return ""
}

// The pages are decided like the API: who may not is refused, and the refusal is in the ledger. What is
// not a case, or not the caller's, is not there.
func TestPagesOfTheDeskAreForThoseWhomPolicyLets(t *testing.T) {
	onEngines(t, func(t *testing.T, k *clinic) {
		for role, may := range map[string]map[string]int{
			"physician": {"/emergency": 200}, "nurse": {"/emergency": 200},
			"privacy": {"/emergency/reviews": 200, "/accesses": 200}, "auditor": {"/accesses": 200}, "billing": {}, "admin": {},
		} {
			v := k.enters(t, role+"-1", role)
			for path, asked := range map[string]tutela.Action{
				"/emergency": tutela.ActionBreakGlassOpen, "/emergency/reviews": tutela.ActionBreakGlassList, "/accesses": tutela.ActionAuditSearch,
			} {
				want := may[path]
				if want == 0 {
					want = http.StatusForbidden
				}
				before := k.denials(t, asked, v.ID)
				v.open(path, want)
				v.sees(nil, "Stranger")
				if got := k.denials(t, asked, v.ID) - before; got != map[bool]int{true: 1}[want == http.StatusForbidden] {
					t.Errorf("%s at %s: %d denials in the ledger", role, path, got)
				}
			}
			if may["/emergency/reviews"] == 0 {
				v.open("/emergency/reviews/"+strings.Repeat("0", 32), http.StatusForbidden)
			} else {
				v.open("/emergency/reviews/"+strings.Repeat("0", 32), http.StatusNotFound)
				v.open("/emergency/reviews/nonsense", http.StatusNotFound)
			}
		}
		doctor, other := k.enters(t, "doctor", "physician"), k.enters(t, "other", "physician")
		page := doctor.send(doctor.open("/emergency", http.StatusOK), "/emergency", broken("ann"))
		form, _ := page.Form("/emergency/end")
		theirs := other.send(other.open("/emergency", http.StatusOK), "/emergency", broken("bob"))
		if p := other.send(theirs, "/emergency/end", url.Values{"emergency": form.Fields["emergency"]}); p.Status != http.StatusNotFound {
			t.Errorf("another's emergency is ended: %d", p.Status)
		}
		doctor.open("/emergency", http.StatusOK)
		doctor.sees([]string{"Patient/ann"}, "Patient/bob")
	})
}

// denials counts the refusals of an action to an account.
func (k *clinic) denials(t *testing.T, action tutela.Action, id tutela.UserID) (n int) {
	t.Helper()
	for _, e := range k.entries(t, action) {
		if e.Actor.ID == id && e.Outcome == tutela.OutcomeDenied {
			n++
		}
	}
	return n
}

// What was typed wrongly is asked for again, with what was typed; whether there is such a patient makes no
// difference; an old proof of the second factor is asked for anew, and what is open can be ended without.
func TestBreakingTheGlassByThePage(t *testing.T) {
	onEngines(t, func(t *testing.T, k *clinic) {
		doctor := k.enters(t, "doctor", "physician")
		page := doctor.open("/emergency", http.StatusOK)
		for field, values := range map[string]url.Values{
			"patient": {"patient": {"not an id"}, "reason": {why}, "purpose": {"ETREAT"}},
			"reason":  {"patient": {"ann"}, "reason": {"urgent"}, "purpose": {"ETREAT"}},
			"purpose": {"patient": {"ann"}, "reason": {why}},
		} {
			p := doctor.send(page, "/emergency", values)
			if p.Problem == "" || p.Status < 400 || p.Status >= 500 {
				t.Errorf("%s: %d %q", field, p.Status, p.Problem)
			}
			doctor.sees([]string{`aria-invalid="true"`, values.Get("reason")}, "Open to you now")
		}
		var told []string
		for _, id := range []string{"ann", "noone"} {
			page = doctor.send(doctor.open("/emergency", http.StatusOK), "/emergency", broken("Patient/"+id))
			told = append(told, plain(doctor.text, id))
			doctor.send(page, "/emergency/end", nil)
		}
		if diff := cmp.Diff(told[0], told[1]); diff != "" {
			t.Errorf("a patient and none (-, +):\n%s", diff)
		}
		page = doctor.send(doctor.open("/emergency", http.StatusOK), "/emergency", broken("bob"))
		k.Advance(6 * time.Minute)
		if p := doctor.send(page, "/emergency", broken("ann")); p.Title != "Is it you?" {
			t.Errorf("by an old proof: %q\n%s", p.Title, doctor.text)
		}
		page = doctor.open("/emergency", http.StatusOK)
		doctor.sees([]string{"Patient/bob", "/account/verify?return=%2Femergency"}, "Break the glass")
		doctor.send(page, "/emergency/end", nil)
		verify := doctor.open("/account/verify?return=%2Femergency", http.StatusOK)
		codes, err := doctor.codes()
		if err != nil {
			t.Fatal(err)
		}
		if p := doctor.send(verify, "/account/verify/totp", url.Values{"code": codes}); p.Path != "/emergency" {
			t.Errorf("after the proof: %s\n%s", p.Path, doctor.text)
		}
		doctor.sees([]string{"Break the glass"}, "Open to you now")
	})
}

// plain is a page without what differs each time: ids, times and tokens of forms.
func plain(text, id string) string {
	var kept []string
	for line := range strings.Lines(text) {
		if !strings.Contains(line, `name="csrf"`) && !strings.Contains(line, "<time") {
			kept = append(kept, strings.ReplaceAll(line, id, "ID"))
		}
	}
	return strings.Join(kept, "")
}

// Who looked at what is answered by entries, without what was read or asked; the question is an entry, and
// says about whom it was.
func TestWhoLookedAtWhat(t *testing.T) {
	onEngines(t, func(t *testing.T, k *clinic) {
		k.Treat(t, "ann", "doctor")
		doctor, auditor := k.enters(t, "doctor", "physician"), k.enters(t, "auditor-1", "auditor")
		if got := doctor.reads("Patient?family=Stranger&_id=ann"); got != http.StatusOK {
			t.Fatal(got)
		}
		var read string
		for _, e := range k.entries(t, tutela.ActionSearch) {
			if e.Actor.ID == doctor.ID {
				read = e.ID
			}
		}
		form := auditor.open("/accesses", http.StatusOK)
		for question, shown := range map[string]bool{
			"patient=ann": true, "patient=Patient/ann": true, "account=doctor": true, "entry=" + read: true, "patient=ann&account=doctor": true,
			"day=" + k.Now().UTC().Format(time.DateOnly): true, "patient=bob": false, "account=nobody-here": false, "entry=none": false, "day=2020-01-01": false,
		} {
			typed, err := url.ParseQuery(question)
			if err != nil {
				t.Fatal(err)
			}
			if page := auditor.send(form, "/accesses", typed); page.Status != http.StatusOK || strings.Contains(auditor.text, "<code>"+read) != shown {
				t.Errorf("%s: %d, want it shown: %v\n%s", question, page.Status, shown, auditor.text)
			}
			auditor.sees(nil, "Stranger", "family=")
		}
		if p := auditor.send(form, "/accesses", url.Values{"day": {"tomorrow"}}); p.Problem == "" || p.Status != http.StatusUnprocessableEntity {
			t.Errorf("a day that is none: %d", p.Status)
		}
		auditor.open("/accesses?patient=ann", http.StatusOK) // an address asks nothing
		auditor.sees(nil, read)
		if p := doctor.send(form, "/accesses", url.Values{"patient": {"ann"}}); p.Status != http.StatusForbidden {
			t.Errorf("another person's form: %d", p.Status)
		}
		asked := 0
		for _, e := range k.entries(t, tutela.ActionAuditSearch) {
			if e.Actor.ID == auditor.ID && e.Outcome == tutela.OutcomeSuccess {
				asked++
			}
		}
		if asked != 10 {
			t.Errorf("%d questions are in the ledger, want 10", asked)
		}
	})
}

// The privacy officer ends what is open.
func TestAnEmergencyIsRevokedByThePage(t *testing.T) {
	onEngines(t, func(t *testing.T, k *clinic) {
		doctor, officer := k.enters(t, "doctor", "physician"), k.enters(t, "officer", "privacy")
		doctor.send(doctor.open("/emergency", http.StatusOK), "/emergency", broken("ann"))
		officer.open("/emergency/reviews", http.StatusOK)
		at := caseOf(t, officer)
		officer.send(officer.open(at, http.StatusOK), at+"/revoke", nil)
		officer.sees([]string{"The access has ended", "break-glass.revoke", "Close the review"}, "End it now")
		if got := doctor.reads("Patient/ann"); got != http.StatusNotFound {
			t.Errorf("after it was revoked: %d", got)
		}
	})
}

// A form that was not drawn for the browser does nothing, whatever it is sent to.
func TestForgedFormsOfTheDeskDoNothing(t *testing.T) {
	onEngines(t, func(t *testing.T, k *clinic) {
		doctor, officer := k.enters(t, "doctor", "physician"), k.enters(t, "officer", "privacy")
		running := doctor.send(doctor.open("/emergency", http.StatusOK), "/emergency", broken("ann"))
		end, _ := running.Form("/emergency/end")
		officer.open("/emergency/reviews", http.StatusOK)
		at := caseOf(t, officer)
		finding := url.Values{"verdict": {"justified"}, "note": {"nothing to see here"}}
		for _, forged := range []struct {
			victim *visitor
			action string
			values url.Values
		}{
			{doctor, "/emergency", broken("bob")}, {doctor, "/emergency/end", url.Values{"emergency": end.Fields["emergency"]}},
			{officer, at, finding}, {officer, at + "/revoke", nil}, {officer, "/accesses", url.Values{"patient": {"ann"}}},
		} {
			for _, token := range []string{"", "nonsense", strings.Repeat("A", 43)} {
				page, err := forged.victim.Submit(t.Context(), signin.Form{Action: forged.action, Fields: url.Values{"csrf": {token}}}, forged.values)
				if err != nil || page.Status != http.StatusForbidden {
					t.Errorf("%s: %d %v", forged.action, page.Status, err)
				}
			}
		}
		doctor.open("/emergency", http.StatusOK)
		doctor.sees([]string{"Patient/ann"}, "Patient/bob")
		officer.open("/emergency/reviews", http.StatusOK)
		officer.sees([]string{"waiting", "still open"}, "justified")
	})
}
