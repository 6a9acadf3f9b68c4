package records_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/access/label"
	"github.com/tutela-health/tutela/internal/rig"
	"github.com/tutela-health/tutela/records"
	"github.com/tutela-health/tutela/store"
)

// condition is a Condition of some patients. F11.20 is sensitive by its code, I10 is not.
func condition(id, code, meta string, patients ...string) string {
	text := `{"resourceType":"Condition","id":"` + id + `"` + meta + `,"code":{"coding":[{"system":"http://hl7.org/fhir/sid/icd-10-cm","code":"` + code +
		`"}]},"recordedDate":"2020-02-29","subject":{"reference":"Patient/` + patients[0] + `"}`
	if len(patients) > 1 {
		text += `,"asserter":{"reference":"Patient/` + patients[1] + `"}`
	}
	return text + `}`
}

// termsOf are the rows of a resource in a slot of the index.
func termsOf(t *testing.T, r *rig.Rig, slot int, ref tutela.Ref) []int64 {
	t.Helper()
	list := []int64{}
	err := r.DB.Query(t.Context(), fmt.Sprintf("SELECT token FROM terms%d WHERE locator = ? ORDER BY token", slot), []any{int64(r.Records.Locate(ref))},
		func(s store.Scanner) error {
			var token int64
			err := s.Scan(&token)
			list = append(list, token)
			return err
		})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func shared(a, b []int64) []int64 {
	both := []int64{}
	for _, x := range a {
		if slices.Contains(b, x) {
			both = append(both, x)
		}
	}
	return both
}

// Whoever has the index key and the database can work out the ordinary terms of any code. No sensitive
// row carries one of them, nor do two patients' rows have more in common than that they are sensitive.
func TestTermsOfSensitiveCodesAreOfOnePatient(t *testing.T) {
	t.Parallel()
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		r.Put(t, condition("sud-a", "F11.20", "", "a"))
		r.Put(t, condition("sud-b", "F11.20", "", "b"))
		r.Put(t, condition("sud-ab", "F11.20", "", "a", "b"))
		r.Put(t, condition("sud-cd", "F11.20", "", "c", "d"))
		r.Put(t, condition("high-a", "I10", "", "a"))
		r.Put(t, condition("high-b", "I10", "", "b"))
		terms := func(id string) []int64 { return termsOf(t, r, 0, tutela.Ref{Type: "Condition", ID: id}) }

		marker := shared(terms("sud-a"), terms("sud-b"))
		if len(marker) != 1 {
			t.Errorf("sensitive rows of two patients share %d terms, want the marker alone", len(marker))
		}
		if diff := cmp.Diff(marker, terms("sud-ab")); diff != "" {
			t.Errorf("a sensitive row of two patients has more than the marker:\n%s", diff)
		}
		if diff := cmp.Diff(marker, terms("sud-cd")); diff != "" {
			t.Errorf("another one has more than the marker:\n%s", diff)
		}
		if diff := cmp.Diff(terms("high-a"), terms("high-b")); diff != "" {
			t.Errorf("ordinary rows that say the same have different terms:\n%s", diff)
		}
		for _, id := range []string{"sud-a", "sud-b", "sud-ab"} {
			guessed := r.Records.OrdinaryTerms(t, condition(id, "F11.20", "", "a"))
			if found := shared(guessed, terms(id)); len(guessed) < 4 || len(found) > 0 {
				t.Errorf("%s has %d of the %d terms that the index key gives", id, len(found), len(guessed))
			}
		}
		if guessed := r.Records.OrdinaryTerms(t, condition("high-a", "I10", "", "a")); !slices.Equal(guessed, terms("high-a")) {
			t.Errorf("an ordinary row does not have the terms that the index key gives")
		}
	})
}

// TestSensitiveIsFoundByThoseWhoMaySeeIt searches as those who may and those who may not, through
// pages of one, while labels come and go.
func TestSensitiveIsFoundByThoseWhoMaySeeIt(t *testing.T) {
	t.Parallel()
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		for _, p := range []string{"a", "b", "c"} {
			r.Put(t, `{"resourceType":"Patient","id":"`+p+`"}`)
			r.Put(t, condition("high-"+p, "I10", "", p))
			r.Put(t, condition("sud-"+p, "F11.20", "", p))
		}
		r.Put(t, condition("sud-ab", "F11.20", "", "a", "b"))
		r.Treat(t, "a", "physician")
		r.Treat(t, "b", "physician")
		holds := func(query string, as map[string][]string) {
			t.Helper()
			for who, want := range as {
				if diff := cmp.Diff(want, pagesOfOne(t, r, who, query)); diff != "" {
					t.Errorf("%s as %s (-want +got):\n%s", query, who, diff)
				}
			}
			r.Verify(t)
		}
		holds("Condition?code=F11.20", map[string][]string{
			rig.Loader: {"sud-a", "sud-ab", "sud-b", "sud-c"}, "a": {"sud-a"}, "physician": nil,
		})
		holds("Condition?recorded-date=2020-02&code:not=I10", map[string][]string{rig.Loader: {"sud-a", "sud-ab", "sud-b", "sud-c"}, "b": {"sud-b"}, "physician": nil})
		everything := map[string][]string{
			rig.Loader: {"high-a", "high-b", "high-c", "sud-a", "sud-ab", "sud-b", "sud-c"}, "c": {"high-c", "sud-c"}, "physician": {"high-a", "high-b"},
		}
		holds("Condition?recorded-date=2020-02", everything)
		holds("Condition?recorded-date=ge2011-03-04&recorded-date=lt2021-05-06", everything) // more tokens than are looked up in patients

		r.Put(t, condition("high-a", "I10", restricted, "a"))
		everything["physician"] = []string{"high-b"}
		holds("Condition?recorded-date=2020-02", everything)
		holds("Condition?code=I10", map[string][]string{rig.Loader: {"high-a", "high-b", "high-c"}, "a": {"high-a"}, "physician": {"high-b"}})

		r.Put(t, condition("sud-ab", "F11.20", "", "c"))
		r.Put(t, condition("high-a", "I10", "", "a"))
		r.Do(t, rig.Call{As: rig.Loader, Method: http.MethodDelete, Path: "Condition/sud-b"})
		holds("Condition?code=F11.20", map[string][]string{rig.Loader: {"sud-a", "sud-ab", "sud-c"}, "c": {"sud-ab", "sud-c"}, "b": nil, "physician": nil})
		holds("Condition?code=I10", map[string][]string{rig.Loader: {"high-a", "high-b", "high-c"}, "physician": {"high-a", "high-b"}})
	})
}

// pagesOfOne gives the ids that a caller finds, sorted.
func pagesOfOne(t *testing.T, r *rig.Rig, as, query string) []string {
	t.Helper()
	return everyPage(t, r, as, query+"&_count=1", func(rig.Bundle) {})
}

// TestOlderIndexIsMadeAnewUnseen starts from an index in which everything has ordinary terms. It is
// rebuilt without anybody's asking; searches agree all along, and then no ordinary term of a
// sensitive code is left in either slot.
func TestOlderIndexIsMadeAnewUnseen(t *testing.T) {
	t.Parallel()
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		exec(t, r, `UPDATE index_state SET made0 = 1, made1 = 1`)
		r.Records.Invalidate()
		r.Put(t, condition("sud-a", "F11.20", "", "a"))
		r.Put(t, condition("sud-b", "F11.20", "", "b"))
		r.Put(t, condition("high-b", "I10", "", "b"))
		guessed := r.Records.OrdinaryTerms(t, condition("sud-a", "F11.20", "", "a"))
		sud := tutela.Ref{Type: "Condition", ID: "sud-a"}
		if diff := cmp.Diff(guessed, termsOf(t, r, 0, sud)); diff != "" {
			t.Fatalf("the older index has other terms:\n%s", diff)
		}
		r.Verify(t)
		found := func() {
			t.Helper()
			for query, want := range map[string][]string{"Condition?code=F11.20": {"sud-a", "sud-b"}, "Condition?code=I10": {"high-b"}} {
				if diff := cmp.Diff(want, pagesOfOne(t, r, rig.Loader, query)); diff != "" {
					t.Errorf("%s (-want +got):\n%s", query, diff)
				}
			}
		}
		found()
		until(t, r, 2, func() {
			found()
			r.Put(t, condition("sud-b", "F11.20", restricted, "b"))
			r.Put(t, condition("sud-b", "F11.20", "", "b"))
		})
		found()
		r.Verify(t)
		for slot := range 2 {
			if rest := shared(guessed, termsOf(t, r, slot, sud)); len(rest) > 0 {
				t.Errorf("slot %d still has %d ordinary terms of a sensitive code", slot, len(rest))
			}
		}
	})
}

// Whoever writes other rules must give the index another layout: rows of the old one say what the old rules said.
func TestRulesOfTheIndexAreThoseInForce(t *testing.T) {
	t.Parallel()
	rules, err := label.Shipped()
	if err != nil {
		t.Fatal(err)
	}
	if of := records.RulesOfTheIndex(); rules.Version() != of {
		t.Errorf("the rules in force are of version %d, and the index is made by version %d", rules.Version(), of)
	}
}
