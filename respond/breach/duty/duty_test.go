package duty

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela/internal/errs"
)

func moment(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// lines tells duties as one compares them: which, the last day, and the moment at which it is over.
func lines(t *testing.T, f Facts) []string {
	t.Helper()
	list, err := Of(f)
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	for _, d := range list {
		at := ""
		if !d.Due.IsZero() {
			at = d.Due.UTC().Format(time.RFC3339)
		}
		told = append(told, fmt.Sprintf("%s %s %s", d.ID, d.Day, at))
	}
	slices.Sort(told)
	return told
}

// TestWorkedCases are dates that were worked out by hand with a calendar: across changes of the clock, leap years and year
// ends, and on both sides of each threshold.
func TestWorkedCases(t *testing.T) {
	t.Parallel()
	const ny, berlin, beirut, tokyo = "America/New_York", "Europe/Berlin", "Asia/Beirut", "Asia/Tokyo"
	hipaa := []Law{HIPAA}
	for name, c := range map[string]struct {
		found string
		f     Facts
		want  []string
	}{
		"across the autumn's clocks": {"2026-10-01T14:00:00-04:00", Facts{Zone: ny, Laws: hipaa, Breach: true, Individuals: 500}, []string{
			"hipaa.individuals 2026-11-30 2026-12-01T05:00:00Z", "hipaa.secretary 2026-11-30 2026-12-01T05:00:00Z"}},
		"across the spring's clocks, one fewer than 500": {"2026-02-01T09:00:00-05:00", Facts{Zone: ny, Laws: hipaa, Breach: true, Individuals: 499}, []string{
			"hipaa.individuals 2026-04-02 2026-04-03T04:00:00Z", "hipaa.secretary 2027-03-01 2027-03-02T05:00:00Z"}},
		"the year's list ends on 29 February in a leap year": {"2027-12-31T23:30:00-05:00", Facts{Zone: ny, Laws: hipaa, Breach: true, Individuals: 3}, []string{
			"hipaa.individuals 2028-02-29 2028-03-01T05:00:00Z", "hipaa.secretary 2028-02-29 2028-03-01T05:00:00Z"}},
		"the same moment is next year's elsewhere": {"2027-12-31T23:30:00-05:00", Facts{Zone: tokyo, Laws: hipaa, Breach: true, Individuals: 3}, []string{
			"hipaa.individuals 2028-03-01 2028-03-01T15:00:00Z", "hipaa.secretary 2029-03-01 2029-03-01T15:00:00Z"}},
		"discovered on a leap day": {"2028-02-29T12:00:00-05:00", Facts{Zone: ny, Laws: hipaa, Breach: true, Individuals: 600}, []string{
			"hipaa.individuals 2028-04-29 2028-04-30T04:00:00Z", "hipaa.secretary 2028-04-29 2028-04-30T04:00:00Z"}},
		"where a day begins at one o'clock": {"2026-01-27T12:00:00+02:00", Facts{Zone: beirut, Laws: hipaa, Breach: true, Individuals: 600}, []string{
			"hipaa.individuals 2026-03-28 2026-03-28T22:00:00Z", "hipaa.secretary 2026-03-28 2026-03-28T22:00:00Z"}},
		"media from 501 residents of a State, the Secretary from 500 of all": {"2026-06-01T12:00:00Z", Facts{Zone: ny, Laws: hipaa, Breach: true, Individuals: 1002, Residents: map[string]int{"MA": 501, "NY": 500, "": 1}}, []string{
			"hipaa.individuals 2026-07-31 2026-08-01T04:00:00Z", "hipaa.media.MA 2026-07-31 2026-08-01T04:00:00Z", "hipaa.secretary 2026-07-31 2026-08-01T04:00:00Z"}},
		"a business associate tells the covered entity": {"2026-06-01T12:00:00Z", Facts{Zone: ny, Laws: hipaa, Breach: true, Associate: true, Individuals: 1000}, []string{
			"hipaa.associate 2026-07-31 2026-08-01T04:00:00Z"}},
		"no breach is kept on record": {"2026-06-01T12:00:00Z", Facts{Zone: ny, Laws: hipaa, Individuals: 1000}, []string{"hipaa.record  "}},
		"an oral statement near the end holds for 30 days": {"2026-06-01T12:00:00Z", Facts{Zone: ny, Laws: hipaa, Breach: true, Associate: true, Delays: []Delay{{Official: "x", Stated: moment(t, "2026-07-20T12:00:00-04:00")}}}, []string{
			"hipaa.associate 2026-08-19 2026-08-20T04:00:00Z"}},
		"an oral statement for longer holds for 30 days": {"2026-06-01T12:00:00Z", Facts{Zone: ny, Laws: hipaa, Breach: true, Associate: true, Delays: []Delay{{Official: "x", Stated: moment(t, "2026-07-20T12:00:00-04:00"), Until: moment(t, "2027-07-20T12:00:00-04:00")}}}, []string{
			"hipaa.associate 2026-08-19 2026-08-20T04:00:00Z"}},
		"an early oral statement ends before the 60 days": {"2026-06-01T12:00:00Z", Facts{Zone: ny, Laws: hipaa, Breach: true, Associate: true, Delays: []Delay{{Official: "x", Stated: moment(t, "2026-06-02T12:00:00-04:00")}}}, []string{
			"hipaa.associate 2026-07-31 2026-08-01T04:00:00Z"}},
		"a written statement holds as long as it says": {"2026-06-01T12:00:00Z", Facts{Zone: ny, Laws: hipaa, Breach: true, Associate: true, Delays: []Delay{{Official: "x", Written: true, Stated: moment(t, "2026-06-02T12:00:00-04:00"), Until: moment(t, "2027-01-15T17:00:00-05:00")}}}, []string{
			"hipaa.associate 2027-01-15 2027-01-16T05:00:00Z"}},
		"72 hours are hours also where the clock goes back": {"2026-10-24T10:00:00+02:00", Facts{Zone: berlin, Laws: []Law{GDPR}}, []string{
			"gdpr.authority  2026-10-27T08:00:00Z", "gdpr.register  "}},
		"a high risk is told to people": {"2026-12-30T10:00:00+01:00", Facts{Zone: berlin, Laws: []Law{GDPR}, Risk: HighRisk}, []string{
			"gdpr.authority  2027-01-02T09:00:00Z", "gdpr.individuals  ", "gdpr.register  "}},
		"not where the data is unintelligible": {"2026-12-30T10:00:00+01:00", Facts{Zone: berlin, Laws: []Law{GDPR}, Risk: HighRisk, Unintelligible: true}, []string{
			"gdpr.authority  2027-01-02T09:00:00Z", "gdpr.register  "}},
		"no risk is kept in the register":  {"2026-12-30T10:00:00+01:00", Facts{Zone: berlin, Laws: []Law{GDPR}, Risk: NoRisk}, []string{"gdpr.register  "}},
		"a processor tells the controller": {"2026-12-30T10:00:00+01:00", Facts{Zone: berlin, Laws: []Law{GDPR}, Associate: true}, []string{"gdpr.controller  ", "gdpr.register  "}},
		"Canada": {"2026-12-30T10:00:00-05:00", Facts{Zone: "America/Toronto", Laws: []Law{PIPEDA}, Harm: true}, []string{
			"pipeda.commissioner  ", "pipeda.individuals  ", "pipeda.others  ", "pipeda.record  "}},
		"States": {"2026-01-31T12:00:00-08:00", Facts{Zone: "America/Los_Angeles", Laws: []Law{States}, Breach: true, Determined: moment(t, "2026-02-03T09:00:00-08:00"), Residents: map[string]int{"CA": 501, "TX": 250, "WA": 500, "OH": 2}}, []string{
			"states.OH  ", "states.ca.attorney-general  ", "states.ca.individuals 2026-03-02 2026-03-03T08:00:00Z", "states.tx.attorney-general 2026-03-05 2026-03-06T08:00:00Z",
			"states.tx.individuals 2026-04-04 2026-04-05T07:00:00Z", "states.wa.individuals 2026-03-02 2026-03-03T08:00:00Z"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.f.Discovered = moment(t, c.found)
			if d := cmp.Diff(c.want, lines(t, c.f)); d != "" {
				t.Error(d)
			}
		})
	}
}

// What a State's rule says that was not read in its official text must say so.
func TestShippedRulesAreSound(t *testing.T) {
	t.Parallel()
	list := shippedRules()
	if len(list) == 0 {
		t.Fatal("no rules")
	}
	for _, r := range list {
		if r.ID == "" || len(r.State) != 2 || r.Law == "" || r.To == "" || r.Soon == "" || r.Least < 1 || r.Verified {
			t.Errorf("%+v", r)
		}
	}
}

func TestFactsThatMakeNoSenseAreRefused(t *testing.T) {
	t.Parallel()
	at := moment(t, "2026-01-01T00:00:00Z")
	for name, f := range map[string]Facts{
		"no zone": {Discovered: at}, "the machine's zone": {Discovered: at, Zone: "Local"}, "a zone that is none": {Discovered: at, Zone: "Mars/Base"},
		"never discovered": {Zone: "UTC"}, "an unknown law": {Discovered: at, Zone: "UTC", Laws: []Law{"x"}}, "an unknown risk": {Discovered: at, Zone: "UTC", Risk: "x"},
		"a delay by nobody": {Discovered: at, Zone: "UTC", Delays: []Delay{{Stated: at}}},
	} {
		if _, err := Of(f); !errs.Is(err, errs.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzOf: whatever the moment and the zone, a last day is over after it began, and no duty is due before its discovery.
func FuzzOf(f *testing.F) {
	for _, zone := range []string{"America/New_York", "Asia/Beirut", "Pacific/Apia", "America/Sao_Paulo", "Africa/Cairo", "UTC"} {
		f.Add(int64(1795339815), zone, 500)
		f.Add(int64(1325203200), zone, 1)
	}
	f.Fuzz(func(t *testing.T, unix int64, zone string, n int) {
		if unix < 0 || unix > 4e9 {
			return
		}
		facts := Facts{Discovered: time.Unix(unix, 0), Zone: zone, Laws: []Law{HIPAA, GDPR, PIPEDA, States}, Breach: true, Individuals: n, Residents: map[string]int{"CA": n}, Harm: true}
		list, err := Of(facts)
		if err != nil {
			return
		}
		for _, d := range list {
			if !d.Due.IsZero() && !d.Due.After(facts.Discovered) {
				t.Errorf("%+v", d)
			}
		}
	})
}
