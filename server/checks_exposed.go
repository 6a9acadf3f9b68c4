package server

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/tutela-health/tutela"
)

// exposureCheck asks for operations that nobody listed: what frameworks leave behind, what other
// servers have, what was never there, and methods that no operation has.
type exposureCheck struct {
	base string
	tls  *tls.Config
}

func (exposureCheck) asks() []string {
	list := []string{
		"GET /debug/pprof/", "GET /debug/vars", "GET /.git/config", "GET /.env", "GET /admin", "GET /api", "GET /api/v1", "GET /actuator/env",
		"GET /server-status", "GET /graphql", "POST /graphql", "GET /fhir", "GET /fhir/r4/$export", "GET /fhir/r5/Patient", "GET /api/v1/debug",
		"GET /oauth2/tokens", "GET /assets/", "GET /backup.zip", "PUT /healthz", "DELETE /metrics", "PROPFIND /", "PATCH /api/v1/keys",
	}
	nowhere := strings.ToLower(rand.Text())
	for _, prefix := range []string{"/", "/api/v1/", "/fhir/r4/", "/oauth2/", "/admin/", "/account/", "/ledger/"} {
		list = append(list, "GET "+prefix+nowhere)
	}
	return list
}

func (c exposureCheck) try(ctx context.Context) tutela.Evidence {
	transport := &http.Transport{TLSClientConfig: c.tls}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Timeout: strangerWaits,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	var there []string
	asks := c.asks()
	for _, ask := range asks {
		status, err := c.ask(ctx, client, ask)
		if err != nil {
			return observed(c.base, tutela.CouldNotCheck, "%s could not be asked: %v", ask, err)
		}
		if !absent(status) {
			there = append(there, fmt.Sprintf("%s answered %d", ask, status))
		}
	}
	if len(there) > 0 {
		return observed(c.base, tutela.Fail, "%d of %d operations that are not listed are there: %s", len(there), len(asks), strings.Join(there[:min(len(there), 3)], "; "))
	}
	return observed(c.base, tutela.Pass, "%d operations that are not listed were asked for, and none is there", len(asks))
}

func (c exposureCheck) ask(ctx context.Context, client *http.Client, ask string) (int, error) {
	method, path, _ := strings.Cut(ask, " ")
	r, err := http.NewRequestWithContext(ctx, method, c.base+path, http.NoBody)
	if err != nil {
		return 0, err
	}
	res, err := client.Do(r)
	if err != nil {
		return 0, err
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, strangerReads)) // only the status counts
	return res.StatusCode, res.Body.Close()
}

// absent tells the answers for what is not there; below FHIR's address a stranger hears 401 of everything.
func absent(status int) bool {
	switch status {
	case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusUnauthorized, http.StatusBadRequest:
		return true
	}
	return false
}
