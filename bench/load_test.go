package main

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// served starts an HTTPS server and gives a load of n requests from two connections upon it.
func served(t *testing.T, n int64, h http.HandlerFunc) load {
	t.Helper()
	s := httptest.NewTLSServer(h)
	t.Cleanup(s.Close)
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	return load{
		address: s.Listener.Addr().String(), connections: 2, within: time.Minute, limit: n,
		tls:      &tls.Config{RootCAs: roots, ServerName: "example.com", MinVersion: tls.VersionTLS12},
		requests: [][]byte{get("example.com", "/a", "t"), post("example.com", "/b", "t", []byte("body"))},
	}
}

func TestLoadMeasuresEveryAnsweredRequest(t *testing.T) {
	var asked atomic.Int64
	l := served(t, 51, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || r.Header.Get("Authorization") != "Bearer t" || (r.Method == http.MethodPost) != (string(body) == "body") {
			http.Error(w, "not as it was sent", http.StatusBadRequest)
			return
		}
		asked.Add(1)
		_, _ = io.WriteString(w, "answer")
	})
	m, err := l.run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []int64{51, 51 + int64(l.connections)} // each connection asks once before the clock starts
	if diff := cmp.Diff(want, []int64{int64(m.requests()), asked.Load()}); diff != "" {
		t.Errorf("measured and asked (-want +got):\n%s", diff)
	}
}

func TestLoadEndsWithTheFirstRefusal(t *testing.T) {
	var asked atomic.Int64
	l := served(t, 1000, func(w http.ResponseWriter, _ *http.Request) {
		if asked.Add(1) > 10 {
			w.WriteHeader(http.StatusForbidden)
		}
	})
	if _, err := l.run(t.Context()); err == nil {
		t.Error("a load that was refused gave a figure")
	}
}
