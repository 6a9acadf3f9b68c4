package store_test

import (
	"bytes"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/tutela-health/tutela/internal/testkit"
)

// cut is where a connection breaks. A client that sends its text has its connection cut there.
type cut string

const (
	cutBefore cut = "cut before the server sees it"
	cutAfter  cut = "cut after the server has committed"
	cutLate   cut = "cut first and seen by the server later"
)

// proxy stands between client and server and breaks one connection.
type proxy struct {
	cluster  *testkit.Cluster
	listener net.Listener
	wg       sync.WaitGroup

	mu   sync.Mutex // guards what follows
	done bool       // a connection was cut
	late *link
	open []net.Conn
}

// link is one connection through the proxy.
type link struct {
	client, server net.Conn
	muted          chan struct{} // closed when the client gets no more answers
	held           []byte        // what cutLate keeps from the server
	answer         chan []byte   // what the server says to it
}

func startProxy(t *testing.T, c *testkit.Cluster) *proxy {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp4", "127.0.0.1:0")
	must(t, err)
	p := &proxy{cluster: c, listener: l}
	p.wg.Go(p.accept)
	t.Cleanup(func() {
		l.Close()
		p.mu.Lock()
		for _, c := range p.open {
			c.Close()
		}
		p.mu.Unlock()
		p.wg.Wait()
	})
	return p
}

// url is a fresh database, reached through the proxy.
func (p *proxy) url(t *testing.T) string {
	t.Helper()
	direct, err := p.cluster.CreateDatabase(t.Context())
	must(t, err)
	from := fmt.Sprintf(":%d/", p.cluster.Port())
	to := fmt.Sprintf(":%d/", p.listener.Addr().(*net.TCPAddr).Port)
	return strings.Replace(direct, from, to, 1)
}

func (p *proxy) hasCut() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.done
}

// releaseLate hands the server what cutLate held back, and checks that it does not commit it too.
func (p *proxy) releaseLate(t *testing.T) {
	t.Helper()
	p.mu.Lock()
	l := p.late
	p.mu.Unlock()
	if l == nil {
		return
	}
	_, err := l.server.Write(l.held)
	must(t, err)
	if answer := <-l.answer; len(answer) == 0 || bytes.Contains(answer, []byte("COMMIT")) {
		t.Errorf("the server answered what came late with %q", answer)
	}
}

func (p *proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp4", fmt.Sprintf("127.0.0.1:%d", p.cluster.Port()))
		if err != nil {
			client.Close()
			continue
		}
		p.mu.Lock()
		p.open = append(p.open, client, server)
		p.mu.Unlock()
		l := &link{client: client, server: server, muted: make(chan struct{}), answer: make(chan []byte, 1)}
		p.wg.Go(func() { p.up(l) })
		p.wg.Go(l.down)
	}
}

// up carries the client's bytes until one of the cuts' texts passes.
func (p *proxy) up(l *link) {
	buf := make([]byte, 1<<20)
	for {
		n, err := l.client.Read(buf)
		if err != nil {
			l.server.Close()
			return
		}
		switch p.cutIn(buf[:n]) {
		case cutBefore:
			l.client.Close()
			l.server.Close()
			return
		case cutAfter:
			close(l.muted)
		case cutLate:
			l.held = bytes.Clone(buf[:n])
			p.mu.Lock()
			p.late = l
			p.mu.Unlock()
			close(l.muted)
			l.client.Close()
			return
		}
		if _, err := l.server.Write(buf[:n]); err != nil {
			l.client.Close()
			return
		}
	}
}

// cutIn finds the first cut's text to pass through this proxy.
func (p *proxy) cutIn(chunk []byte) cut {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range []cut{cutBefore, cutAfter, cutLate} {
		if !p.done && bytes.Contains(chunk, []byte(c)) {
			p.done = true
			return c
		}
	}
	return ""
}

// down carries the server's answers. Once muted it keeps them back and, when COMMIT was answered or
// refused, closes the connection.
func (l *link) down() {
	defer l.client.Close()
	buf := make([]byte, 1<<16)
	for {
		n, err := l.server.Read(buf)
		if err != nil {
			close(l.answer)
			return
		}
		select {
		case <-l.muted:
			l.swallow(buf[:n])
			return
		default:
		}
		if _, err := l.client.Write(buf[:n]); err != nil {
			l.server.Close()
		}
	}
}

// swallow reads answers, of which first is the beginning, up to the end of the pipeline.
func (l *link) swallow(first []byte) {
	answer := bytes.Clone(first)
	buf := make([]byte, 1<<16)
	for !bytes.Contains(answer, []byte("Z\x00\x00\x00\x05")) { // ReadyForQuery
		n, err := l.server.Read(buf)
		if err != nil {
			break
		}
		answer = append(answer, buf[:n]...)
	}
	l.answer <- answer
	l.server.Close()
}
