package server_test

import (
	"crypto/x509"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/assure/remedy"
	"github.com/tutela-health/tutela/assure/review"
	"github.com/tutela-health/tutela/assure/risk"
	"github.com/tutela-health/tutela/assure/training"
	"github.com/tutela-health/tutela/assure/vendor"
	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/internal/chromium"
	"github.com/tutela-health/tutela/server"
	"github.com/tutela-health/tutela/store"
)

// TestTheConsoleInChromium looks, as each role, at every page that the menu leads to, and at those that they
// lead to, in a real browser under the policies that ship: accessible, as wide as the window, and quiet.
func TestTheConsoleInChromium(t *testing.T) {
	k := newTroubled(t, store.SQLite, func(c *server.Config) { c.Hosts = append(c.Hosts, "127.0.0.1") })
	k.govern(t)
	k.respond(t)
	at := publish(t, k.Handler)
	b := chromium.Open(t, chromium.Config{Base: at.base, Trusted: []*x509.Certificate{shownBy(t, at)}})
	drawn := map[string]bool{}
	for _, role := range []string{"privacy", "admin", "auditor", "physician", "developer"} {
		_, c := k.hire(t, role+"-1", role)
		if role == "physician" {
			k.learns(t, role+"-1")
		}
		k.signInChromium(t, b, c)
		b.Open("/console/")
		seen := map[string]bool{"/console/": true}
		for todo := []string{"/console/"}; len(todo) > 0; todo = todo[1:] {
			b.Open(todo[0])
			b.Run(chromedp.WaitVisible(chromedp.CSS("h1")))
			if heading := b.Text("h1"); heading == "Not here" || strings.HasPrefix(heading, "Something failed") {
				t.Errorf("%s is led to %s, and it is %q", role, todo[0], heading)
			}
			name := role + strings.ReplaceAll(strings.TrimSuffix(kindOfPage(todo[0]), "/"), "/", "-")
			if !drawn[name] {
				drawn[name] = true
				b.Inspect(name)
			}
			for _, next := range links(b) {
				if !seen[next] && !drawn[role+strings.ReplaceAll(strings.TrimSuffix(kindOfPage(next), "/"), "/", "-")] {
					seen[next] = true
					todo = append(todo, next)
				}
			}
		}
		b.Open("/console/")
		b.Press("header form button", "Sign in")
	}
	b.Quiet()
}

// govern has the organisation tell its people what to do and what to know.
func (k *clinic) govern(t *testing.T) {
	t.Helper()
	k.hire(t, "owner", "privacy")
	entry := tutela.Entry{Actor: tutela.Actor{ID: "author", Kind: tutela.ActorPerson, Name: "author"}, Action: tutela.ActionPolicyChange}
	const head = "---\ntitle: Hands\nreason: They carry germs\nowner: owner\nevery: 6\n---\n# Hands\n\n## When\n\n1. **Before** each patient.\n2. After.\n\n- `soap`\n"
	draft, err := k.api.Policies.Put(t.Context(), entry, "hands", []byte(head))
	if err == nil {
		by := entry
		by.Actor.ID = "approver"
		_, err = k.api.Policies.Approve(t.Context(), by, "hands", draft.Digest)
	}
	if err == nil {
		_, err = k.api.Training.Begin(t.Context(), entry)
	}
	if err == nil {
		err = k.register(t, entry)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// learns has somebody pass what everybody is to know.
func (k *clinic) learns(t *testing.T, username string) {
	t.Helper()
	u, err := k.Identity.User(t.Context(), username)
	if err != nil {
		t.Fatal(err)
	}
	mine, err := k.api.Training.Mine(t.Context(), u.ID)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(mine, func(m training.Mine) bool { return m.ID == "privacy-basics" })
	all, err := k.api.Training.List(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	var answers []int
	for _, q := range all[slices.IndexFunc(all, func(m training.Kept) bool { return m.ID == "privacy-basics" })].Questions {
		answers = append(answers, q.Right)
	}
	by := tutela.Principal{ID: u.ID, Kind: u.Kind, Username: u.Username, Roles: u.Roles}
	if _, err := k.api.Training.Take(t.Context(), by, tutela.Entry{Actor: tutela.Actor{ID: u.ID, Kind: u.Kind, Name: username}, Action: tutela.ActionTrainingTake}, mine[i].ID, mine[i].Digest, answers); err != nil {
		t.Fatal(err)
	}
}

// register writes down a risk, a vendor, a test by others that found something, and a review with a round.
func (k *clinic) register(t *testing.T, entry tutela.Entry) error {
	t.Helper()
	ctx, now := t.Context(), k.Now()
	_, err := k.api.Risks.Put(ctx, entry, "a", 0, risk.Risk{
		Title: "Ransomware", Asset: "the record", Threat: foreign, Inherent: risk.Rating{Likelihood: 4, Safety: 5, Data: 5}, Residual: risk.Rating{Likelihood: 3, Safety: 4, Data: 2},
		Treatment: risk.Mitigate, Reason: "backups", Owner: "owner", Review: now.AddDate(0, 1, 0), Controls: []string{"P12"},
	})
	if err == nil {
		_, err = k.api.Vendors.Put(ctx, entry, vendor.Written{ID: "a", Details: vendor.Details{
			Name: foreign, Service: "reads X-rays", Contact: "a@vendor.example", Owner: "owner", Data: vendor.Health, Critical: 3, Agreement: vendor.Agreement{Kind: vendor.None}, Assess: now.AddDate(0, 1, 0),
		}})
	}
	if err == nil {
		_, err = k.api.Gaps.Plan(ctx, entry, "pentest", "Penetration test", "owner", 12)
	}
	if err == nil {
		_, err = k.api.Gaps.Record(ctx, entry, "pentest", now.Format(time.DateOnly), foreign, []remedy.Finding{{Rule: "sqli", Title: foreign, Where: "/search", Severity: remedy.High}})
	}
	if err == nil {
		_, err = k.api.Reviews.SetPlan(ctx, entry, review.Plan{Sort: review.AccessRights, Owner: "owner"})
	}
	if err == nil {
		_, err = k.api.Reviews.Start(ctx, entry, review.AccessRights)
	}
	return err
}

// links are the addresses of the console's that a page leads to, without queries.
func links(b *chromium.Browser) []string {
	text := chromium.Ask(b, chromedp.Evaluate[string](`[...document.querySelectorAll("a[href^='/console/']")].map((a) => a.pathname).join("\n")`))
	list := strings.Fields(text)
	slices.Sort(list)
	return slices.Compact(list)
}

// kindOfPage is an address without the ids in it: pages of one kind look alike.
func kindOfPage(path string) string {
	parts := strings.Split(path, "/")
	for i, p := range parts {
		if len(p) >= 16 || strings.ContainsAny(p, "0123456789") {
			parts[i] = "one"
		}
	}
	return strings.Join(parts, "/")
}

// signInChromium signs somebody in by the pages.
func (k *clinic) signInChromium(t *testing.T, b *chromium.Browser, c identity.Credentials) {
	t.Helper()
	b.Open("/login")
	b.Fill("username", c.Username)
	b.Fill("password", c.Password)
	b.Press("button.main", "Second factor")
	codes, err := k.codes(c)
	if err != nil {
		t.Fatal(err)
	}
	b.Fill("code", codes[0])
	b.Press("button.main", "Your account")
}
