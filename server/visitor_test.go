package server_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/identity/signin"
	"github.com/tutela-health/tutela/internal/rig"
	"github.com/tutela-health/tutela/internal/testkit"
	"github.com/tutela-health/tutela/server"
	"github.com/tutela-health/tutela/store"
)

// clinic is a whole site on a clock that tests move.
type clinic struct {
	*site

	testkit.Clock
}

func newClinic(t *testing.T, engine store.Engine, change func(*server.Config)) *clinic {
	t.Helper()
	k := &clinic{}
	k.site = newWholeRigged(t, rig.Config{Engine: engine, Clock: k.Now}, change)
	return k
}

// visitor is a person at a browser without scripts.
type visitor struct {
	*signin.Browser
	identity.User
	t      *testing.T
	clinic *clinic
	codes  func() ([]string, error) // one-time passwords that nobody has used
	text   string                   // of the page that was seen last, with its markup
}

// RoundTrip hands a request to the site without a network, and keeps what it showed.
func (v *visitor) RoundTrip(r *http.Request) (*http.Response, error) {
	served := httptest.NewRequestWithContext(r.Context(), r.Method, r.URL.RequestURI(), r.Body)
	served.Header, served.Host = r.Header, rig.Host
	w := httptest.NewRecorder()
	v.clinic.Handler.ServeHTTP(w, served)
	v.text = w.Body.String()
	res := w.Result()
	res.Body = io.NopCloser(bytes.NewReader(w.Body.Bytes()))
	return res, nil
}

// hire makes an account of a role.
func (k *clinic) hire(t *testing.T, username, role string) (identity.User, identity.Credentials) {
	t.Helper()
	u, c, err := k.Identity.CreateUser(t.Context(), tutela.Actor{ID: "test", Kind: tutela.ActorSystem}, identity.NewUser{
		Username: username, Kind: tutela.ActorPerson, Roles: []string{role}, Scopes: []string{"user/*.cruds"}, Client: "app",
		FHIRUser: tutela.Ref{Type: "Practitioner", ID: username},
	})
	if err != nil {
		t.Fatal(err)
	}
	return u, c
}

// codes are the one-time passwords of the next minute, which nobody has used: one of them.
func (k *clinic) codes(c identity.Credentials) ([]string, error) {
	k.Advance(time.Minute)
	codes, err := identity.OneTimePasswords(c.TOTP, k.Now())
	if err != nil {
		return nil, err
	}
	return codes[1:2], nil
}

// enters signs a new person of a role in.
func (k *clinic) enters(t *testing.T, username, role string) *visitor {
	t.Helper()
	u, c := k.hire(t, username, role)
	return k.signsIn(t, u, c)
}

// signsIn signs the owner of an account in.
func (k *clinic) signsIn(t *testing.T, u identity.User, c identity.Credentials) *visitor {
	t.Helper()
	v := &visitor{User: u, t: t, clinic: k, codes: func() ([]string, error) { return k.codes(c) }}
	var err error
	if v.Browser, err = signin.New("https://"+rig.Host, v); err != nil {
		t.Fatal(err)
	}
	if _, err := v.Login(t.Context(), signin.Person{Username: u.Username, Password: c.Password, Codes: v.codes}); err != nil {
		t.Fatal(err)
	}
	return v
}

// open visits a path, which must be answered with a status.
func (v *visitor) open(path string, status int) signin.Page {
	v.t.Helper()
	page, err := v.Open(v.t.Context(), path)
	if err != nil || page.Status != status {
		v.t.Fatalf("%s at %s: %d %v, want %d\n%s", v.Username, path, page.Status, err, status, v.text)
	}
	return page
}

// send fills a form of a page in.
func (v *visitor) send(page signin.Page, action string, values url.Values) signin.Page {
	v.t.Helper()
	form, there := page.Form(action)
	if !there {
		v.t.Fatalf("%s sees no form to %s at %s:\n%s", v.Username, action, page.Path, v.text)
	}
	page, err := v.Submit(v.t.Context(), form, values)
	if err != nil {
		v.t.Fatal(err)
	}
	return page
}

// sees holds the page that was seen last to what it shows, and what it does not.
func (v *visitor) sees(shown []string, hidden ...string) {
	v.t.Helper()
	for _, text := range shown {
		if !strings.Contains(v.text, text) {
			v.t.Errorf("%s does not see %q in\n%s", v.Username, text, v.text)
		}
	}
	for _, text := range hidden {
		if strings.Contains(v.text, text) {
			v.t.Errorf("%s sees %q in\n%s", v.Username, text, v.text)
		}
	}
}

// token is one of an application in which the person is signed in by this login.
func (v *visitor) token() string {
	v.t.Helper()
	sessions, err := v.clinic.Identity.Sessions(v.t.Context(), v.ID)
	if err != nil || len(sessions) != 1 {
		v.t.Fatalf("%d sessions, %v", len(sessions), err)
	}
	issued, err := v.clinic.Identity.IssueFor(v.t.Context(), identity.IssueRequest{
		User: v.ID, Client: "app", Session: sessions[0].ID, Scopes: []string{"user/*.cruds"}, Assurance: identity.ACRTwoFactors,
	})
	if err != nil {
		v.t.Fatal(err)
	}
	return issued.Token
}

// reads is the status of a read by an application of the person's.
func (v *visitor) reads(path string) int {
	v.t.Helper()
	return v.clinic.Do(v.t, rig.Call{Method: http.MethodGet, Path: path, Header: map[string]string{"Authorization": "Bearer " + v.token()}}).Status
}
