package pages_test

import (
	"crypto/hmac"
	"crypto/sha1" // RFC 6238 as authenticators speak it
	"crypto/tls"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/internal/markup"
)

// browser keeps cookies, reads pages and submits their forms; it runs no script and follows no
// redirect of its own accord.
type browser struct {
	t      *testing.T
	site   *site
	client *http.Client
	header http.Header // sent with every request
}

func (s *site) browser(t *testing.T) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	check(t, err)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: s.roots, MinVersion: tls.VersionTLS12}}
	t.Cleanup(transport.CloseIdleConnections)
	return &browser{t: t, site: s, header: http.Header{"User-Agent": {"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}},
		client: &http.Client{Jar: jar, Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// answer is a page, or a redirect.
type answer struct {
	status int
	header http.Header
	path   string
	text   string
	root   *html.Node
}

func (b *browser) do(method, path string, form url.Values, more http.Header) *answer {
	b.t.Helper()
	var body io.Reader = http.NoBody
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	r, err := http.NewRequestWithContext(b.t.Context(), method, b.site.base+path, body)
	check(b.t, err)
	maps.Copy(r.Header, b.header)
	maps.Copy(r.Header, more)
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := b.client.Do(r)
	check(b.t, err)
	text, err := io.ReadAll(res.Body)
	check(b.t, err)
	check(b.t, res.Body.Close())
	root, err := html.Parse(strings.NewReader(string(text)))
	check(b.t, err)
	return &answer{status: res.StatusCode, header: res.Header, path: path, text: string(text), root: root}
}

func (b *browser) get(path string) *answer {
	b.t.Helper()
	return b.do(http.MethodGet, path, nil, nil)
}

// follow goes where a redirect leads, as long as it stays here.
func (b *browser) follow(a *answer) *answer {
	b.t.Helper()
	for range 5 {
		to := a.header.Get("Location")
		if a.status != http.StatusSeeOther || to == "" {
			return a
		}
		a = b.get(to)
	}
	b.t.Fatal("redirects go round")
	return nil
}

// submit fills a form of a page in, with what the page hid in it, and sends it.
func (b *browser) submit(a *answer, action string, fields url.Values) *answer {
	b.t.Helper()
	form := url.Values{}
	f := a.need(b.t, "form", "action", action)
	for _, in := range markup.All(f, "input") {
		if markup.Attr(in, "type") == "hidden" {
			form.Add(markup.Attr(in, "name"), markup.Attr(in, "value"))
		}
	}
	maps.Copy(form, fields)
	return b.do(http.MethodPost, action, form, nil)
}

// login signs in with password and one-time password, and gives the account's page.
func (b *browser) login(c identity.Credentials) *answer {
	b.t.Helper()
	a := b.submit(b.get("/login"), "/login", url.Values{"username": {c.Username}, "password": {c.Password}})
	a = b.follow(b.submit(b.follow(a), "/login/factor/totp", url.Values{"code": {b.site.code(c.TOTP)}}))
	if a.status != http.StatusOK || a.find("h1").FirstChild.Data != "Your account" {
		b.t.Fatalf("login of %s: status %d\n%s", c.Username, a.status, a.text)
	}
	return a
}

// code is the one-time password of a secret in the next time step, which no earlier login used.
func (s *site) code(secret string) string {
	s.Advance(30 * time.Second)
	key, err := base32.StdEncoding.DecodeString(strings.ReplaceAll(secret, " ", ""))
	if err != nil {
		return err.Error()
	}
	h := hmac.New(sha1.New, key)
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(s.Now().Unix()/30)))
	sum := h.Sum(nil)
	at := sum[len(sum)-1] & 0xf
	return fmt.Sprintf("%06d", binary.BigEndian.Uint32(sum[at:])&0x7fffffff%1_000_000)
}

// find gives the first element that a selector names, or nil.
func (a *answer) find(tag string, pairs ...string) *html.Node {
	if list := markup.All(a.root, tag, pairs...); len(list) > 0 {
		return list[0]
	}
	return nil
}

func (a *answer) need(t *testing.T, tag string, pairs ...string) *html.Node {
	t.Helper()
	n := a.find(tag, pairs...)
	if n == nil {
		t.Fatalf("%s: no %s %v; status %d\n%s", a.path, tag, pairs, a.status, a.text)
	}
	return n
}

// must gives a value or ends the test.
func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		check(t, err)
		return v
	}
}
