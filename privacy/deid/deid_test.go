package deid_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/privacy/deid"
	"github.com/tutela-health/tutela/r4"
)

func parsed(t *testing.T, text string) *r4.Resource {
	t.Helper()
	res, err := r4.Parse([]byte(text))
	if err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return res
}

// without are the members of what is shown, but for type, id and meta.
func without(t *testing.T, text string) string {
	t.Helper()
	text = regexp.MustCompile(`"meta":\{[^}]*\}\]\},?`).ReplaceAllString(text, "")
	return strings.ReplaceAll(regexp.MustCompile(`^\{"resourceType":"\w+",("id":"\w+",)?`).ReplaceAllString(text, "{"), ",}", "}")
}

// TestEachIdentifier has a row for each of the 18 identifiers of 45 CFR 164.514(b)(2)(i), as it is shown under
// Safe Harbor.
func TestEachIdentifier(t *testing.T) {
	t.Parallel()
	d := opened(t, false)
	for _, c := range []struct{ name, resource, want string }{
		{"A names", `{"resourceType":"Patient","name":[{"family":"Doe"}],"contact":[{"name":{"family":"Doe"}}],"gender":"female"}`, `{"gender":"female"}`},
		{"B places below a state", `{"resourceType":"Patient","address":[{"line":["1 High St"],"city":"Boston","district":"Suffolk","state":"MA","postalCode":"02139-1234","country":"US"}]}`,
			`{"address":[{"state":"MA","postalCode":"021","country":"US"}]}`},
		{"B few people", `{"resourceType":"Patient","address":[{"postalCode":"03601"}]}`, `{"address":[{"postalCode":"000"}]}`},
		{"B a state by its name", `{"resourceType":"Patient","address":[{"state":"Massachusetts","postalCode":"02139","country":"US"}]}`, `{"address":[{"state":"MA","postalCode":"021","country":"US"}]}`},
		{"B other countries", `{"resourceType":"Patient","address":[{"postalCode":"10115","state":"Berlin","country":"DE"}]}`, `{"address":[{"country":"DE"}]}`},
		{"B coordinates", `{"resourceType":"Location","position":{"longitude":1,"latitude":2},"status":"active"}`, `{"status":"active"}`},
		{"C dates", `{"resourceType":"Patient","birthDate":"1980-03-07","deceasedDateTime":"2021-03-07T10:11:12-05:00"}`, `{"birthDate":"1980","deceasedDateTime":"2021"}`},
		{"C instants", `{"resourceType":"Slot","schedule":{"reference":"#"},"status":"free","start":"2021-03-07T10:11:12Z","end":"2021-03-07T10:11:13Z"}`, `{"status":"free"}`},
		{"C the year of the last hour", `{"resourceType":"Patient","deceasedDateTime":"2020-12-31T23:30:00-05:00"}`, `{"deceasedDateTime":"2021"}`},
		{"C born 90 years ago", `{"resourceType":"Patient","birthDate":"1936-12-31"}`, `{}`},
		{"C born 89 years ago", `{"resourceType":"Patient","birthDate":"1937-01-01"}`, `{"birthDate":"1937"}`},
		{"C dates that tell such an age", `{"resourceType":"Condition","subject":{"display":"x"},"onsetDateTime":"1931","recordedDate":"2020-01-01"}`, `{"recordedDate":"2020"}`},
		{"C ages over 89", `{"resourceType":"Condition","subject":{"display":"x"},"onsetAge":{"value":93,"unit":"a","system":"http://unitsofmeasure.org","code":"a"}}`,
			`{"onsetAge":{"value":90,"comparator":">=","unit":"a","system":"http://unitsofmeasure.org","code":"a"}}`},
		{"C ages over 89 in months", `{"resourceType":"Observation","status":"final","code":{"text":"x"},"valueQuantity":{"value":1100,"system":"http://unitsofmeasure.org","code":"mo"}}`,
			`{"status":"final","valueQuantity":{"value":1080,"comparator":">=","system":"http://unitsofmeasure.org","code":"mo"}}`},
		{"C an age of 89", `{"resourceType":"Condition","subject":{"display":"x"},"onsetAge":{"value":89,"system":"http://unitsofmeasure.org","code":"a"}}`,
			`{"onsetAge":{"value":89,"system":"http://unitsofmeasure.org","code":"a"}}`},
		{"D E F telephone, fax, mail", `{"resourceType":"Patient","telecom":[{"system":"phone","value":"1"},{"system":"fax","value":"2"},{"system":"email","value":"a@b.c"}],"active":true}`, `{"active":true}`},
		{"G H I J K numbers", `{"resourceType":"Patient","identifier":[{"system":"http://hl7.org/fhir/sid/us-ssn","value":"078-05-1120"},{"value":"MRN1"}],"active":true}`, `{"active":true}`},
		{"I beneficiary numbers", `{"resourceType":"Coverage","status":"active","subscriberId":"S1","dependent":"2","beneficiary":{"reference":"Patient/1"},"payor":[{"display":"x"}]}`,
			`{"status":"active","beneficiary":{"reference":"Patient/` + opened(t, false).Name("safe-harbor", "Patient", locate(tutela.Ref{Type: "Patient", ID: "1"})) + `"}}`},
		{"L M devices and vehicles", `{"resourceType":"Device","status":"active","serialNumber":"S","lotNumber":"L","distinctIdentifier":"D","udiCarrier":[{"deviceIdentifier":"U","carrierHRF":"H"}],"deviceName":[{"name":"x","type":"other"}]}`, `{"status":"active","deviceName":[{"type":"other"}]}`},
		{"N web", `{"resourceType":"Device","url":"http://x.test/jane","status":"active"}`, `{"status":"active"}`},
		{"O network", `{"resourceType":"AuditEvent","type":{"system":"http://dicom.nema.org/resources/ontology/DCM","code":"110100"},"recorded":"2021-01-01T00:00:00Z","agent":[{"requestor":true,"network":{"address":"10.0.0.1","type":"2"}}],"source":{"observer":{"display":"x"}}}`,
			`{"type":{"system":"http://dicom.nema.org/resources/ontology/DCM","code":"110100"},"agent":[{"requestor":true,"network":{"type":"2"}}]}`},
		{"P Q biometrics and photos", `{"resourceType":"Patient","photo":[{"contentType":"image/png","data":"aGVsbG8="}],"active":true}`, `{"active":true}`},
		{"R any other number", `{"resourceType":"Observation","status":"final","code":{"coding":[{"system":"http://own.test","code":"JANE-1"}]},"valueInteger":1234567}`, `{"status":"final"}`},
		{"R free text", `{"resourceType":"Observation","status":"final","code":{"text":"Jane"},"note":[{"text":"Jane"}],"valueString":"Jane"}`, `{"status":"final"}`},
		{"R sex at birth stays", `{"resourceType":"Patient","extension":[{"url":"http://hl7.org/fhir/us/core/StructureDefinition/us-core-birthsex","valueCode":"F"}]}`,
			`{"extension":[{"url":"http://hl7.org/fhir/us/core/StructureDefinition/us-core-birthsex","valueCode":"F"}]}`},
		{"R extensions", `{"resourceType":"Patient","extension":[{"url":"http://x.test","valueBoolean":true},{"url":"http://hl7.org/fhir/us/core/StructureDefinition/us-core-race","extension":[{"url":"ombCategory","valueCoding":{"system":"urn:oid:2.16.840.1.113883.6.238","code":"2106-3","display":"White"}},{"url":"text","valueString":"Jane"}]}]}`,
			`{"extension":[{"url":"http://hl7.org/fhir/us/core/StructureDefinition/us-core-race","extension":[{"url":"ombCategory","valueCoding":{"system":"urn:oid:2.16.840.1.113883.6.238","code":"2106-3"}}]}]}`},
	} {
		if diff := cmp.Diff(c.want, without(t, shown(t, d, deid.SafeHarbor, parsed(t, c.resource)))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

func TestWhatMayMeanTheOppositeIsWithheld(t *testing.T) {
	t.Parallel()
	d := opened(t, false)
	for _, text := range []string{
		`{"resourceType":"Patient","modifierExtension":[{"url":"http://x.test/not","valueBoolean":true}],"active":true}`,
		`{"resourceType":"Patient","implicitRules":"http://x.test/rules","active":true}`,
	} {
		if out := shown(t, d, deid.SafeHarbor, parsed(t, text)); out != "" {
			t.Errorf("%s is shown as %s", text, out)
		}
	}
	if _, err := d.Show("else", parsed(t, `{"resourceType":"Patient"}`), 0, nil); err == nil {
		t.Error("a mode that nobody knows shows something")
	}
}

// TestTimeBetweenDatesRemains moves a patient's dates by one number of days, another's by another.
func TestTimeBetweenDatesRemains(t *testing.T) {
	t.Parallel()
	d := opened(t, false)
	visit := parsed(t, `{"resourceType":"Encounter","status":"finished","class":{"code":"x"},"period":{"start":"2020-02-27T10:00:00+02:00","end":"2020-03-02"}}`)
	moved := map[time.Duration]int{}
	for patient := tutela.Bucket(2); patient < 300; patient++ {
		out, err := d.Show("pseudonyms", visit, patient, nil)
		if err != nil {
			t.Fatal(err)
		}
		var got struct{ Period struct{ Start, End string } }
		if err := json.Unmarshal(out, &got); err != nil {
			t.Fatal(err)
		}
		start, err1 := time.Parse(time.RFC3339, got.Period.Start)
		end, err2 := time.Parse(time.DateOnly, got.Period.End)
		if err1 != nil || err2 != nil {
			t.Fatalf("%s", out)
		}
		by := start.Sub(time.Date(2020, 2, 27, 8, 0, 0, 0, time.UTC))
		moved[by]++
		if other := end.Sub(time.Date(2020, 3, 2, 0, 0, 0, 0, time.UTC)); by != other || by == 0 || by.Abs() > 182*24*time.Hour {
			t.Errorf("the start is moved by %s, the end by %s", by, other)
		}
	}
	if len(moved) < 150 {
		t.Errorf("298 patients are moved by %d numbers of days", len(moved))
	}
	if out, _ := d.Show("pseudonyms", visit, tutela.BucketGeneral, nil); !strings.Contains(string(out), `"period":{"start":"2020","end":"2020"}`) {
		t.Errorf("of nobody: %s", out)
	}
}

func TestPseudonymsOpenInTheirModeAndTypeOnly(t *testing.T) {
	t.Parallel()
	d := opened(t, false)
	other, err := deid.New(deid.Config{Key: []byte(strings.Repeat("x", deid.KeySize)), Now: now})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for i := range 2000 {
		l := tutela.Locator(i*7919 - 1_000_000)
		for _, mode := range []string{"safe-harbor", "pseudonyms"} {
			for _, typ := range []string{"Patient", "Observation"} {
				id := d.Name(mode, typ, l)
				if seen[id] || !regexp.MustCompile(`^[A-Za-z0-9.-]{1,64}$`).MatchString(id) {
					t.Fatalf("a pseudonym %s", id)
				}
				seen[id] = true
				if got, ok := d.Find(mode, typ, id); !ok || got != l {
					t.Fatalf("%s opens as %d, %v", id, got, ok)
				}
				if _, ok := d.Find(map[string]string{"safe-harbor": "pseudonyms", "pseudonyms": "safe-harbor"}[mode], typ, id); ok {
					t.Fatalf("%s opens in the other mode", id)
				}
				if _, ok := d.Find(mode, "Encounter", id); ok {
					t.Fatalf("%s opens as another type", id)
				}
				if _, ok := other.Find(mode, typ, id); ok {
					t.Fatalf("%s opens under another key", id)
				}
			}
		}
	}
	for _, id := range []string{"", "a", "1", strings.Repeat("a", 26), strings.Repeat("a", 64), "ÄÖ"} {
		if _, ok := d.Find("safe-harbor", "Patient", id); ok {
			t.Errorf("%q opens", id)
		}
	}
	if d.Name("", "Patient", 5) != "" {
		t.Error("no mode gives a pseudonym")
	}
}

func TestCodesAreHeldToTheirSystems(t *testing.T) {
	t.Parallel()
	d, err := deid.New(deid.Config{Key: []byte(strings.Repeat("k", deid.KeySize)), Now: now, Systems: []string{"http://own.test"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		system, code string
		want         bool
	}{
		{"http://loinc.org", "8867-4", true}, {"http://loinc.org", "8867-5", false}, {"http://loinc.org", "LA6576-8", true}, {"http://loinc.org", "078-05-1120", false},
		{"http://snomed.info/sct", "22298006", true}, {"http://snomed.info/sct", "22298007", false}, {"http://snomed.info/sct", "Jane", false},
		{"http://hl7.org/fhir/sid/icd-10-cm", "E11.65", true}, {"http://hl7.org/fhir/sid/icd-10-cm", "Jane", false},
		{"http://terminology.hl7.org/CodeSystem/v3-ActCode", "AMB", true}, {"http://terminology.hl7.org/CodeSystem/v3-ActCode", "Jane", false},
		{"http://terminology.hl7.org/CodeSystem/jane", "AMB", false}, {"http://unitsofmeasure.org", "mmol/L", true}, {"http://unitsofmeasure.org", "mm[Hg]", true},
		{"http://unitsofmeasure.org", "10*3/uL", true}, {"http://unitsofmeasure.org", "{Jane}", false}, {"http://unitsofmeasure.org", "Jane", false},
		{"http://own.test", "HB-1", true}, {"http://own.test", "Jane Doe", false}, {"", "AMB", false},
	} {
		text := fmt.Sprintf(`{"resourceType":"Basic","code":{"coding":[{"system":%q,"code":%q}]}}`, c.system, c.code)
		res := parsed(t, strings.Replace(text, `"system":"",`, "", 1))
		if got := strings.Contains(shown(t, d, deid.SafeHarbor, res), c.code); got != c.want {
			t.Errorf("%s|%s is shown: %v", c.system, c.code, got)
		}
	}
}

// TestSearchableParametersReadWhatIsShown holds every parameter to the examples: what shows of none of them is
// read by no search, and what a search reads is never a name, number or address.
func TestSearchableParametersReadWhatIsShown(t *testing.T) {
	t.Parallel()
	d := opened(t, false)
	for _, c := range []struct {
		typ, param string
		want       bool
	}{
		{"Patient", "family", false}, {"Patient", "identifier", false}, {"Patient", "birthdate", true}, {"Patient", "gender", true}, {"Patient", "address-city", false},
		{"Patient", "address-state", false}, {"Patient", "phone", false}, {"Patient", "deceased", true}, {"Patient", "_id", true}, {"Patient", "_lastUpdated", false},
		{"Observation", "code", true}, {"Observation", "date", true}, {"Observation", "value-quantity", true}, {"Observation", "value-string", false},
		{"Observation", "subject", true}, {"Observation", "patient", true}, {"Observation", "identifier", false}, {"Condition", "onset-date", true}, {"Device", "udi-di", false},
	} {
		p, ok := r4.Lookup(c.typ, c.param)
		if !ok || d.Searchable("safe-harbor", c.typ, p) != c.want {
			t.Errorf("%s?%s is searchable: %v", c.typ, c.param, !c.want)
		}
		if ok && d.Searchable("", c.typ, p) {
			t.Errorf("%s?%s is searchable in no mode", c.typ, c.param)
		}
	}
	for _, typ := range r4.ResourceTypes() {
		for _, p := range r4.Params(typ) {
			if d.Searchable("safe-harbor", typ, p) && (p.Type == r4.ParamString || p.Type == r4.ParamURI || p.Name == "identifier") {
				t.Errorf("%s?%s reads a string", typ, p.Name)
			}
		}
	}
}

// TestFreeTextThatIsKept measures what of planted identifiers survives where free text is kept: what patterns
// recognise does not; names do, all of them.
func TestFreeTextThatIsKept(t *testing.T) {
	t.Parallel()
	d := opened(t, true)
	survived, of := map[string]int{}, map[string]int{}
	for kind, list := range map[string][]string{
		"name": {"Jane Doe", "Prof. Müller", "O'Brien"}, "place": {"Springfield", "12 High Street"}, "mail": {"jane@doe.test", "j.d+x@mail.doe.test"},
		"telephone": {"555-010-9999", "+1 (555) 010 9999", "0049 30 901820"}, "number": {"078-05-1120", "MRN4711", "4711000123"},
		"web": {"https://doe.test/jane", "www.doe.test/jane"}, "network": {"10.11.12.13", "fe80:0:0:0:1:2:3:4"}, "date": {"2021-03-07", "03/07/2021", "7.3.2021"},
	} {
		for _, word := range list {
			for _, sentence := range []string{"Seen with %s today.", "%s", "(%s)", "called %s, again"} {
				text := fmt.Sprintf(sentence, word)
				note, err := json.Marshal(text)
				if err != nil {
					t.Fatal(err)
				}
				of[kind]++
				res := parsed(t, `{"resourceType":"Observation","status":"final","code":{"text":"x"},"note":[{"text":`+string(note)+`}]}`)
				if strings.Contains(shown(t, d, deid.SafeHarbor, res), word) {
					survived[kind]++
				}
			}
		}
	}
	t.Logf("survived %v of %v", survived, of)
	if diff := cmp.Diff(map[string]int{"name": of["name"], "place": of["place"]}, survived); diff != "" {
		t.Errorf("survivors by kind (-want +got):\n%s", diff)
	}
}

// BenchmarkShow is one resource of the official examples.
func BenchmarkShow(b *testing.B) {
	res, err := r4.Parse([]byte(`{"resourceType":"Observation","id":"a","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"8867-4","display":"x"}],"text":"x"},"subject":{"reference":"Patient/1"},"effectiveDateTime":"2021-03-07T10:11:12Z","valueQuantity":{"value":71,"unit":"/min","system":"http://unitsofmeasure.org","code":"/min"},"note":[{"text":"x"}]}`))
	if err != nil {
		b.Fatal(err)
	}
	d, err := deid.New(deid.Config{Key: []byte(strings.Repeat("k", deid.KeySize)), Now: now})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := d.Show("safe-harbor", res, 7, func(ref tutela.Ref) string { return d.Name("safe-harbor", ref.Type, 5) }); err != nil {
			b.Fatal(err)
		}
	}
}
