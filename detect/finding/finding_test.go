package finding_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/detect/finding"
)

func at(hours int) time.Time {
	return time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC).Add(time.Duration(hours) * time.Hour)
}

// hit is one of a snoop's, on some patients.
func hit(hour int, entry string, patients ...tutela.Bucket) finding.Hit {
	return finding.Hit{
		Rule: "snoop", Title: "Looks at charts of colleagues", Level: finding.Medium, Likelihood: 0.5, Actor: "u-17", Group: "2026-11-22",
		Patients: patients, Entries: []string{entry}, Reasons: []string{"no relation"}, Answer: "ask the person", At: at(hour),
	}
}

func TestAlikeHitsBecomeOneFinding(t *testing.T) {
	c := finding.New("f-1", hit(9, "e-1", 7, 8), finding.Favour{})
	again := hit(11, "e-2", 8, 9)
	again.Level, again.Sensitive, again.Reasons = finding.High, []tutela.Bucket{9}, []string{"no relation", "a colleague"}
	c.Add(again)
	want := finding.Finding{
		ID: "f-1", Rule: "snoop", Title: "Looks at charts of colleagues", Level: finding.High, Risk: 43, Likelihood: 0.525, Actor: "u-17",
		Group: "2026-11-22", State: finding.Open, First: at(9), Last: at(11), Hits: 2, Touched: 3, Sensitive: 1, Entries: []string{"e-1", "e-2"},
		Patients: []string{"0000000000000007", "0000000000000008", "0000000000000009"}, Shown: 2,
		Reasons: []string{"no relation", "a colleague"}, Answer: "ask the person",
	}
	if d := cmp.Diff(want, c.Finding); d != "" {
		t.Error(d)
	}
	if !c.Takes(hit(12, "e")) || c.Takes(hit(11+8*24, "e")) {
		t.Error("what belongs together within a week is not told from what does not")
	}
}

func TestRiskGrowsWithLikelihoodPatientsAndSensitivity(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		levels := []finding.Level{"", finding.Informational, finding.Low, finding.Medium, finding.High, finding.Critical}
		l := rapid.IntRange(0, 4).Draw(t, "level")
		p := rapid.Float64Range(0, 0.9).Draw(t, "likelihood")
		n := rapid.IntRange(0, 5000).Draw(t, "patients")
		s := rapid.IntRange(0, n).Draw(t, "sensitive")
		risk := finding.Risk(levels[l], p, n, s)
		if risk < 0 || risk > 100 {
			t.Fatalf("risk %d", risk)
		}
		for what, more := range map[string]int{
			"likelihood": finding.Risk(levels[l], p+0.1, n, s), "patients": finding.Risk(levels[l], p, n*2, s),
			"sensitivity": finding.Risk(levels[l], p, n, s+1), "level": finding.Risk(levels[l+1], p, n, s),
		} {
			if more < risk {
				t.Fatalf("more %s, and the risk falls from %d to %d", what, risk, more)
			}
		}
	})
	for _, c := range []struct {
		l    finding.Level
		p    float64
		n, s int
		want int
	}{{finding.Critical, 1, 0, 0, 100}, {finding.Low, 1, 0, 0, 25}, {finding.Low, 1, 999, 0, 100}, {finding.Low, 1, 9, 0, 50}, {finding.Medium, 0.5, 0, 0, 25}} {
		if got := finding.Risk(c.l, c.p, c.n, c.s); got != c.want {
			t.Errorf("risk of %+v is %d", c, got)
		}
	}
}

// However many hits, and however long what they say: a finding stays small, and the first and last entries stay in it.
func TestFindingsStayBounded(t *testing.T) {
	long := ""
	for range 1000 {
		long += "é"
	}
	c := finding.New("f", hit(0, "e-0"), finding.Favour{})
	for i := 1; i <= 5000; i++ {
		h := hit(0, fmt.Sprintf("e-%d", i), tutela.Bucket(i))
		h.Reasons = []string{fmt.Sprint(i, long)}
		c.Add(h)
	}
	if len(c.Seen) != 2000 || len(c.Patients) != 100 || len(c.Entries) != 40 || len(c.Reasons) != 10 || len(c.Reasons[1]) > 400 {
		t.Errorf("%d patients, %d shown, %d entries, %d reasons", len(c.Seen), len(c.Patients), len(c.Entries), len(c.Reasons))
	}
	if c.Shown != 5001 || c.Entries[0] != "e-0" || c.Entries[39] != "e-5000" || c.Entries[20] != "e-4981" {
		t.Errorf("%d entries, of which %v", c.Shown, c.Entries)
	}
	if c.Likelihood > 0.99 {
		t.Errorf("likelihood %f", c.Likelihood)
	}
}

func TestBenignVerdictsLowerRepeatsAndNeverHideThem(t *testing.T) {
	plain := finding.New("f", hit(0, "e", 1), finding.Favour{})
	var f finding.Favour
	last := plain.Risk
	for n := range 5 {
		f.Count(finding.Benign, at(0), at(1))
		c := finding.New("f", hit(1, "e", 1), f)
		if n < 2 && c.Risk >= last || c.Risk <= 0 || c.State != finding.Open || !slices.ContainsFunc(c.Reasons, func(r string) bool { return r != "no relation" }) {
			t.Errorf("after %d benign verdicts: %+v", n+1, c.Finding)
		}
		if n >= 2 && c.Risk != last {
			t.Errorf("the verdict %d lowers the risk further, to %d", n+1, c.Risk)
		}
		last = c.Risk
	}
	f.Count(finding.True, at(0), at(1))
	if c := finding.New("f", hit(1, "e", 1), f); c.Risk <= plain.Risk {
		t.Errorf("judged true before, and the risk is %d", c.Risk)
	}
	var old finding.Favour
	old.Count(finding.Benign, at(0), at(31*24))
	old.Count(finding.True, at(0), at(91*24))
	if old.Factor() != 1 {
		t.Errorf("old verdicts count: %+v", old)
	}
}

func TestExpectedVerdictsQuietForTwoWeeksUnlessItGetsWorse(t *testing.T) {
	c := finding.New("f", hit(0, "e", 1, 2, 3, 4, 5), finding.Favour{})
	if c.Absorbs(hit(1, "e2", 1), at(1)) {
		t.Error("an open finding absorbs")
	}
	c.Judge(finding.Expected, at(1))
	worse := hit(2, "e", 1)
	worse.Level = finding.High
	critical := hit(2, "e", 1)
	critical.Level = finding.Critical
	many := hit(2, "e", 11, 12, 13, 14, 15, 16)
	for what, is := range map[string]struct{ got, want bool }{
		"alike":          {c.Absorbs(hit(2, "e", 6), at(2)), true},
		"two weeks on":   {c.Absorbs(hit(2, "e", 6), at(1+14*24+1)), false},
		"level raised":   {c.Absorbs(worse, at(2)), false},
		"critical":       {c.Absorbs(critical, at(2)), false},
		"patients twice": {c.Absorbs(many, at(2)), false},
	} {
		if is.got != is.want {
			t.Errorf("%s: absorbed %t", what, is.got)
		}
	}
	c.Judge(finding.Benign, at(3))
	if c.Absorbs(hit(4, "e", 1), at(4)) {
		t.Error("a benign finding hides what comes after it")
	}
}
