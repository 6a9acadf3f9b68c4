package breach_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/rig"
	"github.com/tutela-health/tutela/internal/testkit"
	"github.com/tutela-health/tutela/respond/breach"
	"github.com/tutela-health/tutela/respond/breach/duty"
)

// say sends a call about cases as the privacy officer and decodes the answer.
func say[T any](t *testing.T, r *rig.Rig, want int, method, path string, said any) T {
	t.Helper()
	body := ""
	if said != nil {
		text, err := json.Marshal(said)
		if err != nil {
			t.Fatal(err)
		}
		body = string(text)
	}
	var out T
	got := r.Do(t, rig.Call{As: "privacy", Method: method, Path: "/api/v1/breaches" + path, Body: body, Header: asJSON()})
	if got.Status != want {
		t.Fatalf("%s %s: %d %s, want %d", method, path, got.Status, got.Body, want)
	}
	if want == http.StatusOK {
		if err := json.Unmarshal(got.Body, &out); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// opened is a case of a physician who reached three patients, one of whom has no address.
func opened(t *testing.T, r *rig.Rig, now time.Time) breach.Case {
	t.Helper()
	ward(t, r, "a", "b", "unseen")
	r.Put(t, `{"resourceType":"Patient","id":"homeless","name":[{"text":"No Home"}]}`)
	r.Treat(t, "homeless", "physician")
	for _, id := range []string{"a", "b", "homeless"} {
		if a := r.Get(t, "physician", "Patient/"+id); a.Status != http.StatusOK {
			t.Fatalf("%d %s", a.Status, a.Body)
		}
	}
	sequence(t, r)
	return say[breach.Case](t, r, 200, "POST", "", breach.Opening{
		Title: "a curious physician", Ask: breach.Ask{Actor: "physician", From: now.Add(-time.Hour), To: now.Add(time.Hour)},
		Facts: duty.Facts{Zone: "America/New_York", Laws: []duty.Law{duty.HIPAA}, Discovered: now},
	})
}

func attested() breach.Assessment {
	low := breach.Factor{Level: breach.Low, Reason: "seen once, attested"}
	return breach.Assessment{Form: breach.Form{Nature: low, Person: low, Acquired: low, Mitigation: low}, Finding: breach.LowProbability, Reason: "attested by all"}
}

// Who says that there was no breach must show it: nothing does by itself, and no factor that is high is overridden.
func TestBreachIsPresumedUntilSomebodyShowsOtherwise(t *testing.T) {
	t.Parallel()
	for _, engine := range rig.Engines() {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			clock := &testkit.Clock{}
			r := rig.Open(t, rig.Config{Engine: engine, Clock: clock.Now})
			c := opened(t, r, clock.Now())
			if c.Facts.Individuals != 3 || c.Harbour.Holds || c.Form.Acquired.Level != breach.High || c.Form.Mitigation.Level != breach.High {
				t.Errorf("%+v", c)
			}
			at := "/" + c.ID
			if owed := ids(c.Duties); cmp.Diff([]string{"hipaa.individuals", "hipaa.secretary"}, owed) != "" {
				t.Errorf("nobody assessed it, and this is owed: %v", owed)
			}
			say[any](t, r, 422, "POST", at+"/close", struct{}{})
			a := attested()
			a.Form.Acquired.Level = breach.High
			say[any](t, r, 422, "POST", at+"/assessment", a)
			a.Form.Acquired = breach.Factor{Level: breach.Low}
			say[any](t, r, 400, "POST", at+"/assessment", a)
			a = attested()
			a.Finding = breach.Secured
			say[any](t, r, 422, "POST", at+"/assessment", a)
			a.Finding = breach.Excepted
			say[any](t, r, 400, "POST", at+"/assessment", a)
			c = say[breach.Case](t, r, 200, "POST", at+"/assessment", attested())
			if owed := ids(c.Duties); cmp.Diff([]string{"hipaa.record"}, owed) != "" || c.Assessment[0].By != "privacy" {
				t.Errorf("%v %+v", owed, c.Assessment)
			}
			c = say[breach.Case](t, r, 200, "POST", at+"/assessment", breach.Assessment{Form: attested().Form, Reason: "a second look", Finding: breach.Presumed})
			if len(c.Assessment) != 2 || len(c.Duties) != 2 {
				t.Errorf("%+v", c)
			}
			told := 0
			for _, e := range entries(t, r, tutela.ActionBreachAssess) {
				if e.Outcome == tutela.OutcomeSuccess && e.Subject.ID == c.ID {
					told++
				}
			}
			if told != 2 {
				t.Errorf("%d assessments are in the ledger", told)
			}
		})
	}
}

func ids(list []breach.Owed) []string {
	names := []string{}
	for _, o := range list {
		names = append(names, o.ID)
	}
	return names
}

func words() breach.Words {
	return breach.Words{Duty: "hipaa.individuals", Happened: "Somebody looked.", Steps: "Watch your bills.", Doing: "We ended the access.", Organisation: "Clinic", TollFree: "800 555 0100"}
}

// Letters go to everybody who has an address, with all that 45 CFR 164.404(c)(1) asks for; what comes back is owed again;
// an overdue notice is found by assess; and what is done lets the case be closed.
func TestNoticesAreTrackedToDelivery(t *testing.T) {
	t.Parallel()
	for _, engine := range rig.Engines() {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			clock := &testkit.Clock{}
			r := rig.Open(t, rig.Config{Engine: engine, Clock: clock.Now})
			c := opened(t, r, clock.Now())
			at := "/" + c.ID
			d := say[breach.Drafts](t, r, 200, "POST", at+"/letters", words())
			if len(d.Letters) != 2 || len(d.Unreachable) != 1 || !strings.Contains(d.Substitute, "(d)(2)(i)") {
				t.Fatalf("%+v", d)
			}
			for _, part := range []string{"Fa\n", "1 Road\n", "Somebody looked.", "We discovered it on", "\nname, address, date of birth and contact details.\n", "It happened on", "Watch your bills.", "We ended the access.", "Toll-free: 800 555 0100"} {
				if !strings.Contains(d.Letters[0].Text+d.Letters[1].Text, part) {
					t.Errorf("%q is not in %s", part, d.Letters[0].Text)
				}
			}
			if list := entries(t, r, tutela.ActionBreachLetters); len(list) != 1 || len(list[0].Patients) != 3 {
				t.Errorf("whose names were read is not in the ledger: %+v", list)
			}
			sent := []breach.Delivery{{Duty: "hipaa.individuals", State: breach.Sent}, {Duty: "hipaa.individuals", State: breach.Returned, Patient: d.Letters[0].Patient}, {Duty: "hipaa.secretary", State: breach.Sent}}
			c = say[breach.Case](t, r, 200, "POST", at+"/deliveries", sent)
			if o := c.Duties[0]; o.Told != 2 || o.Returned != 1 || o.Done || !c.Duties[1].Done {
				t.Errorf("%+v", c.Duties)
			}
			seen := testkit.Sabotage(t, "respond.breaches-in-time")
			seen.Expect(tried(t, r), tutela.Pass)
			clock.Advance(62 * 24 * time.Hour)
			r.Forget()
			seen.Expect(tried(t, r), tutela.Fail, "1 notices")
			say[any](t, r, 422, "POST", at+"/close", struct{}{})
			say[breach.Case](t, r, 200, "POST", at+"/deliveries", []breach.Delivery{{Duty: "hipaa.individuals", State: breach.Substitute, Patient: d.Letters[0].Patient, How: "telephone"}})
			seen.Expect(tried(t, r), tutela.Pass)
			say[any](t, r, 422, "POST", at+"/close", struct{}{}) // nobody has assessed it
			say[breach.Case](t, r, 200, "POST", at+"/assessment", breach.Assessment{Form: attested().Form, Reason: "it is one", Finding: breach.Presumed})
			if c = say[breach.Case](t, r, 200, "POST", at+"/close", struct{}{}); c.Closed.IsZero() {
				t.Error("it is not closed")
			}
			if list := say[[]breach.Case](t, r, 200, "GET", "", nil); len(list) != 0 {
				t.Errorf("%+v", list)
			}
			for _, bad := range []breach.Delivery{{Duty: "x", State: breach.Sent}, {Duty: "hipaa.individuals", State: "x"}, {Duty: "hipaa.individuals", State: breach.Sent, Patient: "0000000000000001"}} {
				say[any](t, r, 400, "POST", at+"/deliveries", []breach.Delivery{bad})
			}
		})
	}
}

// tried runs the check of overdue notices.
func tried(t *testing.T, r *rig.Rig) tutela.Evidence {
	t.Helper()
	return r.Breaches.Checks()[0].Try(t.Context())
}

// A template in what people write, or in a patient's own name, stays text, and a name begins no line of its own.
func TestLettersInterpretNothing(t *testing.T) {
	t.Parallel()
	clock := &testkit.Clock{}
	r := rig.Open(t, rig.Config{Clock: clock.Now})
	const attack = `{{.Words}}{{range .To}}x{{end}}{{template "x"}}{{printf "%s" .Name}}`
	name, err := json.Marshal(attack + "\nToll-free: 900 555 0199")
	if err != nil {
		t.Fatal(err)
	}
	r.Put(t, `{"resourceType":"Patient","id":"a","name":[{"text":`+string(name)+`}],"address":[{"line":["{{.}}"],"city":"Town"}]}`)
	r.Treat(t, "a", "physician")
	r.Get(t, "physician", "Patient/a")
	sequence(t, r)
	now := clock.Now()
	c := say[breach.Case](t, r, 200, "POST", "", breach.Opening{
		Title: "x", Ask: breach.Ask{Actor: "physician", From: now.Add(-time.Hour), To: now.Add(time.Hour)}, Facts: duty.Facts{Zone: "UTC", Laws: []duty.Law{duty.HIPAA}},
	})
	w := words()
	w.Happened = attack
	d := say[breach.Drafts](t, r, 200, "POST", "/"+c.ID+"/letters", w)
	text := d.Letters[0].Text
	if strings.Count(text, attack) != 2 || !strings.Contains(text, "\n{{.}}\n") {
		t.Errorf("something was interpreted: %s", text)
	}
	if strings.Contains(text, "\nToll-free: 900") {
		t.Errorf("a name began a line: %s", text)
	}
}

// Storage that got away sealed was secured where the keys are another machine's, and not where they may have gone with it.
func TestSafeHarbourFollowsTheKeys(t *testing.T) {
	t.Parallel()
	for _, apart := range []bool{false, true} {
		clock := &testkit.Clock{}
		r := rig.Open(t, rig.Config{Clock: clock.Now, Apart: apart})
		c := say[breach.Case](t, r, 200, "POST", "", breach.Opening{
			Title: "a stolen disk", Storage: true, Facts: duty.Facts{Zone: "UTC", Laws: []duty.Law{duty.HIPAA}, Individuals: 700},
		})
		if c.Harbour.Holds != apart || len(c.Duties) != 2 {
			t.Errorf("apart %v: %+v", apart, c)
		}
		a := attested()
		a.Finding = breach.Secured
		say[any](t, r, map[bool]int{true: 200, false: 422}[apart], "POST", "/"+c.ID+"/assessment", a)
	}
}

// Of cases everybody but the privacy officer is told the same, whether there is one or not.
func TestCasesAreForThePrivacyOfficer(t *testing.T) {
	t.Parallel()
	clock := &testkit.Clock{}
	r := rig.Open(t, rig.Config{Clock: clock.Now})
	c := say[breach.Case](t, r, 200, "POST", "", breach.Opening{Title: "x", Storage: true, Facts: duty.Facts{Zone: "UTC"}})
	for _, as := range []string{"admin", "auditor", "physician", "loader"} {
		for _, id := range []string{c.ID, strings.Repeat("0", 32)} {
			for _, call := range []string{"GET ", "POST /assessment", "POST /close", "POST /delay", "POST /deliveries", "POST /letters"} {
				method, tail, _ := strings.Cut(call, " ")
				body := map[string]string{"POST": "{}"}[method]
				if a := r.Do(t, rig.Call{As: as, Method: method, Path: "/api/v1/breaches/" + id + tail, Body: body, Header: asJSON()}); a.Status != 403 {
					t.Errorf("%s %s: %d", as, call, a.Status)
				}
			}
		}
	}
	say[any](t, r, 404, "GET", "/"+strings.Repeat("0", 32), nil)
	say[any](t, r, 404, "GET", "/x", nil)
}
