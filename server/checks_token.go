package server

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/httpx"
)

// tokenCheck calls every guarded route as a stranger would.
type tokenCheck struct {
	base   string
	tls    *tls.Config
	routes []string // "METHOD /path", with the mux's wildcards
	// marked gives what marks the requests of one run as the check's, until done is called.
	marked func() (mark string, done func())
}

// markHeader holds what marks a check's own requests.
const markHeader = "Tutela-Assess"

// ownNetwork stands for the network of a check's own requests: so many failed proofs at once are no attack.
const ownNetwork = "tutela-assess"

// marks lets a check of this process mark its requests: by a random text that nobody else knows, as long as it runs.
func (s *Server) marks() (mark string, done func()) {
	mark = rand.Text()
	s.mark.Store(&mark)
	return mark, func() { s.mark.CompareAndSwap(&mark, nil) }
}

// network is where a request comes from, as failures are counted.
func (s *Server) network(r *http.Request) string {
	mark := s.mark.Load()
	if mark != nil && subtle.ConstantTimeCompare([]byte(r.Header.Get(markHeader)), []byte(*mark)) == 1 {
		return ownNetwork
	}
	return httpx.Peer(r)
}

// Bounds on one request of a stranger.
const (
	strangerWaits = 10 * time.Second
	strangerReads = 64 << 10
)

func (c tokenCheck) try(ctx context.Context) tutela.Evidence {
	transport := &http.Transport{TLSClientConfig: c.tls}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Timeout: strangerWaits,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	mark, done := c.marked()
	defer done()
	var wrong []string
	requests := 0
	for _, route := range c.routes {
		for _, authorization := range []string{"", "Bearer tut_" + rand.Text() + rand.Text()} {
			what, err := c.patient(ctx, client, route, authorization, mark)
			if err != nil {
				return observed(c.base, tutela.CouldNotCheck, "%s could not be asked: %v", route, err)
			}
			requests++
			if what != "" {
				wrong = append(wrong, route+" "+what)
			}
		}
	}
	if len(wrong) > 0 {
		return observed(c.base, tutela.Fail, "%d of %d requests without a valid token were not refused as they should be: %s",
			len(wrong), requests, strings.Join(wrong[:min(len(wrong), 3)], "; "))
	}
	return observed(c.base, tutela.Pass, "%d requests on %d routes, without a token and with a random one: all were refused, and no answer held a resource",
		requests, len(c.routes))
}

// patient is stranger who comes back when the server asks for it: strangers have a budget, and so many
// routes in a row can be more than it.
func (c tokenCheck) patient(ctx context.Context, client *http.Client, route, authorization, mark string) (string, error) {
	for {
		what, err := c.stranger(ctx, client, route, authorization, mark)
		var fast tooFast
		if !errors.As(err, &fast) || fast.wait > strangerWaits {
			return what, err
		}
		select {
		case <-ctx.Done():
			return "", err
		case <-time.After(fast.wait):
		}
	}
}

// tooFast is an answer 429: this network has spent its budget, and asks again after wait.
type tooFast struct{ wait time.Duration }

func (tooFast) Error() string { return "this network has called too fast" }

// stranger sends one request and says what is wrong with its answer, or nothing.
func (c tokenCheck) stranger(ctx context.Context, client *http.Client, route, authorization, mark string) (string, error) {
	method, path, _ := strings.Cut(route, " ")
	r, err := http.NewRequestWithContext(ctx, method, c.base+fillPath(path), http.NoBody)
	if err != nil {
		return "", err
	}
	r.Header.Set(markHeader, mark)
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	res, err := client.Do(r)
	if err != nil {
		return "", err
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, strangerReads))
	_ = res.Body.Close() // it has been read as far as it matters
	switch {
	case err != nil:
		return "", err
	case res.StatusCode == http.StatusTooManyRequests:
		seconds, err := strconv.ParseUint(res.Header.Get("Retry-After"), 10, 16)
		if err != nil {
			return "", fmt.Errorf("429 does not say when to come back: %w", err)
		}
		return "", tooFast{wait: time.Duration(max(seconds, 1)) * time.Second}
	case !refused(res):
		return fmt.Sprintf("answered %d", res.StatusCode), nil
	case holdsResource(body):
		return "was refused with a resource", nil
	}
	return "", nil
}

// refused tells a refusal: 401, or of a person's page the way to the login.
func refused(res *http.Response) bool {
	to := res.Header.Get("Location")
	return res.StatusCode == http.StatusUnauthorized ||
		res.StatusCode == http.StatusSeeOther && (to == "/login" || strings.HasPrefix(to, "/login?"))
}

// fillPath puts values for the wildcards of a pattern: of a resource that does not exist.
func fillPath(path string) string {
	return strings.NewReplacer("{type}", "Patient", "{id}", "tutela-nobody", "{vid}", "1", "{path...}", "x", "{$}", "").Replace(path)
}

// holdsResource tells a FHIR resource, but for an OperationOutcome, anywhere in a body.
func holdsResource(body []byte) bool {
	d := json.NewDecoder(strings.NewReader(string(body)))
	named := false
	for {
		t, err := d.Token()
		if err != nil {
			return false
		}
		text, ok := t.(string)
		if named && ok && text != "OperationOutcome" {
			return true
		}
		named = ok && text == "resourceType"
	}
}
