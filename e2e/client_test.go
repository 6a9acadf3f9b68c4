package e2e_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
)

// client talks to a running system as one of its identities.
type client struct {
	http  *http.Client
	base  string
	token string
}

// as gives a client that acts as an identity; "" is nobody.
func (s *system) as(t testing.TB, identity string) *client {
	t.Helper()
	c := &client{http: s.httpClient(t), base: s.info.URL}
	if identity != "" {
		c.token = strings.TrimSpace(s.clean(t, "token", "--as", identity))
	}
	return c
}

// trust is the system's own authority and no other.
func (s *system) trust(t testing.TB) *tls.Config {
	t.Helper()
	text, err := os.ReadFile(s.info.CA)
	must(t, err)
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		t.Fatal("no certificate in " + s.info.CA)
	}
	return &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
}

// httpClient trusts the system's own authority.
func (s *system) httpClient(t testing.TB) *http.Client {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: s.trust(t), MaxIdleConnsPerHost: 32}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// reply is an answer, or as much of it as arrived.
type reply struct {
	status  int
	request string // id, as the header tells it
	body    []byte
}

// header is a request header.
type header struct{ name, value string }

// send makes a request. When an answer began and broke off, reply says how it began.
func (c *client) send(ctx context.Context, method, path, body string, headers ...header) (reply, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, strings.NewReader(body))
	if err != nil {
		return reply{}, err
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/fhir+json")
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	for _, h := range headers {
		req.Header.Set(h.name, h.value)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return reply{}, err
	}
	r := reply{status: res.StatusCode, request: res.Header.Get("X-Request-Id")}
	r.body, err = io.ReadAll(res.Body)
	return r, errors.Join(err, res.Body.Close())
}

// want makes a request whose answer must have a status.
func (c *client) want(t testing.TB, status int, method, path, body string, headers ...header) reply {
	t.Helper()
	r, err := c.send(t.Context(), method, path, body, headers...)
	must(t, err)
	if r.status != status {
		t.Fatalf("%s %s: status %d, want %d: %s", method, path, r.status, status, r.body)
	}
	return r
}

// document is what tests look for in resources and Bundles.
type document struct {
	ResourceType string `json:"resourceType"`
	ValueString  string `json:"valueString"`
	Entry        []struct {
		Resource *document `json:"resource"`
		Response struct {
			ETag string `json:"etag"`
		} `json:"response"`
	} `json:"entry"`
}
