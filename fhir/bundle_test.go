package fhir_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela/internal/rig"
)

// req is one entry of a Bundle.
type req struct {
	method, url  string
	resource     string
	fullURL      string
	condition    string // as in `"ifMatch":"W/\"1\""`
	withoutBlock bool   // no request at all
}

func bundle(kind string, entries ...req) string {
	var list []string
	for _, e := range entries {
		var parts []string
		if e.fullURL != "" {
			parts = append(parts, `"fullUrl":"`+e.fullURL+`"`)
		}
		if e.resource != "" {
			parts = append(parts, `"resource":`+e.resource)
		}
		if !e.withoutBlock {
			request := `"request":{"method":"` + e.method + `","url":"` + e.url + `"`
			if e.condition != "" {
				request += "," + e.condition
			}
			parts = append(parts, request+"}")
		}
		list = append(list, "{"+strings.Join(parts, ",")+"}")
	}
	return `{"resourceType":"Bundle","type":"` + kind + `","entry":[` + strings.Join(list, ",") + `]}`
}

const (
	urnA = "urn:uuid:aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa"
	urnB = "urn:uuid:bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb"
)

func observationOf(ref, note string) string {
	return `{"resourceType":"Observation","status":"final","code":{"text":"` + note + `"},"subject":{"reference":"` + ref + `"}}`
}

// responses are the statuses of a response Bundle's entries.
func responses(b rig.Bundle) []string {
	var list []string
	for _, e := range b.Entry {
		list = append(list, strings.SplitN(e.Response.Status, " ", 2)[0])
	}
	return list
}

func TestTransactionLinksItsEntries(t *testing.T) {
	t.Parallel()
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		r.Put(t, `{"resourceType":"Practitioner","id":"dr","identifier":[{"system":"http://x.test","value":"dr"}]}`)
		r.Put(t, patient("gone", "Gone"))
		b := r.Do(t, asking(rig.Loader, post("", bundle("transaction",
			req{method: "GET", url: "Observation?subject=Patient/kept"},
			req{method: "POST", url: "Observation", fullURL: urnB, resource: `{"resourceType":"Observation","status":"final","code":{"text":"linked"},"subject":{"reference":"` + urnA + `"},"performer":[{"reference":"Practitioner?identifier=http://x.test|dr"}],"derivedFrom":[{"reference":"` + urnB + `"}]}`},
			req{method: "PUT", url: "Patient/kept", fullURL: urnA, resource: `{"resourceType":"Patient","id":"kept","text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\"><a href=\"` + urnB + `\">x</a></div>"}}`},
			req{method: "DELETE", url: "Patient/gone"},
		), "Prefer", "return=representation"))).Bundle(t)
		if diff := cmp.Diff([]string{"200", "201", "201", "204"}, responses(b)); diff != "" {
			t.Fatalf("responses (-want +got):\n%s", diff)
		}
		obs := strings.TrimPrefix(strings.Split(b.Entry[1].Response.Location, "/_history")[0], rig.Base+"/")
		var got struct {
			Subject     struct{ Reference string }
			Performer   []struct{ Reference string }
			DerivedFrom []struct{ Reference string }
		}
		if err := json.Unmarshal(b.Entry[1].Resource, &got); err != nil {
			t.Fatal(err)
		}
		refs := []string{got.Subject.Reference, got.Performer[0].Reference, got.DerivedFrom[0].Reference}
		if diff := cmp.Diff([]string{"Patient/kept", "Practitioner/dr", obs}, refs); diff != "" {
			t.Errorf("references (-want +got):\n%s", diff)
		}
		if !strings.Contains(string(b.Entry[0].Resource), obs) {
			t.Errorf("a read within a transaction does not see what it wrote: %s", b.Entry[0].Resource)
		}
		if !strings.Contains(string(b.Entry[2].Resource), obs) {
			t.Errorf("a link in the narrative stays as it was: %s", b.Entry[2].Resource)
		}
		r.Verify(t)
	})
}

func TestTransactionHappensWholeOrNotAtAll(t *testing.T) {
	t.Parallel()
	good := req{method: "POST", url: "Observation", resource: observationOf("Patient/p", "half")}
	bad := map[string]struct {
		entry  req
		status int
		says   string
	}{
		"invalid resource":           {req{method: "POST", url: "Patient", resource: `{"resourceType":"Patient","gender":"x"}`}, 400, "Bundle.entry[1].resource.gender"},
		"wrong version":              {req{method: "PUT", url: "Patient/p", resource: patient("p", "New"), condition: `"ifMatch":"W/\"9\""`}, 412, "entry[1]"},
		"delete on a wrong version":  {req{method: "DELETE", url: "Patient/p", condition: `"ifMatch":"W/\"9\""`}, 412, "entry[1]"},
		"unknown type":               {req{method: "POST", url: "Patent", resource: patient("x", "X")}, 400, "entry[1]"},
		"another type":               {req{method: "POST", url: "Basic", resource: patient("x", "X")}, 400, "entry[1]"},
		"another id":                 {req{method: "PUT", url: "Patient/y", resource: patient("x", "X")}, 400, "entry[1]"},
		"no resource":                {req{method: "PUT", url: "Patient/y"}, 400, "entry[1]"},
		"no request":                 {req{resource: patient("x", "X"), withoutBlock: true}, 400, "entry[1]"},
		"method not offered":         {req{method: "PATCH", url: "Patient/p", resource: patient("p", "X")}, 400, "entry[1]"},
		"head":                       {req{method: "HEAD", url: "Patient/p"}, 400, "entry[1]"},
		"read of nothing that is":    {req{method: "GET", url: "Patient/p/$everything/x"}, 400, "entry[1]"},
		"update by condition":        {req{method: "PUT", url: "Patient?family=X", resource: patient("x", "X")}, 400, "entry[1]"},
		"delete by condition":        {req{method: "DELETE", url: "Patient?family=X"}, 400, "entry[1]"},
		"reference that matches two": {req{method: "POST", url: "Observation", resource: observationOf("Patient?family=Twin", "x")}, 412, "entry[1]"},
		"reference that matches none": {req{method: "POST", url: "Observation", resource: observationOf("Patient?family=Nobody", "x")},
			412, "entry[1]"},
		"condition that matches two": {req{method: "POST", url: "Patient", resource: patient("x", "X"), condition: `"ifNoneExist":"family=Twin"`}, 412, "entry[1]"},
		"empty address":              {req{method: "GET", url: "?"}, 400, "entry[1]"},
	}
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		for _, p := range []string{patient("p", "Old"), patient("t1", "Twin"), patient("t2", "Twin")} {
			r.Put(t, p)
		}
		for name, c := range bad {
			a := r.Do(t, asking(rig.Loader, post("", bundle("transaction", good, c.entry, req{method: "DELETE", url: "Patient/t1"}))))
			if a.Status != c.status || !strings.Contains(string(a.Body), c.says) {
				t.Errorf("%s: %d %s", name, a.Status, a.Body)
			}
		}
		two := req{method: "PUT", url: "Patient/p", resource: patient("p", "Twice")}
		if a := r.Do(t, asking(rig.Loader, post("", bundle("transaction", good, two, two)))); a.Status != http.StatusBadRequest {
			t.Errorf("the same resource twice: %d %s", a.Status, a.Body)
		}
		play(t, r, []step{
			{"no observation", get("Observation?_summary=count"), 200, nil, `"total":0`},
			{"the patient", get("Patient/p"), 200, map[string]string{"ETag": `W/"1"`}, `"Old"`},
			{"nothing deleted", get("Patient/t1"), 200, nil, ""},
		})
		r.Verify(t)
	})
}

func TestConditionalCreateInATransaction(t *testing.T) {
	t.Parallel()
	r := rig.Open(t, rig.Config{})
	r.Put(t, `{"resourceType":"Patient","id":"there","identifier":[{"value":"7"}],"birthDate":"1960-01-02"}`)
	b := r.Do(t, asking(rig.Loader, post("", bundle("transaction",
		req{method: "POST", url: "Patient", fullURL: urnA, resource: `{"resourceType":"Patient","identifier":[{"value":"7"}]}`, condition: `"ifNoneExist":"identifier=7"`},
		req{method: "POST", url: "Observation", resource: observationOf(urnA, "x")},
	), "Prefer", "return=representation"))).Bundle(t)
	if diff := cmp.Diff([]string{"200", "201"}, responses(b)); diff != "" {
		t.Fatalf("responses (-want +got):\n%s", diff)
	}
	if !strings.Contains(string(b.Entry[0].Resource), "1960-01-02") || !strings.Contains(string(b.Entry[1].Resource), "Patient/there") {
		t.Errorf("answers: %s %s", b.Entry[0].Resource, b.Entry[1].Resource)
	}
}

func TestBatchEntriesStandAlone(t *testing.T) {
	t.Parallel()
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		r.Put(t, patient("p", "Old"))
		before := len(r.Entries(t))
		entries := []req{
			{method: "POST", url: "Patient", resource: `{"resourceType":"Patient","gender":"x"}`},
			{method: "PUT", url: "Patient/q", resource: patient("q", "New")},
			{method: "PUT", url: "Patient/p", resource: patient("p", "New"), condition: `"ifMatch":"W/\"9\""`},
			{method: "GET", url: "Patient/p"},
			{method: "GET", url: "Patient/p", condition: `"ifNoneMatch":"W/\"1\""`},
			{method: "GET", url: "Patient?family=Old"},
			{method: "GET", url: "Patient/p/_history"},
			{method: "GET", url: "Patient/p/_history/1"},
			{method: "GET", url: "Patient?nonsense=1"},
			{method: "GET", url: "Patient/absent"},
			{method: "PATCH", url: "Patient/p", resource: patient("p", "X")},
			{resource: patient("x", "X"), withoutBlock: true},
			{method: "DELETE", url: "Patient/p"},
			{method: "GET", url: "Patient/p"},
		}
		b := r.Do(t, asking(rig.Loader, post("", bundle("batch", entries...)))).Bundle(t)
		want := []string{"400", "201", "412", "200", "304", "200", "200", "200", "400", "404", "400", "400", "204", "410"}
		if diff := cmp.Diff(want, responses(b)); diff != "" {
			t.Errorf("responses (-want +got):\n%s", diff)
		}
		if !strings.Contains(string(b.Entry[0].Response.Outcome), "gender") {
			t.Errorf("the refused entry does not say where: %s", b.Entry[0].Response.Outcome)
		}
		if n := len(r.Entries(t)) - before; n != len(entries)+1 {
			t.Errorf("%d ledger entries for a batch of %d", n, len(entries))
		}
		r.Verify(t)
	})
}

func TestBundlesOfOtherFormsAreRefused(t *testing.T) {
	t.Parallel()
	r := rig.Open(t, rig.Config{})
	play(t, r, []step{
		{"another type of Bundle", post("", `{"resourceType":"Bundle","type":"collection"}`), 400, nil, "batch or transaction"},
		{"no Bundle", post("", patient("p", "X")), 400, nil, "takes a Bundle"},
		{"nothing in it", post("", `{"resourceType":"Bundle","type":"transaction"}`), 200, nil, "transaction-response"},
		{"nothing in a batch", post("", `{"resourceType":"Bundle","type":"batch"}`), 200, nil, "batch-response"},
		{"with a slash", post("/fhir/r4/", bundle("batch")+" "), 400, nil, "empty list"},
	})
}

// TestTransactionOrder: deletes come before creates, and creates before updates, wherever they stand.
func TestTransactionOrder(t *testing.T) {
	t.Parallel()
	r := rig.Open(t, rig.Config{})
	for i := range 3 {
		r.Put(t, patient(fmt.Sprint("p", i), "Old"))
	}
	b := r.Do(t, asking(rig.Loader, post("", bundle("transaction",
		req{method: "GET", url: "Patient?family=Old"},
		req{method: "PUT", url: "Patient/p1", resource: patient("p1", "New")},
		req{method: "POST", url: "Patient", resource: patient("x", "Old")},
		req{method: "DELETE", url: "Patient/p0"},
	)))).Bundle(t)
	if diff := cmp.Diff([]string{"200", "200", "201", "204"}, responses(b)); diff != "" {
		t.Fatalf("responses (-want +got):\n%s", diff)
	}
	var found rig.Bundle
	if err := json.Unmarshal(b.Entry[0].Resource, &found); err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, e := range found.Entry {
		ids = append(ids, strings.TrimPrefix(e.FullURL, rig.Base+"/Patient/"))
	}
	if len(ids) != 2 || !slices.Contains(ids, "p2") || slices.Contains(ids, "p0") {
		t.Errorf("the search within the transaction sees %v", ids)
	}
}
