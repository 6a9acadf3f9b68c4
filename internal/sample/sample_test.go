package sample

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela/r4"
)

// many is enough patients to meet every branch.
const many = 150

func TestSameSeedGivesSameBytes(t *testing.T) {
	first, second := slices.Collect(Patients(20, 7)), slices.Collect(Patients(20, 7))
	if !slices.EqualFunc(first, second, bytes.Equal) {
		t.Error("two runs differ")
	}
	if bytes.Equal(first[0], slices.Collect(Patients(1, 8))[0]) {
		t.Error("another seed gives the same patient")
	}
}

func TestPatientDoesNotDependOnHowManyAreAsked(t *testing.T) {
	few, more := slices.Collect(Patients(3, 7)), slices.Collect(Patients(9, 7))
	if !slices.EqualFunc(few, more[:3], bytes.Equal) {
		t.Error("the first three of three and of nine differ")
	}
}

func TestIterationStopsWhenAsked(t *testing.T) {
	n := 0
	for range Patients(10, 7) {
		if n++; n == 2 {
			break
		}
	}
	if n != 2 {
		t.Errorf("%d patients, want 2", n)
	}
}

func TestEveryResourceIsValidR4(t *testing.T) {
	for i, b := range bundles(t) {
		for _, e := range b.Entry {
			if _, err := r4.Parse(e.Resource); err != nil {
				t.Fatalf("patient %d: %v\n%s", i, err, e.Resource)
			}
		}
	}
	for data := range Patients(5, 7) {
		if _, err := r4.Parse(data); err != nil {
			t.Fatal(err)
		}
	}
}

func TestChartsAreNeitherEmptyNorEndless(t *testing.T) {
	shortest, longest, sum := 1000, 0, 0
	for _, b := range bundles(t) {
		n := len(b.Entry)
		shortest, longest, sum = min(shortest, n), max(longest, n), sum+n
	}
	t.Logf("%d to %d resources, %d on average", shortest, longest, sum/many)
	if shortest < 30 || longest > 150 {
		t.Errorf("%d to %d resources, want 30 to 150", shortest, longest)
	}
}

func TestEveryTypeOccurs(t *testing.T) {
	got := map[string]bool{}
	for _, b := range bundles(t) {
		for _, e := range b.Entry {
			got[e.Request.URL] = true
		}
	}
	want := map[string]bool{}
	for _, name := range []string{
		"AllergyIntolerance", "CarePlan", "Condition", "Coverage", "DiagnosticReport", "Encounter", "Immunization",
		"MedicationRequest", "Observation", "Organization", "Patient", "Practitioner", "Procedure",
	} {
		want[name] = true
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestReferencesLeadToEntriesBeforeThem(t *testing.T) {
	urn := regexp.MustCompile(`urn:uuid:[^"]+`)
	for i, b := range bundles(t) {
		seen := map[string]bool{}
		for _, e := range b.Entry {
			for _, r := range urn.FindAllString(string(e.Resource), -1) {
				if !seen[r] {
					t.Fatalf("patient %d: %s refers to what is not there", i, e.Request.URL)
				}
			}
			if seen[e.FullURL] || !urn.MatchString(e.FullURL) {
				t.Fatalf("patient %d: fullUrl %s", i, e.FullURL)
			}
			seen[e.FullURL] = true
		}
	}
}

func TestSharedResourcesAreCreatedOnce(t *testing.T) {
	for i, b := range bundles(t) {
		seen := map[string]bool{}
		for _, e := range b.Entry {
			shared := e.Request.URL == "Practitioner" || e.Request.URL == "Organization"
			if shared != (e.Request.IfNoneExist != "") || seen[e.Request.IfNoneExist] {
				t.Fatalf("patient %d: %s with ifNoneExist %q", i, e.Request.URL, e.Request.IfNoneExist)
			}
			seen[e.Request.IfNoneExist] = shared
		}
	}
}

func TestSharedResourcesAreTheSameInEveryBundle(t *testing.T) {
	seen := map[string]string{}
	for _, b := range bundles(t) {
		for _, e := range b.Entry {
			key := e.Request.IfNoneExist
			if old, ok := seen[key]; ok && key != "" && old != string(e.Resource) {
				t.Fatalf("two forms of %s", key)
			}
			seen[key] = string(e.Resource)
		}
	}
}

func TestEachCodeHasOneDisplay(t *testing.T) {
	displays := map[string]string{}
	coding := regexp.MustCompile(`\{"system":"([^"]+)","code":"([^"]+)","display":"([^"]+)"\}`)
	for _, b := range bundles(t) {
		for _, e := range b.Entry {
			for _, m := range coding.FindAllStringSubmatch(string(e.Resource), -1) {
				key := m[1] + "|" + m[2]
				if old, ok := displays[key]; ok && old != m[3] {
					t.Fatalf("%s is %q and %q", key, old, m[3])
				}
				displays[key] = m[3]
			}
		}
	}
	if len(displays) < 40 {
		t.Errorf("%d codes, want a clinic's variety", len(displays))
	}
}

func TestNothingHappensAfterTheChartsEnd(t *testing.T) {
	date := regexp.MustCompile(`"(\d{4}-\d{2}-\d{2}T[^"]+|\d{4}-\d{2}-\d{2})"`)
	limit := instant(today().AddDate(0, 0, 2)) // results follow a visit by a day
	for i, b := range bundles(t) {
		for _, e := range b.Entry {
			for _, m := range date.FindAllStringSubmatch(string(e.Resource), -1) {
				if m[1] > limit {
					t.Fatalf("patient %d: %s on %s", i, e.Request.URL, m[1])
				}
			}
		}
	}
}

func TestNothingHappensBeforeBirth(t *testing.T) {
	at := regexp.MustCompile(`"(onsetDateTime|effectiveDateTime|occurrenceDateTime|start)":"([^"]+)"`)
	for i, b := range bundles(t) {
		birth := patientOf(t, b).BirthDate
		for _, e := range b.Entry {
			for _, m := range at.FindAllStringSubmatch(string(e.Resource), -1) {
				if m[2] < birth && e.Request.URL != "Coverage" {
					t.Fatalf("patient %d, born %s: %s on %s", i, birth, e.Request.URL, m[2])
				}
			}
		}
	}
}

func TestMeasuredValuesArePlausible(t *testing.T) {
	limits := map[string][2]float64{
		"8302-2": {45, 210}, "29463-7": {2.5, 200}, "39156-5": {12, 48}, "8867-4": {40, 140}, "8310-5": {36, 41}, "4548-4": {4, 11},
		"2093-3": {60, 400}, "2160-0": {0.2, 3}, "2823-3": {2, 8}, "2951-2": {120, 160}, "718-7": {6, 22},
	}
	for _, b := range bundles(t) {
		for _, e := range b.Entry {
			var o observationResource
			if err := json.Unmarshal(e.Resource, &o); err != nil || o.Value == nil || e.Request.URL != "Observation" {
				continue
			}
			c := o.Code.Coding[0].Code
			v, err := o.Value.Value.Float64()
			if l, ok := limits[c]; err != nil || ok && (v < l[0] || v > l[1]) {
				t.Errorf("%s is %v", c, o.Value.Value)
			}
		}
	}
}

func TestNobodyCouldExist(t *testing.T) {
	ssnForm := regexp.MustCompile(`^999-\d{2}-\d{4}$`)
	phoneForm := regexp.MustCompile(`^802-555-01\d{2}$`)
	records := map[string]bool{}
	for _, b := range bundles(t) {
		p := patientOf(t, b)
		records[p.Identifier[0].Value] = true
		if !ssnForm.MatchString(p.Identifier[1].Value) || !phoneForm.MatchString(p.Telecom[0].Value) {
			t.Errorf("SSN %s, telephone %s", p.Identifier[1].Value, p.Telecom[0].Value)
		}
		if !strings.HasSuffix(p.Telecom[1].Value, "@mail.example") || strings.ContainsFunc(p.Telecom[1].Value, func(r rune) bool { return r > 0x7F }) {
			t.Errorf("email %s", p.Telecom[1].Value)
		}
	}
	if len(records) != many {
		t.Errorf("%d record numbers of %d patients", len(records), many)
	}
}

func bundles(t *testing.T) []bundle {
	t.Helper()
	var all []bundle
	for data := range Patients(many, 7) {
		var b bundle
		if err := json.Unmarshal(data, &b); err != nil {
			t.Fatal(err)
		}
		all = append(all, b)
	}
	return all
}

func patientOf(t *testing.T, b bundle) patientResource {
	t.Helper()
	i := slices.IndexFunc(b.Entry, func(e entry) bool { return e.Request.URL == "Patient" })
	var p patientResource
	if err := json.Unmarshal(b.Entry[i].Resource, &p); err != nil {
		t.Fatal(err)
	}
	return p
}

func BenchmarkPatients(b *testing.B) {
	for range Patients(b.N, 7) {
	}
}
