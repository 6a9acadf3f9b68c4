package fhir_test

import (
	"net/http"
	"testing"

	"github.com/tutela-health/tutela/internal/rig"
)

// FuzzSearch sends any query to the search of a type, as it is, by GET and as a form.
func FuzzSearch(f *testing.F) {
	r := rig.Open(f, rig.Config{})
	for _, res := range edges([]string{"a", "b", "c"}) {
		r.Put(f, res)
	}
	for _, query := range []string{
		"", "family=Ng", "name:exact=Ann%20Van%20%20der%20Berg", "name:contains=b", "gender:not=other,male", "birthdate=ge1960&birthdate=lt1999-12-31",
		"identifier=http://x|a\\,b,|c&_count=1", "_id=edge-linked", "_lastUpdated=gt2020-01-01T00:00:00.000Z", "_tag=|b&_total=accurate", "deceased=true",
		"link=Patient/a", "link:Patient=a", "general-practitioner:identifier=x|y", "general-practitioner:missing=true", "_sort=-_lastUpdated", "_summary=count",
		"_include=Patient:link&_revinclude=Observation:subject", "_page=AAAA", "death-date=ap2019", "%ff=%fe", "family=%00", "=&&==", "_count=99999999999999999999",
		"date=eb2012-02-29T23:59:59.999999999%2B14:00", "value-quantity=lt5.40||mg&value-quantity=-1e-9", "value-quantity=1e400|http://unitsofmeasure.org|mg",
		"combo-code=a\\|b\\,c\\$d", "code=http://x.test|", "subject=https://rig.test/fhir/r4/Patient/a", "subject=urn:uuid:x", "has-member=Observation/x/_history/2", "_format=json",
		"probability=gt0.2", "url:below=http://x.test/vs", "url:above=http://x.test/vs/two/three", "_filter=x", "subject.name=x", "_has:Observation:subject:code=x",
	} {
		for i := range fuzzTypes() {
			f.Add(uint8(i), query)
		}
	}
	f.Fuzz(func(t *testing.T, typ uint8, query string) {
		name := fuzzTypes()[int(typ)%len(fuzzTypes())]
		a := r.Get(t, rig.Loader, name+"?"+query)
		unharmed(t, a)
		unharmed(t, r.Do(t, rig.Call{As: rig.Loader, Method: http.MethodPost, Path: name + "/_search", Body: query,
			Header: map[string]string{"Content-Type": "application/x-www-form-urlencoded"}}))
		if a.Status != http.StatusOK {
			return
		}
		for next := a.Bundle(t).Next(); next != ""; {
			page := r.Get(t, rig.Loader, next)
			if page.Status != http.StatusOK {
				t.Fatalf("a page of its own search: %d %s", page.Status, page.Body)
			}
			next = page.Bundle(t).Next()
		}
	})
}

func fuzzTypes() []string { return []string{"Patient", "Observation", "RiskAssessment", "ValueSet"} }

// FuzzBundle sends any body to the base, and as a create and a conditional create.
func FuzzBundle(f *testing.F) {
	r := rig.Open(f, rig.Config{})
	r.Put(f, patient("p", "Here"))
	for _, kind := range []string{"batch", "transaction"} {
		f.Add(bundle(kind, req{method: "POST", url: "Observation", fullURL: urnB, resource: observationOf(urnA, "x")}, req{method: "PUT", url: "Patient/q", fullURL: urnA, resource: patient("q", "X")}))
		f.Add(bundle(kind, req{method: "GET", url: "Patient?family=Here&_count=1"}, req{method: "GET", url: "Patient/p/_history/1"}, req{method: "DELETE", url: "Patient/p"}))
		f.Add(bundle(kind, req{method: "POST", url: "Patient", resource: patient("x", "Y"), condition: `"ifNoneExist":"family=Y"`}))
		f.Add(bundle(kind, req{method: "PUT", url: "Patient/p", resource: patient("p", "Z"), condition: `"ifMatch":"W/\"1\""`}))
		f.Add(bundle(kind, req{method: "POST", url: "Observation", resource: observationOf("Patient?family=Here", "x")}))
		f.Add(bundle(kind, req{method: "PATCH", url: "//?%zz", resource: `{"resourceType":"Patient","gender":"x"}`}, req{withoutBlock: true, resource: patient("x", "X")}))
	}
	for _, body := range hostile() {
		if len(body) < 1000 {
			f.Add(body)
		}
	}
	f.Fuzz(func(t *testing.T, body string) {
		unharmed(t, r.Do(t, asking(rig.Loader, post("", body, "Prefer", "return=representation"))))
		unharmed(t, r.Do(t, asking(rig.Loader, post("Patient", body))))
		unharmed(t, r.Do(t, asking(rig.Loader, post("Patient", patient("x", "X"), "If-None-Exist", body))))
	})
}

// unharmed wants an answer that is no failure of the server's.
func unharmed(t *testing.T, a rig.Answer) {
	t.Helper()
	if a.Status >= http.StatusInternalServerError {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
}
