package fhir_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/tutela-health/tutela/internal/rig"
)

func many(t *testing.T, r *rig.Rig, n int) {
	t.Helper()
	for i := range n {
		r.Put(t, patient(fmt.Sprint("p", i), "Many"))
	}
}

func TestPageLinksAreSealedToTheirCaller(t *testing.T) {
	t.Parallel()
	r := rig.Open(t, rig.Config{})
	many(t, r, 5)
	next := r.Get(t, rig.Loader, "Patient?family=Many&_count=2").Bundle(t).Next()
	if next == "" || strings.Contains(next, "Many") || strings.Contains(next, "family") {
		t.Fatalf("the link is %q", next)
	}
	link := strings.TrimPrefix(next, "Patient?_page=")
	flipped := []byte(link)
	flipped[len(flipped)/2] ^= 1
	play(t, r, []step{
		{"the caller's own", get(next), 200, nil, `"relation":"self"`},
		{"the caller's own, with a format", get(next + "&_format=json"), 200, nil, `"match"`},
		{"by POST", post("Patient/_search", "_page="+link, "Content-Type", "application/x-www-form-urlencoded"), 200, nil, `"match"`},
		{"another caller's", asking("physician", get(next)), 400, nil, "not a page link"},
		{"another service's", asking("other-loader", get(next)), 400, nil, "not a page link"},
		{"another type's", get("Observation?_page=" + link), 400, nil, "not a page link"},
		{"altered", get("Patient?_page=" + url.QueryEscape(string(flipped))), 400, nil, "not a page link"},
		{"cut", get("Patient?_page=" + link[:len(link)-4]), 400, nil, "not a page link"},
		{"empty", get("Patient?_page="), 400, nil, "not a page link"},
		{"nobody's", get("Patient?_page=%%%"), 400, nil, "URL-encoded"},
	})
}

func TestPagesHoldWhileOthersWrite(t *testing.T) {
	t.Parallel()
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		many(t, r, 12)
		seen := map[string]int{}
		path := "Patient?family=Many&_count=3"
		for turn := 0; path != ""; turn++ {
			b := r.Get(t, rig.Loader, path).Bundle(t)
			for _, e := range b.Entry {
				seen[e.FullURL]++
			}
			r.Put(t, patient(fmt.Sprint("late", turn), "Many"))
			r.Do(t, asking(rig.Loader, del(fmt.Sprint("Patient/late", turn-1))))
			path = b.Next()
		}
		for i := range 12 {
			if n := seen[fmt.Sprint(rig.Base, "/Patient/p", i)]; n != 1 {
				t.Errorf("p%d, there all along, was shown %d times", i, n)
			}
		}
	})
}

func TestUnknownParametersAreRefusedOrIgnored(t *testing.T) {
	t.Parallel()
	r := rig.Open(t, rig.Config{})
	many(t, r, 2)
	lenient := []string{"Prefer", "return=minimal, handling=lenient"}
	play(t, r, []step{
		{"strict", get("Patient?famly=Many"), 400, nil, "not-supported"},
		{"asked to be strict", get("Patient?famly=Many", "Prefer", "handling=strict"), 400, nil, "not-supported"},
		{"lenient", get("Patient?famly=Nobody&family=Many", lenient...), 200, nil, `"self","url":"` + rig.Base + `/Patient?family=Many"`},
		{"chained, lenient or not", get("Observation?subject.family=X", lenient...), 400, nil, "not-supported"},
		{"modifier", get("Patient?gender:text=x"), 400, nil, "not-supported"},
		{"sort", get("Patient?_sort=family"), 400, nil, "not-supported"},
		{"a value that is no date", get("Patient?birthdate=yesterday"), 400, nil, "not a date"},
		{"a value that is no number", get("Observation?value-quantity=tall"), 400, nil, "not a number"},
		{"an empty value", get("Patient?family="), 400, nil, "empty"},
		{"a count below nothing", get("Patient?_count=-1"), 400, nil, "_count"},
		{"a count of nothing", get("Patient?_count=0"), 200, nil, `"total":2`},
		{"an include of another type", get("Patient?_include=Observation:subject"), 400, nil, "_include"},
		{"an include of no reference", get("Patient?_include=Patient:family"), 400, nil, "_include"},
		{"own addresses are local", get("Observation?subject=" + url.QueryEscape(rig.Base+"/Patient/p1") + "&_summary=count"), 200, nil, `"total":0`},
	})
}

func TestSearchByGetAndPostAreOne(t *testing.T) {
	t.Parallel()
	r := rig.Open(t, rig.Config{})
	many(t, r, 3)
	form := []string{"Content-Type", "application/x-www-form-urlencoded"}
	play(t, r, []step{
		{"all in the form", post("Patient/_search", "family=Many&_summary=count", form...), 200, nil, `"total":3`},
		{"part in the address", post("Patient/_search?family=Many", "_id=p1,p2&_summary=count", form...), 200, nil, `"total":2`},
		{"an empty form", post("Patient/_search?_summary=count", " ", form...), 400, nil, ""},
	})
}
