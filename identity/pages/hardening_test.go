package pages_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela/internal/markup"
	"github.com/tutela-health/tutela/store"
)

// routeList remembers what was mounted.
type routeList []string

func (l *routeList) Handle(pattern string, _ http.Handler) { *l = append(*l, pattern) }

// routes lists the paths of a method, with account's id where one is asked for.
func (s *site) routes(t *testing.T, method string, id string) []string {
	t.Helper()
	var l routeList
	s.pages.Routes(&l)
	var paths []string
	for _, pattern := range l {
		if m, path, _ := strings.Cut(pattern, " "); m == method {
			paths = append(paths, strings.NewReplacer("{id}", id, "{token}", "nothing").Replace(path))
		}
	}
	return paths
}

// TestForgedFormsDoNothing sends every form of an administrator in five ways of a forger.
func TestForgedFormsDoNothing(t *testing.T) {
	t.Parallel()
	s := open(t, store.SQLite)
	victim := s.browser(t)
	page := victim.login(s.person(t, "ada", "admin"))
	u, err := s.identity.User(t.Context(), "ada")
	check(t, err)
	before, err := s.identity.Sessions(t.Context(), u.ID)
	check(t, err)
	good := markup.Attr(page.need(t, "input", "name", "csrf"), "value")
	forger := s.browser(t)
	stolen := markup.Attr(forger.get("/login").need(t, "input", "name", "csrf"), "value")
	ways := map[string]struct {
		token  string
		header http.Header
	}{
		"without a token":            {"", nil},
		"with the forger's token":    {stolen, nil},
		"from another site":          {good, http.Header{"Sec-Fetch-Site": {"cross-site"}}},
		"from a sibling domain":      {good, http.Header{"Sec-Fetch-Site": {"same-site"}}},
		"with another site's Origin": {good, http.Header{"Origin": {"https://evil.example"}}},
	}
	posts := s.routes(t, http.MethodPost, string(u.ID))
	if len(posts) < 30 {
		t.Fatalf("only %d forms were found", len(posts))
	}
	for way, w := range ways {
		for _, path := range posts {
			form := url.Values{"csrf": {w.token}, "session": {before[0].ID}, "role": {"nurse"}, "username": {"mallory"}, "code": {"1"}}
			a := victim.do(http.MethodPost, path, form, w.header)
			if a.status != http.StatusForbidden && a.status != http.StatusUnauthorized && a.header.Get("Location") != "/login" {
				t.Errorf("POST %s %s: %d %s", path, way, a.status, a.header.Get("Location"))
			}
		}
	}
	after, err := s.identity.Sessions(t.Context(), u.ID)
	check(t, err)
	users, err := s.identity.Users(t.Context())
	check(t, err)
	if len(after) != len(before) || len(users) != 1 {
		t.Errorf("%d sessions and %d accounts are left", len(after), len(users))
	}
	if a := victim.get("/admin/users"); a.status != http.StatusOK {
		t.Errorf("the victim's session: %d", a.status)
	}
}

// TestFormsOfBeforeALoginAreWorthlessAfterIt holds tokens to the session that they were drawn for.
func TestFormsOfBeforeALoginAreWorthlessAfterIt(t *testing.T) {
	t.Parallel()
	s := open(t, store.SQLite)
	c := s.person(t, "nora", "nurse")
	b := s.browser(t)
	early := markup.Attr(b.get("/login").need(t, "input", "name", "csrf"), "value")
	first := markup.Attr(b.login(c).need(t, "input", "name", "csrf"), "value")
	b.login(c)
	for name, token := range map[string]string{"the login page's": early, "the earlier session's": first} {
		if a := b.do(http.MethodPost, "/account/sessions/end-all", url.Values{"csrf": {token}}, nil); a.status != http.StatusForbidden {
			t.Errorf("%s token: %d", name, a.status)
		}
	}
}

// TestEveryPageIsHardened looks at the headers of each page, and at what each would run or load.
func TestEveryPageIsHardened(t *testing.T) {
	t.Parallel()
	s := open(t, store.SQLite)
	b := s.browser(t)
	b.login(s.person(t, "ada", "admin"))
	u, err := s.identity.User(t.Context(), "ada")
	check(t, err)
	want := map[string]string{
		"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; require-trusted-types-for 'script'",
		"Cache-Control":           "no-store", "Referrer-Policy": "same-origin", "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY",
		"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin", "Content-Type": "text/html; charset=utf-8",
	}
	seen := 0
	for _, path := range s.routes(t, http.MethodGet, string(u.ID)) {
		a := b.get(path)
		if strings.HasPrefix(path, "/assets/") || a.status == http.StatusSeeOther {
			continue
		}
		seen++
		got := map[string]string{}
		for k := range want {
			got[k] = a.header.Get(k)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s:\n%s", path, diff)
		}
		inert(t, a)
	}
	if seen < 12 {
		t.Errorf("only %d pages were seen", seen)
	}
}

// inert fails when a page holds script or style of its own, loads from elsewhere, or has a form
// without a token.
func inert(t *testing.T, a *answer) {
	t.Helper()
	for _, tag := range []string{"style", "iframe", "object", "embed", "base"} {
		if a.find(tag) != nil {
			t.Errorf("%s has a %s", a.path, tag)
		}
	}
	for _, n := range markup.All(a.root, "script") {
		if markup.Attr(n, "src") != "/assets/passkey.js" || n.FirstChild != nil {
			t.Errorf("%s has a script of its own", a.path)
		}
	}
	for n := range a.root.Descendants() {
		for _, at := range n.Attr {
			if strings.HasPrefix(at.Key, "on") || at.Key == "style" || at.Key == "srcdoc" || strings.HasPrefix(strings.ToLower(strings.TrimSpace(at.Val)), "javascript:") {
				t.Errorf("%s: <%s %s=%q>", a.path, n.Data, at.Key, at.Val)
			}
		}
	}
	for _, f := range markup.All(a.root, "form", "method", "post") {
		if len(markup.All(f, "input", "name", "csrf"))+len(markup.All(f, "input", "name", "request")) == 0 {
			t.Errorf("%s: the form to %q has no token", a.path, markup.Attr(f, "action"))
		}
	}
}
