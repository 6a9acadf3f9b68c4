package label_test

import (
	"compress/gzip"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela/access/label"
	"github.com/tutela-health/tutela/r4"
)

func rules(t testing.TB) *label.Rules {
	t.Helper()
	r, err := label.Shipped()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func resource(t testing.TB, text string) *r4.Resource {
	t.Helper()
	res, err := r4.Parse([]byte(text))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return res
}

// condition is a Condition with a code, system|code.
func condition(t testing.TB, code string) *r4.Resource {
	t.Helper()
	return resource(t, `{"resourceType":"Condition","subject":{"reference":"Patient/p"},"code":{"coding":[`+coding(t, code)+`]}}`)
}

func coding(t testing.TB, code string) string {
	t.Helper()
	system, code, _ := strings.Cut(code, "|")
	text, err := json.Marshal(map[string]string{"system": system, "code": code})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

const (
	icd     = "http://hl7.org/fhir/sid/icd-10-cm|"
	sct     = "http://snomed.info/sct|"
	loinc   = "http://loinc.org|"
	actCode = "http://terminology.hl7.org/CodeSystem/v3-ActCode|"
	level   = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality|"
)

func TestCodesLabelUnlabelledResources(t *testing.T) {
	t.Parallel()
	r := rules(t)
	for code, want := range map[string]string{
		icd + "F10.20": "SUD", icd + "F16": "SUD", icd + "F19.99": "SUD", icd + "Z71.41": "SUD",
		icd + "F1020": "SUD", icd + "Z714": "SUD", icd + "f11.2": "SUD", icd + "F17.210": "", icd + "F20.0": "PSY", icd + "F99": "PSY", icd + "F09": "", icd + "F64.0": "PSY,SEX",
		icd + "B20": "HIV", icd + "Z21": "HIV", icd + "Z20.6": "HIV", icd + "B19.20": "", icd + "B25.9": "",
		icd + "A50.01": "STD", icd + "A64": "STD", icd + "A49.9": "", icd + "A65": "",
		icd + "T74.21XA": "SDV", icd + "Z15.01": "GDIS", icd + "Z30.09": "SEX", icd + "I10": "", icd + "F": "",
		"http://hl7.org/fhir/sid/icd-10|B24":    "HIV",
		"urn:oid:2.16.840.1.113883.6.90|F11.20": "SUD",
		"http://example.org/sid|F11.20":         "",
		sct + "7200002":                         "SUD", sct + "47505003": "PSY", sct + "31676001": "HIV", sct + "76272004": "STD", sct + "38341003": "",
		sct + "720000": "", sct + "72000020": "",
		loinc + "55277-8": "HIV", loinc + "51969-4": "GDIS", loinc + "8480-6": "",
		"http://www.nlm.nih.gov/research/umls/rxnorm|2626": "PSY",
		"http://www.ama-assn.org/go/cpt|90837":             "PSY", "http://www.ama-assn.org/go/cpt|99213": "",
	} {
		if got := r.Of(condition(t, code)).String(); got != want {
			t.Errorf("%s is labelled %q, want %q", code, got, want)
		}
	}
}

func TestStatedLabelsCount(t *testing.T) {
	t.Parallel()
	r := rules(t)
	for code, want := range map[string]string{
		level + "R": "R", level + "V": "V", level + "N": "", level + "U": "", level + "X": "R",
		actCode + "ETH": "42CFRPart2,SUD", actCode + "42CFRPart2": "42CFRPart2",
		"http://terminology.hl7.org/CodeSystem/v3-ActUSPrivacyLaw|42CFRPart2": "42CFRPart2",
		"http://terminology.hl7.org/CodeSystem/v3-ActUSPrivacyLaw|HIPAAROI":   "",
		actCode + "SUD": "SUD", actCode + "OPIOIDUD": "SUD", actCode + "PSY": "PSY", actCode + "MH": "PSY",
		actCode + "PSYTHPN": "PSYTHPN", actCode + "SPI": "SUD,PSY", actCode + "HIV": "HIV", actCode + "STD": "STD",
		actCode + "SEX": "SEX", actCode + "SDV": "SDV", actCode + "MST": "SDV", actCode + "GDIS": "GDIS", actCode + "SCA": "GDIS",
		actCode + "CEL": "OTHER", actCode + "NOAUTH": "OTHER", "http://example.org/labels|secret": "OTHER",
		"http://terminology.hl7.org/CodeSystem/v3-ActReason|HRESCH":           "",
		"http://terminology.hl7.org/CodeSystem/v3-ObservationValue|SUBSETTED": "",
	} {
		res := resource(t, `{"resourceType":"Patient","meta":{"security":[`+coding(t, code)+`]}}`)
		if got := r.Of(res).String(); got != want {
			t.Errorf("labelled %s it is %q, want %q", code, got, want)
		}
	}
}

func TestCodesCountWhereverTheyStand(t *testing.T) {
	t.Parallel()
	hidden := `{"coding":[` + coding(t, icd+"B20") + `]}`
	for name, text := range map[string]string{
		"contained":   `{"resourceType":"Observation","status":"final","code":{"text":"x"},"contained":[{"resourceType":"Condition","id":"c","subject":{"reference":"#p"},"code":` + hidden + `}]}`,
		"value":       `{"resourceType":"Observation","status":"final","code":{"text":"x"},"valueCodeableConcept":` + hidden + `}`,
		"component":   `{"resourceType":"Observation","status":"final","code":{"text":"x"},"component":[{"code":` + hidden + `}]}`,
		"reason":      `{"resourceType":"Encounter","status":"planned","class":{"code":"AMB"},"reasonCode":[` + hidden + `]}`,
		"claim":       `{"resourceType":"Claim","status":"active","type":{"text":"x"},"use":"claim","patient":{"reference":"Patient/p"},"created":"2026","provider":{"reference":"Organization/o"},"priority":{"text":"x"},"insurance":[{"sequence":1,"focal":true,"coverage":{"reference":"Coverage/c"}}],"diagnosis":[{"sequence":1,"diagnosisCodeableConcept":` + hidden + `}]}`,
		"extension":   `{"resourceType":"Patient","extension":[{"url":"http://example.org/x","valueCodeableConcept":` + hidden + `}]}`,
		"of a string": `{"resourceType":"Patient","birthDate":"2000","_birthDate":{"extension":[{"url":"http://example.org/x","valueCoding":` + coding(t, icd+"B20") + `}]}}`,
		"tag":         `{"resourceType":"Patient","meta":{"tag":[` + coding(t, icd+"B20") + `]}}`,
		"bundle":      `{"resourceType":"Bundle","type":"collection","entry":[{"resource":{"resourceType":"Patient","meta":{"security":[` + coding(t, actCode+"HIV") + `]}}}]}`,
		"consent":     `{"resourceType":"Consent","status":"active","scope":{"text":"x"},"category":[{"text":"x"}],"policyRule":{"text":"x"},"provision":{"securityLabel":[` + coding(t, actCode+"HIV") + `]}}`,
		"document":    `{"resourceType":"DocumentReference","status":"current","content":[{"attachment":{"title":"x"}}],"securityLabel":[{"coding":[` + coding(t, actCode+"HIV") + `]}]}`,
	} {
		if got := rules(t).Of(resource(t, text)); got != label.HIV {
			t.Errorf("%s: %q, want HIV", name, got)
		}
	}
}

func TestRulesAddToWhatIsStated(t *testing.T) {
	t.Parallel()
	res := resource(t, `{"resourceType":"Condition","meta":{"security":[`+coding(t, level+"N")+`,`+coding(t, actCode+"PSY")+`]},
		"subject":{"reference":"Patient/p"},"code":{"coding":[`+coding(t, icd+"B20")+`]}}`)
	if got := rules(t).Of(res); got != label.PSY|label.HIV {
		t.Errorf("labelled %q", got)
	}
}

func TestClearances(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		labels, clearances label.Set
		seen               bool
	}{
		{0, 0, true},
		{label.HIV, 0, false},
		{label.HIV, label.HIV, true},
		{label.HIV | label.PSY, label.HIV, false},
		{label.PSYTHPN, label.PSY, false},
		{label.Part2, label.SUD, false},
		{label.SUD, label.Part2, false},
		{label.Restricted, label.VeryRestricted, true},
		{label.VeryRestricted, label.Restricted, false},
		{label.Other, label.All &^ label.Other, false},
		{label.All, label.All, true},
	} {
		if got := c.labels.Within(c.clearances); got != c.seen {
			t.Errorf("%q with clearance %q is seen: %v", c.labels, c.clearances, got)
		}
	}
}

func TestSetsHaveNames(t *testing.T) {
	t.Parallel()
	all, err := label.ParseSet(label.All.String())
	if err != nil || all != label.All {
		t.Errorf("%q, %v", all, err)
	}
	star, err := label.ParseSet("* ,HIV")
	if err != nil || star != label.All {
		t.Errorf("%q, %v", star, err)
	}
	if _, err := label.ParseSet("HIV,hiv"); err == nil {
		t.Error("a name that is none is read")
	}
	if diff := cmp.Diff([]string{"V", "HIV"}, (label.HIV | label.VeryRestricted).Needs()); diff != "" {
		t.Error(diff)
	}
	want := []r4.Token{
		{System: strings.TrimSuffix(level, "|"), Code: "R"},
		{System: strings.TrimSuffix(actCode, "|"), Code: "42CFRPart2"},
	}
	if diff := cmp.Diff(want, (label.Restricted | label.Part2 | label.Other).Codes()); diff != "" {
		t.Error(diff)
	}
}

// TestEveryCodeThatALabelHasComesBack writes each label as a security label and reads it again.
func TestEveryCodeThatALabelHasComesBack(t *testing.T) {
	t.Parallel()
	for _, token := range label.All.Codes() {
		res := resource(t, `{"resourceType":"Patient","meta":{"security":[`+coding(t, token.System+"|"+token.Code)+`]}}`)
		if got := rules(t).Of(res).String(); got != token.Code {
			t.Errorf("%s comes back as %q", token.Code, got)
		}
	}
}

func TestBadRulesAreRefusedByLine(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                                     "no version",
		"version x":                            "line 1",
		"version 1\nsystem icd":                "line 2: a system has",
		"version 1\nfoo F10 SUD seen: x":       `"foo" is no system`,
		"version 1\nsystem icd u\nicd F10 SUD": "line 3: a rule is",
		"version 1\nsystem icd u\nicd F10 SUD because x":    "line 3: a rule is",
		"version 1\nsystem icd u\nicd F10 SOD seen: x":      `"SOD" is no label`,
		"version 1\nsystem icd u\nicd F20-F10 SUD seen: x":  "is empty",
		"version 1\nsystem sct u\n\n# x\nsct 1 SUD guess: ": "line 5",
	} {
		if _, err := label.ParseRules(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	if r := rules(t); r.Version() != 1 {
		t.Errorf("version %d", r.Version())
	}
}

func TestZeroRulesKnowStatedLabels(t *testing.T) {
	t.Parallel()
	var r label.Rules
	if got := r.Of(condition(t, actCode+"HIV")) | r.Of(condition(t, icd+"F10")); got != label.HIV {
		t.Errorf("%q", got)
	}
}

// TestSyntheaIsLabelledPlausibly holds how much of sixty charts is sensitive: some, and by far not most.
func TestSyntheaIsLabelledPlausibly(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(os.Getenv("TUTELA_TESTDATA"), "synthea-r4", "*.json.gz"))
	if err != nil {
		t.Fatal(err)
	}
	if os.Getenv("TUTELA_TESTDATA") == "" || len(files) == 0 {
		t.Log("TUTELA_TESTDATA names no folder with Synthea data: falling back to the bundle of r4's tests")
		files = []string{"../../r4/testdata/bundle.json"}
	}
	r := rules(t)
	count, labelled, by := 0, 0, map[string]int{}
	for _, file := range files {
		for entry := range bundle(t, file).Root().Child("entry").Items() {
			res := entry.Child("resource").Resource()
			set := r.Of(res)
			count++
			if set != 0 {
				labelled++
			}
			for _, name := range set.Needs() {
				by[name+" "+res.Type()]++
			}
		}
	}
	t.Logf("%d of %d resources are labelled: %v", labelled, count, by)
	if labelled*10 > count {
		t.Errorf("%d of %d resources are labelled: a flood", labelled, count)
	}
	if count > 10_000 && (labelled < 300 || by["SUD Condition"] == 0 || by["HIV Procedure"] == 0 || by["PSY Condition"] == 0) {
		t.Errorf("only %d of %d resources are labelled: %v", labelled, count, by)
	}
}

func bundle(t *testing.T, file string) *r4.Resource {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var text json.RawMessage
	if strings.HasSuffix(file, ".gz") {
		z, err := gzip.NewReader(f)
		if err != nil {
			t.Fatal(err)
		}
		err = json.NewDecoder(z).Decode(&text)
		if err != nil {
			t.Fatal(err)
		}
	} else if err := json.NewDecoder(f).Decode(&text); err != nil {
		t.Fatal(err)
	}
	return resource(t, string(text))
}

func BenchmarkOf(b *testing.B) {
	text, err := os.ReadFile("../../r4/testdata/observation.json")
	if err != nil {
		b.Fatal(err)
	}
	res, r := resource(b, string(text)), rules(b)
	b.ReportAllocs()
	for b.Loop() {
		r.Of(res)
	}
}
