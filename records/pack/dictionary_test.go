package pack

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/tutela-health/tutela/internal/sample"
	"github.com/tutela-health/tutela/records/pack/internal/corpus"
)

// TestDictionaryHoldsNoValueOfAnyPatient looks for every personal value of six characters
// or more, of the patients that trained the dictionary and of those that did not. Dates are
// left out: a random one may fall on somebody's birthday.
func TestDictionaryHoldsNoValueOfAnyPatient(t *testing.T) {
	values := personalValues(t)
	t.Logf("%d values", len(values))
	if len(values) < 100 {
		t.Fatal("too few values to look for")
	}
	for version, dict := range dictionaries() {
		lower := strings.ToLower(string(dict))
		for v := range values {
			if holdsWord(lower, strings.ToLower(v)) {
				t.Errorf("dictionary %d holds %q", version+1, v)
			}
		}
	}
}

// holdsWord finds word between what is no letter or digit: American is nobody's America.
func holdsWord(text, word string) bool {
	for from := 0; ; {
		i := strings.Index(text[from:], word)
		if i < 0 {
			return false
		}
		start, end := from+i, from+i+len(word)
		if (start == 0 || !alphanumeric(text[start-1])) && (end == len(text) || !alphanumeric(text[end])) {
			return true
		}
		from = start + 1
	}
}

func alphanumeric(b byte) bool {
	return b >= '0' && b <= '9' || b >= 'a' && b <= 'z'
}

func TestHoldsWord(t *testing.T) {
	for text, want := range map[string]bool{"anna": true, "x anna": true, "anna,": true, "annab anna": true, "hanna": false, "annab": false, "": false} {
		if holdsWord(text, "anna") != want {
			t.Errorf("%q: want %v", text, want)
		}
	}
}

// TestDictionaryHoldsNoNarrative holds that nothing but vocabulary got in by way of narratives.
func TestDictionaryHoldsNoNarrative(t *testing.T) {
	for _, dict := range dictionaries() {
		for _, s := range []string{"Person seed", "Population seed", "Care Plan for", "@mail.example"} {
			if bytes.Contains(dict, []byte(s)) {
				t.Errorf("a dictionary holds %q", s)
			}
		}
	}
}

// TestDictionaryIsFixed: a released dictionary never changes, or rows become unreadable.
func TestDictionaryIsFixed(t *testing.T) {
	p := newPacker(t)
	plain := []byte(`{"resourceType":"Observation","id":"a","status":"final","code":{"text":"Body weight"}}`)
	got, err := p.Unpack(nil, packedByV1())
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(plain, got) {
		t.Errorf("unpacked to %s", got)
	}
}

func TestEachDictionaryCarriesItsVersion(t *testing.T) {
	for i, dict := range dictionaries() {
		d, err := zstd.InspectDictionary(dict)
		if err != nil {
			t.Fatal(err)
		}
		if d.ID() != uint32(i+1) {
			t.Errorf("dictionary %d has id %d", i+1, d.ID())
		}
	}
	if current != len(dictionaries()) {
		t.Errorf("version %d is current of %d", current, len(dictionaries()))
	}
}

// personalValues collects what belongs to somebody in every Bundle at hand.
func personalValues(t *testing.T) map[string]bool {
	t.Helper()
	values := map[string]bool{}
	for _, b := range allBundles(t) {
		var root any
		if err := json.Unmarshal(b, &root); err != nil {
			t.Fatal(err)
		}
		collect(values, "", "", root)
	}
	for v := range values {
		if len(v) < 6 {
			delete(values, v)
		}
	}
	return values
}

func allBundles(t *testing.T) [][]byte {
	t.Helper()
	all := slices.Collect(sample.Patients(60, 1))
	folder := synthea(t)
	if folder == "" {
		return all
	}
	for _, half := range []corpus.Half{corpus.Training, corpus.HeldOut} {
		files, err := corpus.Files(folder, half)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			b, err := corpus.Read(f)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, b)
		}
	}
	return all
}

// collect walks a decoded Bundle. It knows where people's values stand, independently of
// the scrubber that it checks.
func collect(values map[string]bool, parent, name string, node any) {
	switch n := node.(type) {
	case map[string]any:
		if url, _ := n["url"].(string); strings.HasSuffix(url, "mothersMaidenName") {
			name = "maiden"
		}
		for k, v := range n {
			collect(values, name, k, v)
		}
	case []any:
		for _, v := range n {
			collect(values, parent, name, v)
		}
	case string:
		for _, v := range valuesOf(parent, name, n) {
			values[v] = true
		}
	}
}

func valuesOf(parent, name, v string) []string {
	switch {
	case name == "family", name == "given", name == "city", name == "postalCode", name == "fullUrl", name == "uid":
		return []string{v, strings.TrimPrefix(v, "urn:uuid:")}
	case name == "line":
		return append(streetNames(v), v)
	case name == "value" && (parent == "identifier" || parent == "telecom"):
		if v == "99999999999" { // a constant of Synthea's claims, nobody's
			return nil
		}
		return []string{v}
	case name == "valueString" && parent == "maiden":
		return strings.Fields(v)
	case name == "name" && parent == "resource":
		return []string{v}
	case name == "display" && strings.HasPrefix(v, "Dr. "):
		return []string{v, strings.TrimPrefix(v, "Dr. ")}
	}
	return nil
}

// streetNames gives the words of a street that are names: between the number and the kind of street.
func streetNames(line string) []string {
	words := regexp.MustCompile(`^\d+ ([\pL' -]+?) (\pL+)( (Suite|Unit|Apt) \d+)?$`).FindStringSubmatch(line)
	if words == nil {
		return nil
	}
	return []string{words[1]}
}
