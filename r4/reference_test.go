package r4_test

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/r4"
)

func mustParse(t *testing.T, json string) *r4.Resource {
	t.Helper()
	res, err := r4.Parse([]byte(json))
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func TestParseReference(t *testing.T) {
	for in, want := range map[string]r4.Reference{
		"Patient/1":                          {Type: "Patient", ID: "1"},
		"Patient/1/_history/2":               {Type: "Patient", ID: "1", Version: "2"},
		"http://a.b/fhir/Patient/1":          {Type: "Patient", ID: "1", URL: "http://a.b/fhir/Patient/1"},
		"https://a.b/Patient/1/_history/2":   {Type: "Patient", ID: "1", Version: "2", URL: "https://a.b/Patient/1/_history/2"},
		"urn:uuid:0":                         {URL: "urn:uuid:0"},
		"http://a.b/x":                       {URL: "http://a.b/x"},
		"":                                   {},
		"#p":                                 {},
		"Patient":                            {},
		"Patient?identifier=a":               {},
		"Patient/1/2":                        {},
		"Nothing/1":                          {},
		"a/Patient/1":                        {},
		"/Patient/1":                         {},
		"Patient/a b":                        {},
		"Patient/" + strings.Repeat("1", 65): {},
	} {
		got, ok := r4.ParseReference(in)
		if ok != (want != r4.Reference{}) {
			t.Errorf("ParseReference(%q) reports %t", in, ok)
		}
		if diff := cmp.Diff(want, got); ok && diff != "" {
			t.Errorf("ParseReference(%q) (-want +got):\n%s", in, diff)
		}
	}
}

const linked = `{"resourceType":"Observation","id":"o","status":"final","code":{"text":"Patient/none"},
	"contained":[{"resourceType":"Patient","id":"inside","link":[{"other":{"reference":"Patient/c"},"type":"seealso"}]}],
	"extension":[{"url":"u","valueReference":{"reference":"Patient/b/_history/1"}}],
	"subject":{"reference":"Patient/a"},
	"performer":[{"reference":"Practitioner/d"},{"reference":"#inside"},{"reference":"http://x/Patient/abroad"},{"reference":"Patient/a"},{"display":"x"}]}`

func TestReferencesSayWhereTheyStand(t *testing.T) {
	got := map[string]string{}
	for ref, node := range mustParse(t, linked).References() {
		got[node.Path()] = ref.Type + "/" + ref.ID
	}
	want := map[string]string{
		"Observation.contained[0].link[0].other.reference":  "Patient/c",
		"Observation.extension[0].valueReference.reference": "Patient/b",
		"Observation.subject.reference":                     "Patient/a",
		"Observation.performer[0].reference":                "Practitioner/d",
		"Observation.performer[2].reference":                "Patient/abroad",
		"Observation.performer[3].reference":                "Patient/a",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("references (-want +got):\n%s", diff)
	}
}

func TestPatients(t *testing.T) {
	for name, tt := range map[string]struct {
		json, id string
		want     []tutela.PatientID
	}{
		"by reference":  {linked, "x", []tutela.PatientID{"a", "b", "c"}},
		"itself":        {`{"resourceType":"Patient","id":"me","link":[{"other":{"reference":"Patient/twin"},"type":"seealso"}]}`, "me", []tutela.PatientID{"me", "twin"}},
		"renamed":       {`{"resourceType":"Patient","id":"somebody"}`, "new", []tutela.PatientID{"new"}},
		"not yet known": {`{"resourceType":"Patient"}`, "", nil},
		"nobody":        {`{"resourceType":"Practitioner","id":"d"}`, "d", nil},
		"bundled":       {`{"resourceType":"Bundle","type":"document","entry":[{"resource":{"resourceType":"Patient","id":"in"}}]}`, "b", []tutela.PatientID{"in"}},
	} {
		if diff := cmp.Diff(tt.want, mustParse(t, tt.json).Patients(tt.id)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestRewriteReferences(t *testing.T) {
	const from, to = "urn:uuid:11111111-1111-4111-8111-111111111111", "Patient/7"
	in := `{"resourceType":"DocumentReference","status":"current","text":{"status":"generated","div":"<div><a title=\"t\" href = \"` + from + `\">` + from + `</a><img src='` + from + `'/><a href=\"x\">y</a></div>"},` +
		`"masterIdentifier":{"system":"` + from + `","value":"` + from + `"},"meta":{"profile":["` + from + `"]},"subject":{"reference":"` + from + `","display":"` + from + `"},` +
		`"content":[{"attachment":{"url":"` + from + `"}}]}`
	want := `{"resourceType":"DocumentReference","status":"current","text":{"status":"generated","div":"<div><a title=\"t\" href = \"` + to + `\">` + from + `</a><img src='` + to + `'/><a href=\"x\">y</a></div>"},` +
		`"masterIdentifier":{"system":"` + to + `","value":"` + from + `"},"meta":{"profile":["` + from + `"]},"subject":{"reference":"` + to + `","display":"` + from + `"},` +
		`"content":[{"attachment":{"url":"` + to + `"}}]}`
	got := mustParse(t, in).RewriteReferences(func(link string) (string, bool) { return to, link == from })
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("rewritten (-want +got):\n%s", diff)
	}
}

func TestRewriteReferencesOfAnEntry(t *testing.T) {
	bundle := mustParse(t, `{"resourceType":"Bundle","type":"transaction","entry":[{"fullUrl":"urn:uuid:1","resource":{"resourceType":"Observation","status":"final","code":{"text":"a"},"subject":{"reference":"urn:uuid:1"}}}]}`)
	for entry := range bundle.Root().Child("entry").Items() {
		got := entry.Child("resource").Resource().RewriteReferences(func(string) (string, bool) { return "Patient/1", true })
		want := `{"resourceType":"Observation","status":"final","code":{"text":"a"},"subject":{"reference":"Patient/1"}}`
		if diff := cmp.Diff(want, string(got)); diff != "" {
			t.Errorf("rewritten (-want +got):\n%s", diff)
		}
	}
}

func TestSetMetaKeepsTheRest(t *testing.T) {
	res := mustParse(t, `{"active":true,"meta":{"tag":[{"code":"x"}],"versionId":"old","lastUpdated":"2000-01-01T00:00:00Z"},"resourceType":"Patient","_birthDate":{"id":"b"},"id":"old"}`)
	got := res.SetMeta("new", "2", time.Date(2020, 1, 2, 3, 4, 5, 999_999_999, time.UTC))
	want := `{"resourceType":"Patient","id":"new","meta":{"versionId":"2","lastUpdated":"2020-01-02T03:04:05.999Z","tag":[{"code":"x"}]},"active":true,"_birthDate":{"id":"b"}}`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("with meta (-want +got):\n%s", diff)
	}
}

func TestEqual(t *testing.T) {
	base := `{"resourceType":"Patient","id":"a","active":true,"name":[{"family":"A","given":["b","c"]}]}`
	for json, want := range map[string]bool{
		base: true,
		`{"resourceType":"Patient","id":"a","name":[{"given":["b","\u0063"],"family":"A"}],"active":true}`:             true,
		strings.Replace(base, `"active"`, `"meta":{"versionId":"1","lastUpdated":"2020-01-01T00:00:00Z"},"active"`, 1): true,
		strings.Replace(base, `"active"`, `"meta":{"versionId":"1","tag":[{"code":"x"}]},"active"`, 1):                 false,
		strings.Replace(base, `"b","c"`, `"c","b"`, 1):                                                                 false,
		strings.Replace(base, `"b","c"`, `"b"`, 1):                                                                     false,
		strings.Replace(base, `"b","c"`, `"b","c","d"`, 1):                                                             false,
		strings.Replace(base, `true`, `false`, 1):                                                                      false,
		strings.Replace(base, `,"active":true`, ``, 1):                                                                 false,
		strings.Replace(base, `"active":true`, `"active":true,"gender":"male"`, 1):                                     false,
		`{"resourceType":"Person","id":"a","active":true,"name":[{"family":"A","given":["b","c"]}]}`:                   false,
	} {
		a, b := mustParse(t, base), mustParse(t, json)
		if r4.Equal(a, b) != want || r4.Equal(b, a) != want {
			t.Errorf("Equal to %s: want %t both ways", json, want)
		}
	}
}

func TestFold(t *testing.T) {
	got := map[string]string{}
	want := map[string]string{
		"": "", "--": "", "Smith": "smith", "  Two   words ": "two words", "O'Brien": "obrien", "Smith-Jones": "smith jones",
		"José": "jose", "Jose\u0301": "jose", "ÅSA": "asa", "Straße": "strasse", "ΟΔΟΣ": "οδοσ", "οδος": "οδοσ", "山田 太郎": "山田 太郎", "12 High St.": "12 high st",
		"ﬁle": "file", "a\tb\nc": "a b c",
	}
	for in := range maps.Keys(want) {
		got[in] = r4.Fold(in)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("folded (-want +got):\n%s", diff)
	}
}
