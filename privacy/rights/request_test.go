package rights_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/privacy/rights"
)

// Every regulation leaves its own time: the days are those of the articles that clock.go names.
func TestRequestsAreDueByTheirRegulation(t *testing.T) {
	each(t, func(t *testing.T, o *office) {
		for _, c := range []struct {
			kind, regulation string
			left, extended   int // days; -1: no time
		}{
			{"access", "hipaa", 30, 60}, {"portability", "hipaa", 30, 60}, {"rectification", "hipaa", 60, 90}, {"accounting", "hipaa", 60, 90},
			{"access", "ccpa", 45, 90}, {"rectification", "ccpa", 45, 90}, {"erasure", "ccpa", 45, 90},
			{"restriction", "hipaa", -1, -1},
		} {
			r := o.ask(t, "privacy", "ann", `{"kind":"`+c.kind+`","regulation":"`+c.regulation+`","detail":"x"}`)
			if c.left < 0 {
				if r.DaysLeft != nil {
					t.Errorf("%s %s: %d days left, and the regulation names none", c.regulation, c.kind, r.left())
				}
				o.post(t, "privacy", "requests/"+r.ID+"/extend", `{"reason":"many"}`, http.StatusConflict)
				continue
			}
			longer := decoded[request](t, o.post(t, "privacy", "requests/"+r.ID+"/extend", `{"reason":"many records"}`, http.StatusOK))
			if r.left() != c.left || longer.left() != c.extended {
				t.Errorf("%s %s: %d days, extended %d; want %d and %d", c.regulation, c.kind, r.left(), longer.left(), c.left, c.extended)
			}
			o.post(t, "privacy", "requests/"+r.ID+"/extend", `{"reason":"again"}`, http.StatusConflict)
		}
		for _, kind := range []string{"access", "portability", "rectification", "erasure", "restriction", "accounting"} {
			r := o.ask(t, "ann", "ann", `{"kind":"`+kind+`","regulation":"gdpr","detail":"x"}`)
			month := r.Opened.AddDate(0, 1, 0)
			if month.Day() == r.Opened.Day() && !r.Due.Equal(month) {
				t.Errorf("gdpr %s: opened %v, due %v", kind, r.Opened, r.Due)
			}
		}
		for _, body := range []string{
			`{"kind":"erasure","regulation":"hipaa"}`, `{"kind":"accounting","regulation":"ccpa"}`, `{"kind":"access","regulation":"none"}`,
			`{"kind":"nonsense","regulation":"gdpr"}`, `{"kind":"rectification","regulation":"gdpr"}`, `{"kind":"objection","regulation":"gdpr"}`,
			`{"kind":"access","regulation":"gdpr","purposes":["TREAT"]}`, `{"kind":"objection","regulation":"gdpr","purposes":["NONSENSE"]}`,
			`{"kind":"access","regulation":"gdpr","detail":"` + strings.Repeat("x", 4001) + `"}`, `{"kind":"access","regulation":"gdpr","detail":"a\u0000b"}`,
		} {
			o.post(t, "privacy", "patients/ann/requests", body, http.StatusBadRequest)
		}
	})
}

// Months end on the day of the same number, or on the last of theirs.
func TestMonthsEndWhereTheRegulationSays(t *testing.T) {
	for opened, want := range map[string]string{
		"2026-01-31": "2026-02-28", "2028-01-31": "2028-02-29", "2026-03-31": "2026-04-30", "2026-12-15": "2027-01-15", "2026-11-22": "2026-12-22",
	} {
		at, err := time.Parse(time.DateOnly, opened)
		if err != nil {
			t.Fatal(err)
		}
		got, err := rights.Due(rights.Access, rights.GDPR, at, false)
		if err != nil || got.Format(time.DateOnly) != want {
			t.Errorf("opened %s, due %s %v, want %s", opened, got.Format(time.DateOnly), err, want)
		}
	}
	got, err := rights.Due(rights.Access, rights.GDPR, time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC), true)
	if err != nil || got.Format(time.DateOnly) != "2027-02-28" {
		t.Errorf("extended: %v %v", got, err)
	}
}

// The list leads with what is due soonest, says what is overdue, and loses what is closed.
func TestRequestsShowWhatIsLeftAndWhatIsOverdue(t *testing.T) {
	each(t, func(t *testing.T, o *office) {
		late := o.ask(t, "ann", "ann", `{"kind":"access","regulation":"hipaa"}`)
		o.Advance(20 * day)
		later := o.ask(t, "bob", "bob", `{"kind":"access","regulation":"hipaa"}`)
		timeless := o.ask(t, "privacy", "bob", `{"kind":"restriction","regulation":"hipaa"}`)
		o.Advance(11 * day)
		list := decoded[[]request](t, o.get(t, "privacy", "requests", http.StatusOK))
		var ids []string
		for _, r := range list {
			ids = append(ids, r.ID)
		}
		if diff := cmp.Diff([]string{late.ID, later.ID, timeless.ID}, ids); diff != "" {
			t.Fatalf("order (-want +got):\n%s", diff)
		}
		if !list[0].Overdue || list[0].left() > -1 || list[1].Overdue || list[1].left() != 19 || list[2].Overdue {
			t.Errorf("after 31 days: %d overdue %v, %d overdue %v", list[0].left(), list[0].Overdue, list[1].left(), list[1].Overdue)
		}
		o.post(t, "privacy", "requests/"+late.ID+"/extend", `{"reason":"too late"}`, http.StatusConflict)
		o.post(t, "privacy", "requests/"+late.ID+"/fulfil", `{"reason":"handed over"}`, http.StatusOK)
		o.post(t, "privacy", "requests/"+late.ID+"/refuse", `{"reason":"too late"}`, http.StatusConflict)
		if got := len(decoded[[]request](t, o.get(t, "privacy", "requests", http.StatusOK))); got != 2 {
			t.Errorf("%d are open, want 2", got)
		}
		if got := len(decoded[[]request](t, o.get(t, "privacy", "requests?closed=true", http.StatusOK))); got != 3 {
			t.Errorf("%d in all, want 3", got)
		}
	})
}

// A patient asks and reads for himself alone; all others but the privacy officer do neither, and learn nothing
// of who is there.
func TestWhoExercisesWhoseRights(t *testing.T) {
	each(t, func(t *testing.T, o *office) {
		r := o.ask(t, "ann", "ann", `{"kind":"access","regulation":"gdpr","detail":"all of it"}`)
		ask := `{"kind":"access","regulation":"gdpr"}`
		for _, as := range []string{"bob", "physician", "registration", "admin", "auditor", "researcher", "loader"} {
			for _, id := range []string{"ann", "absent"} {
				for _, path := range []string{"requests", "disclosures", "accesses"} {
					o.get(t, as, "patients/"+id+"/"+path, http.StatusForbidden)
				}
				o.post(t, as, "patients/"+id+"/requests", ask, http.StatusForbidden)
				o.post(t, as, "patients/"+id+"/restriction", `{"reason":"x"}`, http.StatusForbidden)
				o.post(t, as, "patients/"+id+"/disclosures", `{}`, http.StatusForbidden)
			}
			o.get(t, as, "requests", http.StatusForbidden)
			o.post(t, as, "requests/"+r.ID+"/grant", `{}`, http.StatusForbidden)
			o.get(t, as, "requests/"+r.ID+"/recipients", http.StatusForbidden)
		}
		o.post(t, "ann", "patients/ann/restriction", `{"reason":"x"}`, http.StatusForbidden)
		o.post(t, "ann", "requests/"+r.ID+"/grant", `{}`, http.StatusForbidden)
		o.post(t, "privacy", "patients/absent/requests", ask, http.StatusNotFound)
		o.post(t, "privacy", "requests/"+strings.Repeat("0", 32)+"/grant", `{}`, http.StatusNotFound)
		o.get(t, "privacy", "patients/not%20an%20id/requests", http.StatusBadRequest)
		own := decoded[struct{ Requests []request }](t, o.get(t, "ann", "patients/ann/requests", http.StatusOK))
		if len(own.Requests) != 1 || own.Requests[0].Detail != "all of it" || own.Requests[0].By != "ann" {
			t.Errorf("the patient's own: %+v", own)
		}
	})
}

// A request that was granted restricts at once where it is for that, and the entries tell of each step: what was
// said of it under the patient's key alone.
func TestGrantedObjectionRestricts(t *testing.T) {
	each(t, func(t *testing.T, o *office) {
		r := o.ask(t, "ann", "ann", `{"kind":"objection","regulation":"gdpr","detail":"not for my insurer","purposes":["HPAYMT"]}`)
		if a := o.Get(t, "billing", "Condition/c-ann"); a.Status != http.StatusOK {
			t.Fatalf("before: %d", a.Status)
		}
		got := decoded[request](t, o.post(t, "privacy", "requests/"+r.ID+"/grant", `{"reason":"no overriding ground"}`, http.StatusOK))
		if got.State != rights.Fulfilled || got.DecidedBy != "privacy" {
			t.Errorf("granted: %+v", got)
		}
		for as, want := range map[string]int{"billing": http.StatusNotFound, "physician": http.StatusOK, "ann": http.StatusOK} {
			if a := o.Get(t, as, "Condition/c-ann"); a.Status != want {
				t.Errorf("%s after it: %d, want %d", as, a.Status, want)
			}
		}
		held := decoded[struct{ Restricted *rights.Restricted }](t, o.get(t, "privacy", "patients/ann/requests", http.StatusOK))
		if held.Restricted == nil || !slices.Equal(held.Restricted.Purposes, []tutela.Purpose{tutela.PurposePayment}) {
			t.Errorf("what holds: %+v", held.Restricted)
		}
		o.post(t, "privacy", "patients/ann/restriction/lift", `{"reason":"withdrawn"}`, http.StatusOK)
		if a := o.Get(t, "billing", "Condition/c-ann"); a.Status != http.StatusOK {
			t.Errorf("lifted: %d", a.Status)
		}
		o.sequence(t)
		var steps []string
		for _, e := range o.Entries(t) {
			if e.Subject != nil && e.Subject.Kind == "right" {
				steps = append(steps, string(e.Action)+" "+e.Subject.Detail)
			}
		}
		slices.Sort(steps) // entries of one moment have no order
		if diff := cmp.Diff([]string{"patient.restrict lifted (revision 2)", "rights.ask open", "rights.decide fulfilled, restricted for HPAYMT (revision 1)"}, steps); diff != "" {
			t.Errorf("entries (-want +got):\n%s", diff)
		}
		o.Verify(t)
	})
}

// Rectification: what was granted is told to those whom the ledger names as recipients, and who was told is
// written down (GDPR 19, 45 CFR 164.526(c)(3)).
func TestRecipientsAreToldOfARectification(t *testing.T) {
	each(t, func(t *testing.T, o *office) {
		for _, ground := range []string{"public-health", "treatment"} {
			o.post(t, "privacy", "patients/ann/disclosures", `{"recipient":"`+ground+` office","what":"a report","purpose":"as asked","ground":"`+ground+`"}`, http.StatusOK)
		}
		r := o.ask(t, "ann", "ann", `{"kind":"rectification","regulation":"hipaa","detail":"the allergy is wrong"}`)
		at := "requests/" + r.ID
		o.post(t, "privacy", at+"/notices", `{"recipient":"public-health office","how":"letter"}`, http.StatusConflict)
		o.post(t, "privacy", at+"/grant", `{"reason":"the laboratory confirmed it"}`, http.StatusOK)
		left := func() []string {
			return decoded[struct{ Recipients []string }](t, o.get(t, "privacy", at+"/recipients", http.StatusOK)).Recipients
		}
		if diff := cmp.Diff([]string{"public-health office", "treatment office"}, left()); diff != "" {
			t.Errorf("to be told (-want +got):\n%s", diff)
		}
		o.post(t, "privacy", at+"/notices", `{"recipient":"public-health office","how":"letter"}`, http.StatusOK)
		if diff := cmp.Diff([]string{"treatment office"}, left()); diff != "" {
			t.Errorf("left (-want +got):\n%s", diff)
		}
		got := decoded[request](t, o.post(t, "privacy", at+"/fulfil", `{"reason":"amended"}`, http.StatusOK))
		if len(got.Notices) != 1 || got.Notices[0].By != "privacy" || got.State != rights.Fulfilled {
			t.Errorf("fulfilled: %+v", got)
		}
	})
}
