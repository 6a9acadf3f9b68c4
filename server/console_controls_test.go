package server_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/store"
)

// A control is found, attested with a word that stays a word, corrected where that is refused, and taken back: by who may.
func TestControlsAreWorkedOnInTheConsole(t *testing.T) {
	onEngines(t, func(t *testing.T, k *clinic) {
		const page = "/console/controls/45-cfr-164.310-b"
		v := k.enters(t, "officer", "privacy")
		v.open("/console/controls", http.StatusOK)
		v.sees([]string{"HIPAA Security Rule", "By regulation", "proposed"})
		v.open("/console/controls?regulation=hipaa-security", http.StatusOK)
		v.sees([]string{`href="/console/controls/45-cfr-164.310-b"`, "not covered"})
		v.send(v.open(page, http.StatusOK), page+"/attest", url.Values{"statement": {foreign}, "expires": {"soon"}})
		v.sees([]string{"Say until which day"}, "<img src=x")
		v.send(v.open(page, http.StatusOK), page+"/attest", url.Values{"statement": {foreign}, "expires": {"2099-01-01"}})
		v.sees([]string{"within 366 days"}, "<img src=x")
		until := k.Now().AddDate(0, 1, 0).Format("2006-01-02")
		v.send(v.open(page, http.StatusOK), page+"/attest", url.Values{"statement": {foreign}, "expires": {until}})
		v.sees([]string{"Your word is kept", "attested"}, "<img src=x", "<script>alert")
		v.send(v.open(page, http.StatusOK), page+"/withdraw", url.Values{})
		v.sees([]string{"The word is withdrawn", "not covered"})
		if n := len(k.entries(t, tutela.ActionControlAttest)); n != 3 { // one of the refused came as far as the call
			t.Errorf("%d entries of attestations", n)
		}

		auditor := k.enters(t, "checker", "auditor")
		auditor.open(page, http.StatusOK)
		auditor.sees(nil, "Give your word")
		nurse := k.enters(t, "nora", "nurse")
		nurse.open("/console/", http.StatusOK)
		nurse.sees(nil, "/console/controls")
		for _, path := range []string{"/console/controls", page, "/console/controls/p99"} {
			nurse.open(path, http.StatusNotFound)
		}
		v.open("/console/controls/p99", http.StatusNotFound)
		v.open("/console/controls?regulation=none", http.StatusNotFound)
	})
}

// A form without the token that its page holds does nothing.
func TestControlFormsAreBoundToTheirPage(t *testing.T) {
	k := newClinic(t, store.SQLite, nil)
	v := k.enters(t, "officer", "privacy")
	r := request(t, http.MethodPost, "/console/controls/45-cfr-164.310-b/attest", url.Values{"statement": {"so"}, "expires": {"2027-01-01"}}.Encode())
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for _, c := range v.Cookies() {
		r.AddCookie(c)
	}
	if w := k.send(r); w.Code != http.StatusForbidden || strings.Contains(w.Body.String(), "Your word is kept") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if n := len(k.entries(t, tutela.ActionControlAttest)); n != 0 {
		t.Errorf("%d attestations", n)
	}
}
