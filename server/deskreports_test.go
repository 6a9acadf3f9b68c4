package server_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// Somebody says by the page that something is wrong, and sees how far it is; nobody else's reports, and no words of
// his own on the way back. What is no report is said to be none, with what was written kept.
func TestAReportByThePages(t *testing.T) {
	onEngines(t, func(t *testing.T, k *clinic) {
		nurse, clerk := k.enters(t, "ward", "nurse"), k.enters(t, "clerk", "billing")
		nurse.open("/account", http.StatusOK)
		nurse.sees([]string{`href="/report"`})
		page := nurse.send(nurse.open("/report", http.StatusOK), "/report", url.Values{"text": {"x"}, "kind": {"insider"}})
		if page.Status != http.StatusBadRequest {
			t.Errorf("one letter: %d", page.Status)
		}
		nurse.sees([]string{"takes 3 to 8000 characters", `<option value="insider" selected>`})
		page = nurse.send(nurse.open("/report", http.StatusOK), "/report", url.Values{"text": {"<b>a letter</b> went astray"}, "kind": {"misdirected-disclosure"}})
		if page.Status != http.StatusOK {
			t.Errorf("a report: %d", page.Status)
		}
		nurse.sees([]string{"It is with those who look into it", "Your reports", "reported"}, "went astray")
		clerk.open("/report", http.StatusOK)
		clerk.sees([]string{"Send the report"}, "Your reports")
		forged := k.enters(t, "forger", "nurse")
		page = forged.send(forged.open("/report", http.StatusOK), "/report", url.Values{"text": {"forged by another site"}, "csrf": {strings.Repeat("x", 20)}})
		if page.Status != http.StatusForbidden {
			t.Errorf("without the form's token: %d", page.Status)
		}
	})
}
