package testkit

import (
	"compress/gzip"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

// Taken is a request that a Target took.
type Taken struct {
	Path   string
	Header http.Header
	Body   []byte // unzipped
}

// Target is another system that takes requests over TLS, as the test says. Safe for concurrent use.
type Target struct {
	*httptest.Server

	mu     sync.Mutex
	says   func(Taken) string // guarded by mu
	status int                // guarded by mu; 0: 200
	list   []Taken            // guarded by mu; answered with 200
	tries  int                // guarded by mu
}

// StartTarget starts a Target that answers what says gives, and has it end with the test.
func StartTarget(t testing.TB, says func(Taken) string) *Target {
	t.Helper()
	g := &Target{says: says}
	g.Server = httptest.NewTLSServer(http.HandlerFunc(g.serve))
	t.Cleanup(g.Close)
	return g
}

func (g *Target) serve(w http.ResponseWriter, r *http.Request) {
	var from io.Reader = r.Body
	if r.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(r.Body)
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		from = z
	}
	body, err := io.ReadAll(from)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.tries++
	if err != nil || g.status != 0 {
		w.WriteHeader(max(g.status, http.StatusBadRequest))
		return
	}
	one := Taken{r.URL.Path, r.Header, body}
	g.list = append(g.list, one)
	if g.says != nil {
		_, _ = io.WriteString(w, g.says(one)) // whoever asked may have left
	}
}

// Answer has it answer everything with a status; 0 has it take what comes.
func (g *Target) Answer(status int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.status = status
}

// Say has it answer otherwise.
func (g *Target) Say(says func(Taken) string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.says = says
}

// Took are the requests that it took.
func (g *Target) Took() []Taken {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]Taken{}, g.list...)
}

// Tried is how often it was asked.
func (g *Target) Tried() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.tries
}

// PEM is its certificate, which is its own authority.
func (g *Target) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: g.Certificate().Raw})
}
