package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/access"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/internal/httpx"
)

// client talks to a Tutela as one caller: over HTTPS to a running server, or directly to the
// handler of an opened, stopped store. Either way decision and ledger entry are the same.
type client struct {
	http  *http.Client
	base  string // public base URL
	token string // empty for a direct client
}

// target is where a command finds its system and as whom it acts.
type target struct {
	Data string `default:"tutela-data" type:"path" help:"Where the system lives."`
	As   string `help:"The try-out identity to act as."`

	Tenant string `help:"The tenant, where the system has several."`
	Server string `env:"TUTELA_SERVER" help:"A server that tutela login has signed in to, instead."`
}

// errStopped says that no server runs on a data directory.
var errStopped = errors.New("no server is running")

// running reads dev.json of a running try-out system.
func (t target) running() (devInfo, error) {
	var info devInfo
	if t.Server != "" {
		return devInfo{Settled: true}, nil // it is elsewhere, and no try-out
	}
	home, err := t.home()
	if err != nil {
		return info, err
	}
	text, err := os.ReadFile(filepath.Join(home, devFile))
	if errors.Is(err, fs.ErrNotExist) {
		return info, errStopped
	}
	if err != nil {
		return info, fmt.Errorf("read %s: %w", devFile, err)
	}
	if err := json.Unmarshal(text, &info); err != nil {
		return info, fmt.Errorf("decode %s: %w", devFile, err)
	}
	if !alive(info.PID) {
		return info, errStopped // it was killed and left the file behind
	}
	return info, nil
}

// here says, for a command that works on the files of a system, that they are on the server's machine.
func (t target) here(command string) error {
	if t.Server == "" {
		return nil
	}
	return usage("%s works on the system's own files: run it on the machine of %s, with --data and without --server", command, t.Server)
}

// open opens the planes themselves, for a command that works on a stopped store or only reads.
func (t target) open(ctx context.Context, c console, command string) (*system, error) {
	home, err := t.home()
	if err != nil {
		return nil, err
	}
	conf, err := readConfig(filepath.Join(home, configFile))
	if err != nil {
		return nil, err
	}
	return openSystem(ctx, conf, "-"+command, slog.New(slog.NewTextHandler(c.err, &slog.HandlerOptions{Level: slog.LevelWarn})))
}

// connect gives a client of the running try-out system, acting as t.As or else as identity.
func (t target) connect(ctx context.Context, identity string) (*client, error) {
	return t.signedIn(ctx, identity, false)
}

// connectAfresh is connect by a new login, which shows both factors now.
func (t target) connectAfresh(ctx context.Context, identity string) (*client, error) {
	return t.signedIn(ctx, identity, true)
}

func (t target) signedIn(ctx context.Context, identity string, afresh bool) (*client, error) {
	if t.Server != "" {
		return signedInTo(ctx, t.Server)
	}
	info, err := t.running()
	if errors.Is(err, errStopped) {
		return nil, usage("no server is running on %s: start one with tutela dev --data %s", t.Data, t.Data)
	}
	if err != nil {
		return nil, err
	}
	if t.As != "" {
		identity = t.As
	}
	tls, err := clientTLS(info.CA)
	if err != nil {
		return nil, err
	}
	transport := &http.Transport{TLSClientConfig: tls, ForceAttemptHTTP2: false, MaxIdleConnsPerHost: 8, IdleConnTimeout: time.Minute}
	c := &client{http: &http.Client{Transport: transport}, base: info.URL}
	c.token, err = (&signIn{client: c, dir: t.Data, info: info, as: identity, afresh: afresh}).token(ctx)
	return c, err
}

// directClient acts as Tutela itself on the planes of an opened store, under a command's name.
func (s *system) directClient(command string) *client {
	mux := http.NewServeMux()
	s.fhir().Routes(mux, "/fhir/r4", func(h http.Handler) http.Handler { return h })
	actor := systemActor(command)
	p := tutela.Principal{
		Tenant: s.config.Tenant, ID: actor.ID, Kind: actor.Kind, Username: actor.Name,
		Roles: []string{string(access.RoleService)}, Scopes: []string{"system/*.cruds"},
	}
	return &client{http: &http.Client{Transport: direct{mux, p}}, base: s.config.base()}
}

// direct carries a proven caller's requests straight to a handler.
type direct struct {
	handler http.Handler
	caller  tutela.Principal
}

// RoundTrip serves the request in memory.
func (d direct) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	r = httpx.WithRequestID(w, r)
	if r.Body == nil {
		r.Body = http.NoBody
	}
	d.handler.ServeHTTP(w, r.WithContext(httpx.WithPrincipal(r.Context(), d.caller)))
	return w.Result(), nil
}

// do sends a request and gives the body of its answer.
func (c *client) do(ctx context.Context, method, address string, body []byte) ([]byte, error) {
	if strings.HasPrefix(address, "/") {
		address = c.base + address
	}
	req, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	if len(body) > 0 {
		req.Header.Set("Content-Type", "application/fhir+json")
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	return c.send(req)
}

func (c *client) send(req *http.Request) ([]byte, error) {
	res, err := c.answer(req)
	if err != nil {
		return nil, err
	}
	return wholeBody(res)
}

// answer gives what is answered to a request; a refusal is an error.
func (c *client) answer(req *http.Request) (*http.Response, error) {
	res, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("reach the server: %w", err)
	}
	if res.StatusCode < http.StatusBadRequest {
		return res, nil
	}
	body, err := wholeBody(res)
	if err != nil {
		return nil, err
	}
	return nil, answered(res.StatusCode, body)
}

func wholeBody(res *http.Response) ([]byte, error) {
	body, err := io.ReadAll(res.Body)
	if err = errors.Join(err, res.Body.Close()); err != nil {
		return nil, fmt.Errorf("read answer: %w", err)
	}
	return body, nil
}

// json sends a call of /api/v1 with a value as its body, nil for none.
func (c *client) json(ctx context.Context, method, path string, v any) ([]byte, error) {
	var body []byte
	if v != nil {
		var err error
		if body, err = json.Marshal(v); err != nil {
			return nil, fmt.Errorf("encode request: %w", err)
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+c.token)
	return c.send(req)
}

// transaction carries out a transaction Bundle.
func (c *client) transaction(ctx context.Context, bundle []byte) error {
	_, err := c.do(ctx, http.MethodPost, "/fhir/r4", bundle)
	return err
}

// answered is the error that an answer tells: of an OperationOutcome or a problem.
func answered(status int, body []byte) error {
	var said struct {
		Detail string `json:"detail"`
		Issue  []struct {
			Diagnostics string   `json:"diagnostics"`
			Expression  []string `json:"expression"`
		} `json:"issue"`
	}
	_ = json.Unmarshal(body, &said) // what cannot be read leaves the status to tell
	text := said.Detail
	for i, issue := range said.Issue {
		if i > 2 {
			text += "; …"
			break
		}
		if i > 0 {
			text += "; "
		}
		text += strings.TrimSpace(strings.Join(issue.Expression, ", ") + " " + issue.Diagnostics)
	}
	if text == "" {
		text = http.StatusText(status)
	}
	kind := errs.Invalid
	switch {
	case status == http.StatusNotFound:
		kind = errs.NotFound
	case status == http.StatusForbidden:
		kind = errs.Denied
	case status == http.StatusUnauthorized:
		kind = errs.Unauthenticated
	case status >= http.StatusInternalServerError:
		kind = errs.Unavailable
	}
	return errs.New(kind, "the server answered %d: %s", status, text)
}
