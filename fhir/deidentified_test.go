package fhir_test

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela/internal/rig"
)

// secretChart is a patient's, whose every string holds a mark; day is of an observation, in 2021.
func secretChart(mark, day string) []string {
	loinc := `{"coding":[{"system":"http://loinc.org","code":"8867-4","display":"` + mark + `"}],"text":"` + mark + `"}`
	return []string{
		`{"resourceType":"Organization","id":"secret-org","name":"` + mark + `"}`,
		`{"resourceType":"Patient","id":"secret-jane","text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">` + mark + `</div>"},
"extension":[{"url":"http://` + mark + `.test","valueString":"` + mark + `"}],
"identifier":[{"system":"http://` + mark + `.test/mrn","value":"` + mark + `"}],"name":[{"family":"` + mark + `"}],"telecom":[{"system":"email","value":"` + mark + `@x.test"}],
"gender":"female","birthDate":"1980-` + day + `","address":[{"line":["` + mark + `"],"city":"` + mark + `","state":"MA","postalCode":"02139","country":"US"}],
"photo":[{"contentType":"image/png","title":"` + mark + `"}],"managingOrganization":{"reference":"Organization/secret-org","display":"` + mark + `"}}`,
		`{"resourceType":"Encounter","id":"secret-visit","status":"finished","class":{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"AMB","display":"` + mark + `"},
"subject":{"reference":"Patient/secret-jane","display":"` + mark + `"},"period":{"start":"2021-` + day + `","end":"2021-` + day + `"},"reasonCode":[{"text":"` + mark + `"}]}`,
		`{"resourceType":"Observation","id":"secret-pulse","status":"final","code":` + loinc + `,"subject":{"reference":"Patient/secret-jane"},"encounter":{"reference":"Encounter/secret-visit"},
"contained":[{"resourceType":"Practitioner","id":"` + mark + `","name":[{"family":"` + mark + `"}]}],"performer":[{"reference":"#` + mark + `"}],
"effectiveDateTime":"2021-` + day + `T10:11:12Z","issued":"2021-` + day + `T10:11:12Z","valueQuantity":{"value":71,"unit":"` + mark + `","system":"http://unitsofmeasure.org","code":"/min"},
"note":[{"text":"` + mark + `"}]}`,
		`{"resourceType":"Condition","id":"secret-cold","subject":{"reference":"Patient/secret-jane"},"onsetDateTime":"2021-` + day + `","code":{"coding":[{"system":"http://snomed.info/sct","code":"82272006"},
{"system":"http://` + mark + `.test","code":"` + mark + `"}],"text":"` + mark + `"}}`,
	}
}

// pseudonym is how a caller knows the one resource of a type.
func pseudonym(t *testing.T, r *rig.Rig, as, typ string) string {
	t.Helper()
	b := r.Get(t, as, typ).Bundle(t)
	if len(b.Entry) != 1 {
		t.Fatalf("%s finds %d of %s, want 1", as, len(b.Entry), typ)
	}
	return strings.TrimPrefix(b.Entry[0].FullURL, rig.Base+"/"+typ+"/")
}

// deidentifiedPaths are the requests that show the chart, by pseudonyms.
func deidentifiedPaths(t *testing.T, r *rig.Rig, as string) map[string]rig.Call {
	t.Helper()
	jane, pulse, visit := pseudonym(t, r, as, "Patient"), pseudonym(t, r, as, "Observation"), pseudonym(t, r, as, "Encounter")
	entry := `{"resourceType":"Bundle","type":"batch","entry":[{"request":{"method":"GET","url":"Observation/` + pulse + `"}},{"request":{"method":"GET","url":"Observation?patient=` + jane + `"}}]}`
	paths := map[string]rig.Call{
		"batch": post("", entry), "transaction": post("", strings.Replace(entry, "batch", "transaction", 1)),
		"posted search": {Method: http.MethodPost, Path: "Observation/_search", Body: "patient=" + jane, Header: map[string]string{"Content-Type": "application/x-www-form-urlencoded"}},
	}
	for name, path := range map[string]string{
		"read": "Observation/" + pulse, "version": "Observation/" + pulse + "/_history/1", "history": "Observation/" + pulse + "/_history",
		"patient": "Patient/" + jane, "patient's history": "Patient/" + jane + "/_history", "search": "Observation?_total=accurate",
		"by patient": "Observation?patient=" + jane, "by subject": "Observation?subject=Patient/" + jane, "by encounter": "Observation?encounter=Encounter/" + visit,
		"by code": "Observation?code=http://loinc.org|8867-4", "by id": "Observation?_id=" + pulse, "by year": "Observation?date=2021",
		"by amount": "Observation?value-quantity=71||/min", "included": "Observation?_include=Observation:subject&_include=Observation:encounter",
		"back": "Patient?_revinclude=Observation:subject&_revinclude=Condition:subject", "born": "Patient?birthdate=1980&gender=female", "page": "Observation?_count=1",
	} {
		paths[name] = get(path)
	}
	return paths
}

// secrets are what no answer may hold: the mark, ids, and dates more exact than a year.
func secrets(mark string) []string {
	return []string{mark, "secret-", "2021-", "1980-", "02139", "Z\"", "10:11"}
}

func TestDeidentifiedRolesSeeNobodyOnAnyPath(t *testing.T) {
	t.Parallel()
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		for _, text := range secretChart("zqxmark", "03-07") {
			r.Put(t, text)
		}
		for _, as := range []string{"researcher", "developer"} {
			for name, call := range deidentifiedPaths(t, r, as) {
				a := r.Do(t, asking(as, call))
				if a.Status != http.StatusOK || !strings.Contains(string(a.Body), `"ANONYED"`) {
					t.Errorf("%s, %s: %d %s", as, name, a.Status, a.Body)
				}
				head := ""
				for _, name := range []string{"Location", "Last-Modified", "ETag", "Content-Location"} {
					head += a.Header.Get(name) + "\n"
				}
				for _, secret := range secrets("zqxmark") {
					if strings.Contains(string(a.Body)+head, secret) {
						t.Errorf("%s, %s: the answer holds %q: %s%s", as, name, secret, head, a.Body)
					}
				}
				if a.Header.Get("Last-Modified") != "" || strings.Contains(string(a.Body), "lastModified") || strings.Contains(string(a.Body), "lastUpdated") {
					t.Errorf("%s, %s: it tells when something was stored", as, name)
				}
			}
		}
		r.Verify(t)
	})
}

func TestDeidentifiedResourcesCanBeJoined(t *testing.T) {
	t.Parallel()
	r := rig.Open(t, rig.Config{})
	for _, text := range secretChart("zqxmark", "03-07") {
		r.Put(t, text)
	}
	jane := "Patient/" + pseudonym(t, r, "researcher", "Patient")
	for typ, want := range map[string]string{"Observation": "subject", "Condition": "subject", "Encounter": "subject"} {
		var got map[string]json.RawMessage
		body := r.Get(t, "researcher", typ+"/"+pseudonym(t, r, "researcher", typ)).Body
		if err := json.Unmarshal(body, &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(`{"reference":"`+jane+`"}`, string(got[want])); diff != "" {
			t.Errorf("%s (-want +got):\n%s", typ, diff)
		}
	}
	const want = `"code":{"coding":[{"system":"http://loinc.org","code":"8867-4"}]}`
	if body := string(r.Get(t, "researcher", "Observation").Body); !strings.Contains(body, want) || !strings.Contains(body, `"effectiveDateTime":"2021"`) ||
		!strings.Contains(body, `"valueQuantity":{"value":71,"unit":"/min","system":"http://unitsofmeasure.org","code":"/min"}`) {
		t.Errorf("an observation is shown as %s", body)
	}
	if jane == "Patient/"+pseudonym(t, r, "researcher", "Observation") {
		t.Error("two resources have one pseudonym")
	}
}

// TestRealIDsFindNothing: whoever knows a patient's id does not find him among the de-identified, and is
// told the same as of an id that nobody has.
func TestRealIDsFindNothing(t *testing.T) {
	t.Parallel()
	r := rig.Open(t, rig.Config{})
	for _, text := range secretChart("zqxmark", "03-07") {
		r.Put(t, text)
	}
	for _, path := range []string{
		"Patient/%", "Patient/%/_history", "Patient/%/_history/1", "Patient?_id=%&_total=accurate", "Observation?patient=%&_total=accurate", "Observation?subject=Patient/%",
		"Observation?subject=%", "Patient/%/$everything", "Patient?_id=%&_revinclude=Observation:subject", "Observation?subject:missing=true&_id=%",
	} {
		real, none := r.Get(t, "researcher", strings.ReplaceAll(path, "%", "secret-jane")), r.Get(t, "researcher", strings.ReplaceAll(path, "%", "nobody-here"))
		if real.Status != none.Status || strings.ReplaceAll(string(real.Body), "secret-jane", "nobody-here") != string(none.Body) {
			t.Errorf("%s: %d %s\nand of nobody %d %s", path, real.Status, real.Body, none.Status, none.Body)
		}
	}
	jane := pseudonym(t, r, "researcher", "Patient")
	for _, path := range []string{"Observation/" + jane, "Patient/" + strings.ToUpper(jane), "Patient/" + jane + "a", "Patient/" + jane[1:]} {
		if a := r.Get(t, "researcher", path); a.Status != http.StatusNotFound {
			t.Errorf("%s: %d", path, a.Status)
		}
	}
	if a := r.Get(t, rig.Loader, "Patient/"+jane); a.Status != http.StatusNotFound {
		t.Errorf("a pseudonym opens a record to somebody else: %d", a.Status)
	}
}

// TestWhatIsRemovedCannotBeSearched: names, numbers, times of storing and texts are no parameters.
func TestWhatIsRemovedCannotBeSearched(t *testing.T) {
	t.Parallel()
	r := rig.Open(t, rig.Config{})
	for _, text := range secretChart("zqxmark", "03-07") {
		r.Put(t, text)
	}
	for _, query := range []string{
		"Patient?family=zqxmark", "Patient?identifier=zqxmark", "Patient?email=zqxmark@x.test", "Patient?address-city=zqxmark", "Patient?address-postalcode=02139",
		"Patient?_lastUpdated=gt2020", "Patient?_sort=_lastUpdated", "Observation?_tag=x", "Observation?_profile=http://x.test", "Observation?_security=http://x.test|R",
		"Organization?name=zqxmark", "Patient?name:missing=true", "Patient?telecom=x",
	} {
		if a := r.Get(t, "researcher", query); a.Status != http.StatusBadRequest {
			t.Errorf("%s: %d %s", query, a.Status, a.Body)
		}
	}
	name, _, _ := strings.Cut("Patient?family", "?")
	if a := r.Get(t, "researcher", name+"?nonsense=x"); a.Status != http.StatusBadRequest {
		t.Errorf("an unknown parameter: %d", a.Status)
	}
}

// TestWhatIsRemovedChangesNoAnswer stores a chart, asks, stores it with everything changed that is removed
// (names, numbers, texts, days within the year), and asks the same: no answer may differ.
func TestWhatIsRemovedChangesNoAnswer(t *testing.T) {
	t.Parallel()
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		queries := []string{}
		for _, date := range []string{"2021", "2020", "2021-03-07", "ge2021-03-07", "lt2021-06", "gt2021-06-01", "sa2021-03-06", "eb2021-03-08", "ne2021-03-07", "ap2021-03-07"} {
			queries = append(queries, "Observation?_total=accurate&date="+date, "Encounter?_summary=count&date="+date, "Condition?onset-date="+date)
		}
		for _, mark := range []string{"zqxmark", "zqxother"} {
			queries = append(queries, "Condition?_total=accurate&code="+mark, "Condition?code:not="+mark, "Condition?code=http://"+mark+".test|"+mark,
				"Patient?family="+mark, "Observation?code="+mark, "Observation?value-quantity=71||"+mark)
		}
		queries = append(queries, "Patient?birthdate=lt1980-05", "Patient?birthdate=1980", "Observation?performer:missing=true", "Observation?_include=Observation:performer")
		var before []string
		for i, chart := range [][]string{secretChart("zqxmark", "03-07"), secretChart("zqxother", "11-29")} {
			for _, text := range chart {
				r.Put(t, text)
			}
			for k, query := range queries {
				a := r.Get(t, "researcher", query)
				got := http.StatusText(a.Status) + regexp.MustCompile(`"versionId":"\d+"`).ReplaceAllString(string(a.Body), "")
				if i == 0 {
					before = append(before, got)
				} else if diff := cmp.Diff(before[k], got); diff != "" {
					t.Errorf("%s (-before +after):\n%s", query, diff)
				}
			}
		}
	})
}

// TestPagesOfDeidentifiedRecordsAreWhole walks by pages of one and meets everything once.
func TestPagesOfDeidentifiedRecordsAreWhole(t *testing.T) {
	t.Parallel()
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		const of = 9
		for i := range of {
			id := string(rune('a' + i))
			r.Put(t, `{"resourceType":"Patient","id":"p`+id+`"}`)
			r.Put(t, `{"resourceType":"Observation","id":"o`+id+`","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/p`+id+`"}}`)
			r.Put(t, `{"resourceType":"Observation","id":"n`+id+`","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/pa"}}`)
		}
		for _, size := range []string{"1", "4", "50"} {
			seen := map[string]bool{}
			for next := "Observation?_count=" + size; next != ""; {
				b := r.Get(t, "researcher", next).Bundle(t)
				next = b.Next()
				for _, e := range b.Entry {
					if seen[e.FullURL] {
						t.Errorf("%s comes twice", e.FullURL)
					}
					seen[e.FullURL] = true
				}
			}
			if len(seen) != 2*of {
				t.Errorf("by %s: %d of %d are met", size, len(seen), 2*of)
			}
		}
		if b := r.Get(t, "researcher", "Observation?patient="+strings.TrimPrefix(janeOf(t, r), "Patient/")+"&_count=3&_total=accurate").Bundle(t); b.Total == nil || *b.Total < 1 {
			t.Errorf("a patient's observations: %v", b.Total)
		}
	})
}

// janeOf is some patient's pseudonym.
func janeOf(t *testing.T, r *rig.Rig) string {
	t.Helper()
	return strings.TrimPrefix(r.Get(t, "researcher", "Patient?_count=1").Bundle(t).Entry[0].FullURL, rig.Base+"/")
}
