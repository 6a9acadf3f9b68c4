package testkit

import (
	"errors"
	"net"
	"syscall"
	"testing"
)

// Two tests that run at once never start their servers on one port: not while one listens, nor before or after.
func TestPortIsLeftToOneServer(t *testing.T) {
	p, err := freePort(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := takePort(t.Context(), p.number); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("a port that is held: %v", err)
	}
	if err := errors.Join(p.free(), p.free()); err != nil {
		t.Fatal(err)
	}
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp4", net.JoinHostPort("127.0.0.1", p.String()))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := takePort(t.Context(), p.number); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("a port that somebody listens on: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := takePort(t.Context(), p.number)
	if err != nil {
		t.Fatalf("a port that was given back: %v", err)
	}
	if err := again.free(); err != nil {
		t.Fatal(err)
	}
}
