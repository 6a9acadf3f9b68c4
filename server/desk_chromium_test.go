package server_test

import (
	"crypto/tls"
	"crypto/x509"
	"strings"
	"testing"

	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/internal/chromium"
	"github.com/tutela-health/tutela/server"
	"github.com/tutela-health/tutela/store"
)

// shownBy is the certificate that a server shows.
func shownBy(t *testing.T, at outside) *x509.Certificate {
	t.Helper()
	conn, err := tls.Dial("tcp", strings.TrimPrefix(at.base, "https://"), at.tls)
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	return conn.ConnectionState().PeerCertificates[0]
}

// TestTheDeskInChromium looks at every page of it, in a real browser under the policies that ship.
func TestTheDeskInChromium(t *testing.T) {
	k := newClinic(t, store.SQLite, func(c *server.Config) { c.Hosts = append(c.Hosts, "127.0.0.1") })
	at := publish(t, k.Handler)
	_, doctor := k.hire(t, "doctor", "physician")
	_, officer := k.hire(t, "officer", "privacy")
	b := chromium.Open(t, chromium.Config{Base: at.base, Trusted: []*x509.Certificate{shownBy(t, at)}})
	signIn := func(c identity.Credentials) { k.signInChromium(t, b, c) }

	signIn(doctor)
	b.Press(`nav a[href="/emergency"]`, "Emergency access")
	b.Inspect("emergency")
	b.Fill("patient", "ann")
	b.Fill("reason", "urgent")
	b.Press("button.main", "Emergency access")
	b.Inspect("emergency-wrong")
	b.Fill("reason", why)
	b.Click("#purpose")
	b.Press("button.main", "Emergency access")
	b.Inspect("emergency-reason")
	if got := b.Text("[role=status]"); got != "The chart is open to you. The privacy officer will review it." {
		t.Errorf("notice %q", got)
	}
	b.Press("nav button", "Sign in")

	signIn(officer)
	b.Press(`nav a[href="/emergency/reviews"]`, "Emergency accesses")
	b.Inspect("reviews")
	b.Press(`a[href^="/emergency/reviews/"]`, "Review of an emergency")
	b.Inspect("review")
	b.Click("#unjustified")
	b.Press(`form:has(#note) button.main`, "Review of an emergency")
	b.Inspect("review-wrong")
	b.Fill("note", "nobody was in the lobby")
	b.Press(`form:has(#note) button.main`, "Review of an emergency")
	b.Inspect("review-closed")
	b.Open("/emergency/reviews")
	b.Inspect("reviews-closed")
	b.Press(`nav a[href="/accesses"]`, "Who looked at what")
	b.Inspect("accesses")
	b.Fill("patient", "ann")
	b.Press("button.main", "Who looked at what")
	b.Inspect("accesses-found")
	b.Fill("patient", "noone")
	b.Press("button.main", "Who looked at what")
	b.Inspect("accesses-none")
	b.Quiet()
}
