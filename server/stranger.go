package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/tutela-health/tutela"
)

// stranger asks the running server from outside, as anybody can who reaches its address.
type stranger struct {
	base string
	tls  *tls.Config
	http *http.Client
}

// said is an answer.
type said struct {
	status int
	header http.Header
	body   string
}

// try is something that a stranger tries. It gives what is wrong, or what was seen where nothing is; an error says that
// nothing could be learned.
type try func(ctx context.Context, s *stranger) (wrong []string, told string, err error)

// tried is a check in which a stranger tries.
func (c CheckConfig) tried(what try) func(context.Context) tutela.Evidence {
	return func(ctx context.Context) tutela.Evidence {
		transport := &http.Transport{TLSClientConfig: c.TLS}
		defer transport.CloseIdleConnections()
		s := &stranger{base: c.Base, tls: c.TLS, http: &http.Client{Transport: transport, Timeout: strangerWaits,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
		wrong, told, err := what(ctx, s)
		switch {
		case err != nil:
			return observed(c.Base, tutela.CouldNotCheck, "%v", err)
		case len(wrong) > 0:
			return observed(c.Base, tutela.Fail, "%s", few(wrong))
		}
		return observed(c.Base, tutela.Pass, "%s", told)
	}
}

// few names the first of what is wrong, and counts the rest.
func few(wrong []string) string {
	const most = 3
	text := strings.Join(wrong[:min(len(wrong), most)], "; ")
	if more := len(wrong) - most; more > 0 {
		text += fmt.Sprintf("; and %d more", more)
	}
	return text
}

// asking is a request.
type asking struct {
	method, path, body string
	header             map[string]string
}

// get asks for a path.
func get(path string) asking { return asking{method: http.MethodGet, path: path} }

// postForm sends a form.
func postForm(path, body string) asking {
	return asking{method: http.MethodPost, path: path, body: body, header: map[string]string{"Content-Type": "application/x-www-form-urlencoded"}}
}

// with adds a header.
func (a asking) with(name, value string) asking {
	h := map[string]string{name: value}
	for k, v := range a.header {
		h[k] = v
	}
	a.header = h
	return a
}

// name is what evidence calls a request: without its query, which may hold what was tried.
func (a asking) name() string {
	path, _, _ := strings.Cut(a.path, "?")
	return a.method + " " + path
}

// ask sends a request, and comes back when it is told that this network has called too fast.
func (s *stranger) ask(ctx context.Context, a asking) (said, error) {
	for {
		got, err := s.once(ctx, a)
		if err != nil {
			return said{}, fmt.Errorf("%s could not be asked: %w", a.name(), err)
		}
		if got.status != http.StatusTooManyRequests {
			return got, nil
		}
		seconds, err := strconv.Atoi(got.header.Get("Retry-After"))
		if wait := time.Duration(seconds) * time.Second; err != nil || wait > strangerWaits {
			return said{}, errors.New("this network has called too fast")
		}
		select {
		case <-ctx.Done():
			return said{}, ctx.Err()
		case <-time.After(time.Duration(max(seconds, 1)) * time.Second):
		}
	}
}

func (s *stranger) once(ctx context.Context, a asking) (said, error) {
	r, err := http.NewRequestWithContext(ctx, a.method, s.base+a.path, strings.NewReader(a.body))
	if err != nil {
		return said{}, err
	}
	for name, value := range a.header {
		r.Header.Set(name, value)
	}
	res, err := s.http.Do(r)
	if err != nil {
		return said{}, err
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, strangerReads))
	return said{res.StatusCode, res.Header, string(body)}, errors.Join(err, res.Body.Close())
}

// each asks for several, and gives what judge finds wrong of the answers, under the request's name.
func (s *stranger) each(ctx context.Context, list []asking, judge func(asking, said) string) (wrong []string, err error) {
	for _, a := range list {
		got, err := s.ask(ctx, a)
		if err != nil {
			return nil, err
		}
		if text := judge(a, got); text != "" {
			wrong = append(wrong, a.name()+" "+text)
		}
	}
	return wrong, nil
}
