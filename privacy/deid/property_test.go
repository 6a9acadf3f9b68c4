package deid_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/privacy/deid"
	"github.com/tutela-health/tutela/r4"
)

// show de-identifies a resource in a mode; empty where nothing of it shows.
func show(t *rapid.T, d *deid.Deidentifier, mode deid.Mode, patient tutela.Bucket, text string) string {
	t.Helper()
	res, err := r4.Parse([]byte(text))
	if err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	out, err := d.Show(string(mode), res, patient, func(ref tutela.Ref) string { return d.Name(string(mode), ref.Type, locate(ref)) })
	if err != nil {
		return ""
	}
	return string(out)
}

// modes and patients of any kind.
func modes() *rapid.Generator[deid.Mode] {
	return rapid.SampledFrom([]deid.Mode{deid.SafeHarbor, deid.Pseudonyms})
}

func buckets() *rapid.Generator[tutela.Bucket] {
	return rapid.Custom(func(t *rapid.T) tutela.Bucket { return tutela.Bucket(rapid.Int64().Draw(t, "bucket")) })
}

// days are dates from long ago until soon.
func days() *rapid.Generator[time.Time] {
	return rapid.Custom(func(t *rapid.T) time.Time {
		return time.Date(1800, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, rapid.IntRange(0, 365*230).Draw(t, "day"))
	})
}

// firstYear is the first that shows, by the clock of opened.
const firstYear = 2026 - 89

// Under Safe Harbor of any date, in any precision, the year shows or nothing; of one before the years that show nothing does.
func TestOfAnyDateNoMoreThanTheYearShows(t *testing.T) {
	d := opened(t, false)
	rapid.Check(t, func(t *rapid.T) {
		at := days().Draw(t, "date")
		layout := rapid.SampledFrom([]string{"2006", "2006-01", time.DateOnly, time.RFC3339, time.RFC3339Nano}).Draw(t, "layout")
		at = at.Add(time.Duration(rapid.Int64Range(0, int64(24*time.Hour)-1).Draw(t, "time"))).In(time.FixedZone("", 3600*rapid.IntRange(-11, 14).Draw(t, "zone")))
		out := show(t, d, deid.SafeHarbor, buckets().Draw(t, "patient"), `{"resourceType":"Patient","deceasedDateTime":"`+at.Format(layout)+`"}`)
		var got struct{ DeceasedDateTime string }
		if err := json.Unmarshal([]byte(out), &got); err != nil {
			t.Fatal(err)
		}
		year := got.DeceasedDateTime
		if year != "" && (len(year) != 4 || year < fmt.Sprint(firstYear) || year < fmt.Sprint(at.Year()-1) || year > fmt.Sprint(at.Year()+1)) {
			t.Errorf("%s is shown as %q", at.Format(layout), year)
		}
		if year == "" && at.Year() > firstYear {
			t.Errorf("%s does not show at all", at.Format(layout))
		}
	})
}

// All dates of a patient are moved by the same number of days, never by none and by half a year at most: what lies between
// them stays. The same patient's are moved alike in every resource.
func TestDatesOfAPatientMoveTogether(t *testing.T) {
	d := opened(t, false)
	recent := rapid.Custom(func(t *rapid.T) time.Time {
		return time.Date(1950, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, rapid.IntRange(0, 365*70).Draw(t, "day"))
	})
	rapid.Check(t, func(t *rapid.T) {
		patient := tutela.Bucket(rapid.Int64Range(2, 1<<62).Draw(t, "patient"))
		var moved []int
		for _, at := range rapid.SliceOfN(recent, 2, 5).Draw(t, "dates") {
			out := show(t, d, deid.Pseudonyms, patient, `{"resourceType":"Patient","deceasedDateTime":"`+at.Format(time.DateOnly)+`"}`)
			var got struct{ DeceasedDateTime string }
			if err := json.Unmarshal([]byte(out), &got); err != nil {
				t.Fatal(err)
			}
			to, err := time.Parse(time.DateOnly, got.DeceasedDateTime)
			if err != nil {
				t.Fatalf("%s is shown as %q", at.Format(time.DateOnly), got.DeceasedDateTime)
			}
			moved = append(moved, int(to.Sub(at)/(24*time.Hour)))
		}
		for _, by := range moved {
			if by != moved[0] || by == 0 || by > 182 || by < -182 {
				t.Errorf("moved by %v days", moved)
			}
		}
	})
}

// Of no age that is 90 years or more, in any unit, more shows than that it is.
func TestNoAgeOverEightyNineShows(t *testing.T) {
	d := opened(t, false)
	perYear := map[string]float64{"a": 1, "mo": 12, "wk": 365.25 / 7, "d": 365.25}
	rapid.Check(t, func(t *rapid.T) {
		unit := rapid.SampledFrom([]string{"a", "mo", "wk", "d"}).Draw(t, "unit")
		years := rapid.Float64Range(0, 130).Draw(t, "years")
		value := fmt.Sprintf("%.2f", years*perYear[unit])
		out := show(t, d, modes().Draw(t, "mode"), buckets().Draw(t, "patient"),
			`{"resourceType":"Condition","subject":{"display":"x"},"onsetAge":{"value":`+value+`,"system":"http://unitsofmeasure.org","code":"`+unit+`"}}`)
		var got struct {
			OnsetAge *struct {
				Value      float64
				Comparator string
			}
		}
		if err := json.Unmarshal([]byte(out), &got); err != nil {
			t.Fatal(err)
		}
		limit := 90 * perYear[unit]
		switch a := got.OnsetAge; {
		case a == nil:
		case years*perYear[unit] >= limit+0.01 && (a.Comparator != ">=" || a.Value > limit+1):
			t.Errorf("%s %s is shown as %s%v", value, unit, a.Comparator, a.Value)
		case a.Comparator == "" && fmt.Sprintf("%.2f", a.Value) != value:
			t.Errorf("%s %s is shown as %v", value, unit, a.Value)
		}
	})
}

// Of any postal code three digits of a ZIP code show, or none; of the areas of few people 000.
func TestOfAnyPostalCodeThreeDigitsShow(t *testing.T) {
	d := opened(t, false)
	code := rapid.OneOf(rapid.StringMatching(`[0-9]{5}`), rapid.StringMatching(`[0-9]{5}-[0-9]{4}`), rapid.StringMatching(`(036|059|102|203|556|692|821|879|893)[0-9]{2}`), rapid.StringMatching(`[0-9A-Z -]{1,12}`))
	few := regexp.MustCompile(`^(036|059|063|102|203|556|692|790|821|823|830|831|878|879|884|890|893)`)
	rapid.Check(t, func(t *rapid.T) {
		zip := code.Draw(t, "zip")
		if strings.TrimSpace(zip) != zip || zip == "" {
			return // FHIR has no such string
		}
		out := show(t, d, modes().Draw(t, "mode"), buckets().Draw(t, "patient"),
			`{"resourceType":"Patient","address":[{"line":["1 High St"],"city":"Boston","postalCode":"`+zip+`","country":"US"}]}`)
		var got struct {
			Address []struct{ PostalCode, City string }
		}
		if err := json.Unmarshal([]byte(out), &got); err != nil || len(got.Address) != 1 {
			t.Fatalf("%s: %v", out, err)
		}
		shown := got.Address[0].PostalCode
		whole := regexp.MustCompile(`^[0-9]{5}(-[0-9]{4})?$`).MatchString(zip)
		switch {
		case got.Address[0].City != "", len(shown) != 0 && len(shown) != 3, !whole && shown != "", whole && shown != zip[:3] && shown != "000", few.MatchString(zip) && whole && shown != "000":
			t.Errorf("%q is shown as %q", zip, shown)
		}
	})
}

// A pseudonym is the same each time, leads back in its mode and for its type alone, and is another for everything else.
func TestPseudonymsAreConsistent(t *testing.T) {
	d := opened(t, false)
	types := rapid.SampledFrom([]string{"Patient", "Observation", "Encounter", "Practitioner"})
	rapid.Check(t, func(t *rapid.T) {
		mode, typ, l := modes().Draw(t, "mode"), types.Draw(t, "type"), tutela.Locator(rapid.Int64().Draw(t, "locator"))
		name := d.Name(string(mode), typ, l)
		if back, ok := d.Find(string(mode), typ, name); !ok || back != l || name != d.Name(string(mode), typ, l) || !r4.ValidID(name) {
			t.Fatalf("%q leads to %d (%v), want %d", name, back, ok, l)
		}
		mode2, typ2, l2 := modes().Draw(t, "other mode"), types.Draw(t, "other type"), tutela.Locator(rapid.Int64().Draw(t, "other locator"))
		same := mode == mode2 && typ == typ2 && l == l2
		if (d.Name(string(mode2), typ2, l2) == name) != same {
			t.Errorf("%s of %s %d and %s of %s %d have one pseudonym", mode, typ, l, mode2, typ2, l2)
		}
		if _, ok := d.Find(string(mode2), typ2, name); ok && (mode != mode2 || typ != typ2) {
			t.Errorf("the pseudonym of %s %s is taken for %s %s", mode, typ, mode2, typ2)
		}
		if _, ok := d.Find(string(mode), typ, rapid.StringMatching(`[a-z2-7]{26}`).Draw(t, "guess")); ok {
			t.Error("a guess is a pseudonym")
		}
	})
}

// secret is what tells who somebody is: it occurs in nothing else.
func secret(t *rapid.T) string {
	return rapid.SampledFrom([]string{
		"Zqxjane", "078-05-1120", "zqxjane@doe.test", "https://zqxjane.test/p", "10.20.30.40", "zqxMRN4711", "5550109999", "+15550109999",
	}).Draw(t, "secret")
}

// identifies draws an element that tells who somebody is, wherever one may stand in a Patient.
func identifies() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		s := secret(t)
		form := rapid.SampledFrom([]string{
			`"name":[{"use":"official","family":%q,"given":[%[1]q],"text":%[1]q,"prefix":[%[1]q],"period":{"start":"2020"}}]`,
			`"telecom":[{"system":"phone","value":%q,"use":"home"}]`,
			`"identifier":[{"use":"usual","type":{"text":%q},"system":"http://hl7.org/fhir/sid/us-ssn","value":%[1]q,"assigner":{"display":%[1]q}}]`,
			`"address":[{"line":[%q],"city":%[1]q,"district":%[1]q,"text":%[1]q,"state":%[1]q,"postalCode":%[1]q,"country":%[1]q}]`,
			`"contact":[{"name":{"family":%q},"telecom":[{"value":%[1]q}],"relationship":[{"text":%[1]q,"coding":[{"system":"http://own.test","code":%[1]q,"display":%[1]q}]}]}]`,
			`"extension":[{"url":"http://x.test/e","valueString":%q},{"url":"http://hl7.org/fhir/us/core/StructureDefinition/us-core-race","extension":[{"url":"text","valueString":%[1]q}]}]`,
			`"communication":[{"language":{"text":%q,"coding":[{"system":"http://own.test","code":%[1]q}]}}]`,
			`"generalPractitioner":[{"reference":"Practitioner/x","display":%q,"identifier":{"value":%[1]q}}]`,
			`"photo":[{"title":%q}]`, `"maritalStatus":{"text":%q}`,
			`"contained":[{"resourceType":"Organization","id":"o","name":%q,"alias":[%[1]q]}]`,
			`"text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">%s</div>"}`,
			`"meta":{"source":"http://%s","tag":[{"system":"http://own.test","code":"x","display":%[1]q}]}`,
			`"_birthDate":{"extension":[{"url":"http://x.test/b","valueString":%q}]}`,
			`"link":[{"type":"seealso","other":{"display":%q}}]`,
		}).Draw(t, "element")
		return fmt.Sprintf(form, s)
	})
}

// However elements that identify are put together, beside each other and beside what may show: nothing of them comes out.
func TestNoIdentifierComesOut(t *testing.T) {
	d := opened(t, false)
	leaked := regexp.MustCompile(`(?i)zqx|078-05|5550109|10\.20\.30`)
	rapid.Check(t, func(t *rapid.T) {
		members := map[string]string{}
		for _, e := range rapid.SliceOfN(identifies(), 1, 8).Draw(t, "elements") {
			name, _, _ := strings.Cut(e, ":")
			members[name] = e // each once
		}
		text := `{"resourceType":"Patient","id":"zqxid","active":true,"gender":"female","birthDate":"1980-03-07"`
		for _, e := range members {
			text += "," + e
		}
		out := show(t, d, modes().Draw(t, "mode"), buckets().Draw(t, "patient"), text+"}")
		if found := leaked.FindString(out); found != "" {
			t.Errorf("%q comes out: %s", found, out)
		}
		if strings.Contains(out, "-03-07") {
			t.Errorf("the day of birth comes out: %s", out)
		}
	})
}
