package store_test

import (
	"bytes"
	"fmt"
	"io"
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
	late func() error
	open []net.Conn
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

// releaseLate hands the server what cutLate held back, and returns when it has answered.
func (p *proxy) releaseLate(t *testing.T) {
	t.Helper()
	p.mu.Lock()
	late := p.late
	p.mu.Unlock()
	if late != nil {
		must(t, late())
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
		muted := make(chan struct{})
		p.wg.Go(func() { p.up(client, server, muted) })
		p.wg.Go(func() { p.down(client, server, muted) })
	}
}

// up carries the client's bytes until one of the cuts' texts passes.
func (p *proxy) up(client, server net.Conn, muted chan struct{}) {
	buf := make([]byte, 1<<20)
	for {
		n, err := client.Read(buf)
		if err != nil {
			server.Close()
			return
		}
		switch p.cutIn(buf[:n]) {
		case cutBefore:
			client.Close()
			server.Close()
			return
		case cutAfter:
			close(muted)
		case cutLate:
			close(muted)
			p.hold(bytes.Clone(buf[:n]), server)
			client.Close()
			return
		}
		if _, err := server.Write(buf[:n]); err != nil {
			client.Close()
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

func (p *proxy) hold(chunk []byte, server net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.late = func() error {
		if _, err := server.Write(chunk); err != nil {
			return err
		}
		answer := make([]byte, 1<<16)
		n, err := server.Read(answer)
		if err == nil && bytes.Contains(answer[:n], []byte("COMMIT")) {
			err = fmt.Errorf("the server committed a second time")
		}
		return err
	}
}

// down carries the server's answers. Once muted it waits for COMMIT's and then closes.
func (p *proxy) down(client, server net.Conn, muted chan struct{}) {
	buf := make([]byte, 1<<16)
	for {
		select {
		case <-muted:
			p.swallow(client, server)
			return
		default:
		}
		n, err := server.Read(buf)
		select {
		case <-muted:
			if err == nil {
				p.swallowFrom(buf[:n], client, server)
			}
			return
		default:
		}
		if err != nil {
			client.Close()
			return
		}
		if _, err := client.Write(buf[:n]); err != nil && err != io.EOF {
			server.Close()
			return
		}
	}
}

func (p *proxy) swallow(client, server net.Conn) { p.swallowFrom(nil, client, server) }

// swallowFrom drops answers up to COMMIT's, of which first is the beginning.
func (p *proxy) swallowFrom(first []byte, client, server net.Conn) {
	p.mu.Lock()
	late := p.late != nil
	p.mu.Unlock()
	if late {
		return // releaseLate reads the answer
	}
	answers := bytes.Clone(first)
	buf := make([]byte, 1<<16)
	for !bytes.Contains(answers, []byte("COMMIT")) {
		n, err := server.Read(buf)
		if err != nil {
			break
		}
		answers = append(answers, buf[:n]...)
	}
	client.Close()
	server.Close()
}
