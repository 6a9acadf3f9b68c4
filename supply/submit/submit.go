package submit

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/tutela-health/tutela/internal/clock"
	"github.com/tutela-health/tutela/supply/attest"
	"github.com/tutela-health/tutela/supply/evidence"
)

// Server is where statements go.
type Server struct {
	base   string
	client *http.Client
	clock  clock.Clock
}

// patience bounds one exchange, and maxAnswer what is read of an answer, in bytes.
const (
	patience  = time.Minute
	maxAnswer = 1 << 20
)

// At names a server by its address; authorities are certificates in PEM that are trusted beside the machine's own,
// and may be empty.
func At(address string, authorities []byte, now clock.Clock) (*Server, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" {
		return nil, errors.New("the server is an address such as https://tutela.example")
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool() // a machine without authorities
	}
	if len(authorities) > 0 && !pool.AppendCertsFromPEM(authorities) {
		return nil, errors.New("the file of authorities holds no certificate")
	}
	return &Server{base: "https://" + u.Host, clock: now, client: &http.Client{
		Timeout:       patience,
		Transport:     &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: pool}},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// ErrKnown says that the server has a statement already.
var ErrKnown = errors.New("the server has this statement already")

// Send signs statements, signs in as the key's pipeline, and hands them over in order. What the server has already
// is not sent in vain: a run that broke off may be made again.
func (s *Server) Send(ctx context.Context, key *attest.Signer, statements ...attest.Statement) ([]evidence.Received, error) {
	defer s.client.CloseIdleConnections()
	token, err := s.token(ctx, key)
	if err != nil {
		return nil, err
	}
	var list []evidence.Received
	for _, st := range statements {
		got, err := s.hand(ctx, key, token, st)
		if errors.Is(err, ErrKnown) {
			continue
		}
		if err != nil {
			return list, err
		}
		list = append(list, got)
	}
	return list, nil
}

// token proves the key, and gives what the server gives its pipeline.
func (s *Server) token(ctx context.Context, key *attest.Signer) (string, error) {
	client, endpoint := evidence.ClientOf(key.Public()), s.base+"/oauth2/token"
	proof, err := key.Assertion(client, endpoint, s.clock())
	if err != nil {
		return "", err
	}
	form := url.Values{
		"grant_type": {"client_credentials"}, "scope": {"pipeline"}, "client_assertion": {proof},
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
	}
	status, body, err := s.post(ctx, endpoint, "application/x-www-form-urlencoded", "", []byte(form.Encode()))
	if err != nil {
		return "", err
	}
	var got struct {
		Token string `json:"access_token"`
	}
	if status != http.StatusOK || json.Unmarshal(body, &got) != nil || got.Token == "" {
		return "", fmt.Errorf("the server does not know this key as a pipeline's (%d): an administrator registers %s with tutela pipeline register, and the address is the server's own", status, client)
	}
	return got.Token, nil
}

// hand gives the server one statement.
func (s *Server) hand(ctx context.Context, key *attest.Signer, token string, st attest.Statement) (evidence.Received, error) {
	e, err := key.Sign(st)
	if err != nil {
		return evidence.Received{}, err
	}
	text, err := json.Marshal(e)
	if err != nil {
		return evidence.Received{}, fmt.Errorf("encode a statement: %w", err)
	}
	if len(text) > evidence.MaxReport {
		return evidence.Received{}, fmt.Errorf("the statement (%s) is longer than %d MiB", st.Summary(), evidence.MaxReport>>20)
	}
	status, body, err := s.post(ctx, s.base+"/api/v1/evidence", "application/json", token, text)
	if err != nil {
		return evidence.Received{}, err
	}
	var got struct {
		evidence.Received

		Detail string `json:"detail"`
	}
	_ = json.Unmarshal(body, &got) // what cannot be read leaves the status to tell
	switch {
	case status == http.StatusConflict:
		return evidence.Received{}, ErrKnown
	case status != http.StatusOK:
		return evidence.Received{}, fmt.Errorf("the server refuses the statement (%s): %d %s", st.Summary(), status, got.Detail)
	case got.Statement == "":
		return evidence.Received{}, errors.New("the server's answer cannot be read: it may not be a Tutela")
	}
	return got.Received, nil
}

// post sends a body and gives the answer.
func (s *Server) post(ctx context.Context, address, form, token string, body []byte) (status int, answer []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return 0, nil, fmt.Errorf("make request: %w", err)
	}
	req.Header.Set("Content-Type", form)
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := s.client.Do(req)
	if err != nil {
		return 0, nil, fmt.Errorf("reach the server: %w", err)
	}
	answer, err = io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err := errors.Join(err, res.Body.Close()); err != nil {
		return 0, nil, fmt.Errorf("read the server's answer: %w", err)
	}
	return res.StatusCode, answer, nil
}
