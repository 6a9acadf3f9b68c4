package consent_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/access/consent"
	"github.com/tutela-health/tutela/r4"
)

// TestOfficialExamplesAreReadAsTheirNarrativesSay asks the official Consents. Most were written for STU3,
// where the first provision was an exception with a type, and lost it on the way to R4: what such a one
// names is withheld, as its narrative wishes.
func TestOfficialExamplesAreReadAsTheirNarrativesSay(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/hl7/*.json")
	if err != nil || len(files) != 12 {
		t.Fatalf("%d official examples, %v", len(files), err)
	}
	for _, c := range []struct {
		file, patient string
		regime        consent.Regime
		ask           []string
		when          string
		want          string
	}{
		// All data available for normal treatment, till the end of the period.
		{"basic", "f001", consent.OptIn, nil, "2015-06-01", "allowed by Consent/consent-example-basic"},
		{"basic", "f001", consent.OptIn, nil, "2016-06-01", "denied by opt-in"},
		{"basic", "f002", consent.OptIn, nil, "2015-06-01", "denied by opt-in"},
		// Sharing for treatment withheld.
		{"Out", "f001", consent.OptOut, nil, "2016-06-01", "denied by Consent/consent-example-Out"},
		// No data, but in an emergency: the example's exceptions say the opposite, so nothing goes.
		{"Emergency", "f001", consent.OptOut, nil, "2016-06-01", "denied by Consent/consent-example-Emergency"},
		{"Emergency", "f001", consent.OptOut, []string{"purpose=ETREAT"}, "2016-06-01", "denied by Consent/consent-example-Emergency"},
		// Read-only access for a representative: written as a base policy that denies, without a permit.
		{"grantor", "f001", consent.OptIn, []string{"caller=Patient/example"}, "2016-06-01", "denied by Consent/consent-example-grantor"},
		// Not what an organization keeps.
		{"notAuthor", "f001", consent.OptOut, []string{"custodian=Organization/f001"}, "2016-06-01", "denied by Consent/consent-example-notAuthor"},
		{"notAuthor", "f001", consent.OptOut, []string{"custodian=Organization/f002"}, "2016-06-01", "allowed by opt-out"},
		// Not to an organization.
		{"notOrg", "f001", consent.OptIn, []string{"caller=Practitioner/1,Organization/f001"}, "2016-06-01", "denied by Consent/consent-example-notOrg"},
		{"notOrg", "f001", consent.OptIn, []string{"caller=Practitioner/1,Organization/f002"}, "2016-06-01", "allowed by Consent/consent-example-notOrg"},
		// Not to a nurse.
		{"notThem", "f001", consent.OptOut, []string{"caller=Practitioner/f204"}, "2016-06-01", "denied by Consent/consent-example-notThem"},
		{"notThem", "f001", consent.OptOut, []string{"caller=Practitioner/f204", "action=correct"}, "2016-06-01", "denied by Consent/consent-example-notThem"},
		{"notThem", "f001", consent.OptOut, nil, "2016-06-01", "allowed by opt-out"},
		// Not this record.
		{"notThis", "f001", consent.OptOut, []string{"data=Task/example3"}, "2016-06-01", "denied by Consent/consent-example-notThis"},
		{"notThis", "f001", consent.OptOut, []string{"links=Task/example3"}, "2016-06-01", "denied by Consent/consent-example-notThis"},
		{"notThis", "f001", consent.OptOut, nil, "2016-06-01", "allowed by opt-out"},
		// Within a time: R4 keeps one period only, that of the rule.
		{"notTime", "f001", consent.OptIn, nil, "2015-01-15", "allowed by Consent/consent-example-notTime"},
		{"notTime", "f001", consent.OptIn, nil, "2015-03-15", "denied by opt-in"},
		// Nothing, with exceptions that lost their types.
		{"pkb", "example", consent.OptOut, []string{"caller=Organization/f001", "labels=PSY"}, "2016-06-17", "denied by Consent/consent-example-pkb"},
		// To one practitioner, what one author wrote of two kinds; the class is a media type, which is not looked at.
		{"signature", "72", consent.OptIn, []string{"caller=Practitioner/13", "author=Practitioner/xcda-author", "codes=http://loinc.org|34133-9"}, "2016-06-01", "denied by opt-in"},
		// An app's half hour with prescriptions.
		{"smartonfhir", "xcda", consent.OptIn, []string{"data=MedicationRequest/1"}, "2016-06-23T17:10:00+10:00", "allowed by Consent/consent-example-smartonfhir"},
		{"smartonfhir", "xcda", consent.OptIn, []string{"data=Observation/1"}, "2016-06-23T17:10:00+10:00", "denied by opt-in"},
		{"smartonfhir", "xcda", consent.OptIn, []string{"data=MedicationRequest/1"}, "2016-06-23T18:10:00+10:00", "denied by opt-in"},
	} {
		q := usual()
		q.Patient = tutela.PatientID(c.patient)
		q.When = interval(t, c.when+"/"+c.when).Low
		readQuestion(t, &q, c.ask)
		if got := describe(consent.Decide([]consent.Directive{example(t, c.file)}, q, c.regime)); got != c.want {
			t.Errorf("%s, %v, %s: %s, want %s", c.file, c.ask, c.when, got, c.want)
		}
	}
}

func example(t testing.TB, name string) consent.Directive {
	t.Helper()
	text, err := os.ReadFile("testdata/hl7/Consent-consent-example-" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	return parse(t, text)
}

func TestDirectiveKeepsWhatTheLedgerMayName(t *testing.T) {
	t.Parallel()
	d := example(t, "signature")
	want := r4.Interval{
		Low:  time.Date(2015, 10, 10, 0, 0, 0, 0, time.UTC),
		High: time.Date(2016, 10, 11, 0, 0, 0, 0, time.UTC),
	}
	if d.Consent.String() != "Consent/consent-example-signature" || d.Patient != "72" || d.Status != "active" || d.Period != want || d.Given.Low.IsZero() {
		t.Errorf("%+v", d)
	}
}
