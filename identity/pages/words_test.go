package pages

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestScopesInPlainWords(t *testing.T) {
	got, want := map[string]string{}, map[string]string{
		"openid":                     "Know that it is you who signs in",
		"offline_access":             "Keep its access when you are not here, until you end it",
		"patient/*.rs":               "Read everything in the record of the one patient",
		"patient/*.read":             "Read everything in the record of the one patient",
		"patient/Observation.s":      "Find measurements and laboratory results of the one patient",
		"user/MedicationRequest.cud": "Add, change and delete prescriptions that you may reach yourself",
		"patient/Observation.rs?category=vital%20signs": "Read measurements and laboratory results of the one patient, only where category is vital signs",
		"system/RiskAssessment.cruds":                   "Read, add, change and delete risk assessment entries of all patients",
		"something/else":                                "Use “something/else”",
	}
	for scope := range want {
		got[scope] = wordsOf(scope)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestAgentsInPlainWords(t *testing.T) {
	for agent, want := range map[string]string{
		"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/148.0.0.0 Safari/537.36":               "Chrome on Linux",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 Version/19.0 Mobile/15E148 Safari/604.1": "Safari on iPhone",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/148.0.0.0 Safari/537.36 Edg/148.0.0.0":           "Edge on Windows",
		"<script>": "an unknown browser",
		"":         "an unknown browser",
	} {
		if got := agentWords(agent); got != want {
			t.Errorf("agentWords(%q) = %q, want %q", agent, got, want)
		}
	}
}
