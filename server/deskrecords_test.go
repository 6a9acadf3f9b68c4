package server_test

import (
	"crypto/x509"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/internal/chromium"
	"github.com/tutela-health/tutela/server"
	"github.com/tutela-health/tutela/store"
)

// admits makes a patient's account and gives its credentials.
func (k *clinic) admits(t *testing.T, id string) (identity.User, identity.Credentials) {
	t.Helper()
	u, c, err := k.Identity.CreateUser(t.Context(), tutela.Actor{ID: "test", Kind: tutela.ActorSystem}, identity.NewUser{
		Username: id, Kind: tutela.ActorPerson, Roles: []string{"patient"}, Scopes: []string{"patient/*.rs"}, Client: "app",
		FHIRUser: tutela.Ref{Type: "Patient", ID: id}, Patient: tutela.PatientID(id),
	})
	if err != nil {
		t.Fatal(err)
	}
	return u, c
}

// welcomes signs a patient in.
func (k *clinic) welcomes(t *testing.T, id string) *visitor {
	t.Helper()
	u, c := k.admits(t, id)
	return k.signsIn(t, u, c)
}

// A patient sees on his page who looked and what became of what he asked, and takes a copy home: his own, and
// nobody else does any of it.
func TestAPatientsOwnRecordsByThePages(t *testing.T) {
	onEngines(t, func(t *testing.T, k *clinic) {
		k.Put(t, `{"resourceType":"Condition","id":"c","subject":{"reference":"Patient/ann"},"code":{"text":"<b>sore</b>"}}`)
		k.Put(t, `{"resourceType":"Condition","id":"b","subject":{"reference":"Patient/bob"},"code":{"text":"another's"}}`)
		k.Treat(t, "ann", "doctor")
		ann, doctor, officer := k.welcomes(t, "ann"), k.enters(t, "doctor", "physician"), k.enters(t, "officer", "privacy")
		if got := doctor.reads("Condition/c"); got != http.StatusOK {
			t.Fatalf("the doctor reads: %d", got)
		}
		ann.open("/account", http.StatusOK)
		ann.sees([]string{`href="/account/records"`}, `href="/accesses"`, `href="/emergency"`)
		page := ann.open("/account/records", http.StatusOK)
		ann.sees([]string{"doctor", "1 Condition"}, "another's")
		ann.send(page, "/account/records", url.Values{"kind": {"rectification"}, "law": {"gdpr"}, "detail": {`it is <script>"not" sore`}})
		ann.sees([]string{"Your request was taken in", "rectification", "it is &lt;script&gt;&#34;not&#34; sore", "open"}, "<script>\"not\"")
		if p := ann.send(page, "/account/records", url.Values{"kind": {"rectification"}, "law": {"gdpr"}, "detail": {""}}); p.Problem == "" {
			t.Errorf("a rectification of nothing: %d", p.Status)
		}
		ann.send(page, "/account/records/copy", url.Values{"as": {"bundle"}})
		var copied struct{ Entry []struct{ FullURL string } }
		if err := json.Unmarshal([]byte(ann.text), &copied); err != nil || len(copied.Entry) != 3 {
			t.Errorf("the copy has %d resources: %v", len(copied.Entry), err)
		}
		for _, other := range []*visitor{doctor, officer} {
			other.open("/account/records", http.StatusForbidden)
			other.open("/account", http.StatusOK)
			other.sees(nil, `href="/account/records"`)
		}
		refused := 0
		for _, e := range k.entries(t, tutela.ActionPatientAccesses) {
			if e.Outcome == tutela.OutcomeDenied {
				refused++
			}
		}
		if refused != 2 {
			t.Errorf("%d refusals in the ledger, want 2", refused)
		}
		k.Verify(t)
	})
}

// An emergency opens what is restricted, to him who broke the glass, and is reviewed like any.
func TestAnEmergencyOpensWhatIsRestricted(t *testing.T) {
	onEngines(t, func(t *testing.T, k *clinic) {
		k.Treat(t, "ann", "doctor")
		entry := tutela.Entry{Actor: tutela.Actor{ID: "test", Kind: tutela.ActorSystem}, Action: tutela.ActionPatientRestrict}
		if err := k.Rights.Restrict(t.Context(), entry, "ann", nil, "disputed"); err != nil {
			t.Fatal(err)
		}
		doctor := k.enters(t, "doctor", "physician")
		if got := doctor.reads("Patient/ann"); got != http.StatusNotFound {
			t.Fatalf("restricted: %d", got)
		}
		doctor.send(doctor.open("/emergency", http.StatusOK), "/emergency", broken("ann"))
		if got := doctor.reads("Patient/ann"); got != http.StatusOK {
			t.Errorf("in an emergency: %d", got)
		}
		doctor.send(doctor.open("/emergency", http.StatusOK), "/emergency/end", nil)
		if got := doctor.reads("Patient/ann"); got != http.StatusNotFound {
			t.Errorf("after it: %d", got)
		}
	})
}

// TestRecordsPageInChromium looks at the page in a real browser under the policies that ship.
func TestRecordsPageInChromium(t *testing.T) {
	k := newClinic(t, store.SQLite, func(c *server.Config) { c.Hosts = append(c.Hosts, "127.0.0.1") })
	k.Put(t, `{"resourceType":"Patient","id":"ann"}`)
	at := publish(t, k.Handler)
	_, c := k.admits(t, "ann")
	b := chromium.Open(t, chromium.Config{Base: at.base, Trusted: []*x509.Certificate{shownBy(t, at)}})
	b.Open("/login")
	b.Fill("username", c.Username)
	b.Fill("password", c.Password)
	b.Press("button.main", "Second factor")
	codes, err := k.codes(c)
	if err != nil {
		t.Fatal(err)
	}
	b.Fill("code", codes[0])
	b.Press("button.main", "Your account")
	b.Press(`nav a[href="/account/records"]`, "Your records")
	b.Inspect("records")
	b.Fill("detail", strings.Repeat("a word too long to break ", 20))
	b.Press(`form:has(#detail) button.main`, "Your records")
	b.Inspect("records-asked")
	if got := b.Text("[role=status]"); got != "Your request was taken in. You see here what comes of it." {
		t.Errorf("notice %q", got)
	}
	b.Quiet()
}
