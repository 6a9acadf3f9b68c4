package records_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela/internal/rig"
)

// The panel of a clinician, and as many patients who are others'.
const panelSize = 300

// TestLargePanelsAreSearchedRightly has a clinician with 300 patients, among as many of others', search
// by one token and by many, by nothing, by time and from the other end, through pages.
func TestLargePanelsAreSearchedRightly(t *testing.T) {
	t.Parallel()
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		fillPanels(t, r)
		var all, heart, early []string
		for p := range panelSize {
			all = append(all, fmt.Sprintf("mine-%d-height", p))
			if p%3 == 0 {
				heart = append(heart, fmt.Sprintf("mine-%d-heart", p))
			}
			if p%28 < 9 {
				early = append(early, fmt.Sprintf("mine-%d-height", p))
			}
		}
		slices.Sort(all)
		slices.Sort(heart)
		slices.Sort(early)
		both := slices.Sorted(slices.Values(slices.Concat(all, heart)))
		for query, want := range map[string][]string{
			"Observation?code=8867-4":                                     heart,
			"Observation?code=8867-4,8302-2":                              both,
			"Observation?code=8302-2&date=ge2024-02-01&date=lt2024-02-10": early,
			"Observation?code=8867-4&status=final":                        heart,
			"Observation?code:not=8867-4":                                 all,
			"Observation?":                                                both,
			"Observation?code=8867-4&_sort=-_lastUpdated":                 heart,
			"Observation?code=8867-4&subject=Patient/mine-3":              {"mine-3-heart"},
			"Observation?code=8867-4&subject=Patient/others-3":            nil,
			"Observation?code=nothing":                                    nil,
			"Observation?_id=mine-7-height,others-7-height":               {"mine-7-height"},
		} {
			for _, count := range []int{7, 100} {
				got := paged(t, r, "physician", fmt.Sprintf("%s&_count=%d&_total=accurate", query, count), len(want))
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s by %d (-want +got):\n%s", query, count, diff)
				}
			}
		}
		if got := paged(t, r, rig.Loader, "Observation?code=8867-4&_count=100&_total=accurate", 2*len(heart)); len(got) != 2*len(heart) {
			t.Errorf("the loader finds %d", len(got))
		}
	})
}

// fillPanels stores two panels that differ in who treats them. Every third patient has a heart rate.
func fillPanels(t *testing.T, r *rig.Rig) {
	t.Helper()
	var entries []string
	add := func(ref, resource string) {
		entries = append(entries, `{"resource":`+resource+`,"request":{"method":"PUT","url":"`+ref+`"}}`)
	}
	for p := range panelSize {
		for whose, clinician := range map[string]string{"mine": "physician", "others": "somebody"} {
			id := fmt.Sprintf("%s-%d", whose, p)
			add("Patient/"+id, `{"resourceType":"Patient","id":"`+id+`"}`)
			add("CareTeam/team-"+id, rig.CareTeam("team-"+id, id, "active", clinician))
			add("Observation/"+id+"-height", measured(id+"-height", "8302-2", id, p))
			if p%3 == 0 {
				add("Observation/"+id+"-heart", measured(id+"-heart", "8867-4", id, p))
			}
		}
	}
	for part := range slices.Chunk(entries, 500) {
		a := r.Do(t, rig.Call{As: rig.Loader, Method: http.MethodPost, Body: `{"resourceType":"Bundle","type":"transaction","entry":[` + strings.Join(part, ",") + `]}`})
		if a.Status != http.StatusOK {
			t.Fatalf("fill panels: %d %s", a.Status, a.Body)
		}
	}
}

// measured is an Observation of a day in February 2024.
func measured(id, code, patient string, n int) string {
	return fmt.Sprintf(`{"resourceType":"Observation","id":"%s","status":"final","code":{"coding":[{"code":"%s"}]},"subject":{"reference":"Patient/%s"},"effectiveDateTime":"2024-02-%02d"}`,
		id, code, patient, n%28+1)
}

// everyPage gives the ids that a caller finds on all pages of a search, sorted.
func everyPage(t *testing.T, r *rig.Rig, as, query string, look func(rig.Bundle)) []string {
	t.Helper()
	var list []string
	for path := query; path != ""; {
		b := r.Get(t, as, path).Bundle(t)
		look(b)
		for _, e := range b.Entry {
			list = append(list, e.FullURL[strings.LastIndexByte(e.FullURL, '/')+1:])
		}
		path = b.Next()
	}
	slices.Sort(list)
	return list
}

// paged is everyPage where each page must tell the same total.
func paged(t *testing.T, r *rig.Rig, as, query string, total int) []string {
	t.Helper()
	return everyPage(t, r, as, query, func(b rig.Bundle) {
		if b.Total == nil || *b.Total != total {
			t.Errorf("%s: total %v, want %d", query, b.Total, total)
		}
	})
}
