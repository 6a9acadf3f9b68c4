package simulate

import (
	"cmp"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	gocmp "github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
)

// middling is large enough for every kind of honest work to occur.
func middling() Config {
	c := small()
	c.Staff, c.Patients, c.Days, c.Misuse = 250, 4000, 16, 0.1
	return c
}

// parted are a simulation's entries by whether they were misuse.
func parted(k *kept) (honest, misuse []tutela.Entry) {
	bad := make(map[string]bool)
	for _, m := range k.misuse {
		bad[m.Entry] = true
	}
	for _, e := range k.entries {
		if bad[e.ID] {
			misuse = append(misuse, e)
		} else {
			honest = append(honest, e)
		}
	}
	return honest, misuse
}

// TestMisuseCannotBeToldByItsForm looks at one hospital from every side.
func TestMisuseCannotBeToldByItsForm(t *testing.T) {
	k, sum := run(t, middling())
	honest, misuse := parted(k)
	t.Run("members and words", func(t *testing.T) { testShapes(t, honest, misuse) })
	t.Run("numbers", func(t *testing.T) { testSpread(t, honest, misuse) })
	t.Run("kinds", func(t *testing.T) { testKinds(t, k, sum) })
	t.Run("figures", func(t *testing.T) { testFigures(t, sum) })
}

// testShapes holds that no member, no form of an id and no word gives misuse away.
func testShapes(t *testing.T, honest, misuse []tutela.Entry) {
	looks, shapes := forms(), make(map[string]bool)
	for i := range honest {
		for _, s := range looks.shapes(t, &honest[i]) {
			shapes[s] = true
		}
	}
	for i := range misuse {
		for _, s := range looks.shapes(t, &misuse[i]) {
			if !shapes[s] {
				t.Errorf("only misuse has %s", s)
				shapes[s] = true
			}
		}
	}
}

// look is a form that a text may have, and its name.
type look struct {
	*regexp.Regexp
	name string
}

type looks []look

func forms() (list looks) {
	for _, k := range []struct{ expr, name string }{
		{`^[0-9a-f]{32}$`, "ID"}, {`^[0-9a-f]{16}$`, "PSEUDONYM"}, {`^[A-Z2-7]{26}$`, "SESSION"}, {`^u-\d{5}$`, "USER"},
		{`^10\.20\.\d+\.\d+$`, "WORKSTATION"}, {`^10\.99\.\d+\.\d+$`, "VPN"}, {`^(192\.0\.2|198\.51\.100|203\.0\.113)\.\d+$`, "OUTSIDE"},
		{`^until 20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ$`, "UNTIL"},
	} {
		list = append(list, look{regexp.MustCompile(k.expr), k.name})
	}
	return list
}

// form gives what kind of text it is, or the text when it is a word.
func (l looks) form(s string) string {
	for _, k := range l {
		if k.MatchString(s) {
			return k.name
		}
	}
	return s
}

// shapes lists an event's members with their values' forms, and all members in one line.
func (l looks) shapes(t *testing.T, e *tutela.Entry) []string {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal(appendOCSF(nil, e), &v); err != nil {
		t.Fatal(err)
	}
	var members, list []string
	opened := ofWhatWasOpened()
	l.walk("", v, func(path, value string) {
		if !opened.MatchString(path) {
			members = append(members, path)
		}
		list = append(list, path+" = "+value)
	})
	slices.Sort(members)
	return append(list, strings.Join(slices.Compact(members), " "))
}

// ofWhatWasOpened matches the members that an event has when something was found. They come and go by chance: each alone
// is compared, and not which come together.
func ofWhatWasOpened() *regexp.Regexp {
	return regexp.MustCompile(`^\.(resources|unmapped\.(bytes|flags|basis))`)
}

// walk calls f for every value that is no object or list.
func (l looks) walk(path string, v any, f func(path, value string)) {
	switch v := v.(type) {
	case map[string]any:
		for name, value := range v {
			l.walk(path+"."+l.form(name), value, f)
		}
	case []any:
		for _, value := range v {
			l.walk(path, value, f)
		}
	case float64:
		f(path, "NUMBER")
	default:
		if path == ".unmapped.subject.detail" && !strings.Contains(fmt.Sprint(v), "until") {
			v = "ROLES"
		}
		f(path, l.form(fmt.Sprint(v)))
	}
}

// testSpread holds that neither ids nor milliseconds tell: both are spread evenly.
func testSpread(t *testing.T, honest, misuse []tutela.Entry) {
	if len(misuse) < 1000 {
		t.Fatalf("only %d entries of misuse", len(misuse))
	}
	for name, entries := range map[string][]tutela.Entry{"honest": honest, "misuse": misuse} {
		for what, of := range map[string]func(tutela.Entry) float64{
			"first digits of ids":      func(e tutela.Entry) float64 { return fraction(e.ID) },
			"last digits of ids":       func(e tutela.Entry) float64 { return fraction(e.ID[24:]) },
			"first digits of requests": func(e tutela.Entry) float64 { return fraction(e.Request) },
			"milliseconds":             func(e tutela.Entry) float64 { return float64(e.Time.UnixMilli()%1000) / 1000 },
		} {
			if worst := uneven(entries, of); worst > 5 {
				t.Errorf("%s of %s entries are not spread evenly: %.1f standard deviations off", what, name, worst)
			}
		}
	}
}

// fraction reads the first eight hexadecimal digits as a number from 0 to 1.
func fraction(s string) float64 {
	n, _ := strconv.ParseUint(s[:8], 16, 32)
	return float64(n) / (1 << 32)
}

// uneven puts numbers into ten bins and gives how many standard deviations the worst is off.
func uneven(entries []tutela.Entry, of func(tutela.Entry) float64) float64 {
	var bins [10]float64
	for _, e := range entries {
		bins[int(of(e)*10)]++
	}
	n, worst := float64(len(entries)), 0.0
	for _, b := range bins {
		worst = max(worst, math.Abs(b-n/10)/math.Sqrt(n*0.09))
	}
	return worst
}

// TestHonestWorkDoesNotChangeWithMisuse holds that misuse comes on top: whoever compares two runs finds the same days.
func TestHonestWorkDoesNotChangeWithMisuse(t *testing.T) {
	c := small()
	with, _ := run(t, c)
	c.Misuse = 0
	without, _ := run(t, c)
	if len(without.misuse) > 0 {
		t.Fatalf("%d entries of misuse where there is none", len(without.misuse))
	}
	honest, _ := parted(with)
	if diff := gocmp.Diff(deeds(without.entries), deeds(honest)); diff != "" {
		t.Errorf("honest work (-without +with misuse):\n%.2000s", diff)
	}
}

// deeds are entries about charts without what chance added: ids, sessions.
func deeds(entries []tutela.Entry) []string {
	var list []string
	for _, e := range entries {
		if e.Action == tutela.ActionAuthenticate {
			continue
		}
		list = append(list, fmt.Sprint(e.Time.UnixMilli(), e.Actor.ID, e.Address, e.Action, e.Type, e.Status, e.Bytes, len(e.Patients)))
	}
	slices.SortFunc(list, cmp.Compare[string])
	return list
}

// testKinds holds that all twenty kinds occur, and the truth to the entries.
func testKinds(t *testing.T, k *kept, sum Summary) {
	for _, m := range kinds() {
		if sum.Kinds[m.name] == 0 {
			t.Errorf("no %s", m.name)
		}
	}
	if len(kinds()) != 20 {
		t.Errorf("%d kinds", len(kinds()))
	}
	byID := make(map[string]*tutela.Entry)
	for i := range k.entries {
		byID[k.entries[i].ID] = &k.entries[i]
	}
	for _, m := range k.misuse {
		if e := byID[m.Entry]; e == nil || e.Actor.ID != m.Staff || e.Time.Format("2006-01-02") != m.Day {
			t.Fatalf("%+v is of no entry: %+v", m, e)
		}
	}
	total := 0
	for _, d := range k.staffDays {
		total += d.Misuse
	}
	if total != len(k.misuse) || total != sum.Misuse {
		t.Errorf("%d entries of misuse by staff-day, %d by entry, %d in the summary", total, len(k.misuse), sum.Misuse)
	}
}

// testFigures holds what docs/simulation.md says of how much the hospital's systems know.
func testFigures(t *testing.T, sum Summary) {
	if share := float64(sum.Joined) / float64(sum.Chart); share < 0.85 || share > 0.94 {
		t.Errorf("%.3f of honest entries have a relation of the one who looks", share)
	}
	if share := float64(sum.Joined+sum.Treated) / float64(sum.Chart); share < 0.94 || share > 0.99 {
		t.Errorf("%.3f of honest entries are about somebody with any relation", share)
	}
	if share := float64(sum.Misused) / float64(sum.StaffDays); share < 0.04 || share > 0.12 {
		t.Errorf("%.3f of staff-days hold misuse, 0.1 was asked for", share)
	}
}
