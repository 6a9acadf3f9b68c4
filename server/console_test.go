package server_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/console"
	"github.com/tutela-health/tutela/server"
	"github.com/tutela-health/tutela/store"
)

// staff are the roles of those who work with the console.
func staff() []string {
	return []string{"admin", "privacy", "auditor", "physician", "nurse", "registration", "billing", "pharmacist", "laboratory", "researcher", "developer"}
}

// Whoever is not signed in is led to the login and back; patients see no console at all.
func TestTheConsoleIsForStaff(t *testing.T) {
	k := newClinic(t, store.SQLite, nil)
	w := k.send(request(t, http.MethodGet, "/console/", ""))
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/login?return=%2Fconsole%2F" {
		t.Errorf("a stranger: %d to %q", w.Code, w.Header().Get("Location"))
	}
	patient := k.enters(t, "pat", "patient")
	patient.open("/console/", http.StatusNotFound)
	patient.sees([]string{"Not here"}, "<nav")
	patient.open("/account", http.StatusOK)
	patient.sees(nil, `href="/console/"`)
	for _, role := range staff() {
		v := k.enters(t, role+"-1", role)
		v.open("/account", http.StatusOK)
		v.sees([]string{`href="/console/"`})
		if page := v.open("/console", http.StatusOK); page.Path != "/console/" || page.Title != "Overview" {
			t.Errorf("%s at %s: %s", role, page.Path, page.Title)
		}
		v.open("/console/nothing-of-this-name", http.StatusNotFound)
	}
}

// The overview asks what policy lets its reader ask, and nothing else: no denial is in the ledger, and every
// call that was made is.
func TestTheOverviewAsksWhatItsReaderMay(t *testing.T) {
	onEngines(t, func(t *testing.T, k *clinic) {
		asked := map[tutela.Action][]string{
			tutela.ActionFindingList: {"privacy", "auditor"}, tutela.ActionIncidentList: {"privacy", "admin"}, tutela.ActionAlertList: {"privacy", "auditor", "admin"},
			tutela.ActionBreachRead: {"privacy"}, tutela.ActionBreakGlassList: {"privacy"}, tutela.ActionBackupList: {"admin"}, tutela.ActionKeyProviderRead: {"admin"},
		}
		for _, role := range []string{"admin", "privacy", "auditor", "nurse"} {
			v := k.enters(t, role+"-1", role)
			v.open("/console/", http.StatusOK)
			for action, roles := range asked {
				want := 0
				if strings.Contains(strings.Join(roles, " "), role) {
					want = 1
				}
				got, page := 0, ""
				for _, e := range k.entries(t, action) {
					if e.Actor.ID == v.ID {
						got, page = got+1, e.Session
					}
					if e.Outcome == tutela.OutcomeDenied {
						t.Errorf("%s: %s was refused to %s", role, action, e.Actor.Name)
					}
				}
				if got != want || want == 1 && page == "" {
					t.Errorf("%s: %d entries of %s, want %d, of the session", role, got, action, want)
				}
			}
		}
		k.Verify(t)
	})
}

// A panic in what a page asks ends that call, and not the process: pages ask from goroutines of their own.
func TestAPanicBehindAPageIsAnError(t *testing.T) {
	k := newClinic(t, store.SQLite, func(c *server.Config) { c.API.Breaches = nil })
	v := k.enters(t, "officer", "privacy")
	v.open("/console/", http.StatusInternalServerError)
	v.sees([]string{"Something failed on our side"}, "nil pointer")
	v.open("/account", http.StatusOK)
}

// Pages of the console have the headers of people's pages; who is not signed in gets none of the files but
// those that the look is made of.
func TestConsoleAnswersAreHardened(t *testing.T) {
	k := newClinic(t, store.SQLite, nil)
	const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; " +
		"form-action 'self'; frame-ancestors 'none'; base-uri 'none'; require-trusted-types-for 'script'"
	for _, path := range []string{"/console/", "/console/nothing"} {
		w := k.send(request(t, http.MethodGet, path, ""))
		h := w.Header()
		if h.Get("Content-Security-Policy") != policy || h.Get("Cache-Control") != "no-store" || h.Get("X-Frame-Options") != "DENY" || h.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %v", path, h)
		}
	}
	for _, pattern := range console.Public() {
		_, path, _ := strings.Cut(pattern, " ")
		if w := k.send(request(t, http.MethodGet, path, "")); w.Code != http.StatusOK || w.Header().Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %d %v", path, w.Code, w.Header())
		}
	}
}
