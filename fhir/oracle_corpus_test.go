package fhir_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela/access/label"
	"github.com/tutela-health/tutela/internal/rig"
	"github.com/tutela-health/tutela/r4"
)

// stored is a resource as the oracle holds it: in plaintext, in memory.
type stored struct {
	ref       string
	parsed    *r4.Resource   // for r4's own matching
	object    map[string]any // for the naive one
	updated   time.Time
	patients  []string // ids of whom it concerns
	sensitive bool     // its labels, or its codes by the rules, need a clearance
}

// corpus is everything that is in the store, by type.
type corpus struct {
	byType map[string][]*stored
	byRef  map[string]*stored
	types  []string
	treats []string // patients of the physician
}

const veryRestricted = `{"system":"http://terminology.hl7.org/CodeSystem/v3-Confidentiality","code":"V"}`

// edges are resources with what charts rarely hold: open periods, comparators, several patients,
// accents, several tags, links, negative and huge numbers, and what is sensitive of one patient, two and none.
func edges(patients []string) []string {
	a, b := patients[0], patients[1]
	list := []string{
		`{"resourceType":"Patient","id":"edge-accents","active":false,"meta":{"tag":[{"system":"http://x.test/tags","code":"a"},{"code":"b"}],"profile":["http://x.test/p1"]},"name":[{"family":"Müller-Lüdenscheidt","given":["José","O'Neil"]},{"text":"Ann Van  der Berg"}],"gender":"other","birthDate":"1960","telecom":[{"system":"email","value":"M@x.test"}],"deceasedDateTime":"2019-03"}`,
		`{"resourceType":"Patient","id":"edge-linked","name":[{"family":"Ng"}],"birthDate":"1999-12","link":[{"other":{"reference":"Patient/` + a + `"},"type":"seealso"}],"deceasedBoolean":true}`,
		`{"resourceType":"Observation","id":"edge-two-patients","status":"final","code":{"text":"of two"},"subject":{"reference":"Patient/` + a + `"},"performer":[{"reference":"Patient/` + b + `"}],"valueQuantity":{"value":1e40,"unit":"parsec"}}`,
		`{"resourceType":"Observation","id":"edge-group","status":"amended","code":{"coding":[{"code":"no-system"}]},"subject":{"reference":"Group/g1"},"effectivePeriod":{"start":"2010-05-04"},"hasMember":[{"reference":"Observation/edge-two-patients"}],"valueQuantity":{"value":5.40,"comparator":"<","unit":"mg","system":"http://unitsofmeasure.org","code":"mg"}}`,
		`{"resourceType":"Observation","id":"edge-until","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"8302-2"},{"system":"http://x.test","code":"a|b,c$d"}]},"effectivePeriod":{"end":"2012-02-29"},"valueQuantity":{"value":-12.5,"comparator":">=","unit":"mg"}}`,
		`{"resourceType":"Observation","id":"edge-long","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"8302-2"}]},"subject":{"reference":"Patient/` + b + `","identifier":{"system":"http://x.test/ids","value":"7"}},"effectivePeriod":{"start":"1850-01-01","end":"2150-12-31"},"valueDateTime":"1850"}`,
		`{"resourceType":"Observation","id":"edge-instant","status":"final","code":{"text":"x"},"effectiveInstant":"2015-06-07T08:09:10.5+14:00","valueQuantity":{"value":0.000001},"component":[{"code":{"coding":[{"code":"c1"}]},"valueQuantity":{"value":0}},{"code":{"coding":[{"code":"c2"}]},"valueQuantity":{"value":99.99999}}]}`,
		`{"resourceType":"Observation","id":"edge-far","status":"final","code":{"text":"x"},"effectiveDateTime":"2222-02-02","identifier":[{"value":"only"},{"system":"http://x.test/only"}],"subject":{"display":"nobody"}}`,
		`{"resourceType":"RiskAssessment","id":"edge-risk","status":"final","subject":{"reference":"Patient/` + a + `"},"prediction":[{"probabilityDecimal":0.25},{"probabilityDecimal":1000}],"occurrenceDateTime":"2012-02-29T23:59:59Z"}`,
		`{"resourceType":"RiskAssessment","id":"edge-risk-2","status":"final","subject":{"reference":"Patient/` + b + `"},"prediction":[{"probabilityDecimal":-0.00}],"occurrencePeriod":{"start":"2012-12-31T23:59:59Z","end":"2013-01-01"}}`,
		`{"resourceType":"ValueSet","id":"edge-vs","url":"http://x.test/vs|odd","name":"Vs","status":"draft","date":"2020-01"}`,
		`{"resourceType":"ValueSet","id":"edge-vs-2","url":"http://x.test/vs/two","name":"Vs Two","status":"active","date":"2020-01-31T23:59:59.999-05:00"}`,
		`{"resourceType":"Patient","id":"edge-famous","meta":{"security":[` + veryRestricted + `]},"name":[{"family":"Ng"}],"gender":"other","birthDate":"1999-12"}`,
		`{"resourceType":"Observation","id":"edge-secret-two","meta":{"security":[` + veryRestricted + `]},"status":"final","code":{"coding":[{"system":"http://loinc.org","code":"8302-2"}]},"subject":{"reference":"Patient/` + a + `"},"performer":[{"reference":"Patient/` + b + `"}],"effectiveDateTime":"2012-02-29"}`,
		`{"resourceType":"Observation","id":"edge-secret-nobody","meta":{"security":[` + veryRestricted + `]},"status":"amended","code":{"coding":[{"code":"no-system"}]},"valueQuantity":{"value":5.40,"unit":"mg","system":"http://unitsofmeasure.org","code":"mg"}}`,
		`{"resourceType":"Practitioner","id":"edge-doctor","name":[{"family":"Ñandú"}],"identifier":[{"system":"http://x.test","value":"a b"}]}`,
	}
	list = append(list,
		rig.CareTeam("edge-team-a", a, "active", "physician", "nurse"), rig.CareTeam("edge-team-b", b, "active", "physician"),
		rig.CareTeam("edge-team-c", patients[2], "inactive", "physician"))
	for i, p := range []string{a, a, b, patients[2]} { // as sensitive by a label as by a code
		list = append(list, fmt.Sprintf(`{"resourceType":"Condition","id":"edge-secret-%[1]d","meta":{"security":[`+veryRestricted+`]},"code":{"coding":[{"system":"http://x.test","code":"same"}]},"subject":{"reference":"Patient/%[2]s"},"recordedDate":"2012-02-29"}`, i, p),
			fmt.Sprintf(`{"resourceType":"Condition","id":"edge-told-%[1]d","code":{"coding":[{"system":"http://hl7.org/fhir/sid/icd-10-cm","code":"F11.20"}]},"subject":{"reference":"Patient/%[2]s"},"recordedDate":"2012-02-29"}`, i, p))
	}
	for i := range 20 { // equal in everything but their ids: paging must not confuse them
		list = append(list, fmt.Sprintf(`{"resourceType":"Observation","id":"edge-same-%d","status":"registered","code":{"coding":[{"system":"http://x.test","code":"same"}]},"subject":{"reference":"Patient/%s"},"effectiveDateTime":"2001-01-01"}`, i, a))
	}
	return list
}

// load fills a system with charts and edges, and reads back what the oracle must know.
func load(t *testing.T, r *rig.Rig, charts int) *corpus {
	t.Helper()
	sent := map[string]map[string]any{}
	keep := func(resource []byte) {
		m := rig.Plain(t, resource)
		sent[fmt.Sprint(m["resourceType"], "/", m["id"])] = m
	}
	var patients []string
	for _, res := range r.Load(t, rig.Charts(t, charts)) {
		keep(res)
		if m := rig.Plain(t, res); m["resourceType"] == "Patient" {
			patients = append(patients, fmt.Sprint(m["id"]))
		}
	}
	for _, res := range edges(patients) {
		keep([]byte(res))
		r.Put(t, res)
	}
	c := &corpus{byType: map[string][]*stored{}, byRef: map[string]*stored{}, treats: patients[:2]}
	for ref := range sent {
		if typ, _, _ := strings.Cut(ref, "/"); !slices.Contains(c.types, typ) {
			c.types = append(c.types, typ)
		}
	}
	slices.Sort(c.types)
	for _, typ := range c.types {
		c.readBack(t, r, typ, sent)
	}
	if len(c.byRef) != len(sent) {
		t.Fatalf("%d resources sent, %d come back", len(sent), len(c.byRef))
	}
	return c
}

// readBack lists all of a type, holds each against what was sent, and notes when it was updated.
func (c *corpus) readBack(t *testing.T, r *rig.Rig, typ string, sent map[string]map[string]any) {
	t.Helper()
	rules, err := label.Shipped()
	if err != nil {
		t.Fatal(err)
	}
	for path := typ + "?_count=1000"; path != ""; {
		b := r.Get(t, rig.Loader, path).Bundle(t)
		for _, e := range b.Entry {
			s := &stored{}
			var err error
			if s.parsed, err = r4.Parse(e.Resource); err != nil {
				t.Fatal(err)
			}
			s.ref = typ + "/" + s.parsed.ID()
			if diff := cmp.Diff(sent[s.ref], rig.Plain(t, e.Resource)); diff != "" {
				t.Fatalf("%s comes back changed (-sent +stored):\n%s", s.ref, diff)
			}
			s.object = decode(t, e.Resource)
			s.updated, _, _ = moment(text(elements(s.object, "meta.lastUpdated")[0]))
			s.patients = concerned(s.object)
			s.sensitive = rules.Of(s.parsed) != 0
			c.byType[typ] = append(c.byType[typ], s)
			c.byRef[s.ref] = s
		}
		path = b.Next()
	}
}

func decode(t *testing.T, data []byte) map[string]any {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(string(data)))
	dec.UseNumber()
	var m map[string]any
	if err := dec.Decode(&m); err != nil {
		t.Fatal(err)
	}
	return m
}

// concerned are the patients whom a resource names anywhere, itself included.
func concerned(object map[string]any) []string {
	var ids []string
	if object["resourceType"] == "Patient" {
		ids = append(ids, text(object["id"]))
	}
	var walk func(any)
	walk = func(node any) {
		switch x := node.(type) {
		case map[string]any:
			for name, v := range x {
				if id, ok := strings.CutPrefix(text(v), "Patient/"); ok && name == "reference" {
					ids = append(ids, id)
				}
				walk(v)
			}
		case []any:
			for _, v := range x {
				walk(v)
			}
		}
	}
	walk(object)
	slices.Sort(ids)
	return slices.Compact(ids)
}

// visible reports whether a caller may see a resource: the loader sees all, a physician what concerns
// treated patients alone, who works where and what medicine knows, a patient with patient/ scopes
// what concerns nobody else.
func (c *corpus) visible(s *stored, caller string) bool {
	typ, _, _ := strings.Cut(s.ref, "/")
	switch {
	case caller == rig.Loader:
		return true
	case caller == "physician" && s.sensitive:
		return false
	case caller != "physician":
		return len(s.patients) == 1 && s.patients[0] == caller
	case len(s.patients) == 0:
		return slices.Contains([]string{"Practitioner", "PractitionerRole", "Organization", "Location", "ValueSet", "Medication"}, typ)
	default:
		return !slices.ContainsFunc(s.patients, func(p string) bool { return !slices.Contains(c.treats, p) })
	}
}

// fetch runs a search through all its pages.
func fetch(t *testing.T, r *rig.Rig, as, path string, post bool) (pages []rig.Bundle, failed rig.Answer) {
	t.Helper()
	for turn := 0; path != ""; turn++ {
		call := rig.Call{As: as, Method: http.MethodGet, Path: path}
		if typ, query, ok := strings.Cut(path, "?"); ok && post && turn == 0 {
			call = rig.Call{As: as, Method: http.MethodPost, Path: typ + "/_search", Body: query,
				Header: map[string]string{"Content-Type": "application/x-www-form-urlencoded"}}
		}
		a := r.Do(t, call)
		if a.Status != http.StatusOK || turn > 2000 {
			return nil, a
		}
		var b rig.Bundle
		if err := json.Unmarshal(a.Body, &b); err != nil {
			t.Errorf("decode page: %v", err)
			return nil, a
		}
		pages = append(pages, b)
		path = b.Next()
	}
	return pages, rig.Answer{}
}
