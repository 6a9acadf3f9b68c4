package e2e_test

import (
	"crypto/hmac"
	"crypto/sha1" // RFC 6238 as authenticators speak it
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

	"github.com/tutela-health/tutela/internal/markup"
)

// visitor is a person's browser without scripts: it keeps cookies, reads pages and sends forms.
type visitor struct {
	t    testing.TB
	base string
	http *http.Client
}

func (s *system) visitor(t testing.TB) *visitor {
	t.Helper()
	jar, err := cookiejar.New(nil)
	must(t, err)
	c := s.httpClient(t)
	c.Jar = jar
	c.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		if "https://"+r.URL.Host != s.info.URL {
			return http.ErrUseLastResponse // an application's address, where nobody is
		}
		return nil
	}
	return &visitor{t, s.info.URL, c}
}

// page is what a visitor sees, and where.
type page struct {
	status int
	at     *url.URL // where a redirect led, also away from the system
	text   string
	root   *html.Node
}

func (v *visitor) do(method, address string, form url.Values) *page {
	v.t.Helper()
	req, err := http.NewRequestWithContext(v.t.Context(), method, address, strings.NewReader(form.Encode()))
	must(v.t, err)
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := v.http.Do(req)
	must(v.t, err)
	text, err := io.ReadAll(res.Body)
	must(v.t, err)
	must(v.t, res.Body.Close())
	p := &page{status: res.StatusCode, at: res.Request.URL, text: string(text)}
	if to, err := res.Location(); err == nil {
		p.at = to
	}
	p.root, err = html.Parse(strings.NewReader(p.text))
	must(v.t, err)
	return p
}

func (v *visitor) open(path string) *page {
	v.t.Helper()
	return v.do(http.MethodGet, v.base+path, nil)
}

// send sends one of a page's forms, as it was drawn but for the fields that are filled in.
func (v *visitor) send(p *page, action string, fields url.Values) *page {
	v.t.Helper()
	form := url.Values{}
	for in := range p.form(v.t, action).Descendants() {
		if in.Data == "input" && (markup.Attr(in, "type") == "hidden" || markup.Has(in, "checked") && !markup.Has(in, "disabled")) {
			form.Add(markup.Attr(in, "name"), markup.Attr(in, "value"))
		}
	}
	maps.Copy(form, fields)
	to := action
	if to == "" {
		to = p.at.Path
	}
	return v.do(http.MethodPost, v.base+to, form)
}

// form finds a page's form by where it goes; "" is a form that goes to the page itself.
func (p *page) form(t testing.TB, action string) *html.Node {
	t.Helper()
	for n := range p.root.Descendants() {
		if n.Data == "form" && markup.Attr(n, "method") == "post" && markup.Attr(n, "action") == action {
			return n
		}
	}
	t.Fatalf("no form to %q at %s (%d):\n%s", action, p.at, p.status, p.text)
	return nil
}

// code is the text of a page's element code that an attribute names.
func (p *page) code(t testing.TB, name, value string) string {
	t.Helper()
	for n := range p.root.Descendants() {
		if n.Data == "code" && markup.Attr(n, name) == value && n.FirstChild != nil {
			return n.FirstChild.Data
		}
	}
	t.Fatalf("no code with %s=%q at %s (%d):\n%s", name, value, p.at, p.status, p.text)
	return ""
}

// member is a person with an account: what she remembers, and her authenticator.
type member struct {
	*visitor
	username, password string
	otp                authenticator
}

// authenticator makes one-time passwords, each of a step of its own (RFC 6238).
type authenticator struct {
	secret []byte
	last   int64 // step of the newest code
}

// next gives a code that counts now and was not given before: a server takes the codes of the
// step before and after the present one too.
func (a *authenticator) next(t testing.TB) string {
	t.Helper()
	now := time.Now().Unix() / 30
	a.last = max(a.last+1, now-1)
	if a.last > now+1 {
		t.Fatal("three one-time passwords of half a minute are used up")
	}
	m := hmac.New(sha1.New, a.secret)
	m.Write(binary.BigEndian.AppendUint64(nil, uint64(a.last)))
	sum := m.Sum(nil)
	at := sum[len(sum)-1] & 15
	return fmt.Sprintf("%06d", binary.BigEndian.Uint32(sum[at:])&0x7fffffff%1_000_000)
}

func (a *authenticator) scan(t testing.TB, secret string) {
	t.Helper()
	var err error
	a.secret, err = base32.StdEncoding.DecodeString(strings.ReplaceAll(secret, " ", ""))
	must(t, err)
}

// signIn proves both factors of a member who has an account.
func (m *member) signIn() {
	m.t.Helper()
	p := m.send(m.open("/login"), "/login", url.Values{"username": {m.username}, "password": {m.password}})
	p = m.send(p, "/login/factor/totp", url.Values{"code": {m.otp.next(m.t)}})
	if p.at.Path != "/account" {
		m.t.Fatalf("%s signed in and is at %s (%d):\n%s", m.username, p.at, p.status, p.text)
	}
}

// visit opens an address, lets the application have all that it asks for, and tells where that ended.
func (v *visitor) visit(address string) string {
	v.t.Helper()
	p := v.do(http.MethodGet, address, nil)
	const decision = "/oauth2/authorize/decision"
	if strings.Contains(p.text, `action="`+decision+`"`) {
		p = v.send(p, decision, url.Values{"decision": {"allow"}})
	}
	return p.at.String()
}
