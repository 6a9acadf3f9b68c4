package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/identity/signin"
	"github.com/tutela-health/tutela/internal/testkit"
)

// pair is two nodes over one PostgreSQL. The second reaches it through a relay.
type pair struct {
	one, two *system
	relay    *testkit.Relay
}

func newPair(t *testing.T) *pair {
	t.Helper()
	database := testkit.Postgres(t)
	relay, through := testkit.RelayPostgres(t, database)
	p := &pair{one: newSystem(t, database), two: newSystem(t, database), relay: relay}
	p.one.start(t)
	p.join(t, through)
	return p
}

// join makes the second node of a copy of the first one's directory, under a name of its own.
func (p *pair) join(t *testing.T, database string) {
	t.Helper()
	must(t, os.CopyFS(p.two.dir, os.DirFS(p.one.dir)))
	must(t, filepath.WalkDir(p.two.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		return os.Chmod(path, 0o600) // nobody else may read keys
	}))
	at := filepath.Join(p.two.dir, "tutela.yaml")
	text, err := os.ReadFile(at)
	must(t, err)
	named := bytes.Replace(text, []byte("node: node-1"), []byte("node: node-2"), 1)
	if bytes.Equal(named, text) {
		t.Fatalf("the configuration names no node: %s", text)
	}
	must(t, os.WriteFile(at, named, 0o600))
	must(t, os.WriteFile(filepath.Join(p.two.dir, "postgres.url"), []byte(database+"\n"), 0o600))
	p.two.start(t)
}

// browser is a person's, at one of the nodes.
func (s *system) browser(t *testing.T) *signin.Browser {
	t.Helper()
	b, err := signin.New(s.info.URL, s.httpClient(t).Transport)
	must(t, err)
	return b
}

// person is an identity of dev.json.
func (s *system) person(name string) signin.Person {
	who := s.info.Identities[name]
	return signin.Person{Username: who.Username, Password: who.Password, Codes: func() ([]string, error) {
		return identity.OneTimePasswords(who.TOTP, time.Now())
	}}
}

// signIn signs an identity in at a node and gives the browser with a token of the command line's.
func (s *system) signIn(t *testing.T, name string) (*signin.Browser, string) {
	t.Helper()
	b := s.browser(t)
	if page, err := b.Login(t.Context(), s.person(name)); err != nil || page.Path != "/account" {
		t.Fatalf("login: %+v, %v", page, err)
	}
	token, err := b.Token(t.Context(), signin.App{
		Client: "tutela-cli", Redirect: "http://127.0.0.1/callback", Scope: "openid user/*.cruds", Audience: s.info.FHIR,
	}, signin.Person{})
	must(t, err)
	return b, token.Access
}

// Bounds on waiting. What is promised is a second; a busy machine gets more.
const (
	endsWithin    = 20 * time.Second
	answersWithin = 5 * time.Second
)

// status is how a node answers a search by a token; 0 when it does not answer.
func (s *system) status(t *testing.T, token string) int {
	t.Helper()
	return s.bearing(t, token).status(t)
}

// bearing is a client that shows a token.
func (s *system) bearing(t *testing.T, token string) *client {
	t.Helper()
	return &client{http: s.httpClient(t), base: s.info.URL, token: token}
}

func (c *client) status(t *testing.T) int {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), answersWithin)
	defer cancel()
	r, err := c.send(ctx, http.MethodGet, "/fhir/r4/Patient?_count=1", "")
	if err != nil {
		return 0
	}
	return r.status
}

// until asks until a status is that which is waited for, and gives those that came before.
func (s *system) until(t *testing.T, token string, want int) (before []int) {
	t.Helper()
	c := s.bearing(t, token)
	for limit := time.Now().Add(endsWithin); time.Now().Before(limit); {
		got := c.status(t)
		if got == want {
			return before
		}
		before = append(before, got)
	}
	t.Fatalf("no %d within %v, but %v; %s", want, endsWithin, before, s.lastLog())
	return nil
}

// revoke gives a token back at a node (RFC 7009).
func (s *system) revoke(t *testing.T, token string) {
	t.Helper()
	f := url.Values{"token": {token}, "client_id": {"tutela-cli"}}
	s.as(t, "").want(t, http.StatusOK, http.MethodPost, "/oauth2/revoke", f.Encode(), header{"Content-Type", "application/x-www-form-urlencoded"})
}

// Whoever signed in at one node is known at the other, and what ends at one has ended at both: a
// token that was given back, a session that was logged out of, an account that was disabled.
func TestWhatEndsAtOneNodeHasEndedAtTheOther(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	for name, end := range map[string]func(b *signin.Browser, token, who string){
		"physician": func(_ *signin.Browser, token, _ string) { p.one.revoke(t, token) },
		"nurse": func(b *signin.Browser, _, _ string) {
			page, err := b.Open(t.Context(), "/account")
			must(t, err)
			p.submit(t, b, page, "/logout")
		},
		"registration": func(_ *signin.Browser, _, who string) { p.disable(t, who) },
	} {
		b, token := p.one.signIn(t, name)
		elsewhere := p.two.browser(t)
		for _, c := range b.Cookies() {
			elsewhere.SetCookie(c.Name, c.Value)
		}
		for range 2 { // the second time from what is remembered there
			if got := p.two.status(t, token); got != http.StatusOK {
				t.Fatalf("%s: the other node answers %d", name, got)
			}
		}
		if page, err := elsewhere.Open(t.Context(), "/account"); err != nil || page.Path != "/account" {
			t.Fatalf("%s: the other node does not know the session: %+v, %v", name, page, err)
		}
		end(b, token, name)
		p.two.until(t, token, http.StatusUnauthorized)
		if got := p.one.status(t, token); got != http.StatusUnauthorized {
			t.Errorf("%s: the node itself answers %d", name, got)
		}
		page, err := elsewhere.Open(t.Context(), "/account")
		if must(t, err); (page.Path == "/account") != (name == "physician") { // giving a token back ends no session
			t.Errorf("%s: the session leads to %s", name, page.Path)
		}
	}
}

// submit sends one of a page's forms.
func (p *pair) submit(t *testing.T, b *signin.Browser, page signin.Page, action string) {
	t.Helper()
	f, ok := page.Form(action)
	if !ok {
		t.Fatalf("no form %s on %+v", action, page)
	}
	page, err := b.Submit(t.Context(), f, nil)
	if must(t, err); page.Status != http.StatusOK {
		t.Fatalf("%s: %+v", action, page)
	}
}

// disable disables an account at the first node, as an administrator does.
func (p *pair) disable(t *testing.T, name string) {
	t.Helper()
	var found []struct {
		Entry struct{ Actor struct{ ID, Name string } }
	}
	must(t, json.Unmarshal([]byte(p.one.clean(t, "audit", "search", "--action", "authenticate", "--format", "json")), &found))
	for _, f := range found {
		if f.Entry.Actor.Name != name {
			continue
		}
		b := p.one.browser(t)
		_, err := b.Login(t.Context(), p.one.person("admin"))
		must(t, err)
		at := "/admin/users/" + f.Entry.Actor.ID
		page, err := b.Open(t.Context(), at)
		must(t, err)
		p.submit(t, b, page, at+"/disable")
		return
	}
	t.Fatalf("%s has not logged in", name)
}

// A node that cannot reach the database answers nobody, whether connections break or nothing comes
// back; what was revoked meanwhile is dead when it can again, and everything else goes on.
func TestNodeWithoutItsDatabaseRefuses(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	_, kept := p.one.signIn(t, "physician")
	for name, breaks := range map[string]func(){"broken": p.relay.Cut, "silent": p.relay.Hold} {
		_, revoked := p.one.signIn(t, map[string]string{"broken": "nurse", "silent": "registration"}[name])
		for _, token := range []string{kept, revoked, kept, revoked} {
			if got := p.two.status(t, token); got != http.StatusOK {
				t.Fatalf("%s: before, %d", name, got)
			}
		}
		breaks()
		p.one.revoke(t, revoked)
		for _, token := range []string{revoked, kept} {
			for _, status := range p.two.until(t, token, http.StatusServiceUnavailable) {
				if status != 0 {
					t.Errorf("%s: answered %d without the database", name, status)
				}
			}
		}
		if got := p.one.status(t, kept); got != http.StatusOK {
			t.Errorf("%s: the other node answers %d", name, got)
		}
		p.relay.Mend()
		for _, status := range p.two.until(t, revoked, http.StatusUnauthorized) {
			if status == http.StatusOK {
				t.Errorf("%s: a revoked token was taken after the database was back", name)
			}
		}
		for _, status := range p.two.until(t, kept, http.StatusOK) {
			if status == http.StatusUnauthorized {
				t.Errorf("%s: a good token was called bad", name)
			}
		}
	}
	if text := p.two.lastLog(); strings.Contains(string(text), "panic") {
		t.Errorf("%s", text)
	}
}
