package transit

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/keys"
)

// Bounds on one request.
const (
	patience   = 10 * time.Second
	maxAnswer  = 1 << 20
	maxInWords = 200 // of an error's text
)

// Config says where the engine is.
type Config struct {
	Address   string // https://vault.example:8200; http counts for this machine alone
	Namespace string // of Vault Enterprise or OpenBao; usually empty
	Mount     string // path of the engine; empty: transit
	Prefix    string // of the keys' names: tells this system's from others'
	TokenFile string // holds the token; read for each request, so that an agent may renew it
	CAFile    string // PEM of whom to trust; empty: the machine's authorities
}

// client speaks the engine's HTTP API.
type client struct {
	http *http.Client
	base string // address and mount
	cfg  Config
}

func newClient(cfg Config) (*client, error) {
	u, err := url.Parse(cfg.Address)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && !(u.Scheme == "http" && loopback(u.Hostname())) {
		return nil, errs.New(errs.Invalid, "the address of the key provider must be https://HOST: it is sent keys")
	}
	t := &tls.Config{MinVersion: tls.VersionTLS12}
	if cfg.CAFile != "" {
		text, err := os.ReadFile(cfg.CAFile)
		if err != nil {
			return nil, fmt.Errorf("read the key provider's authorities: %w", err)
		}
		if t.RootCAs = x509.NewCertPool(); !t.RootCAs.AppendCertsFromPEM(text) {
			return nil, errs.New(errs.Invalid, "%s holds no certificate", cfg.CAFile)
		}
	}
	return &client{
		http: &http.Client{
			Transport:     &http.Transport{TLSClientConfig: t, Proxy: http.ProxyFromEnvironment, MaxIdleConnsPerHost: 4, IdleConnTimeout: time.Minute},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // the token goes nowhere else
		},
		base: strings.TrimSuffix(cfg.Address, "/") + "/v1/" + strings.Trim(cfg.Mount, "/") + "/", cfg: cfg,
	}, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// refused is an answer that says no.
type refused struct {
	status int
	words  string
}

func (r *refused) Error() string {
	return fmt.Sprintf("the key provider answered %d: %s", r.status, r.words)
}

// is reports whether err is an answer of a status that says so.
func is(err error, status int, words string) bool {
	var r *refused
	return errors.As(err, &r) && r.status == status && strings.Contains(r.words, words)
}

// answer is what the engine says.
type answer struct {
	Data     json.RawMessage `json:"data"`
	Warnings []string        `json:"warnings"`
	Errors   []string        `json:"errors"`
}

// do asks, and decodes the answer's data into out unless that is nil. What is not the question's
// fault is errs.Unavailable: no network, sealed, throttled, a token that has ended.
func (c *client) do(ctx context.Context, method, path string, in, out any) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return answer{}, fmt.Errorf("encode request: %w", err)
		}
		defer clear(body) // it may hold a keyring key
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return answer{}, fmt.Errorf("make request: %w", err)
	}
	token, err := keys.ReadSecretFile(c.cfg.TokenFile)
	if err != nil {
		return answer{}, errs.Wrap(errs.Unavailable, err, "the key provider's token cannot be read")
	}
	req.Header.Set("X-Vault-Token", string(token))
	req.Header.Set("X-Vault-Request", "true")
	if c.cfg.Namespace != "" {
		req.Header.Set("X-Vault-Namespace", c.cfg.Namespace)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return answer{}, errs.Wrap(errs.Unavailable, err, "the key provider does not answer")
	}
	return read(res, out)
}

func read(res *http.Response, out any) (answer, error) {
	text, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	defer clear(text)
	if err = errors.Join(err, res.Body.Close()); err != nil {
		return answer{}, errs.Wrap(errs.Unavailable, err, "the key provider did not answer to the end")
	}
	var a answer
	bad := len(text) > 0 && json.Unmarshal(text, &a) != nil
	switch {
	case res.StatusCode < http.StatusMultipleChoices && bad:
		return a, errs.New(errs.Unavailable, "the key provider's answer cannot be read: is %s the address of one?", res.Request.URL.Host)
	case res.StatusCode < http.StatusMultipleChoices && out != nil:
		if err := json.Unmarshal(a.Data, out); err != nil {
			return a, errs.New(errs.Unavailable, "the key provider's answer is not one to what was asked")
		}
	case res.StatusCode >= http.StatusMultipleChoices:
		return a, said(res.StatusCode, strings.Join(a.Errors, "; "))
	}
	return a, nil
}

// said gives an answer that says no its kind.
func said(status int, words string) error {
	if len(words) > maxInWords {
		words = words[:maxInWords]
	}
	r := &refused{status, words}
	switch {
	case status == http.StatusForbidden:
		return errs.Wrap(errs.Unavailable, r, "the key provider refuses the token: has it ended, or may it too little?")
	case status == http.StatusTooManyRequests:
		return errs.Wrap(errs.Unavailable, r, "the key provider answers no more at this pace")
	case status == http.StatusServiceUnavailable:
		return errs.Wrap(errs.Unavailable, r, "the key provider is sealed or down")
	case status == http.StatusNotFound:
		return errs.Wrap(errs.NotFound, r, "the key provider has no such key")
	case status == http.StatusBadRequest:
		return r
	}
	return errs.Wrap(errs.Unavailable, r, "the key provider does not do what it is asked")
}
