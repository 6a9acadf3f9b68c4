package corpus

import (
	"compress/gzip"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const patient = `{"resourceType":"Patient","id":"old","meta":{"tag":[{"code":"t"}]},
	"text":{"status":"generated","div":"<div>Person seed: 141</div>"},
	"extension":[{"url":"http://example.org/maiden","valueString":"Elvira Armenta"},
		{"url":"http://example.org/race","extension":[{"url":"text","valueString":"White"}]}],
	"identifier":[{"system":"http://example.org/mrn","value":"MR-4711"}],
	"name":[{"family":"Atencio","given":["Zoë"],"prefix":["Mr."]}],
	"telecom":[{"system":"phone","value":"555-961-9901"}],"birthDate":"1993-06-07","deceasedDateTime":"2020-01-02T03:04:05.678+01:00",
	"address":[{"line":["849 Koch Crossroad"],"city":"Boston","state":"MA","postalCode":"02108"}],
	"multipleBirthInteger":2,"maritalStatus":{"text":"Married"}}`

const visit = `{"resourceType":"Encounter","subject":{"reference":"urn:uuid:11111111-1111-4111-8111-111111111111","display":"Zoë Atencio"},
	"period":{"start":"1993-06-07"},"length":{"value":123.75},"partOf":{"reference":"urn:uuid:99999999-1111-4111-8111-111111111111"}}`

func twoEntries() []byte {
	return []byte(`{"resourceType":"Bundle","entry":[
		{"fullUrl":"urn:uuid:11111111-1111-4111-8111-111111111111","resource":` + patient + `},
		{"fullUrl":"urn:uuid:22222222-2222-4222-8222-222222222222","resource":` + visit + `}]}`)
}

func resources(t *testing.T) []Resource {
	t.Helper()
	var all []Resource
	for r, err := range Stored(twoEntries()) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
	return all
}

func TestStoredFormIsTheServers(t *testing.T) {
	all := resources(t)
	head := regexp.MustCompile(`^\{"resourceType":"Patient","id":"11111111-1111-4111-8111-111111111111",` +
		`"meta":\{"versionId":"1","lastUpdated":"202\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z","tag":\[\{"code":"t"\}\]\},"text":`)
	if !head.Match(all[0].JSON) {
		t.Errorf("%s", all[0].JSON)
	}
	for _, want := range []string{`"Patient/11111111-1111-4111-8111-111111111111"`, `"urn:uuid:99999999-`, `"period":{"start"`} {
		if !strings.Contains(string(all[1].JSON), want) {
			t.Errorf("no %s in %s", want, all[1].JSON)
		}
	}
}

func TestStoredTellsWhatItCannotRead(t *testing.T) {
	for _, b := range []string{``, `{"entry":[{"resource":7}]}`, `{"entry":[{"resource":"text"}]}`} {
		var failed bool
		for _, err := range Stored([]byte(b)) {
			failed = failed || err != nil
		}
		if !failed {
			t.Errorf("%s was read", b)
		}
	}
}

func TestScrubRemovesEverybodysValuesAndKeepsVocabulary(t *testing.T) {
	s := NewScrubber(rand.New(rand.NewPCG(1, 2)))
	all := resources(t)
	var clean strings.Builder
	for _, r := range all {
		b, err := s.Scrub(r.JSON)
		if err != nil {
			t.Fatal(err)
		}
		clean.Write(b)
	}
	for _, gone := range []string{
		"11111111", "22222222", "99999999", "4711", "seed", "Elvira", "Armenta", "Atencio", "Zo", "961-9901", "1993-06-07", "2020-01-02",
		"03:04:05", "849", "Koch", "Crossroad", "Boston", "02108", "123.75",
	} {
		if strings.Contains(clean.String(), gone) {
			t.Errorf("%q is still there", gone)
		}
	}
	for _, kept := range []string{
		`"White"`, `"Mr."`, `"MA"`, `"phone"`, `"Married"`, `"multipleBirthInteger":2`, `+01:00"`, `"http://example.org/mrn"`, `"Patient/`,
	} {
		if !strings.Contains(clean.String(), kept) {
			t.Errorf("%q is gone", kept)
		}
	}
}

func TestScrubKeepsWhatWasEqualEqual(t *testing.T) {
	all := resources(t)
	s := NewScrubber(rand.New(rand.NewPCG(1, 2)))
	first, err := s.Scrub(all[0].JSON)
	if err != nil {
		t.Fatal(err)
	}
	second, err := s.Scrub(all[1].JSON)
	if err != nil {
		t.Fatal(err)
	}
	id := regexp.MustCompile(`"id":"([^"]+)"`).FindSubmatch(first)[1]
	born := regexp.MustCompile(`"birthDate":"([^"]+)"`).FindSubmatch(first)[1]
	for _, want := range []string{"Patient/" + string(id), `"start":"` + string(born)} {
		if !strings.Contains(string(second), want) {
			t.Errorf("no %s in %s", want, second)
		}
	}
}

func TestScrubKeepsTheLengthOfWhatItReplaces(t *testing.T) {
	in := `{"name":[{"family":"O'Brian-Smith","given":["A"]}],"identifier":[{"value":"S99912573"}],"value":0.06083,"count":255}`
	out, err := NewScrubber(rand.New(rand.NewPCG(1, 2))).Scrub([]byte(in))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(shape(in), shape(string(out))); diff != "" {
		t.Error(diff)
	}
}

// shape writes A, a or 0 for every letter and digit.
func shape(s string) string {
	s = regexp.MustCompile(`[A-Z]`).ReplaceAllString(s, "A")
	s = regexp.MustCompile(`[a-z]`).ReplaceAllString(s, "a")
	return regexp.MustCompile(`[0-9]`).ReplaceAllString(s, "0")
}

func TestScrubTellsWhatItCannotRead(t *testing.T) {
	for _, in := range []string{`{`, `{"a":}`, `{"a":1`} {
		if out, err := NewScrubber(rand.New(rand.NewPCG(1, 2))).Scrub([]byte(in)); err == nil {
			t.Errorf("%s became %s", in, out)
		}
	}
}

func TestHalvesShareNoFile(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a", "b", "c"} {
		f, err := os.Create(filepath.Join(dir, name+".json.gz"))
		if err != nil {
			t.Fatal(err)
		}
		z := gzip.NewWriter(f)
		_, werr := z.Write([]byte(name))
		if werr != nil || z.Close() != nil || f.Close() != nil {
			t.Fatal("write")
		}
	}
	got := map[Half]string{}
	for _, half := range []Half{Training, HeldOut} {
		files, err := Files(dir, half)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			b, err := Read(f)
			if err != nil {
				t.Fatal(err)
			}
			got[half] += string(b)
		}
	}
	if diff := cmp.Diff(map[Half]string{Training: "ac", HeldOut: "b"}, got); diff != "" {
		t.Error(diff)
	}
	if _, err := Read(filepath.Join(dir, "none")); err == nil {
		t.Error("read a file that is not there")
	}
}
