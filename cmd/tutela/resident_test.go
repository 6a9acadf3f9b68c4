package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/identity/signin"
)

// caller is somebody at one tenant's host.
type caller struct {
	t    *testing.T
	at   *resident
	http *http.Client
	*signin.Browser
	token, refresh string // of the records application
}

func (r *resident) base() string { return "https://" + r.conf.Hosts[0] }

// visit signs the physician in at a tenant, with the records application.
func (st *street) visit(t *testing.T, r *resident) *caller {
	t.Helper()
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: st.roots, MinVersion: tls.VersionTLS12},
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, st.address)
		},
	}
	t.Cleanup(transport.CloseIdleConnections)
	b, err := signin.New(r.base(), transport)
	if err != nil {
		t.Fatal(err)
	}
	who := r.people["physician"]
	page, err := b.Login(t.Context(), signin.Person{Username: who.Username, Password: who.Password, Codes: func() ([]string, error) {
		return identity.OneTimePasswords(who.TOTP, time.Now())
	}})
	if err != nil || page.Path != "/account" {
		t.Fatalf("login: %+v, %v", page, err)
	}
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	c := &caller{t: t, at: r, Browser: b, http: &http.Client{Transport: transport, CheckRedirect: stay}}
	c.token, _ = c.tokens("user/*.cruds")
	_, c.refresh = c.tokens("offline_access user/*.cruds")
	return c
}

// said is what a host answered.
type said struct {
	status int
	body   string
}

func (s said) String() string { return fmt.Sprint(s.status, " ", s.body) }

// send sends a request with a bearer's token, a form's fields or a cookie.
func (c *caller) send(method, path, token, body string, cookies ...*http.Cookie) said {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), method, c.at.base()+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	switch {
	case strings.HasPrefix(body, "{"):
		r.Header.Set("Content-Type", "application/json")
	case body != "":
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	for _, cookie := range cookies {
		r.AddCookie(cookie)
	}
	res, err := c.http.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return said{res.StatusCode, res.Header.Get("Location") + string(text)}
}

const verifier = "a-verifier-that-is-long-enough-for-RFC-7636-to-take"

// authorize asks for a code and agrees to all that is asked.
func (c *caller) authorize(client, scope, launch string) url.Values {
	c.t.Helper()
	challenge := sha256.Sum256([]byte(verifier))
	ask := url.Values{"response_type": {"code"}, "client_id": {client}, "redirect_uri": {loopback}, "scope": {scope}, "aud": {c.at.base() + "/fhir/r4"},
		"state": {"of a test"}, "code_challenge": {base64.RawURLEncoding.EncodeToString(challenge[:])}, "code_challenge_method": {"S256"}}
	if launch != "" {
		ask.Set("launch", launch)
	}
	page, err := c.Open(c.t.Context(), "/oauth2/authorize?"+ask.Encode())
	if f, asked := page.Form("/oauth2/authorize/decision"); err == nil && asked {
		page, err = c.Submit(c.t.Context(), f, url.Values{"decision": {"allow"}})
	}
	if err != nil {
		c.t.Fatal(err)
	}
	if page.Away == nil {
		return url.Values{"page": {fmt.Sprint(page.Status, page.Title, page.Problem)}}
	}
	return page.Away.Query()
}

func (c *caller) code(client, scope, launch string) string {
	return c.authorize(client, scope, launch).Get("code")
}

func (c *caller) redeem(code string) said {
	return c.send(http.MethodPost, "/oauth2/token", "", url.Values{
		"grant_type": {"authorization_code"}, "client_id": {recordsApp}, "redirect_uri": {loopback}, "code": {code}, "code_verifier": {verifier}}.Encode())
}

func (c *caller) renew(refresh string) said {
	return c.send(http.MethodPost, "/oauth2/token", "", url.Values{"grant_type": {"refresh_token"}, "client_id": {recordsApp}, "refresh_token": {refresh}}.Encode())
}

// assertion is what the service proves itself by at this tenant.
func (c *caller) assertion(key *ecdsa.PrivateKey) string {
	c.t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES384, Key: key}, (&jose.SignerOptions{}).WithType("JWT").WithHeader("kid", "k"))
	if err != nil {
		c.t.Fatal(err)
	}
	claims, err := json.Marshal(map[string]any{"iss": service, "sub": service, "aud": c.at.base() + "/oauth2/token", "exp": time.Now().Add(4 * time.Minute).Unix(), "jti": rand.Text()})
	if err != nil {
		c.t.Fatal(err)
	}
	signed, err := signer.Sign(claims)
	if err != nil {
		c.t.Fatal(err)
	}
	text, err := signed.CompactSerialize()
	if err != nil {
		c.t.Fatal(err)
	}
	return text
}

func (c *caller) assert(assertion string) said {
	return c.send(http.MethodPost, "/oauth2/token", "", url.Values{"grant_type": {"client_credentials"}, "scope": {"system/*.rs"},
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}, "client_assertion": {assertion}}.Encode())
}

// tokens gets what the records application gets.
func (c *caller) tokens(scope string) (access, refresh string) {
	c.t.Helper()
	var got struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
	}
	given := c.redeem(c.code(recordsApp, scope, ""))
	if err := json.Unmarshal([]byte(given.body), &got); err != nil || got.Access == "" {
		c.t.Fatalf("no token: %s", given)
	}
	return got.Access, got.Refresh
}

// breakGlass opens an emergency, and gives its id.
func (c *caller) breakGlass() string {
	c.t.Helper()
	a := c.send(http.MethodPost, "/api/v1/break-glass", c.token, `{"patient":"Patient/1","reason":"found unconscious in the lobby"}`)
	var got struct{ ID string }
	if err := json.Unmarshal([]byte(a.body), &got); err != nil || got.ID == "" {
		c.t.Fatalf("break the glass: %s", a)
	}
	return got.ID
}

// launch has the records application launch another one.
func (c *caller) launch() string {
	c.t.Helper()
	a := c.send(http.MethodPost, "/oauth2/launch", c.token, `{"client_id":"`+launched+`","patient":"1"}`)
	var got struct{ Launch string }
	if err := json.Unmarshal([]byte(a.body), &got); err != nil || got.Launch == "" {
		c.t.Fatalf("launch: %s", a)
	}
	return got.Launch
}

// invited opens an invitation's page.
func (c *caller) invited(token string) said {
	page, err := c.Open(c.t.Context(), "/invitation/"+token)
	if err != nil {
		c.t.Fatal(err)
	}
	return said{page.Status, page.Title + page.Problem + fmt.Sprint(len(page.Forms))}
}

// cookie is the one that proves a person's session.
const cookie = "__Host-tutela-session"

// held is what proves the caller's session.
func (c *caller) held() string {
	c.t.Helper()
	for _, k := range c.Cookies() {
		if k.Name == cookie {
			return k.Value
		}
	}
	c.t.Fatal("no session")
	return ""
}

// session asks for the account's page with what proves a session.
func (c *caller) session(value string) said {
	a := c.send(http.MethodGet, "/account", "", "", &http.Cookie{Name: cookie, Value: value})
	if a.status == http.StatusOK {
		a.body = "" // it is drawn anew each time
	}
	return a
}
