package server_test

import (
	"bytes"
	"net/http"
	"testing"

	"github.com/tutela-health/tutela/internal/rig"
)

// What is no FHIR id is told so by every call about a patient, in the same words.
func TestCallsAboutAPatientTakeAFHIRID(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	for _, c := range []struct{ method, path string }{
		{http.MethodPost, "/erasure"}, {http.MethodPost, "/hold"}, {http.MethodDelete, "/hold"},
		{http.MethodGet, "/requests"}, {http.MethodGet, "/disclosures"}, {http.MethodGet, "/accesses"},
	} {
		for _, id := range []string{"a_b", "%20", "a%2Fb", "%00", "0123456789012345678901234567890123456789012345678901234567890123-"} {
			a := s.Do(t, rig.Call{As: "privacy", Method: c.method, Path: "/api/v1/patients/" + id + c.path, Body: `{"reason":"r"}`, Header: map[string]string{"Content-Type": "application/json"}})
			if a.Status != http.StatusBadRequest || !bytes.Contains(a.Body, []byte("a FHIR id has 1 to 64 letters")) {
				t.Errorf("%s %s of %q: %d %s", c.method, c.path, id, a.Status, a.Body)
			}
		}
	}
}
