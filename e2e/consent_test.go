package e2e_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// consenting is a patient's consent; base is OPTIN, which permits, or OPTOUT, which denies.
func consenting(base string) string {
	return `{"resourceType":"Consent","id":"said","status":"active","scope":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/consentscope","code":"patient-privacy"}]},` +
		`"category":[{"text":"x"}],"patient":{"reference":"Patient/p"},"policyRule":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"` + base + `"}]}}`
}

// treatedChart stores a patient whom the try-out physician treats, with observations and a consent.
func treatedChart(t *testing.T, c *client, physician string) {
	t.Helper()
	all := []string{`{"resourceType":"Patient","id":"p"}`, consenting("OPTIN"),
		`{"resourceType":"CareTeam","id":"c","status":"active","subject":{"reference":"Patient/p"},"participant":[{"member":{"reference":"` + physician + `"}}]}`}
	for i := range 5 {
		all = append(all, fmt.Sprintf(`{"resourceType":"Observation","id":"o%d","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/p"}}`, i))
	}
	for _, text := range all {
		var r struct{ ResourceType, ID string }
		must(t, json.Unmarshal([]byte(text), &r))
		c.want(t, http.StatusCreated, http.MethodPut, "/fhir/r4/"+r.ResourceType+"/"+r.ID, text)
	}
}

// observations are how many a search shows, and the path of its next page.
func (c *client) observations(t *testing.T, path string) (n int, next string) {
	t.Helper()
	var page struct {
		Link  []struct{ Relation, URL string }
		Entry []json.RawMessage
	}
	must(t, json.Unmarshal(c.want(t, http.StatusOK, http.MethodGet, path, "").body, &page))
	for _, l := range page.Link {
		if l.Relation == "next" {
			next = l.URL[strings.Index(l.URL, "/fhir/r4/"):]
		}
	}
	return len(page.Entry), next
}

// soon asks until something holds, and logs how long that took. What is promised is a second.
func soon(t *testing.T, what string, holds func() bool) {
	t.Helper()
	began := time.Now()
	for !holds() {
		if time.Since(began) > endsWithin {
			t.Fatalf("%s: not within %v", what, endsWithin)
		}
	}
	t.Logf("%s after %v", what, time.Since(began).Round(time.Millisecond))
}

// A consent that is revoked at one node holds at the other within a second: for what is read there, for what was read
// and remembered, and for the pages of a search that are yet to come. So does one that is given again.
func TestConsentRevokedAtOneNodeHoldsAtTheOther(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	loaders := []*client{p.one.as(t, "loader"), p.two.as(t, "loader")}
	treatedChart(t, loaders[0], p.one.info.Identities["physician"].FHIRUser)
	_, token := p.one.signIn(t, "physician")
	nodes := []*client{p.one.bearing(t, token), p.two.bearing(t, token)}
	reads := func(at *client) bool {
		r, err := at.send(t.Context(), http.MethodGet, "/fhir/r4/Observation/o0", "")
		if must(t, err); r.status != http.StatusOK && r.status != http.StatusNotFound {
			t.Fatalf("a read: %d %s", r.status, r.body)
		}
		return r.status == http.StatusOK
	}
	for from, to := range []int{1, 0} { // each node hears of the other
		here, there := nodes[from], nodes[to]
		for range 2 { // the second time from what is remembered there
			soon(t, "open at first", func() bool { return reads(there) })
		}
		n, next := there.observations(t, "/fhir/r4/Observation?patient=Patient/p&_count=2")
		if n != 2 || next == "" {
			t.Fatalf("the first page has %d, and leads to %q", n, next)
		}
		loaders[from].want(t, http.StatusOK, http.MethodPut, "/fhir/r4/Consent/said", consenting("OPTOUT"))
		if reads(here) {
			t.Error("the node itself still shows what is denied")
		}
		soon(t, "the page that was to come is empty", func() bool { n, _ := there.observations(t, next); return n == 0 })
		soon(t, "closed at the other node", func() bool { return !reads(there) })
		if n, more := there.observations(t, next); n != 0 || more != "" {
			t.Errorf("the page that was to come shows %d, and leads to %q", n, more)
		}
		loaders[from].want(t, http.StatusOK, http.MethodPut, "/fhir/r4/Consent/said", consenting("OPTIN"))
		soon(t, "open again at the other node", func() bool { return reads(there) })
		if n, _ := there.observations(t, next); n != 2 {
			t.Errorf("the page that was to come shows %d again", n)
		}
	}
}
